//! What the update kernel is told of an optimiser: its rule once, and the constants of every step.

use super::UpdateArguments;
use crate::optimizer::{Decay, Rule, Update};

/// The constants of one step for one kind of parameter of one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
#[expect(missing_docs, reason = "documented in update.cu")]
pub struct UpdateConstants {
    pub learning_rate: f32,
    pub old1: f32,
    pub new1: f32,
    pub old2: f32,
    pub new2: f32,
    pub root: f32,
    pub epsilon: f32,
    pub momentum: f32,
    pub of_gradient: f32,
    pub of_mean: f32,
    pub clip_value: f32,
    pub coupled_decay: f32,
    pub shrink: f32,
    pub l1: f32,
    pub l2: f32,
    pub average_old: f32,
    pub average_new: f32,
    pub unused: f32,
}

impl UpdateConstants {
    /// Those of an update of the CPU's; without penalties and average.
    #[must_use]
    pub fn new(update: &Update) -> Self {
        let Update { rule, clip_value, coupled_decay, shrink, .. } = *update;
        let constants = Self { clip_value, coupled_decay, shrink, ..Self::default() };
        match rule {
            Rule::Sgd { learning_rate } => Self { learning_rate, ..constants },
            Rule::Momentum { learning_rate, momentum, .. } => Self { learning_rate, momentum, ..constants },
            Rule::Adam { rate, betas: [mean, square], root, epsilon } => {
                let constants = Self { learning_rate: rate, root, epsilon, ..constants };
                Self { old1: mean.old, new1: mean.new, old2: square.old, new2: square.new, ..constants }
            }
            Rule::Nadam { learning_rate, betas: [mean, square], root, epsilon, of_gradient, of_mean } => {
                let constants = Self { learning_rate, root, epsilon, of_gradient, of_mean, ..constants };
                Self { old1: mean.old, new1: mean.new, old2: square.old, new2: square.new, ..constants }
            }
            Rule::RmsProp { learning_rate, rho, epsilon, momentum, .. } => {
                let momentum = momentum.unwrap_or_default();
                Self { learning_rate, old1: rho.old, new1: rho.new, epsilon, momentum, ..constants }
            }
            Rule::Adagrad { learning_rate, epsilon } => Self { learning_rate, epsilon, ..constants },
            Rule::Adadelta { learning_rate, rho, epsilon } => Self { learning_rate, old1: rho.old, new1: rho.new, epsilon, ..constants },
            Rule::Lion { learning_rate, betas: [direction, mean] } => {
                let constants = Self { learning_rate, old1: direction.old, new1: direction.new, ..constants };
                Self { old2: mean.old, new2: mean.new, ..constants }
            }
        }
    }
}

impl UpdateConstants {
    /// With the gradients of `l1 sum |w| + l2 sum w^2`.
    #[must_use]
    pub fn with_penalties(self, l1: f32, l2: f32) -> Self {
        Self { l1, l2, ..self }
    }

    /// With the weights of a moving average of the parameters.
    #[must_use]
    pub fn with_average(self, weights: Decay) -> Self {
        Self { average_old: weights.old, average_new: weights.new, ..self }
    }
}

impl UpdateArguments {
    /// With the rule of an update of the CPU's.
    #[must_use]
    pub fn with_rule(self, rule: Rule) -> Self {
        match rule {
            Rule::Sgd { .. } => Self { rule: 0, ..self },
            Rule::Momentum { nesterov, .. } => Self { rule: 1, is_nesterov: nesterov.into(), ..self },
            Rule::Adam { .. } => Self { rule: 2, ..self },
            Rule::Nadam { .. } => Self { rule: 3, ..self },
            Rule::RmsProp { momentum, centered, .. } => {
                Self { rule: 4, has_momentum: momentum.is_some().into(), is_centered: centered.into(), ..self }
            }
            Rule::Adagrad { .. } => Self { rule: 5, ..self },
            Rule::Adadelta { .. } => Self { rule: 6, ..self },
            Rule::Lion { .. } => Self { rule: 7, ..self },
        }
    }
}
