//! How the weights are spread before training, and after it.

use crate::checkpoint::read_tensors;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::pipeline::{Job, Plan, TrainRows};
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use relumine_engine::NamedTensors;
use relumine_model::calibration;
use relumine_report::{Align, Table, statistics};
use serde::Serialize;
use std::collections::BTreeMap;

/// A tensor of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TensorLine {
    name: String,
    shape: Vec<usize>,
    /// Before training, by the recipe's seed.
    initial: Option<Spread>,
    /// Of the best epoch; `None` for a recipe, which has not been trained.
    best: Option<Spread>,
}

/// What the values of a tensor are like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    mean: f64,
    /// With n in the denominator.
    sd: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(values: &[f32]) -> Self {
        let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let mean = statistics::mean(&values);
        let variance = statistics::mean(&values.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>());
        let (min, max) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (value.min(min), value.max(max)));
        Self { mean, sd: variance.sqrt(), min, max }
    }
}

/// Every tensor of `plan` as the recipe's seed starts it.
pub(super) fn of_recipe(recipe: &Recipe, plan: &Plan, device: &Chosen) -> Result<Vec<TensorLine>, Failure> {
    let seed = recipe.train.seed;
    let is_drawn = recipe.train.init_from.is_none() && !calibration::needs_data(&plan.architecture);
    let prepared = if is_drawn {
        None
    } else {
        let job = Job::prepare(recipe.clone(), "inspected", device.clone(), TrainRows::Divided)?;
        Some(spreads(&job.step()?.parameters()?)?)
    };
    let mut lines = Vec::new();
    for layer in &plan.architecture.layers {
        for tensor in layer.tensors() {
            let initial = match &prepared {
                Some(prepared) => prepared.get(&tensor.name).copied(),
                None => Some(Spread::of(&layer.initial_values(&tensor, seed))),
            };
            lines.push(TensorLine { name: tensor.name, shape: tensor.shape, initial, best: None });
        }
    }
    Ok(lines)
}

/// Every tensor of `plan` as `run` has it: before training and in the best epoch, where it has those.
pub(super) fn of_run(run: &RunDirectory, plan: &Plan) -> Result<Vec<TensorLine>, Failure> {
    // A run that was killed early has no best weights, and a model that ships without its past no initial ones.
    let of_file = |name| {
        let path = run.file(name);
        if path.is_file() { Ok(spreads(&read_tensors(&path)?)?) } else { Ok::<_, Failure>(BTreeMap::new()) }
    };
    let (initial, best) = (of_file(RunDirectory::INITIAL)?, of_file(RunDirectory::BEST)?);
    let line = |tensor: relumine_model::TensorSpec| TensorLine {
        initial: initial.get(&tensor.name).copied(),
        best: best.get(&tensor.name).copied(),
        name: tensor.name,
        shape: tensor.shape,
    };
    Ok(plan.architecture.tensors().into_iter().map(line).collect())
}

fn spreads(tensors: &NamedTensors) -> Result<BTreeMap<String, Spread>, Failure> {
    let mut spreads = BTreeMap::new();
    for (name, tensor) in tensors {
        let values = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>()).map_err(anyhow::Error::new)?;
        spreads.insert(name.clone(), Spread::of(&values));
    }
    Ok(spreads)
}

/// Two rows per tensor where it has been trained.
pub(super) fn weight_table(lines: &[TensorLine]) -> Table {
    let columns = ["mean", "sd", "min", "max"].map(|name| (name, Align::Right));
    let mut table = Table::new(&[&[("tensor", Align::Left), ("shape", Align::Left), ("", Align::Left)], &columns[..]].concat());
    for line in lines {
        let mut row = |name: &str, shape: &str, when: &str, spread: Spread| {
            let numbers = [spread.mean, spread.sd, spread.min, spread.max].map(|number| format!("{number:.5}"));
            table.row([name.to_owned(), shape.to_owned(), when.to_owned()].into_iter().chain(numbers));
        };
        let mut heading = (line.name.as_str(), format!("{:?}", line.shape));
        for (when, spread) in [("initial", line.initial), ("best", line.best)] {
            if let Some(spread) = spread {
                let (name, shape) = std::mem::take(&mut heading);
                row(name, &shape, when, spread);
            }
        }
    }
    table
}
