//! `relumine inspect`.

use crate::cli::InspectArguments;
use crate::failure::Failure;
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use relumine_data::Catalog;
use relumine_model::Architecture;
use relumine_report::{Align, Table};

/// Shows the layers and settings of a recipe or a run.
pub(super) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let origin = if arguments.target.is_dir() {
        let run = RunDirectory::open(&arguments.target).map_err(Failure::Usage)?;
        Origin::from_file(&run.file(RunDirectory::RECIPE))?
    } else {
        Origin::find(Some(&arguments.target))?
    };
    let recipe = Recipe::load(&origin, &arguments.overrides)?;
    let source = Catalog::from_environment().open(&recipe.data.name, recipe.data.label.as_deref(), recipe.data.num_classes)?;
    let split = recipe.data.split_spec().split(&source)?;
    let architecture = recipe.model.architecture(source.train.num_features(), source.classes.len())?;
    let steps = (split.train.len() as u64).div_ceil(recipe.train.batch_size);
    terminal::print(format_args!(
        "data {}: {} train, {} validation, {} test rows; examples of shape {:?}; {} classes\n\n{}\n\
         {} parameters; {} FLOP per example forward; {} steps an epoch, {} in all\n\n{}",
        source.name,
        split.train.len(),
        split.validation.len(),
        split.test.len(),
        source.train.example_shape(),
        source.classes.len(),
        layer_table(&architecture),
        architecture.num_parameters(),
        architecture.forward_flops(),
        steps,
        steps * recipe.train.epochs,
        recipe.to_toml()?
    ))
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
