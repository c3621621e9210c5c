//! The recipe, and how the run ended, for TensorBoard's hparams tab.

use super::messages::{HParams, SessionEnd, SessionStart, Setting, Value};
use crate::recipe::Recipe;
use anyhow::Context;
use relumine_report::{Settings, Status};

/// The tag of what a session starts with.
const START: &str = "_hparams_/session_start_info";
/// The tag of how a session ended.
pub(super) const END: &str = "_hparams_/session_end_info";
/// Whole numbers up to this are exact in 64 bits of floating point.
const EXACT: i64 = 1 << 53;

/// Every key of the recipe, as `model.dropout`: numbers and booleans as they are, everything else as TOML.
pub(super) fn session_start(recipe: &Recipe, now: f64) -> anyhow::Result<Value> {
    let settings = Settings::parse(&recipe.to_toml()?).context("the recipe is no TOML")?;
    // How a run is logged is no hyperparameter.
    let hparams = settings.iter().filter(|(key, _)| *key != "train.tensorboard").map(|(key, value)| (key.to_owned(), setting(value)));
    let start = SessionStart { hparams: hparams.collect(), start_time_secs: now };
    Ok(Value::hparams(START, &HParams { session_start_info: Some(start), session_end_info: None }))
}

/// A session whose run was interrupted counts as neither a success nor a failure.
pub(super) fn session_end(status: Status, now: f64) -> Value {
    let status = match status {
        Status::Finished => 1,
        Status::Failed => 2,
        Status::Running | Status::Interrupted => 0,
    };
    let end = SessionEnd { status, end_time_secs: now };
    Value::hparams(END, &HParams { session_start_info: None, session_end_info: Some(end) })
}

fn setting(value: &toml::Value) -> Setting {
    let text = |text: String| Setting { string_value: Some(text), ..Setting::default() };
    match value {
        toml::Value::Integer(number) if number.abs() <= EXACT => Setting { number_value: Some(*number as f64), ..Setting::default() },
        toml::Value::Float(number) => Setting { number_value: Some(*number), ..Setting::default() },
        toml::Value::Boolean(truth) => Setting { bool_value: Some(*truth), ..Setting::default() },
        toml::Value::String(string) => text(string.clone()),
        other => text(other.to_string()),
    }
}
