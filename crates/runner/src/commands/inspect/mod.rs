//! `relumine inspect`.

mod layers;
mod weights;

use crate::cli::InspectArguments;
use crate::device::{Chosen, DeviceRequest};
use crate::failure::Failure;
use crate::pipeline::{ChosenStep, Plan, TrainRows, open};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use layers::{LayerLine, layer_lines, layer_table};
use relumine_data::Source;
use relumine_engine::FusedStep;
use relumine_report::{Products, Run};
use serde::Serialize;
use weights::{TensorLine, weight_table};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Inspection {
    dataset: String,
    train_rows: usize,
    validation_rows: usize,
    test_rows: usize,
    example_shape: Vec<usize>,
    classes: Vec<String>,
    layers: Vec<LayerLine>,
    parameters: usize,
    /// Operations of the matrix products of one example.
    forward_flops: usize,
    tensors: Vec<TensorLine>,
    steps_per_epoch: u64,
    total_steps: u64,
    /// Which step trains it, and why.
    step: String,
    device: String,
    device_reason: String,
    /// `None` where the step skips no zeros.
    zeros: Option<Skipping>,
    recipe: Recipe,
}

/// Which products skip zeros.
#[derive(Debug, Serialize)]
struct Skipping {
    /// Share of the network's inputs that are not zero in training.
    input_nonzero_share: f64,
    /// Products skip the zeros of a layer's inputs where the share of the others is under this.
    skip_below: f64,
    /// Whether the first layer's products do.
    inputs_skip: bool,
    /// What a run's layers did in its last epoch; `None` for a recipe, whose hidden layers are known only when it has been trained.
    products: Option<Products>,
}

/// Shows what a recipe or a run makes of its data: rows, classes, layers, weights, steps and settings.
pub(super) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let run = arguments.target.is_dir().then(|| RunDirectory::open(&arguments.target)).transpose().map_err(Failure::Usage)?;
    let origin = match &run {
        Some(run) => Origin::from_file(&run.file(RunDirectory::RECIPE))?,
        None => Origin::find(Some(&arguments.target))?,
    };
    run.as_ref().map_or(Ok(()), RunDirectory::check_checkpoints)?;
    let recipe = Recipe::load(&origin, &arguments.overrides)?;
    // What a run wrote is of its own recipe.
    let run = run.filter(|_| arguments.overrides.is_empty());
    let inspection = Inspection::of(recipe, run.as_ref(), &device.open()?)?;
    if arguments.json {
        return terminal::print_json(&inspection);
    }
    terminal::print(inspection.text()?)
}

impl Inspection {
    fn of(recipe: Recipe, run: Option<&RunDirectory>, device: &Chosen) -> Result<Self, Failure> {
        let source = open(&recipe)?;
        let plan = Plan::new(&recipe, &source, device, TrainRows::Divided)?;
        Ok(Self {
            zeros: Skipping::of(&plan, &source, run)?,
            tensors: match run {
                Some(run) => weights::of_run(run, &plan)?,
                None => weights::of_recipe(&recipe, &plan, device)?,
            },
            train_rows: plan.split.train.len(),
            validation_rows: plan.split.validation.len(),
            test_rows: plan.split.test.len(),
            example_shape: source.train.example_shape().to_vec(),
            dataset: source.name,
            classes: source.classes,
            layers: layer_lines(&plan.architecture),
            parameters: plan.architecture.num_parameters(),
            forward_flops: plan.architecture.forward_flops(),
            steps_per_epoch: plan.horizon.steps_per_epoch,
            total_steps: plan.horizon.total_steps,
            step: plan.step.to_string(),
            device: device.name.clone(),
            device_reason: device.reason.clone(),
            recipe,
        })
    }

    fn text(&self) -> Result<String, Failure> {
        Ok(format!(
            "data {}: {} train, {} validation, {} test rows; examples of shape {:?}\n{}\n\n{}\n\
             {} parameters; {} FLOP per example forward; {} steps an epoch, {} in all\n\
             {}; device {} ({})\n{}{}\n{}\n{}",
            self.dataset,
            self.train_rows,
            self.validation_rows,
            self.test_rows,
            self.example_shape,
            class_line(&self.classes),
            layer_table(&self.layers),
            self.parameters,
            self.forward_flops,
            self.steps_per_epoch,
            self.total_steps,
            self.step,
            self.device,
            self.device_reason,
            augment_line(&self.recipe),
            self.zeros.as_ref().map_or_else(String::new, Skipping::text),
            weight_table(&self.tensors),
            self.recipe.to_toml()?
        ))
    }
}

impl Skipping {
    /// Of the fused step; the reference step never skips any.
    fn of(plan: &Plan, source: &Source, run: Option<&RunDirectory>) -> Result<Option<Self>, Failure> {
        if plan.step != ChosenStep::Fused {
            return Ok(None);
        }
        let (share, skip_below) = (plan.lit_share(source), FusedStep::SKIP_BELOW);
        // A run that did not come to a summary has no products either.
        let has_summary = |run: &&RunDirectory| run.file(RunDirectory::SUMMARY).is_file();
        let products = match run.filter(has_summary) {
            Some(run) => Run::open(run.path())?.products()?.filter(|products| !products.layers.is_empty()),
            None => None,
        };
        Ok(Some(Self { input_nonzero_share: share, skip_below, inputs_skip: share < skip_below, products }))
    }

    fn text(&self) -> String {
        let verb = if self.inputs_skip { "skip" } else { "do not skip" };
        let inputs = format!("inputs: {:.0} % not zero: products {verb} zeros", 100.0 * self.input_nonzero_share);
        match &self.products {
            Some(products) => format!("{inputs}\n\nzeros in training, as of epoch {}:\n{}", products.epoch, products.table()),
            None => format!(
                "{inputs}\nhidden layers: how many of their outputs are zero is known after training, and inspect RUN shows it; products \
                 skip zeros where under {:.0} % are not zero\n",
                100.0 * self.skip_below
            ),
        }
    }
}

/// How training images are changed, if they are. The shares of zeros are those of the images before.
fn augment_line(recipe: &Recipe) -> String {
    recipe.augment.map_or_else(String::new, |augment| format!("training images are changed at random, anew in every epoch: {augment}\n"))
}

/// The first classes in label order.
fn class_line(classes: &[String]) -> String {
    const SHOWN: usize = 20;
    let names = classes[..classes.len().min(SHOWN)].join(", ");
    let more = if classes.len() > SHOWN { format!(", and {} more", classes.len() - SHOWN) } else { String::new() };
    format!("{} classes: {names}{more}", classes.len())
}
