use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Adam (Kingma and Ba 2015, algorithm 1). As `torch.optim.Adam`, and as optax with `eps_root = 0`:
///
/// ```text
/// m <- b1 m + (1 - b1) g         v <- b2 v + (1 - b2) g^2        (m and v start at 0, t counts from 1)
/// w <- w - lr m' / (sqrt(v') + epsilon)      with  m' = m / (1 - b1^t),  v' = v / (1 - b2^t)
/// ```
///
/// `adamw` (Loshchilov and Hutter 2019) is the same with decoupled weight decay: the weights are first multiplied by
/// `1 - lr weight_decay`, and no decay enters the moments. As `torch.optim.AdamW`, whose decay of 0.01 is the default; Keras has 0.004.
///
/// Keras adds its epsilon (1e-7) to `sqrt(v)` before the correction, which makes it larger by `1 / sqrt(1 - b2^t)` in early steps.
///
/// The first step moves every weight by `lr`, whatever the size of its gradient, as long as epsilon is small against it:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let adam = r#"{ "name": "adam", "learning_rate": 0.1 }"#;
/// assert_eq!((weights(adam, 1.0, &[100.0])?, weights(adam, 1.0, &[-0.01])?), (vec![0.9], vec![1.1]));
/// // Without a gradient, adamw multiplies by 1 - 0.1 * 0.5.
/// let adamw = r#"{ "name": "adamw", "learning_rate": 0.1, "weight_decay": 0.5 }"#;
/// assert_eq!(weights(adamw, 1.0, &[0.0, 0.0])?, [0.95, 0.9025]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// `b1`, where no schedule moves it, and `b2`.
    pub betas: [f64; 2],
    /// Keeps the denominator away from 0.
    pub epsilon: f64,
}

impl Adam {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self { betas: config.betas.unwrap_or_default(), epsilon: config.epsilon.unwrap_or_default() }
    }
}

impl UpdateRule for Adam {
    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let (beta1, beta2) = (pace.momentum, self.betas[1]);
        let [mean, square] = slots else { candle_core::bail!("Adam keeps two moments") };
        *mean = ((&*mean * beta1)? + (gradient * (1.0 - beta1))?)?;
        *square = ((&*square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let correction1 = 1.0 - libm::pow(beta1, pace.step as f64);
        let correction2 = 1.0 - libm::pow(beta2, pace.step as f64);
        let denominator = square.sqrt()?.affine(1.0 / correction2.sqrt(), self.epsilon)?;
        (&*mean / denominator)? * (pace.learning_rate / correction1)
    }
}
