//! Which step trains a job.

use crate::device::Chosen;
use crate::recipe::StepChoice;
use relumine_engine::FusedStep;
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
    /// What `train.step` makes of this device.
    pub(crate) fn choose(choice: StepChoice, device: &Chosen) -> Result<Self, ConfigError> {
        let reason = match choice {
            StepChoice::Reference => return Ok(Self::Reference { instead_of_fused: None }),
            StepChoice::Auto | StepChoice::Fused => FusedStep::supports(&device.device),
        };
        match (reason, choice) {
            (Ok(()), _) => Ok(Self::Fused),
            (Err(reason), StepChoice::Fused) => {
                Err(ConfigError::new("train.step", "fused", format!("{reason}; set it to auto, which takes the reference step here")))
            }
            (Err(reason), _) => Ok(Self::Reference { instead_of_fused: Some(reason) }),
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
