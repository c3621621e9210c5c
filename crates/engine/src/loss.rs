//! The losses of the two heads, as Candle differentiates them.

use candle_core::{D, Result, Tensor};
use relumine_model::Head;

/// The mean loss of a batch under `head`.
///
/// # Shapes
/// `logits` `[batch, units]`, `labels` `[batch]` of u32; the result is a scalar.
///
/// # Errors
/// A label that is not an index of the logits.
pub fn loss(head: Head, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    match head {
        Head::Softmax => cross_entropy(logits, labels),
        Head::Sigmoid => binary_cross_entropy(logits, labels),
    }
}

/// `mean_b(log sum_k exp(z_bk) - z_b,label)`. As `torch.nn.functional.cross_entropy` without class weights.
///
/// The largest logit of each row is subtracted first, as a constant, so that no exponential overflows.
fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let largest = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&largest)?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let of_label = shifted.gather(&labels.unsqueeze(1)?, D::Minus1)?;
    (log_sum - of_label)?.mean_all()
}

/// `mean_b(softplus(z_b) - y_b z_b)` with `softplus(z) = log(1 + exp(z))`. As
/// `torch.nn.functional.binary_cross_entropy_with_logits`.
///
/// Computed as `m + log(exp(-m) + exp(z - m))` with the constant `m = max(z, 0)`: finite at any finite logit, and its derivative is the
/// sigmoid without a kink at 0. (Candle's own function overflows at large logits.)
fn binary_cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let z = logits.squeeze(1)?;
    let targets = labels.to_dtype(z.dtype())?;
    let m = z.detach().relu()?;
    let softplus = (&m + (m.neg()?.exp()? + (&z - &m)?.exp()?)?.log()?)?;
    (softplus - (z * targets)?)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn value_and_gradient(head: Head, logits: &[&[f32]], labels: &[u32]) -> (f32, Vec<f32>) {
        let rows: Vec<f32> = logits.concat();
        let z = Var::from_vec(rows, (logits.len(), logits[0].len()), &Device::Cpu).unwrap();
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        let loss = loss(head, &z, &labels).unwrap();
        let gradient = loss.backward().unwrap().get(&z).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        (loss.to_scalar().unwrap(), gradient)
    }

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_number_of_classes() {
        let (loss, gradient) = value_and_gradient(Head::Softmax, &[&[0.0, 0.0, 0.0, 0.0]], &[2]);
        assert!((loss - 4_f32.ln()).abs() < 1e-6);
        assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
        let (loss, gradient) = value_and_gradient(Head::Sigmoid, &[&[0.0]], &[1]);
        assert!((loss - 2_f32.ln()).abs() < 1e-6);
        assert_eq!(gradient, [-0.5]);
    }

    #[test]
    fn losses_and_gradients_are_finite_and_right_at_huge_logits() {
        let (loss, gradient) = value_and_gradient(Head::Softmax, &[&[1e4, -1e4], &[-1e4, 1e4]], &[0, 0]);
        assert_eq!((loss, gradient), (1e4, vec![0.0, 0.0, -0.5, 0.5]));
        let (loss, gradient) = value_and_gradient(Head::Sigmoid, &[&[1e4], &[-1e4], &[1e4], &[-1e4]], &[0, 1, 1, 0]);
        assert_eq!((loss, gradient), (5e3, vec![0.25, -0.25, 0.0, 0.0]));
    }
}
