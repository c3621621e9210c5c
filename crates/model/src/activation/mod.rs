//! Activation functions: what a hidden layer does to its pre-activation `z`.
//!
//! Every function is finite in value and slope wherever `z` is finite and its true value is, says what its slope is at a kink, and does
//! not hide a `z` that is no number.

mod elementwise;

use crate::kinds::kinds;
use candle_core::{Device, Result, Tensor, Var};

kinds! {
    /// The activation of the hidden layers, `model.activation`.
    Activation: ActivationKind {
        identity::Identity, sigmoid::Sigmoid, tanh::Tanh, relu::Relu, leaky_relu::LeakyRelu, elu::Elu, selu::Selu, gelu::Gelu, silu::Silu,
        softplus::Softplus, softsign::Softsign, hard_sigmoid::HardSigmoid, mish::Mish, scaled_tanh::ScaledTanh, maxout::Maxout
    }
}
pub use gelu::Approximation;

impl Activation {
    /// Applies the function; differentiable.
    ///
    /// # Shapes
    /// Any shape, and the same for the result; [`Maxout`] takes `[rows, units * pieces]` and gives `[rows, units]`.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        self.behaviour().forward(z)
    }

    /// How many pre-activations make one output: 1, but for [`Maxout`].
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.behaviour().pieces()
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// One sentence that names the parameter and its range.
    pub fn validate(&self) -> std::result::Result<(), String> {
        self.behaviour().validate()
    }

    /// Value and slope at `z` in 64-bit arithmetic, every piece of a [`Maxout`] being `z`.
    ///
    /// # Errors
    /// Those of Candle.
    pub fn at(&self, z: f64) -> Result<(f64, f64)> {
        let z = Var::from_vec(vec![z; self.pieces()], (1, self.pieces()), &Device::Cpu)?;
        let value = self.forward(&z)?.sum_all()?;
        let slope = value.backward()?.get(&z).map_or_else(|| z.zeros_like(), |gradient| Ok(gradient.clone()))?;
        Ok((value.to_scalar()?, slope.sum_all()?.to_scalar()?))
    }
}

/// What a file in this folder provides.
trait ActivationKind {
    /// The function, from operations that Candle differentiates on every device.
    fn forward(&self, z: &Tensor) -> Result<Tensor>;

    /// Pre-activations per output.
    fn pieces(&self) -> usize {
        1
    }

