//! The state of an optimiser by name, to save and to restore.

use super::Optimizer;
use crate::{NamedTensors, StepError};
use candle_core::{DType, Device, Result, Tensor};

/// The state's own counter, beside the slots.
pub(crate) const STEP: &str = "step";

/// Takes a saved state apart: for each parameter, of this name and shape, a tensor for each of the `parts` of its name; and the steps taken.
///
/// # Errors
/// A tensor that is missing, unknown or of another shape.
pub(crate) fn read_state(
    state: &NamedTensors,
    parameters: &[(String, Vec<usize>)],
    parts: &[String],
) -> std::result::Result<(Vec<Tensor>, u64), StepError> {
    let foreign = |problem: String| StepError::ForeignState { problem };
    let expected = 1 + parameters.len() * parts.len();
    if state.len() != expected {
        return Err(foreign(format!("has {} tensors, not {expected}", state.len())));
    }
    let steps = state.get(STEP).ok_or_else(|| foreign("lacks its step counter".into()))?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    let mut tensors = Vec::with_capacity(expected - 1);
    for (parameter, shape) in parameters {
        for part in parts {
            let name = format!("{parameter}{part}");
            let tensor = state.get(&name).ok_or_else(|| foreign(format!("lacks {name}")))?;
            if tensor.dims() != shape.as_slice() {
                return Err(foreign(format!("has {name} of shape {:?}, not {shape:?}", tensor.dims())));
            }
            tensors.push(tensor.clone());
        }
    }
    let steps = steps.first().and_then(|steps| u64::try_from(*steps).ok());
    Ok((tensors, steps.ok_or_else(|| foreign("has a broken step counter".into()))?))
}

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
        let parameters = self.slots.iter().map(|parameter| {
            let shape = parameter.values.first().map_or_else(Vec::new, |value| value.dims().to_vec());
            (parameter.name.clone(), shape)
        });
        let parts: Vec<String> = self.rule.slots().iter().map(|slot| format!(".{slot}")).collect();
        let (tensors, steps) = read_state(state, &parameters.collect::<Vec<_>>(), &parts)?;
        let mut loaded = Vec::new();
        for (tensor, current) in tensors.iter().zip(self.slots.iter().flat_map(|parameter| &parameter.values)) {
            loaded.push(tensor.to_device(current.device())?.to_dtype(current.dtype())?);
        }
        self.clock.steps = steps;
        let mut loaded = loaded.into_iter();
        for value in self.slots.iter_mut().flat_map(|parameter| &mut parameter.values) {
            if let Some(tensor) = loaded.next() {
                *value = tensor;
            }
        }
        Ok(())
    }
}
