//! Readers of what runs are made of and leave: recipes and checkpoints.

use crate::data::Outcome;
use crate::scratch::Scratch;
use relumine::checkpoint::{Manifest, tensors_of};
use relumine::recipe::{Origin, Recipe};
use relumine_engine::{FusedStep, Step, TrainingConfig};
use relumine_export::{TrainedModel, import};
use relumine_model::{Architecture, ModelConfig};
use relumine_report::Signature;
use std::path::Path;

/// A recipe, and after each zero byte an override. What is accepted can be written down and read back.
pub fn recipe(bytes: &[u8]) -> Outcome {
    let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut parts = text.split('\0').map(str::to_owned);
    let origin = |text: String| Origin { name: "recipe".into(), shown: "recipe.toml".into(), text, folder: None };
    let text = parts.next().unwrap_or_default();
    let recipe = Recipe::load(&origin(text), &parts.collect::<Vec<_>>()).map_err(|failure| failure.to_string())?;
    let _ = recipe.model.architecture(4, 3).map(|architecture| architecture.num_parameters());
    let written = recipe.to_toml().map_err(|error| error.to_string())?;
    let again = Recipe::load(&origin(written.clone()), &[]).unwrap_or_else(|failure| panic!("{failure}: a resolved recipe: {written}"));
    assert_eq!(again, recipe, "written down and read back");
    Ok(())
}

/// A checkpoint's manifest, and what training takes from it.
pub fn manifest(bytes: &[u8]) -> Outcome {
    let manifest = Manifest::parse(bytes).map_err(|error| error.to_string())?;
    let outcome = manifest.outcome(None);
    assert_eq!((manifest.totals().rows, manifest.age().1), (outcome.rows, outcome.epochs));
    Ok(())
}

/// `model.json`.
pub fn model_json(bytes: &[u8]) -> Outcome {
    let signature = Scratch::with(|scratch| Signature::read(&scratch.write("model.json", bytes))).map_err(|error| error.to_string())?;
    assert!(signature.num_features() > 0 && signature.num_logits() > 0);
    let _ = config().architecture(signature.num_features(), signature.classes.len()).map(|architecture| architecture.num_parameters());
    Ok(())
}

/// A checkpoint: for training to go on from, and for export.
pub fn safetensors(bytes: &[u8]) -> Outcome {
    thread_local!(static STEP: std::cell::RefCell<FusedStep> = std::cell::RefCell::new(step()));
    let tensors = tensors_of(Path::new("last.safetensors"), bytes).map_err(|error| error.to_string())?;
    let signature: Signature = serde_json::from_str(include_str!("seeds/model_json/small.json")).map_err(|error| error.to_string())?;
    let _ = TrainedModel::new(&config(), signature, "small", tensors.clone());
    STEP.with_borrow_mut(|step| {
        let _ = step.load_optimizer_state(&tensors);
        step.load_parameters(&tensors).map_err(|error| error.to_string())
    })
}

/// Weights from elsewhere, for a model with normalisation.
pub fn init_from(bytes: &[u8]) -> Outcome {
    thread_local!(static MODEL: Architecture = architecture());
    let imported = MODEL.with(|model| import::from_safetensors(bytes, model)).map_err(|error| error.to_string())?;
    assert!(!imported.tensors.is_empty());
    Ok(())
}

/// Four features, one normalised layer of three units.
fn config() -> ModelConfig {
    serde_json::from_str(r#"{"hidden": [3], "norm": "batch"}"#).expect("a model")
}

fn architecture() -> Architecture {
    config().architecture(4, 3).expect("a model")
}

fn step() -> FusedStep {
    FusedStep::new(&architecture(), &TrainingConfig { threads: 1, ..TrainingConfig::default() }, &candle_core::Device::Cpu).expect("a step")
}
