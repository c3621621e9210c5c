use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Adagrad (Duchi, Hazan and Singer 2011): `s <- s + g^2;  w <- w - lr g / (sqrt(s) + epsilon)`, `s` starting at
/// `initial_accumulator_value`. As `torch.optim.Adagrad` with `lr_decay = 0` (use the `inverse_time` schedule for it). Keras starts `s` at 0.1
/// and adds its epsilon of 1e-7 under the root.
///
/// On a constant gradient, step `t` moves a weight by `lr / sqrt(t)`. Gradients of 3 and then 4 have the sums 9 and 25, so they move it by
/// `lr 3 / 3` and `lr 4 / 5`:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let adagrad = r#"{ "name": "adagrad", "learning_rate": 1.0 }"#;
/// assert_eq!(weights(adagrad, 10.0, &[3.0, 4.0])?, [9.0, 8.2]);
/// assert_eq!(weights(adagrad, 10.0, &[1.0, 1.0])?, [9.0, 8.2929]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// What the sum of squares starts from, at least 0.
    pub initial_accumulator_value: f64,
    /// Keeps the denominator away from 0.
    pub epsilon: f64,
}

impl Adagrad {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self {
            initial_accumulator_value: config.initial_accumulator_value.unwrap_or_default(),
            epsilon: config.epsilon.unwrap_or_default(),
        }
    }
}

impl UpdateRule for Adagrad {
    fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn initial(&self) -> f64 {
        self.initial_accumulator_value
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let [sum] = slots else { candle_core::bail!("Adagrad keeps a sum of squares") };
        *sum = (&*sum + gradient.sqr()?)?;
        (gradient / (sum.sqrt()? + self.epsilon)?)? * pace.learning_rate
    }
}
