//! The state of an optimiser by name, to save and to restore.

use super::Optimizer;
use crate::{NamedTensors, StepError};
use candle_core::{DType, Device, Result, Tensor};

/// The state's own counter, beside the slots.
const STEP: &str = "step";

impl Optimizer {
    /// The state by name: `{parameter}.{slot}`, and `step`.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn state(&self) -> Result<NamedTensors> {
        let mut state = NamedTensors::new();
        for parameter in &self.slots {
            for (slot, value) in self.rule.slots().iter().zip(&parameter.values) {
                state.insert(format!("{}.{slot}", parameter.name), value.copy()?);
            }
        }
        let steps = i64::try_from(self.clock.steps).map_err(candle_core::Error::wrap)?;
        state.insert(STEP.into(), Tensor::new(&[steps], &Device::Cpu)?);
        Ok(state)
    }

    /// Overwrites the state with what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// A tensor that is missing, unknown or of another shape; nothing has changed then.
    pub fn load_state(&mut self, state: &NamedTensors) -> std::result::Result<(), StepError> {
        let foreign = |problem: String| StepError::ForeignState { problem };
        let expected = 1 + self.slots.len() * self.rule.slots().len();
        if state.len() != expected {
            return Err(foreign(format!("has {} tensors, not {expected}", state.len())));
        }
        let steps = state.get(STEP).ok_or_else(|| foreign("lacks its step counter".into()))?.to_dtype(DType::I64)?;
        let mut loaded = Vec::new();
        for parameter in &self.slots {
            for (slot, current) in self.rule.slots().iter().zip(&parameter.values) {
                let name = format!("{}.{slot}", parameter.name);
                let value = state.get(&name).ok_or_else(|| foreign(format!("lacks {name}")))?;
                if value.dims() != current.dims() {
                    return Err(foreign(format!("has {name} of shape {:?}, not {:?}", value.dims(), current.dims())));
                }
                loaded.push(value.to_device(current.device())?.to_dtype(current.dtype())?);
            }
        }
        let steps = steps.to_vec1::<i64>()?.first().and_then(|steps| u64::try_from(*steps).ok());
        self.clock.steps = steps.ok_or_else(|| foreign("has a broken step counter".into()))?;
        let mut loaded = loaded.into_iter();
        for value in self.slots.iter_mut().flat_map(|parameter| &mut parameter.values) {
            if let Some(tensor) = loaded.next() {
                *value = tensor;
            }
        }
        Ok(())
    }
}
