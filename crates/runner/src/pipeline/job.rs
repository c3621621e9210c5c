//! A recipe with its data on a device: all that training and testing need.

use crate::device::Chosen;
use crate::environment::memory_bytes;
use crate::failure::Failure;
use crate::recipe::{Recipe, StepChoice};
use relumine_data::{Catalog, Dataset, Features, Scaler, Split};
use relumine_engine::{Examples, FeatureBuffer, ReferenceStep, Step};
use relumine_model::{Architecture, ConfigError};

/// A recipe made concrete.
#[derive(Debug)]
pub struct Job {
    /// The recipe.
    pub recipe: Recipe,
    /// What runs of it are called after.
    pub recipe_name: String,
    /// What the data is called.
    pub dataset: String,
    /// One name per class.
    pub classes: Vec<String>,
    /// The layers.
    pub architecture: Architecture,
    /// Which rows train, validate and test.
    pub split: Split,
    /// A checksum of the data and its division.
    pub fingerprint: String,
    /// The device.
    pub device: Chosen,
    /// The source's train rows: train and validation rows, and test rows if it has no test set of its own.
    pub examples: Examples,
    /// The source's own test set.
    own_test: Option<Examples>,
}

impl Job {
    /// Opens the data, divides and scales it, and moves it to the device.
    ///
    /// # Errors
    /// Data that is missing or broken, settings that do not fit it, or a device out of memory.
    pub fn prepare(recipe: Recipe, recipe_name: &str, device: Chosen) -> Result<Self, Failure> {
        let source = Catalog::from_environment().open(&recipe.data.name, recipe.data.label.as_deref(), recipe.data.num_classes)?;
        let split = recipe.data.split_spec().split(&source)?;
        let architecture = recipe.model.architecture(source.train.num_features(), source.classes.len())?;
        check_memory(&recipe, &architecture, split.train.len(), &device)?;
        if recipe.train.early_stopping.is_some() && split.validation.is_empty() {
            let remedy = "early stopping watches the validation loss; give it rows, as in data.validation = 0.1, or remove it";
            return Err(ConfigError::new("train.early_stopping", "on without validation rows", remedy).into());
        }
        let scaler = Scaler::fit(recipe.data.scale, &source.train, &split.train);
        scaler.check(recipe.data.scale)?;
        tracing::info!(
            data = source.name,
            train = split.train.len(),
            validation = split.validation.len(),
            test = split.test.len(),
            "data is ready"
        );
        let upload = |data: Dataset| upload(data, &scaler, &device).map_err(|error| Failure::Run(anyhow::Error::new(error)));
        Ok(Self {
            recipe_name: recipe_name.to_owned(),
            fingerprint: split.fingerprint(&source),
            dataset: source.name,
            classes: source.classes,
            architecture,
            split,
            examples: upload(source.train)?,
            own_test: source.test.map(upload).transpose()?,
            device,
            recipe,
        })
    }

    /// A step with fresh weights.
    ///
    /// # Errors
    /// A device out of memory.
    pub fn step(&self) -> Result<Box<dyn Step>, Failure> {
        match self.recipe.train.step {
            StepChoice::Auto | StepChoice::Reference => {
                let seed = self.recipe.train.seed;
                Ok(Box::new(ReferenceStep::new(&self.architecture, &self.recipe.optimizer, seed, &self.device.device)?))
            }
        }
    }

    /// The examples that hold the test rows.
    #[must_use]
    pub fn test_examples(&self) -> &Examples {
        self.own_test.as_ref().unwrap_or(&self.examples)
    }
}

/// Refuses a model that this machine's memory cannot hold, rather than being killed for it.
fn check_memory(recipe: &Recipe, architecture: &Architecture, train_rows: usize, device: &Chosen) -> Result<(), ConfigError> {
    /// Weights, gradients, two moments, and the temporaries of an update: f32 each.
    const BYTES_PER_PARAMETER: usize = 4 * 6;
    /// A layer's outputs, their gradients, and the temporaries of activation and dropout: f32 each.
    const BYTES_PER_UNIT: usize = 4 * 6;
    let batch = usize::try_from(recipe.train.batch_size).unwrap_or(usize::MAX);
    let rows = batch.max(ReferenceStep::EVALUATION_ROWS).min(train_rows);
    let units: usize = architecture.layers.iter().map(|layer| layer.fan_out).sum();
    let parameters = architecture.num_parameters().saturating_mul(BYTES_PER_PARAMETER);
    let needed = parameters.saturating_add(units.saturating_mul(rows).saturating_mul(BYTES_PER_UNIT)) as u64;
    let (true, Some(memory)) = (device.device.is_cpu(), memory_bytes()) else { return Ok(()) };
    if needed > memory {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        let found = format!("{:?}", recipe.model.hidden);
        let remedy =
            format!("training it takes about {:.0} GiB, this machine has {:.0}; use fewer or smaller layers", gib(needed), gib(memory));
        return Err(ConfigError::new("model.hidden", found, remedy));
    }
    Ok(())
}

fn upload(data: Dataset, scaler: &Scaler, device: &Chosen) -> candle_core::Result<Examples> {
    let (features, shape, labels) = data.into_parts();
    let features = match features {
        Features::U8 { values, .. } => FeatureBuffer::U8(values),
        Features::F32(values) => FeatureBuffer::F32(values),
    };
    Examples::new(features, &shape, labels, &scaler.offset, &scaler.divisor, &device.device)
}
