use super::{OptimizerConfig, Pace, UpdateRule};
use candle_core::{Result, Tensor};

/// Adam with Nesterov's momentum (Dozat 2016). As `torch.optim.NAdam`, with `t` counted from 1 and `v'` as in Adam:
///
/// ```text
/// mu_t = b1 (1 - 0.96^(t momentum_decay) / 2)
/// m <- b1 m + (1 - b1) g         v <- b2 v + (1 - b2) g^2
/// w <- w - lr [ (1 - mu_t) / (1 - prod_{i<=t} mu_i) g  +  mu_{t+1} / (1 - prod_{i<=t+1} mu_i) m ] / (sqrt(v') + epsilon)
/// ```
///
/// Keras has `mu_t = b1 (1 - 0.96^t / 2)`, which is `momentum_decay = 1`, and `learning_rate = 0.001` and `epsilon = 1e-7`. The momentum
/// has a schedule of its own, so `momentum_schedule` does not apply.
///
/// With `momentum_decay = 0` every `mu` is `b1 / 2`. At `b1 = 0.5` the first step on the gradient g has `m = g / 2` and `sqrt(v') = |g|`,
/// and is `lr [1 + 0.25 / (1 - 0.25^2) / 2] = 17/15 lr`:
///
/// ```
/// # mod one_weight { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/one_weight.rs")); }
/// # use one_weight::weights;
/// let nadam = r#"{ "name": "nadam", "learning_rate": 1.5, "betas": [0.5, 0.999], "momentum_decay": 0.0 }"#;
/// assert_eq!(weights(nadam, 2.0, &[7.0])?, [0.3]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nadam {
    /// `b1` and `b2`.
    pub betas: [f64; 2],
    /// Keeps the denominator away from 0.
    pub epsilon: f64,
    /// How fast `mu` rises from `b1 / 2` towards `b1`.
    pub momentum_decay: f64,
}

impl Nadam {
    pub(crate) fn from_config(config: &OptimizerConfig) -> Self {
        Self {
            betas: config.betas.unwrap_or_default(),
            epsilon: config.epsilon.unwrap_or_default(),
            momentum_decay: config.momentum_decay.unwrap_or_default(),
        }
    }

    fn mu(&self, step: u64) -> f64 {
        self.betas[0] * (1.0 - 0.5 * libm::pow(0.96, step as f64 * self.momentum_decay))
    }

    /// What the gradient and the mean are multiplied by in step `step`.
    pub(crate) fn shares(&self, step: u64) -> (f64, f64) {
        let (mu, mu_next, product) = (self.mu(step), self.mu(step + 1), self.mu_product(step));
        ((1.0 - mu) / (1.0 - product), mu_next / (1.0 - product * mu_next))
    }

    /// `mu_1 mu_2 .. mu_step`, anew each time, so that there is nothing to save: the factors are under 1, and once the product is lost
    /// beside 1 it stays so.
    fn mu_product(&self, step: u64) -> f64 {
        let mut product = 1.0;
        for step in 1..=step {
            product *= self.mu(step);
            if product < f64::EPSILON / 4.0 {
                return 0.0;
            }
        }
        product
    }
}

impl UpdateRule for Nadam {
    fn slots(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor> {
        let [beta1, beta2] = self.betas;
        let [mean, square] = slots else { candle_core::bail!("NAdam keeps two moments") };
        *mean = ((&*mean * beta1)? + (gradient * (1.0 - beta1))?)?;
        *square = ((&*square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let (of_gradient, of_mean) = self.shares(pace.step);
        let correction2 = 1.0 - libm::pow(beta2, pace.step as f64);
        let denominator = square.sqrt()?.affine(1.0 / correction2.sqrt(), self.epsilon)?;
        let of_gradient = (gradient * of_gradient)?;
        let of_mean = (&*mean * of_mean)?;
        ((of_gradient + of_mean)? / denominator)? * pace.learning_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_of_many_factors_ends_at_zero_and_costs_nothing_more() {
        let rule = Nadam { betas: [0.9, 0.999], epsilon: 1e-8, momentum_decay: 4e-3 };
        assert_eq!(rule.mu_product(0), 1.0);
        assert!((rule.mu_product(2) - rule.mu(1) * rule.mu(2)).abs() < 1e-16);
        assert_eq!(rule.mu_product(u64::MAX), 0.0);
    }
}
