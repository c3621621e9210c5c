//! A few steps on one device, with everything they made.

use super::contender::Contender;
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows};
use crate::recipe::Recipe;
use candle_core::{DType, Device};
use relumine_engine::optimizer::OptimizerName;
use relumine_engine::{NamedTensors, OptimizerConfig};
use relumine_model::norm::Position;
use relumine_model::{LayerSpec, Role, calibration};
use std::collections::{BTreeMap, BTreeSet};

/// Values by name, on the host.
pub(super) type Values = BTreeMap<String, Vec<f32>>;

/// What a device made of a recipe.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) dataset: String,
    /// The step that trained, such as `fused`.
    pub(super) step: &'static str,
    /// Before the first step.
    pub(super) initial: Values,
    /// Whether the initial weights were computed from data, on the device, and not only drawn.
    pub(super) is_calibrated: bool,
    /// What no loss depends on: see [`indifferent`].
    pub(super) indifferent: BTreeSet<String>,
    /// Of the first batch's mean loss, dropout included, without penalties and clipping; of what is trained.
    pub(super) gradients: Values,
    /// The mean loss of each step's batch, in nats.
    pub(super) losses: Vec<f64>,
    /// After the last step, buffers included.
    pub(super) parameters: Values,
}

/// A power of two, which changes no digit, and so large that rounding `weight - RATE * gradient` costs the gradient nothing.
const RATE: f32 = 16_777_216.0;

impl Trace {
    /// Takes `steps` steps of `recipe`.
    ///
    /// # Errors
    /// A device that cannot be had or fails, data that cannot be read, or a loss that is not finite.
    pub(super) fn take(recipe: &Recipe, name: &str, contender: &Contender, steps: u64) -> Result<Self, Failure> {
        let mut recipe = recipe.clone();
        recipe.train.step = contender.step;
        let mut job = Job::prepare(recipe, name, contender.open()?, TrainRows::Divided)?;
        let mut step = job.step()?;
        let initial = on_host(&step.parameters()?)?;
        let mut losses = Vec::new();
        for rows in batches(&job).take(usize::try_from(steps).unwrap_or(usize::MAX)) {
            step.reset_totals()?;
            step.train(&job.examples, &rows)?;
            losses.push(step.totals()?.mean_loss());
        }
        let parameters = on_host(&step.parameters()?)?;
        let name = step.name();
        let gradients = gradients(&mut job)?;
        Ok(Self {
            is_calibrated: calibration::needs_data(&job.architecture),
            indifferent: job.architecture.layers.iter().flat_map(indifferent).collect(),
            dataset: job.dataset,
            step: name,
            initial,
            gradients,
            losses,
            parameters,
        })
    }
}

/// The rows of each step, epoch after epoch.
fn batches(job: &Job) -> impl Iterator<Item = Vec<u32>> {
    let per_step = job.recipe.train.rows_per_step();
    (1..).flat_map(move |epoch| job.epoch_rows(epoch).chunks(per_step).map(<[u32]>::to_vec).collect::<Vec<_>>())
}

/// What a step of plain gradient descent with a known rate changes is the gradient: any step gives it that way.
fn gradients(job: &mut Job) -> Result<Values, Failure> {
    let plain = OptimizerConfig { name: OptimizerName::Sgd, learning_rate: Some(f64::from(RATE)), ..OptimizerConfig::default() };
    job.recipe.optimizer = plain.resolved();
    let mut step = job.step()?;
    let before = on_host(&step.parameters()?)?;
    let rows = batches(job).next().unwrap_or_default();
    step.train(&job.examples, &rows)?;
    let after = on_host(&step.parameters()?)?;
    let trained = job.architecture.tensors().into_iter().filter(|tensor| tensor.role.is_trainable());
    let gradient = |name: &String| {
        let (before, after) = (before.get(name)?, after.get(name)?);
        Some(before.iter().zip(after).map(|(before, after)| (before - after) / RATE).collect())
    };
    Ok(trained.filter_map(|tensor| Some((tensor.name.clone(), gradient(&tensor.name)?))).collect())
}

/// A batch normalisation takes away the bias before it: its gradient is 0 but for rounding, which Adam and its kin blow up to whole steps,
/// and the running mean follows. Two correct devices disagree about both, and about nothing else.
fn indifferent(layer: &LayerSpec) -> Vec<String> {
    let removes_bias = layer.norm.keeps_running_statistics() && layer.norm.position() == Some(Position::BeforeActivation);
    let is_lost = |role| removes_bias && matches!(role, Role::Bias | Role::RunningMean);
    layer.tensors().into_iter().filter(|tensor| is_lost(tensor.role)).map(|tensor| tensor.name).collect()
}

fn on_host(tensors: &NamedTensors) -> Result<Values, Failure> {
    let values = tensors.iter().map(|(name, tensor)| {
        let values = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok((name.clone(), values))
    });
    values.collect::<candle_core::Result<_>>().map_err(|error| Failure::Run(error.into()))
}
