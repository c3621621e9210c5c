//! What can go wrong in a step.

use relumine_model::ModelError;

/// A step that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The loss is infinite or not a number. The parameters are those of before the step.
    #[error(
        "the loss is {loss} at step {step} (learning rate {learning_rate}, largest gradient {gradient} in {parameter}): \
         lower optimizer.learning_rate, or set optimizer.clip_norm"
    )]
    NonFiniteLoss {
        /// The step, counted from 1.
        step: u64,
        /// The mean loss of its batch.
        loss: f64,
        /// The learning rate that the step would have used.
        learning_rate: f64,
        /// The largest absolute value of any gradient, NaN if there is one.
        gradient: f64,
        /// The parameter it belongs to.
        parameter: String,
    },
    /// The weights give rows a loss that is infinite or not a number: the last steps before have ruined them.
    #[error(
        "the weights after step {step} give a loss of {loss} on the {rows} rows (learning rate {learning_rate}): lower \
         optimizer.learning_rate, or set optimizer.clip_norm"
    )]
    RuinedWeights {
        /// The last step taken, counted from 1.
        step: u64,
        /// Their mean loss.
        loss: f64,
        /// Which rows: train or validation.
        rows: &'static str,
        /// The learning rate.
        learning_rate: f64,
    },
    /// Automatic differentiation did not reach a parameter: an operation in the model has no backward pass.
    #[error("no gradient reached {parameter} at step {step}: an operation between it and the loss cannot be differentiated")]
    NoGradient {
        /// The parameter.
        parameter: String,
        /// The step, counted from 1.
        step: u64,
    },
    /// A configuration that the fused step cannot train.
    #[error("the fused step cannot train this: {reason}; use train.step = \"auto\"")]
    NotFused {
        /// What has no fused form.
        reason: String,
    },
    /// Optimiser state that belongs to another model or optimiser.
    #[error("the optimiser state {problem}: it was saved from another model or optimiser")]
    ForeignState {
        /// What is wrong, as a predicate.
        problem: String,
    },
    /// A GPU failed, or has no room.
    #[error(transparent)]
    Gpu(#[from] relumine_kernels::gpu::GpuError),
    /// The model refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// The largest size of any element, and the parameter it belongs to; what is no number is larger than all.
pub(crate) fn largest_gradient<G: IntoIterator<Item = f32>>(gradients: impl Iterator<Item = (String, G)>) -> (f64, String) {
    let (mut largest, mut parameter) = (0.0_f64, String::new());
    for (name, gradient) in gradients {
        for magnitude in gradient.into_iter().map(|value| f64::from(value).abs()) {
            if parameter.is_empty() || magnitude > largest || (magnitude.is_nan() && !largest.is_nan()) {
                (largest, parameter) = (magnitude, name.clone());
            }
        }
    }
    (largest, parameter)
}
