//! What is done to all gradients together before a step: penalties and clipping.

use super::OptimizerConfig;
use candle_core::{DType, Result, Tensor};
use relumine_model::{Parameters, Role};

/// Adds the gradients of `l1 sum |w| + l2 sum w^2` over all weights `w`: `l1 sign(w) + 2 l2 w`. Biases and norms are left out. As
/// `keras.regularizers.L1L2` on kernels.
pub(super) fn add_penalties(config: &OptimizerConfig, parameters: &Parameters, gradients: &mut [Tensor]) -> Result<()> {
    let weights = parameters.trainable().zip(gradients).filter(|(parameter, _)| parameter.role == Role::Weight);
    for (parameter, gradient) in weights {
        let weight = parameter.var.as_detached_tensor();
        if config.l1 != 0.0 {
            *gradient = (&*gradient + (weight.sign()? * config.l1)?)?;
        }
        if config.l2 != 0.0 {
            *gradient = (&*gradient + (weight * (2.0 * config.l2))?)?;
        }
    }
    Ok(())
}

/// Clips by value or by global norm, whichever the recipe asks for.
pub(super) fn clip(config: &OptimizerConfig, gradients: &mut [Tensor]) -> Result<()> {
    if let Some(clip_value) = config.clip_value {
        for gradient in &mut *gradients {
            *gradient = clip_by_value(gradient, clip_value)?;
        }
    }
    config.clip_norm.map_or(Ok(()), |clip_norm| clip_by_global_norm(gradients, clip_norm))
}

/// Every element to within +-`clip_value`. As `torch.nn.utils.clip_grad_value_`; what is no number stays so.
fn clip_by_value(gradient: &Tensor, clip_value: f64) -> Result<Tensor> {
    let limit = gradient.ones_like()?.affine(clip_value, 0.0)?;
    let below = gradient.gt(clip_value)?.where_cond(&limit, gradient)?;
    gradient.lt(-clip_value)?.where_cond(&limit.neg()?, &below)
}

/// Scales all gradients by `min(1, clip_norm / (norm + 1e-6))`, `norm` being the Euclidean norm of all of them together (Pascanu, Mikolov
/// and Bengio 2013). As `torch.nn.utils.clip_grad_norm_`.
fn clip_by_global_norm(gradients: &mut [Tensor], clip_norm: f64) -> Result<()> {
    let mut sum_of_squares = 0.0;
    for gradient in gradients.iter() {
        sum_of_squares += f64::from(gradient.sqr()?.sum_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?);
    }
    let factor = clip_norm / (sum_of_squares.sqrt() + 1e-6);
    if factor < 1.0 {
        for gradient in gradients {
            *gradient = (&*gradient * factor)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn clipping_by_value_keeps_what_is_no_number() {
        let gradient = Tensor::new(&[-3.0_f32, -0.5, 0.5, 3.0, f32::NAN], &Device::Cpu).unwrap();
        let clipped = clip_by_value(&gradient, 1.0).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(clipped[..4], [-1.0, -0.5, 0.5, 1.0]);
        assert!(clipped[4].is_nan());
    }

    #[test]
    fn clipping_by_norm_scales_all_gradients_together() {
        let mut gradients = [Tensor::new(&[3.0_f32], &Device::Cpu).unwrap(), Tensor::new(&[4.0_f32], &Device::Cpu).unwrap()];
        clip_by_global_norm(&mut gradients, 10.0).unwrap();
        assert_eq!(gradients[1].to_vec1::<f32>().unwrap(), [4.0]);
        clip_by_global_norm(&mut gradients, 1.0).unwrap();
        let values = gradients.map(|gradient| gradient.to_vec1::<f32>().unwrap()[0]);
        assert!((values[0] - 0.6).abs() < 1e-6 && (values[1] - 0.8).abs() < 1e-6, "{values:?}");
    }
}
