//! Parameters and optimiser state by name, as the other steps know them.

use super::core::Core;
use super::layout::{Layout, Placed};
use crate::fused::host_values;
use crate::optimizer::{STEP, read_state};
use crate::reference::LIVE;
use crate::{NamedTensors, StepError};
use candle_core::{Device, Tensor};
use relumine_kernels::gpu::{Values, bytes_of};

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
        self.network.runs[replica].0.check_tensors(tensors)?;
        let loaded = self.network.layout.all().map(|(placed, _)| host_values(&tensors[&placed.tensor.name]));
        let loaded = loaded.collect::<candle_core::Result<Vec<_>>>()?;
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
        let (parts, arrays): (Vec<String>, Vec<Values>) = self.state_arrays().into_iter().unzip();
        let parameters = self.network.layout.parameters.iter();
        let names: Vec<_> = parameters.clone().map(|placed| (placed.tensor.name.clone(), placed.tensor.shape.clone())).collect();
        let (tensors, steps) = read_state(state, &names, &parts)?;
        let loaded = tensors.iter().map(host_values).collect::<candle_core::Result<Vec<_>>>()?;
        let places = parameters.flat_map(|placed| arrays.iter().map(move |array| (placed, *array)));
        places.zip(loaded).try_for_each(|((placed, array), values)| self.put(array, replica, placed, &values))?;
        self.set_steps(replica, steps)
    }
}
