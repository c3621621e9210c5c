//! Which step trains a job.

use crate::device::Chosen;
use crate::recipe::{StepChoice, TrainSection};
use relumine_engine::{FusedForm, Precision};
use relumine_model::ConfigError;
use std::fmt;

/// The step that a job trains by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenStep {
    /// The fused step.
    Fused,
    /// The reference step.
    Reference {
        /// Why the fused step cannot do it; `None` where the recipe asks for this one.
        instead_of_fused: Option<String>,
    },
}

impl ChosenStep {
    /// What `train.step` makes of this device, for training that changes its images at random or does not, in this arithmetic.
    pub(crate) fn choose(train: &TrainSection, device: &Chosen, augments: bool) -> Result<Self, ConfigError> {
        let step = Self::by_device(train.step, &FusedForm::of(&device.device, augments))?;
        if train.precision != Precision::F32 && (step != Self::Fused || device.device.is_cpu()) {
            let remedy =
                "only the fused step on CUDA rounds the factors of its products; set it to f32, or train with --device cuda --step fused";
            return Err(ConfigError::new("train.precision", train.precision.name(), remedy));
        }
        Ok(step)
    }

    fn by_device(choice: StepChoice, form: &FusedForm) -> Result<Self, ConfigError> {
        match (choice, form) {
            (StepChoice::Reference, _) => Ok(Self::Reference { instead_of_fused: None }),
            (_, FusedForm::Ready) | (StepChoice::Fused, FusedForm::Unproven(_)) => Ok(Self::Fused),
            (StepChoice::Fused, FusedForm::Missing(reason)) => {
                Err(ConfigError::new("train.step", "fused", format!("{reason}; set it to auto, which takes the reference step here")))
            }
            (StepChoice::Auto, FusedForm::Missing(reason)) => Ok(Self::Reference { instead_of_fused: Some((*reason).into()) }),
            (StepChoice::Auto, FusedForm::Unproven(reason)) => {
                Ok(Self::Reference { instead_of_fused: Some(format!("{reason}; --step fused takes it")) })
            }
        }
    }
}

impl fmt::Display for ChosenStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fused => formatter.write_str("fused step"),
            Self::Reference { instead_of_fused: None } => formatter.write_str("reference step"),
            Self::Reference { instead_of_fused: Some(reason) } => write!(formatter, "reference step ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unproven_form_is_taken_by_those_who_ask_for_it() {
        let unproven = FusedForm::Unproven("nobody has seen it");
        assert_eq!(ChosenStep::by_device(StepChoice::Fused, &unproven).unwrap(), ChosenStep::Fused);
        assert_eq!(ChosenStep::by_device(StepChoice::Reference, &unproven).unwrap().to_string(), "reference step");
        let auto = ChosenStep::by_device(StepChoice::Auto, &unproven).unwrap();
        assert_eq!(auto.to_string(), "reference step (nobody has seen it; --step fused takes it)");
    }

    #[test]
    fn a_missing_form_is_an_error_for_those_who_ask_for_it() {
        let missing = FusedForm::Missing("there is none");
        let auto = ChosenStep::by_device(StepChoice::Auto, &missing).unwrap();
        assert_eq!(auto, ChosenStep::Reference { instead_of_fused: Some("there is none".into()) });
        let error = ChosenStep::by_device(StepChoice::Fused, &missing).unwrap_err();
        assert_eq!(error.key, "train.step");
        assert_eq!(ChosenStep::by_device(StepChoice::Auto, &FusedForm::Ready).unwrap(), ChosenStep::Fused);
    }
}
