use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Adadelta (Zeiler 2012, algorithm 1), which measures steps in the units of the steps before. As `torch.optim.Adadelta`:
///
/// ```text
/// v <- rho v + (1 - rho) g^2
/// d  = sqrt(a + epsilon) / sqrt(v + epsilon) g
/// a <- rho a + (1 - rho) d^2          w <- w - lr d
/// ```
///
/// The paper has no learning rate, which is the default of 1. Keras has `learning_rate = 0.001`, `rho = 0.95` and `epsilon = 1e-7`.
///
/// The first step is `sqrt(epsilon / (1 - rho))` on any gradient that is large against epsilon: 0.0032 at the defaults. With `rho = 0`,
/// epsilon 9 and the gradient 4 it is `sqrt(9) / sqrt(16 + 9) 4 = 2.4`:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// assert_eq!(weights(r#"{ "name": "adadelta" }"#, 1.0, &[5.0])?, [0.9968]);
/// let adadelta = r#"{ "name": "adadelta", "rho": 0.0, "epsilon": 9.0 }"#;
/// assert_eq!(weights(adadelta, 3.0, &[4.0])?, [0.6]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adadelta {
    /// Decay of both moving means.
    pub rho: f64,
    /// Added under both roots; it sets the size of the first steps.
    pub epsilon: f64,
}

impl Adadelta {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self { rho: config.rho.unwrap_or_default(), epsilon: config.epsilon.unwrap_or_default() }
    }
}

impl UpdateRule for Adadelta {
    fn slots(&self) -> &'static [&'static str] {
        &["square_avg", "acc_delta"]
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let [square, accumulated] = slots else { candle_core::bail!("Adadelta keeps two means") };
        *square = ((&*square * self.rho)? + (gradient.sqr()? * (1.0 - self.rho))?)?;
        let ratio = ((&*accumulated + self.epsilon)?.sqrt()? / (&*square + self.epsilon)?.sqrt()?)?;
        let delta = (ratio * gradient)?;
        *accumulated = ((&*accumulated * self.rho)? + (delta.sqr()? * (1.0 - self.rho))?)?;
        delta * pace.learning_rate
    }
}
