use super::{OptimizerConfig, UpdateRule};
use candle_core::{Result, Tensor};

/// Stochastic gradient descent, with momentum if asked. As `torch.optim.SGD` with dampening 0:
///
/// ```text
/// b <- momentum b + g            (b starts at 0)
/// w <- w - lr b                  or, with nesterov,  w <- w - lr (g + momentum b)
/// ```
///
/// Keras instead folds the learning rate into its velocity (`v <- momentum v - lr g; w <- w + v`), which differs when `lr` changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// How much of the last change is kept.
    pub momentum: f64,
    /// Whether to look ahead along the momentum (Nesterov 1983; Sutskever et al. 2013).
    pub nesterov: bool,
}

impl Sgd {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self { momentum: config.momentum.unwrap_or(0.0), nesterov: config.nesterov.unwrap_or(false) }
    }
}

impl UpdateRule for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], learning_rate: f64, _step: u64) -> Result<Tensor> {
        let [buffer] = slots else { return gradient * learning_rate };
        *buffer = ((&*buffer * self.momentum)? + gradient)?;
        let direction = if self.nesterov { (gradient + (&*buffer * self.momentum)?)? } else { buffer.clone() };
        direction * learning_rate
    }
}
