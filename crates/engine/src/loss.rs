//! The losses of the two heads, as Candle differentiates them.

use candle_core::{D, Result, Tensor};
use relumine_model::{ConfigError, Head};

/// What training minimises: the loss of the head, with smoothed labels and weighted classes if asked.
///
/// Results are always the plain loss of [`metrics`](crate::metrics), so that runs with and without these can be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objective {
    /// Share of each label that is spread evenly over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// One weight per class, at least 0; all 1 where absent.
    pub class_weights: Option<Vec<f64>>,
}

impl Objective {
    /// Checks the values against the number of classes.
    ///
    /// # Errors
    /// The recipe key, and what it may hold.
    pub fn validate(&self, num_classes: usize) -> std::result::Result<(), ConfigError> {
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let remedy = "it is a share of each label, at least 0 and under 1, such as 0.1";
            return Err(ConfigError::new("train.label_smoothing", self.label_smoothing, remedy));
        }
        if let Some(weights) = &self.class_weights {
            let found = format!("{weights:?}");
            if weights.len() != num_classes {
                let remedy = format!("give one weight for each of the {num_classes} classes, or \"balanced\"");
                return Err(ConfigError::new("train.class_weights", found, remedy));
            }
            // The arithmetic is in f32, where a number may round to 0 or to infinity.
            let usable = |weight: &f64| *weight == 0.0 || (*weight > 0.0 && (*weight as f32).is_normal());
            if !weights.iter().all(usable) || weights.iter().sum::<f64>() <= 0.0 {
                let remedy = "weights are finite numbers of at least 0, and not all of them 0";
                return Err(ConfigError::new("train.class_weights", found, remedy));
            }
        }
        Ok(())
    }

    /// The weights `rows / (classes * rows of the class)`, under which every class counts the same in all. As scikit-learn's
    /// `compute_class_weight("balanced")`; a class without rows gets 0.
    ///
    /// ```
    /// use relumine_engine::Objective;
    /// assert_eq!(Objective::balanced_weights(&[0, 0, 0, 1], 2), [4.0 / 6.0, 2.0]);
    /// ```
    #[must_use]
    pub fn balanced_weights(labels: &[u32], num_classes: usize) -> Vec<f64> {
        let mut counts = vec![0_u64; num_classes];
        labels.iter().for_each(|label| counts[*label as usize] += 1);
        let share = labels.len() as f64 / num_classes as f64;
        counts.into_iter().map(|count| if count == 0 { 0.0 } else { share / count as f64 }).collect()
    }

    /// The sum of the rows' class weights: what a sum of losses is divided by to give their mean.
    #[must_use]
    pub fn total_weight(&self, labels: impl ExactSizeIterator<Item = u32>) -> f64 {
        match &self.class_weights {
            None => labels.len() as f64,
            Some(weights) => labels.map(|label| weights[label as usize]).sum(),
        }
    }

    /// What each row's weighted loss is multiplied by to give its share of the mean, as the kernels take it. Classes that all weigh nothing
    /// have no mean, and nothing to learn from.
    pub(crate) fn share(&self, labels: impl ExactSizeIterator<Item = u32>) -> f32 {
        let total_weight = self.total_weight(labels);
        if total_weight > 0.0 { (1.0 / total_weight) as f32 } else { 0.0 }
    }

    /// The sum over rows of their weighted losses. Divided by [`total_weight`](Self::total_weight) it is the mean loss:
    ///
    /// ```text
    /// softmax   sum_b [ (1 - e) w_y (-log p_y) + (e / K) sum_c w_c (-log p_c) ]       y the label, K classes, e the smoothing, w the weights
    /// sigmoid   sum_b w_y [ softplus(z) - t z ],   t = (1 - e) y + e / 2
    /// ```
    ///
    /// As `torch.nn.functional.cross_entropy(weight=w, label_smoothing=e)` for softmax; as `keras.losses.BinaryCrossentropy(
    /// label_smoothing=e, reduction="mean_with_sample_weight")` for sigmoid, where PyTorch and Keras' default divide by the rows and not by
    /// their weights.
    ///
    /// With `e = 0.2` and two classes the label's target is 0.9 and the other's 0.1; logits of 0 and log 3 have `p = 1/4` and `p = 3/4`:
    ///
    /// ```
    /// # use candle_core::{Device, Tensor};
    /// # use relumine_engine::Objective;
    /// # use relumine_model::Head;
    /// let objective = Objective { label_smoothing: 0.2, ..Objective::default() };
    /// let (logits, labels) = (Tensor::new(&[[0.0, 3_f64.ln()]], &Device::Cpu)?, Tensor::new(&[1_u32], &Device::Cpu)?);
    /// let loss = objective.sum(Head::Softmax, &logits, &labels)?.to_scalar::<f64>()?;
    /// assert!((loss - (0.1 * 4_f64.ln() + 0.9 * (4.0 / 3_f64).ln())).abs() < 1e-12);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `logits` `[batch, units]`, `labels` `[batch]` of u32; the result is a scalar.
    ///
    /// # Errors
    /// A label that is not an index of the logits.
    pub fn sum(&self, head: Head, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        match head {
            Head::Softmax => self.cross_entropy(logits, labels),
            Head::Sigmoid => self.binary_cross_entropy(logits, labels),
        }
    }

    /// The largest logit of each row is subtracted first, as a constant, so that no exponential overflows.
    fn cross_entropy(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let largest = logits.max_keepdim(D::Minus1)?.detach();
        let shifted = logits.broadcast_sub(&largest)?;
        let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
        let of_label = shifted.gather(&labels.unsqueeze(1)?, D::Minus1)?;
        let hard = (&log_sum - of_label)?;
        let hard = match self.weights(logits)? {
            Some(weights) => (hard * weights.index_select(labels, 0)?.unsqueeze(1)?)?,
            None => hard,
        };
        if self.label_smoothing == 0.0 {
            return hard.sum_all();
        }
        let all = log_sum.broadcast_sub(&shifted)?;
        let all = match self.weights(logits)? {
            Some(weights) => all.broadcast_mul(&weights)?,
            None => all,
        };
        let share = self.label_smoothing / logits.dim(D::Minus1)? as f64;
        (hard.sum_all()? * (1.0 - self.label_smoothing))? + (all.sum_all()? * share)?
    }

    /// `softplus(z) - t z`, with `softplus(z) = log(1 + exp(z))` computed as `m + log(exp(-m) + exp(z - m))` with the constant
    /// `m = max(z, 0)`: finite at any finite logit, and its derivative is the sigmoid without a kink at 0. (Candle's own function overflows
    /// at large logits.)
    fn binary_cross_entropy(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let z = logits.squeeze(1)?;
        let targets = labels.to_dtype(z.dtype())?;
        let targets = match self.label_smoothing {
            0.0 => targets,
            smoothing => targets.affine(1.0 - smoothing, smoothing / 2.0)?,
        };
        let m = z.detach().relu()?;
        let softplus = (&m + (m.neg()?.exp()? + (&z - &m)?.exp()?)?.log()?)?;
        let losses = (softplus - (z * targets)?)?;
        match self.weights(logits)? {
            Some(weights) => (losses * weights.index_select(labels, 0)?)?.sum_all(),
            None => losses.sum_all(),
        }
    }

    /// `[classes]`, beside the logits.
    fn weights(&self, logits: &Tensor) -> Result<Option<Tensor>> {
        let upload = |weights: &Vec<f64>| Tensor::new(weights.as_slice(), logits.device())?.to_dtype(logits.dtype());
        self.class_weights.as_ref().map(upload).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn value_and_gradient(objective: &Objective, head: Head, logits: &[&[f32]], labels: &[u32]) -> (f32, Vec<f32>) {
        let rows: Vec<f32> = logits.concat();
        let z = Var::from_vec(rows, (logits.len(), logits[0].len()), &Device::Cpu).unwrap();
        let total = objective.total_weight(labels.iter().copied());
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        let loss = (objective.sum(head, &z, &labels).unwrap() / total).unwrap();
        let gradient = loss.backward().unwrap().get(&z).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        (loss.to_scalar().unwrap(), gradient)
    }

    fn plain(head: Head, logits: &[&[f32]], labels: &[u32]) -> (f32, Vec<f32>) {
        value_and_gradient(&Objective::default(), head, logits, labels)
    }

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_number_of_classes() {
        let (loss, gradient) = plain(Head::Softmax, &[&[0.0, 0.0, 0.0, 0.0]], &[2]);
        assert!((loss - 4_f32.ln()).abs() < 1e-6);
        assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
        let (loss, gradient) = plain(Head::Sigmoid, &[&[0.0]], &[1]);
        assert!((loss - 2_f32.ln()).abs() < 1e-6);
        assert_eq!(gradient, [-0.5]);
    }

    #[test]
    fn losses_and_gradients_are_finite_and_right_at_huge_logits() {
        let (loss, gradient) = plain(Head::Softmax, &[&[1e4, -1e4], &[-1e4, 1e4]], &[0, 0]);
        assert_eq!((loss, gradient), (1e4, vec![0.0, 0.0, -0.5, 0.5]));
        let (loss, gradient) = plain(Head::Sigmoid, &[&[1e4], &[-1e4], &[1e4], &[-1e4]], &[0, 1, 1, 0]);
        assert_eq!((loss, gradient), (5e3, vec![0.25, -0.25, 0.0, 0.0]));
    }

    /// At equal logits every class loses log K, however the label is spread; the gradient is p - t.
    #[test]
    fn smoothing_moves_the_target_and_not_the_loss_of_equal_logits() {
        let smoothed = Objective { label_smoothing: 0.2, class_weights: None };
        let (loss, gradient) = value_and_gradient(&smoothed, Head::Softmax, &[&[0.0, 0.0, 0.0, 0.0]], &[2]);
        assert!((loss - 4_f32.ln()).abs() < 1e-6);
        for (found, expected) in gradient.iter().zip([0.2, 0.2, -0.6, 0.2]) {
            assert!((found - expected).abs() < 1e-6, "{gradient:?}");
        }
        let (_, gradient) = value_and_gradient(&smoothed, Head::Sigmoid, &[&[0.0]], &[1]);
        assert!((gradient[0] + 0.4).abs() < 1e-6, "1/2 - 0.9");
    }

    /// Two rows of class 0 and one of class 1 with weight 2: each class has half of the say.
    #[test]
    fn class_weights_share_out_the_loss() {
        let weighted = Objective { label_smoothing: 0.0, class_weights: Some(vec![1.0, 2.0]) };
        for (head, logits) in [(Head::Softmax, [&[0.0, 0.0][..], &[0.0, 0.0], &[0.0, 0.0]]), (Head::Sigmoid, [&[0.0][..], &[0.0], &[0.0]])]
        {
            let (loss, gradient) = value_and_gradient(&weighted, head, &logits, &[0, 0, 1]);
            assert!((loss - 2_f32.ln()).abs() < 1e-6);
            let of_class_0 = &gradient[..2 * logits[0].len()];
            let first = |rows: &[f32]| rows.iter().step_by(logits[0].len()).sum::<f32>();
            assert!((first(of_class_0) + first(&gradient[2 * logits[0].len()..])).abs() < 1e-6, "{gradient:?}");
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for (smoothing, weights, key) in [
            (1.0, None, "train.label_smoothing"),
            (f64::NAN, None, "train.label_smoothing"),
            (0.0, Some(vec![1.0]), "train.class_weights"),
            (0.0, Some(vec![1.0, -1.0]), "train.class_weights"),
            (0.0, Some(vec![0.0, 0.0]), "train.class_weights"),
            (0.0, Some(vec![1e-46, 0.0]), "train.class_weights"),
        ] {
            let objective = Objective { label_smoothing: smoothing, class_weights: weights };
            assert_eq!(objective.validate(2).unwrap_err().key, key);
        }
    }
}
