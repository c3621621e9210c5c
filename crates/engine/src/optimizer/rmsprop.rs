use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// RMSprop (Tieleman and Hinton, Coursera lecture 6.5, 2012; centred: Graves 2013). As `torch.optim.RMSprop`, whose `alpha` is our `rho`:
///
/// ```text
/// v <- rho v + (1 - rho) g^2           centred: a <- rho a + (1 - rho) g,  v - a^2 in place of v below
/// w <- w - lr g / (sqrt(v) + epsilon)  with momentum: b <- momentum b + g / (sqrt(v) + epsilon),  w <- w - lr b
/// ```
///
/// Keras has `rho = 0.9`, `epsilon = 1e-7`, and adds it under the root. Where rounding makes `v - a^2` negative it counts as 0 (PyTorch: NaN).
///
/// The first step is `lr / sqrt(1 - rho)`, whatever the size of the gradient: ten times `lr` at the default of 0.99, twice at 0.75.
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let by_default = r#"{ "name": "rmsprop", "learning_rate": 0.01 }"#;
/// assert_eq!(weights(by_default, 1.0, &[7.0])?, [0.9]);
/// let quick = r#"{ "name": "rmsprop", "learning_rate": 0.1, "rho": 0.75 }"#;
/// assert_eq!(weights(quick, 1.0, &[7.0])?, [0.8]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the moving mean of squares.
    pub rho: f64,
    /// Keeps the denominator away from 0.
    pub epsilon: f64,
    /// How much of the last change is kept.
    pub momentum: f64,
    /// Whether the mean gradient is taken out of the mean square.
    pub centered: bool,
}

impl RmsProp {
    pub(super) fn from_config(config: &OptimizerConfig) -> Self {
        Self {
            rho: config.rho.unwrap_or_default(),
            epsilon: config.epsilon.unwrap_or_default(),
            momentum: config.momentum.unwrap_or_default(),
            centered: config.centered.unwrap_or_default(),
        }
    }
}

impl UpdateRule for RmsProp {
    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum == 0.0) {
            (false, true) => &["square_avg"],
            (false, false) => &["square_avg", "momentum_buffer"],
            (true, true) => &["square_avg", "grad_avg"],
            (true, false) => &["square_avg", "grad_avg", "momentum_buffer"],
        }
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let Some((square, rest)) = slots.split_first_mut() else { candle_core::bail!("RMSprop keeps a mean square") };
        *square = ((&*square * self.rho)? + (gradient.sqr()? * (1.0 - self.rho))?)?;
        let (variance, buffer) = match (self.centered, rest) {
            (true, [mean, buffer @ ..]) => {
                *mean = ((&*mean * self.rho)? + (gradient * (1.0 - self.rho))?)?;
                let variance = (&*square - mean.sqr()?)?;
                (variance.lt(0.0)?.where_cond(&variance.zeros_like()?, &variance)?, buffer)
            }
            (_, buffer) => (square.clone(), buffer),
        };
        let direction = (gradient / (variance.sqrt()? + self.epsilon)?)?;
        let [buffer] = buffer else { return direction * pace.learning_rate };
        *buffer = ((&*buffer * pace.momentum)? + direction)?;
        &*buffer * pace.learning_rate
    }
}
