//! `relumine inspect`.

use crate::cli::InspectArguments;
use crate::device::DeviceRequest;
use crate::failure::Failure;
use crate::pipeline::{ChosenStep, Plan, TrainRows, open};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use relumine_data::Source;
use relumine_engine::FusedStep;
use relumine_model::Architecture;
use relumine_report::{Align, Table};

/// Shows what a recipe or a run makes of its data: rows, classes, layers, steps and settings.
pub(super) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let origin = if arguments.target.is_dir() {
        let run = RunDirectory::open(&arguments.target).map_err(Failure::Usage)?;
        Origin::from_file(&run.file(RunDirectory::RECIPE))?
    } else {
        Origin::find(Some(&arguments.target))?
    };
    let recipe = Recipe::load(&origin, &arguments.overrides)?;
    let source = open(&recipe)?;
    let device = device.open()?;
    let plan = Plan::new(&recipe, &source, &device, TrainRows::Divided)?;
    terminal::print(format_args!(
        "data {}: {} train, {} validation, {} test rows; examples of shape {:?}\n{}\n\n{}\n\
         {} parameters; {} FLOP per example forward; {} steps an epoch, {} in all\n\
         {}; device {} ({})\n{}\n{}",
        source.name,
        plan.split.train.len(),
        plan.split.validation.len(),
        plan.split.test.len(),
        source.train.example_shape(),
        class_line(&source.classes),
        layer_table(&plan.architecture),
        plan.architecture.num_parameters(),
        plan.architecture.forward_flops(),
        plan.horizon.steps_per_epoch,
        plan.horizon.total_steps,
        plan.step,
        device.name,
        device.reason,
        zeros_line(&plan, &source),
        recipe.to_toml()?
    ))
}

/// The first classes in label order.
fn class_line(classes: &[String]) -> String {
    const SHOWN: usize = 20;
    let names = classes[..classes.len().min(SHOWN)].join(", ");
    let more = if classes.len() > SHOWN { format!(", and {} more", classes.len() - SHOWN) } else { String::new() };
    format!("{} classes: {names}{more}", classes.len())
}

/// Whether the fused step will skip the zeros of the inputs; nothing for the reference step, which never does.
fn zeros_line(plan: &Plan, source: &Source) -> String {
    if plan.step != ChosenStep::Fused {
        return String::new();
    }
    let share = plan.lit_share(source);
    let verb = if share < FusedStep::SKIP_BELOW { "skip" } else { "do not skip" };
    format!("inputs: {:.0} % not zero: products {verb} zeros\n", 100.0 * share)
}

fn layer_table(architecture: &Architecture) -> Table {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("in", Align::Right),
        ("out", Align::Right),
        ("dropout of input", Align::Right),
        ("weights start as", Align::Left),
        ("activation", Align::Left),
        ("parameters", Align::Right),
    ]);
    for layer in &architecture.layers {
        table.row([
            format!("layers.{}", layer.index),
            layer.fan_in.to_string(),
            layer.fan_out.to_string(),
            layer.input_dropout.to_string(),
            layer.weight_init.name().to_owned(),
            layer.activation.name().to_owned(),
            layer.num_parameters().to_string(),
        ]);
    }
    table
}
