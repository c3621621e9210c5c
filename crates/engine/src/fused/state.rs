//! Parameters and optimiser state by name, as the reference step knows them.

use super::FusedStep;
use super::layer::{Layer, Tracked};
use crate::optimizer::{STEP, read_state};
use crate::reference::LIVE;
use crate::{NamedTensors, StepError};
use candle_core::{DType, Device, Result, Tensor};
use relumine_kernels::Panels;
use relumine_model::ModelError;

impl FusedStep {
    /// Parameters and buffers.
    fn tracked(&self) -> impl Iterator<Item = &Tracked> {
        self.layers.iter().flat_map(Layer::tensors)
    }

    fn tracked_mut(&mut self) -> impl Iterator<Item = &mut Tracked> {
        self.layers.iter_mut().flat_map(Layer::tensors_mut)
    }

    /// What gradients change: what the optimiser has a state for.
    fn trainable(&self) -> impl Iterator<Item = &Tracked> {
        self.tracked().filter(|tracked| tracked.role.is_trainable())
    }

    /// The weights that evaluation uses, and the buffers.
    pub(super) fn evaluated_tensors(&self) -> Result<NamedTensors> {
        self.tracked().map(|tracked| Ok((tracked.name.clone(), tracked.to_tensor(tracked.evaluated())?))).collect()
    }

    /// Overwrites all weights and buffers; nothing has changed where a tensor is refused.
    pub(super) fn load_tensors(&mut self, tensors: &NamedTensors) -> std::result::Result<(), StepError> {
        for tracked in self.tracked() {
            let (name, expected) = (tracked.name.clone(), tracked.shape());
            let found = tensors.get(&name).ok_or_else(|| ModelError::MissingTensor { name: name.clone(), shape: expected.clone() })?;
            if found.dims() != expected {
                return Err(ModelError::MisshapenTensor { name, found: found.dims().to_vec(), expected }.into());
            }
        }
        if let Some(name) = tensors.keys().find(|name| self.tracked().all(|tracked| tracked.name != **name)) {
            return Err(ModelError::ExtraTensor { name: name.clone() }.into());
        }
        for tracked in self.tracked_mut() {
            let values = host_values(&tensors[&tracked.name])?;
            tracked.value.copy_from_transposed(&values);
            if let Some(average) = &mut tracked.average {
                average.copy_from_transposed(&values);
            }
        }
        Ok(())
    }

    /// The slots by name, the step counter, and the weights that are being trained where evaluation uses their average.
    pub(super) fn state_tensors(&self) -> Result<NamedTensors> {
        let rule = self.clock.config.rule();
        let mut state = NamedTensors::new();
        for tracked in self.trainable() {
            for (slot, values) in rule.slots().iter().zip(&tracked.slots) {
                state.insert(format!("{}.{slot}", tracked.name), tracked.to_tensor(values)?);
            }
            if tracked.average.is_some() {
                state.insert(format!("{}{LIVE}", tracked.name), tracked.to_tensor(&tracked.value)?);
            }
        }
        let steps = i64::try_from(self.clock.steps).map_err(candle_core::Error::wrap)?;
        state.insert(STEP.into(), Tensor::new(&[steps], &Device::Cpu)?);
        Ok(state)
    }

    /// Overwrites what [`state_tensors`](Self::state_tensors) gives; nothing has changed where a tensor is refused.
    pub(super) fn load_state_tensors(&mut self, state: &NamedTensors) -> std::result::Result<(), StepError> {
        let averaged = self.ema_decay.is_some();
        let slots = self.clock.config.rule().slots();
        let parts: Vec<String> = slots.iter().map(|slot| format!(".{slot}")).chain(averaged.then(|| LIVE.to_owned())).collect();
        let parameters: Vec<_> = self.trainable().map(|tracked| (tracked.name.clone(), tracked.shape())).collect();
        let (tensors, steps) = read_state(state, &parameters, &parts)?;
        let loaded = tensors.iter().map(host_values).collect::<Result<Vec<_>>>()?;
        self.clock.steps = steps;
        let mut loaded = loaded.into_iter();
        for tracked in self.tracked_mut().filter(|tracked| tracked.role.is_trainable()) {
            let live = averaged.then_some(&mut tracked.value);
            let places: Vec<&mut Panels> = tracked.slots.iter_mut().chain(live).collect();
            for (place, values) in places.into_iter().zip(&mut loaded) {
                place.copy_from_transposed(&values);
            }
        }
        Ok(())
    }
}

pub(crate) fn host_values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}
