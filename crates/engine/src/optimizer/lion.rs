use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Lion (Chen et al. 2023, algorithm 2): every weight moves by `lr`, up or down.
///
/// ```text
/// w <- w - lr sign(b1 m + (1 - b1) g)          m <- b2 m + (1 - b2) g
/// ```
///
/// Weight decay is decoupled: `w <- w (1 - lr weight_decay)` first. As `keras.optimizers.Lion`, whose defaults are ours, and `optax.lion`,
/// which has none for the learning rate and a weight decay of 0.001; PyTorch has no Lion. A learning rate of a third to a tenth of Adam's
/// suits it. `sign(0) = 0`.
///
/// After the gradient 5, `m = 0.05` outweighs a gradient of -0.1, but not one of -1:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let lion = r#"{ "name": "lion", "learning_rate": 1.0 }"#;
/// assert_eq!(weights(lion, 10.0, &[5.0, -0.1, -1.0])?, [9.0, 8.0, 9.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// `b1`, where no schedule moves it, and `b2`.
    pub betas: [f64; 2],
}

impl Lion {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self { betas: config.betas.unwrap_or_default() }
    }
}

impl UpdateRule for Lion {
    fn slots(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let (beta1, beta2) = (pace.momentum, self.betas[1]);
        let [mean] = slots else { candle_core::bail!("Lion keeps one mean") };
        let direction = ((&*mean * beta1)? + (gradient * (1.0 - beta1))?)?.sign()?;
        *mean = ((&*mean * beta2)? + (gradient * (1.0 - beta2))?)?;
        direction * pace.learning_rate
    }
}