    /// Says which parameter is out of its range, if one is.
    fn validate(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// A parameter that may be any number an f32 can hold.
fn finite(parameter: &str, value: f64, example: &str) -> std::result::Result<(), String> {
    if (value as f32).is_finite() { Ok(()) } else { Err(format!("{parameter} = {value} must be a finite number, such as {example}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;

    fn read(json: &str) -> Activation {
        let json = if json.starts_with('{') { json.to_owned() } else { format!("\"{json}\"") };
        serde_json::from_str(&json).unwrap()
    }

    /// Every kind, and the second form of those that have one.
    fn all() -> Vec<Activation> {
        let others = [
            r#"{"name": "leaky_relu", "negative_slope": 0.2}"#,
            r#"{"name": "elu", "alpha": 0.5}"#,
            r#"{"name": "gelu", "approximate": "tanh"}"#,
            r#"{"name": "maxout", "pieces": 3}"#,
        ];
        Activation::NAMES.iter().copied().chain(others).map(read).collect()
    }

    fn value_and_slope(activation: &Activation, z: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let pieces = activation.pieces();
        let z: Vec<f32> = z.iter().flat_map(|z| vec![*z; pieces]).collect();
        let z = Var::from_vec(z.clone(), (1, z.len()), &Device::Cpu).unwrap();
        let value = activation.forward(&z).unwrap();
        let slope = value.sum_all().unwrap().backward().unwrap().get(&z).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let slope = slope.chunks(pieces).map(|pieces| pieces.iter().sum()).collect();
        (value.flatten_all().unwrap().to_vec1().unwrap(), slope)
    }

    #[test]
    fn values_and_slopes_stay_finite_far_out() {
        for activation in all() {
            let (value, slope) = value_and_slope(&activation, &[-1e20, -1e4, -100.0, -30.0, 0.0, 30.0, 100.0, 1e4, 1e20]);
            assert!(value.iter().chain(&slope).all(|x| x.is_finite()), "{activation:?}: {value:?} {slope:?}");
        }
    }

    /// Far out every function is a straight line: its value and slope are known without a computer.
    #[test]
    fn far_out_values_and_slopes_are_those_of_the_asymptotes() {
        let saturation = 1.673_263_2 * 1.050_701;
        for (name, [below, slope_below], [above, slope_above]) in [
            ("identity", [-1e4, 1.0], [1e4, 1.0]),
            ("sigmoid", [0.0, 0.0], [1.0, 0.0]),
            ("tanh", [-1.0, 0.0], [1.0, 0.0]),
            ("relu", [0.0, 0.0], [1e4, 1.0]),
            ("leaky_relu", [-100.0, 0.01], [1e4, 1.0]),
            ("elu", [-1.0, 0.0], [1e4, 1.0]),
            ("selu", [-saturation, 0.0], [1.050_701e4, 1.050_701]),
            ("gelu", [0.0, 0.0], [1e4, 1.0]),
            (r#"{"name": "gelu", "approximate": "tanh"}"#, [0.0, 0.0], [1e4, 1.0]),
            ("silu", [0.0, 0.0], [1e4, 1.0]),
            ("softplus", [0.0, 0.0], [1e4, 1.0]),
            ("softsign", [-0.9999, 1e-8], [0.9999, 1e-8]),
            ("hard_sigmoid", [0.0, 0.0], [1.0, 0.0]),
            ("mish", [0.0, 0.0], [1e4, 1.0]),
            ("scaled_tanh", [-1.7159, 0.0], [1.7159, 0.0]),
            ("maxout", [-1e4, 1.0], [1e4, 1.0]),
        ] {
            let (value, slope) = value_and_slope(&read(name), &[-1e4, 1e4]);
            for (found, expected) in value.iter().chain(&slope).zip([below, above, slope_below, slope_above]) {
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-2), "{name}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn slopes_at_the_kinks_are_the_documented_ones() {
        for (name, kink, slope) in [
            ("relu", 0.0, 0.0),
            ("leaky_relu", 0.0, 0.01),
            ("elu", 0.0, 1.0),
            (r#"{"name": "elu", "alpha": 0.5}"#, 0.0, 0.5),
            ("selu", 0.0, 1.673_263_242_354_377_2 * 1.050_700_987_355_480_5),
            ("softsign", 0.0, 1.0),
            ("hard_sigmoid", 3.0, 0.0),
            ("hard_sigmoid", -3.0, 0.0),
            ("maxout", 0.0, 1.0),
        ] {
            assert_eq!(read(name).at(kink).unwrap().1, slope, "{name} at {kink}");
        }
        let z = Var::new(&[[1.0_f32, 1.0]], &Device::Cpu).unwrap();
        let value = read("maxout").forward(&z).unwrap();
        let slopes = value.sum_all().unwrap().backward().unwrap().get(&z).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(slopes, [[1.0, 0.0]], "of equal pieces the first one learns");
    }

    /// Central differences in f64 at points away from the kinks.
    #[test]
    fn slopes_are_the_derivatives_of_the_values() {
        for activation in all() {
            for z in [-7.3, -2.9, -1.1, -0.3, 0.2, 0.9, 2.7, 6.1] {
                let h = 1e-5;
                let numeric = (activation.at(z + h).unwrap().0 - activation.at(z - h).unwrap().0) / (2.0 * h);
                let slope = activation.at(z).unwrap().1;
                assert!((slope - numeric).abs() < 1e-8 * (1.0 + numeric.abs()), "{activation:?} at {z}: {slope}, numerically {numeric}");
            }
        }
    }

    #[test]
    fn small_values_keep_their_digits() {
        for (name, z, expected) in
            [("softplus", -30.0_f32, 9.357_623e-14_f32), ("elu", -1e-6, -9.999_995e-7), ("selu", -1e-6, -1.758_098_4e-6)]
        {
            let value = value_and_slope(&read(name), &[z]).0[0];
            assert!((value / expected - 1.0).abs() < 1e-5, "{name}({z}) = {value}, expected {expected}");
        }
    }

    #[test]
    fn no_activation_hides_a_nan_in_training_or_evaluation() {
        for activation in all() {
            assert!(value_and_slope(&activation, &[f32::NAN]).0[0].is_nan(), "{activation:?} in training");
            let mut row = vec![0.5_f32; activation.pieces()];
            row[activation.pieces() - 1] = f32::NAN;
            let z = Tensor::from_vec(row, (1, activation.pieces()), &Device::Cpu).unwrap();
            let value = activation.forward(&z).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(value[0].is_nan(), "{activation:?} in evaluation");
        }
    }

    #[test]
    fn evaluation_gives_the_bits_of_training() {
        let z: Vec<f32> = (-60..60).map(|i| i as f32 / 7.0).collect();
        for activation in all() {
            let count = z.len() / activation.pieces();
            let constant = Tensor::from_slice(&z[..count * activation.pieces()], (1, count * activation.pieces()), &Device::Cpu).unwrap();
            let tracked = Var::from_tensor(&constant).unwrap();
            let bits = |z: &Tensor| activation.forward(z).unwrap().to_dtype(DType::F32).unwrap().to_vec2::<f32>().unwrap();
            assert_eq!(bits(&constant), bits(&tracked), "{activation:?}");
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        for (json, parameter) in [
            (r#"{"name": "leaky_relu", "negative_slope": 1e60}"#, "negative_slope"),
            (r#"{"name": "elu", "alpha": 1e60}"#, "alpha"),
            (r#"{"name": "maxout", "pieces": 1}"#, "pieces = 1"),
        ] {
            let message = read(json).validate().unwrap_err();
            assert!(message.contains(parameter), "{message}");
        }
        assert!(all().iter().all(|activation| activation.validate().is_ok()));
    }
}
