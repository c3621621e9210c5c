//! Activation functions: what a hidden layer does to its pre-activation `z`.

use crate::kinds::kinds;
use candle_core::{Result, Tensor};

kinds! {
    /// The activation of the hidden layers, `model.activation`.
    Activation: ActivationKind { identity::Identity, sigmoid::Sigmoid, tanh::Tanh, relu::Relu }
}

impl Activation {
    /// Applies the function elementwise; any shape, differentiable.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        self.behaviour().forward(z)
    }
}

/// What a file in this folder provides.
trait ActivationKind {
    /// The function, elementwise, from operations that Candle differentiates on every device.
    fn forward(&self, z: &Tensor) -> Result<Tensor>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn value_and_slope(name: &str, z: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let activation: Activation = serde_json::from_str(&format!("\"{name}\"")).unwrap();
        let z = Var::new(z, &Device::Cpu).unwrap();
        let value = activation.forward(&z).unwrap();
        let slope = value.sum_all().unwrap().backward().unwrap().get(&z).unwrap().to_vec1().unwrap();
        (value.to_vec1().unwrap(), slope)
    }

    #[test]
    fn values_and_slopes_stay_finite_far_out() {
        for name in Activation::NAMES {
            let (value, slope) = value_and_slope(name, &[-1e4, -100.0, 0.0, 100.0, 1e4]);
            assert!(value.iter().chain(&slope).all(|x| x.is_finite()), "{name}: {value:?} {slope:?}");
        }
    }

    #[test]
    fn closed_forms_at_points_checked_by_hand() {
        let ln3 = 3_f32.ln();
        for (name, value, slope) in [
            ("identity", [-ln3, 0.0, ln3], [1.0, 1.0, 1.0]),
            ("sigmoid", [0.25, 0.5, 0.75], [0.1875, 0.25, 0.1875]),
            ("tanh", [-0.8, 0.0, 0.8], [0.36, 1.0, 0.36]),
            ("relu", [0.0, 0.0, ln3], [0.0, 0.0, 1.0]),
        ] {
            let (found, found_slope) = value_and_slope(name, &[-ln3, 0.0, ln3]);
            for (found, expected) in found.iter().zip(value).chain(found_slope.iter().zip(slope)) {
                assert!((found - expected).abs() < 1e-6, "{name}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn relu_does_not_hide_a_nan() {
        assert!(value_and_slope("relu", &[f32::NAN]).0[0].is_nan());
    }
}
