use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Stochastic gradient descent, with momentum if asked. As `torch.optim.SGD` with dampening 0:
///
/// ```text
/// b <- momentum b + g            (b starts at 0)
/// w <- w - lr b                  or, with nesterov,  w <- w - lr (g + momentum b)
/// ```
///
/// Keras instead folds the learning rate into its velocity (`v <- momentum v - lr g; w <- w + v`), which differs when `lr` changes.
///
/// On the gradient 1 with lr 1 and momentum 0.5, a weight moves by 1 and then by 1.5; with nesterov by 1.5 and then by 1.75:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let plain = r#"{ "name": "sgd", "learning_rate": 1.0, "momentum": 0.5 }"#;
/// assert_eq!(weights(plain, 10.0, &[1.0, 1.0])?, [9.0, 7.5]);
/// let nesterov = r#"{ "name": "sgd", "learning_rate": 1.0, "momentum": 0.5, "nesterov": true }"#;
/// assert_eq!(weights(nesterov, 10.0, &[1.0, 1.0])?, [8.5, 6.75]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// How much of the last change is kept; a schedule may start below it.
    pub momentum: f64,
    /// Whether to look ahead along the momentum (Nesterov 1983; Sutskever et al. 2013).
    pub nesterov: bool,
}

impl Sgd {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self { momentum: config.momentum.unwrap_or_default(), nesterov: config.nesterov.unwrap_or_default() }
    }
}

impl UpdateRule for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let [buffer] = slots else { return gradient * pace.learning_rate };
        *buffer = ((&*buffer * pace.momentum)? + gradient)?;
        let direction = if self.nesterov { (gradient + (&*buffer * pace.momentum)?)? } else { buffer.clone() };
        direction * pace.learning_rate
    }
}
