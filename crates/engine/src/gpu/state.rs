//! Parameters and optimiser state by name, as the other steps know them.

use super::core::Core;
use super::layout::{Layout, Placed};
use crate::reference::LIVE;
use crate::{NamedTensors, StepError};
use candle_core::{DType, Device, Tensor};
use relumine_kernels::gpu::{Values, bytes_of};
use relumine_model::ModelError;

/// The state's own counter, beside the slots.
const STEP: &str = "step";

impl Core {
    fn tensor(&self, array: Values, replica: usize, placed: &Placed) -> Result<Tensor, StepError> {
        let values = self.values(array, replica, placed)?;
        Ok(Tensor::from_vec(values, placed.tensor.shape.as_slice(), &Device::Cpu)?)
    }

    fn put(&self, array: Values, replica: usize, placed: &Placed, values: &[f32]) -> Result<(), StepError> {
        Ok(self.gpu.write(Layout::of_replica(array, replica).words(placed.offset), bytes_of(values))?)
    }

    /// What evaluation uses.
    fn evaluated(&self) -> Values {
        if self.network.is_averaged() { self.memory.average } else { self.memory.parameters }
    }

    /// The gradients that the latest pass left.
    pub(super) fn gradient_tensors(&self, replica: usize) -> Result<NamedTensors, StepError> {
        let of = |placed: &Placed| Ok((placed.tensor.name.clone(), self.tensor(self.memory.gradients, replica, placed)?));
        self.network.layout.parameters.iter().map(of).collect()
    }

    /// Parameters as `array` has them, and running statistics.
    pub(super) fn tensors(&mut self, array: Values, replica: usize) -> Result<NamedTensors, StepError> {
        self.verify()?;
        let of = |(placed, is_parameter): (&Placed, bool)| {
            let array = if is_parameter { array } else { self.memory.running };
            Ok((placed.tensor.name.clone(), self.tensor(array, replica, placed)?))
        };
        self.network.layout.all().map(of).collect()
    }

    /// The weights that evaluation uses, and the running statistics.
    pub(super) fn evaluated_tensors(&mut self, replica: usize) -> Result<NamedTensors, StepError> {
        self.tensors(self.evaluated(), replica)
    }

    /// Overwrites all weights and statistics of a replica; nothing has changed where a tensor is refused.
    pub(super) fn load_tensors(&mut self, replica: usize, tensors: &NamedTensors) -> Result<(), StepError> {
        self.verify()?;
        let mut loaded = Vec::new();
        for (placed, _) in self.network.layout.all() {
            let (name, expected) = (placed.tensor.name.clone(), placed.tensor.shape.clone());
            let found = tensors.get(&name).ok_or_else(|| ModelError::MissingTensor { name: name.clone(), shape: expected.clone() })?;
            if found.dims() != expected {
                return Err(ModelError::MisshapenTensor { name, found: found.dims().to_vec(), expected }.into());
            }
            loaded.push(host_values(found)?);
        }
        let known = |name: &String| self.network.layout.all().any(|(placed, _)| placed.tensor.name == *name);
        if let Some(name) = tensors.keys().find(|name| !known(name)) {
            return Err(ModelError::ExtraTensor { name: name.clone() }.into());
        }
        for ((placed, is_parameter), values) in self.network.layout.all().zip(loaded) {
            let arrays = if is_parameter { [self.memory.parameters, self.memory.average] } else { [self.memory.running, Values::NONE] };
            arrays.into_iter().filter(|array| *array != Values::NONE).try_for_each(|array| self.put(array, replica, placed, &values))?;
        }
        Ok(())
    }

    /// What a later step needs beside the weights that evaluation uses, and where it lies.
    fn state_arrays(&self) -> Vec<(String, Values)> {
        let rule = self.clocks[0].config.rule();
        let slots = rule.slots().iter().map(|slot| format!(".{slot}")).zip(self.memory.slots.iter().copied());
        let live = self.network.is_averaged().then(|| (LIVE.to_owned(), self.memory.parameters));
        slots.chain(live).collect()
    }

    /// The slots by name, the step counter, and the weights that are being trained where evaluation uses their average.
    pub(super) fn state_tensors(&mut self, replica: usize) -> Result<NamedTensors, StepError> {
        self.verify()?;
        let mut state = NamedTensors::new();
        for (part, array) in self.state_arrays() {
            for placed in &self.network.layout.parameters {
                state.insert(format!("{}{part}", placed.tensor.name), self.tensor(array, replica, placed)?);
            }
        }
        let steps = i64::try_from(self.clocks[replica].steps).map_err(candle_core::Error::wrap)?;
        state.insert(STEP.into(), Tensor::new(&[steps], &Device::Cpu)?);
        Ok(state)
    }

    /// Overwrites what [`state_tensors`](Self::state_tensors) gives; nothing has changed where a tensor is refused.
    pub(super) fn load_state_tensors(&mut self, replica: usize, state: &NamedTensors) -> Result<(), StepError> {
        self.verify()?;
        let foreign = |problem: String| StepError::ForeignState { problem };
        let arrays = self.state_arrays();
        let expected = 1 + self.network.layout.parameters.len() * arrays.len();
        if state.len() != expected {
            return Err(foreign(format!("has {} tensors, not {expected}", state.len())));
        }
        let mut loaded = Vec::new();
        for (part, array) in &arrays {
            for placed in &self.network.layout.parameters {
                let (name, shape) = (format!("{}{part}", placed.tensor.name), &placed.tensor.shape);
                let value = state.get(&name).ok_or_else(|| foreign(format!("lacks {name}")))?;
                if value.dims() != shape.as_slice() {
                    return Err(foreign(format!("has {name} of shape {:?}, not {shape:?}", value.dims())));
                }
                loaded.push((*array, placed.clone(), host_values(value)?));
            }
        }
        let steps = state.get(STEP).ok_or_else(|| foreign("lacks its step counter".into()))?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
        let steps = steps.first().and_then(|steps| u64::try_from(*steps).ok());
        let steps = steps.ok_or_else(|| foreign("has a broken step counter".into()))?;
        for (array, placed, values) in loaded {
            self.put(array, replica, &placed, &values)?;
        }
        self.set_steps(replica, steps)
    }
}

fn host_values(tensor: &Tensor) -> Result<Vec<f32>, StepError> {
    Ok(tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}
