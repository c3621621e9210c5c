//! What a recipe makes of its data: everything that can be said before anything is moved to a device.

use super::ChosenStep;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::reading;
use crate::recipe::{ClassWeights, Recipe, TrainSection};
use relumine_data::{Catalog, RowNumbers, Scaler, Source, Split};
use relumine_engine::{Augmentation, Horizon, Objective};
use relumine_model::{Architecture, ConfigError, DropoutKind};
use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream};

/// A recipe checked against its data.
#[derive(Debug)]
pub struct Plan {
    /// Which rows train, validate and test.
    pub split: Split,
    /// The numbers of the test rows in their files.
    pub test_row_numbers: RowNumbers,
    /// A checksum of the data and its division.
    pub fingerprint: String,
    /// The layers.
    pub architecture: Architecture,
    /// What is minimised.
    pub objective: Objective,
    /// How the training images are changed at random.
    pub augmentation: Option<Augmentation>,
    /// How features are scaled.
    pub scaler: Scaler,
    /// By which step, and why.
    pub step: ChosenStep,
    /// The plan of the run, by which schedules measure time.
    pub horizon: Horizon,
}

/// Which rows a job trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainRows {
    /// The train rows.
    Divided,
    /// Train and validation rows together, when everything has been chosen.
    Merged,
}

/// Opens the data that a recipe names.
///
/// # Errors
/// Data that is missing or broken, and a signal while it was read.
pub fn open(recipe: &Recipe) -> Result<Source, Failure> {
    let opened = Catalog::from_environment().open(&recipe.data.name, &reading::options(&recipe.data));
    let source = opened.inspect_err(reading::say_interrupted)?;
    reading::say_skipped(&source.skipped);
    Ok(source)
}

impl Plan {
    /// Divides the data, builds the layers and fits the scaling.
    ///
    /// # Errors
    /// Settings that do not fit the data, or a step that cannot train them on this device.
    pub fn new(recipe: &Recipe, source: &Source, device: &Chosen, train_rows: TrainRows) -> Result<Self, Failure> {
        let divided = recipe.data.split_spec().split(source)?;
        let fingerprint = divided.fingerprint(source);
        Self::of_division(recipe, source, device, train_rows, (divided, fingerprint))
    }

    /// As [`new`](Self::new), of data that has been divided: with the rows of each part and the division's fingerprint.
    ///
    /// # Errors
    /// As there.
    pub(super) fn of_division(
        recipe: &Recipe,
        source: &Source,
        device: &Chosen,
        train_rows: TrainRows,
        (divided, fingerprint): (Split, String),
    ) -> Result<Self, Failure> {
        check_validation(recipe, &divided)?;
        let horizon = horizon(&recipe.train, divided.train.len());
        recipe.warn_of_young_average(horizon);
        let split = used_rows(divided, &recipe.train, train_rows);
        let architecture = recipe.model.architecture(source.train.num_features(), source.classes.len())?;
        let objective = objective(&recipe.train, source, &split)?;
        let augmentation = recipe.augment.map_or(Ok(None), |augment| augment.for_examples(source.train.example_shape()))?;
        let scaler = Scaler::fit(recipe.data.scale, &source.train, &split.train);
        scaler.check(recipe.data.scale, source)?;
        let step = ChosenStep::choose(&recipe.train, device, augmentation.is_some())?;
        let test_row_numbers = source.tested().row_numbers().clone();
        Ok(Self { split, test_row_numbers, fingerprint, architecture, objective, augmentation, scaler, step, horizon })
    }

    /// The share of the first layer's inputs that are not zero in training: of the scaled features of the train rows, less what dropout
    /// takes. Noise leaves no zeros, and neither does alpha dropout.
    #[must_use]
    pub fn lit_share(&self, source: &Source) -> f64 {
        let (features, width) = (source.train.features(), source.train.num_features());
        let offset = |column: usize| self.scaler.offset[column % self.scaler.offset.len()];
        let lit_in = |row: &u32| (0..width).filter(|column| features.get(*row as usize * width + column) != offset(*column)).count();
        let lit: usize = self.split.train.iter().map(lit_in).sum();
        let share = match self.architecture.layers.first() {
            Some(first) if first.dropout_kind == DropoutKind::AlphaDropout && first.input_dropout > 0.0 => return 1.0,
            Some(first) if first.input_noise > 0.0 => return 1.0 - first.input_dropout,
            Some(first) => 1.0 - first.input_dropout,
            None => 1.0,
        };
        share * lit as f64 / (self.split.train.len() * width) as f64
    }
}

/// The permutation is of positions and not of rows, so that it does not depend on the split.
pub(super) fn shuffled(rows: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let order = permutation(&Stream::new(seed, Purpose::Shuffle, 0), (epoch - 1) as u32, rows.len() as u32);
    order.into_iter().map(|position| rows[position as usize]).collect()
}

/// The rows of each part that this job uses, of those that the recipe divides the data into.
fn used_rows(mut split: Split, train: &TrainSection, train_rows: TrainRows) -> Split {
    if train_rows == TrainRows::Merged {
        split.train.append(&mut split.validation);
        split.train.sort_unstable();
    }
    if let Some(batches) = train.overfit_batches {
        let count = usize::try_from(batches.saturating_mul(train.batch_size)).unwrap_or(usize::MAX);
        let mut rows = shuffled(&split.train, train.seed, 1);
        rows.truncate(count);
        rows.sort_unstable();
        split = Split { validation: rows.clone(), train: rows, test: Vec::new() };
    }
    split
}

/// The plan of a run on so many train rows.
fn horizon(train: &TrainSection, rows: usize) -> Horizon {
    let rows = train.overfit_batches.map_or(rows as u64, |batches| batches.saturating_mul(train.batch_size).min(rows as u64));
    let steps_per_epoch = rows.div_ceil(train.rows_per_step() as u64);
    let total_steps = steps_per_epoch.saturating_mul(train.epochs);
    Horizon { steps_per_epoch, total_steps: train.max_steps.map_or(total_steps, |most| most.min(total_steps)) }
}

/// Refuses settings that look at validation rows where there are none.
fn check_validation(recipe: &Recipe, split: &Split) -> Result<(), ConfigError> {
    let of_schedule = recipe.optimizer.schedule.plateau().map(|_| "optimizer.schedule");
    match recipe.train.needs_validation().or(of_schedule) {
        Some(key) if split.validation.is_empty() && recipe.train.overfit_batches.is_none() => {
            let remedy = "it looks at the validation rows; set some aside, as in data.validation = 0.1, or remove it";
            Err(ConfigError::new(key, "set without validation rows", remedy))
        }
        _ => Ok(()),
    }
}

fn objective(train: &TrainSection, source: &Source, split: &Split) -> Result<Objective, ConfigError> {
    let num_classes = source.classes.len();
    let class_weights = train.class_weights.as_ref().map(|weights| match weights {
        ClassWeights::Listed(weights) => weights.clone(),
        ClassWeights::Rule(_) => {
            let labels: Vec<u32> = split.train.iter().map(|row| source.train.labels()[*row as usize]).collect();
            Objective::balanced_weights(&labels, num_classes)
        }
    });
    let objective = Objective { label_smoothing: train.label_smoothing, class_weights };
    objective.validate(num_classes)?;
    Ok(objective)
}
