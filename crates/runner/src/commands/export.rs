//! `relumine export`.

use super::output_file::OutputFile;
use super::saved_weights::SavedWeights;
use crate::checkpoint::read_tensors;
use crate::cli::{ExportArguments, ExportFormat};
use crate::failure::Failure;
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use relumine_export::{ExportError, OnnxOptions, TrainedModel, to_npz, to_onnx, to_safetensors};
use relumine_report::Signature;
use std::path::Path;

/// Writes a run's model to a file that other programs read. No data set is opened.
pub(super) fn run(arguments: &ExportArguments) -> Result<(), Failure> {
    check_options(arguments)?;
    OutputFile::check(&arguments.out, arguments.force)?;
    let run = RunDirectory::open(&arguments.run).map_err(Failure::Usage)?;
    let recipe = Recipe::load(&Origin::from_file(&run.file(RunDirectory::RECIPE))?, &[])?;
    SavedWeights::check_recipe(&run, &recipe)?;
    // A run that was killed has no summary, and may have weights all the same.
    let summary = run.file(RunDirectory::SUMMARY).is_file().then(|| run.summary()).transpose()?;
    let weights = SavedWeights::choose(&run, arguments.weights, summary.as_ref())?;
    let signature = Signature::read(&run.file(weights.signature))?;
    let name = summary.map_or_else(|| folder_name(run.path()), |summary| summary.recipe);
    let within = |error: ExportError| anyhow!(error).context(run.file(weights.file).display().to_string());
    let tensors = read_tensors(&run.file(weights.file))?;
    let model = TrainedModel::new(&recipe.model, signature.clone(), &name, tensors).map_err(within)?;
    let options = OnnxOptions { raw_input: arguments.raw_input, probabilities: arguments.probabilities };
    let bytes = match arguments.format {
        ExportFormat::Onnx => to_onnx(&model, options),
        ExportFormat::Safetensors => to_safetensors(&model),
        ExportFormat::Npz => to_npz(&model),
    };
    OutputFile::write_all(&arguments.out, arguments.force, &bytes.map_err(within)?)?;
    let out = arguments.out.display();
    let interface = if arguments.format == ExportFormat::Onnx { interface(&signature, options) } else { names().into() };
    terminal::print(format_args!("{out}: the {} weights of {}\n{interface}\n", weights.name, run.path().display()))
}

fn check_options(arguments: &ExportArguments) -> Result<(), Failure> {
    let ending = arguments.out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let formats = [("onnx", ExportFormat::Onnx), ("safetensors", ExportFormat::Safetensors), ("npz", ExportFormat::Npz)];
    let of_ending = formats.into_iter().find(|(name, _)| ending.as_deref() == Some(*name));
    if let Some((name, _)) = of_ending.filter(|(_, format)| *format != arguments.format) {
        let out = arguments.out.display();
        return Err(Failure::usage(anyhow!(
            "--out {out} is called as another format than is asked for: rename it, or give --format {name}"
        )));
    }
    let flags = [("--raw-input", arguments.raw_input), ("--probabilities", arguments.probabilities)];
    match flags.into_iter().find(|(_, is_set)| *is_set) {
        Some((flag, _)) if arguments.format != ExportFormat::Onnx => {
            let problem = "adds to what an ONNX graph computes, and the other formats hold weights alone";
            Err(Failure::usage(anyhow!("{flag} {problem}: remove it, or give --format onnx")))
        }
        _ => Ok(()),
    }
}

fn folder_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
}

/// What the graph takes and gives.
fn interface(signature: &Signature, options: OnnxOptions) -> String {
    let shape = |sizes: &[usize]| {
        let sizes = sizes.iter().map(|size| format!(", {size}")).collect::<String>();
        format!("[batch{sizes}]")
    };
    let input = match (options.raw_input, signature.full_scale) {
        (true, Some(full_scale)) => format!("pixels from 0 to {full_scale}"),
        (true, None) => "measurements as they are".into(),
        (false, _) => "features scaled as in training (--raw-input takes them as they are)".into(),
    };
    let (output, sizes) =
        if options.probabilities { ("probabilities", signature.classes.len()) } else { ("logits", signature.num_logits()) };
    format!("input {} f32: {input}\n{output} {} f32", shape(&signature.example_shape), shape(&[sizes]))
}

fn names() -> &'static str {
    "tensors layers.N.weight [out, in], layers.N.bias, and of normalisations layers.N.norm.*; they take scaled features, see model.json"
}
