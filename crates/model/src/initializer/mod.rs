//! Initial weights, with the names, parameters and formulas of Keras 3; and PyTorch's, Pylearn2's and layer-sequential unit variance.

mod gram_schmidt;
mod range;

use crate::kinds::kinds;
use relumine_random::Stream;

kinds! {
    /// How a weight or bias starts: `model.init`, `model.output_init`, `model.bias_init`.
    Initializer: InitializerKind {
        zeros::Zeros, ones::Ones, constant::Constant, identity::Identity, orthogonal::Orthogonal, lsuv::Lsuv,
        random_normal::RandomNormal, random_uniform::RandomUniform, truncated_normal::TruncatedNormal, irange_uniform::IrangeUniform,
        variance_scaling::VarianceScaling, glorot_normal::GlorotNormal, glorot_uniform::GlorotUniform, he_normal::HeNormal,
        he_uniform::HeUniform, lecun_normal::LecunNormal, lecun_uniform::LecunUniform, torch_linear::TorchLinear,
    }
}
pub use variance_scaling::{Distribution, FanMode};

impl Initializer {
    /// The initial values of a tensor, row-major: drawn in f64 from word `i` of the stream for element `i`, then rounded to f32, so that
    /// they are the same on every device.
    #[must_use]
    pub fn sample(&self, fans: Fans, elements: usize, stream: &Stream) -> Vec<f32> {
        let mut words = vec![0; elements];
        stream.fill(0, 0, &mut words);
        self.behaviour().sample(fans, &words).into_iter().map(|value| value as f32).collect()
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// One sentence that names the parameter and its range.
    pub fn validate(&self) -> Result<(), String> {
        self.behaviour().validate()
    }

    /// Whether this kind fills matrices only, so that no bias can start with it.
    #[must_use]
    pub fn needs_matrix(&self) -> bool {
        self.behaviour().needs_matrix()
    }
}

/// How many inputs and outputs a tensor connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Inputs of each unit: axis 1 of a weight `[out, in]`.
    pub fan_in: usize,
    /// Units that each input feeds: axis 0 of a weight `[out, in]`.
    pub fan_out: usize,
    /// Inputs of the layer that the tensor belongs to: of a weight its `fan_in`, of a bias that of the weight beside it.
    pub layer_inputs: usize,
}

impl Fans {
    /// The fans of a tensor in a layer with so many inputs. A vector has `fan_in = fan_out` = its length, as in Keras' `compute_fans`.
    #[must_use]
    pub fn of(shape: &[usize], layer_inputs: usize) -> Self {
        match shape {
            [fan_out, fan_in] => Self { fan_in: *fan_in, fan_out: *fan_out, layer_inputs },
            _ => Self { fan_in: shape.iter().product(), fan_out: shape.iter().product(), layer_inputs },
        }
    }
}

/// What a file in this folder provides.
trait InitializerKind {
    /// One value per word.
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64>;

    /// Says which parameter is out of its range, if one is.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether it can fill matrices only.
    fn needs_matrix(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::Purpose;

    fn read(toml: &str) -> Result<Initializer, toml::de::Error> {
        toml::from_str::<toml::Table>(&format!("init = {toml}")).unwrap()["init"].clone().try_into()
    }

    fn sample(toml: &str, shape: &[usize], layer_inputs: usize) -> Vec<f32> {
        read(toml).unwrap().sample(Fans::of(shape, layer_inputs), shape.iter().product(), &Stream::new(3, Purpose::Weights, 0))
    }

    /// Mean within 4 standard errors, standard deviation within 2 %, extremes where the formula puts them: on a shape that is not
    /// square, so that a swap of the fans shows.
    #[test]
    fn samples_have_the_moments_and_bounds_of_their_formulas() {
        let shape = [256, 784];
        let (fan_in, fan_out) = (784.0_f64, 256.0_f64);
        let uniform = |limit: f64| (limit / 3_f64.sqrt(), limit);
        let truncated = |stddev: f64| (stddev, stddev * 2.0 / 0.879_625_661_034_24);
        let (normal, glorot) = (|stddev: f64| (stddev, stddev * 6.34), 2.0 / (fan_in + fan_out));
        for (toml, mean, (stddev, bound)) in [
            ("'random_normal'", 0.0, normal(0.05)),
            ("{ name = 'random_normal', stddev = 2 }", 0.0, normal(2.0)),
            ("{ name = 'random_normal', mean = -3, stddev = 2 }", -3.0, normal(2.0)),
            ("'random_uniform'", 0.0, uniform(0.05)),
            ("{ name = 'random_uniform', minval = 1, maxval = 5 }", 3.0, uniform(2.0)),
            ("'truncated_normal'", 0.0, truncated(0.05 * 0.879_625_661_034_24)),
            ("{ name = 'truncated_normal', mean = 1, stddev = 10 }", 1.0, truncated(8.796_256_610_342_4)),
            ("'irange_uniform'", 0.0, uniform(0.05)),
            ("{ name = 'irange_uniform', irange = 0.005 }", 0.0, uniform(0.005)),
            ("'variance_scaling'", 0.0, truncated((1.0 / fan_in).sqrt())),
            ("{ name = 'variance_scaling', scale = 4, distribution = 'normal' }", 0.0, truncated((4.0 / fan_in).sqrt())),
            ("{ name = 'variance_scaling', mode = 'fan_out', distribution = 'uniform' }", 0.0, uniform((3.0 / fan_out).sqrt())),
            ("{ name = 'variance_scaling', mode = 'fan_avg', distribution = 'untruncated_normal' }", 0.0, normal(glorot.sqrt())),
            ("'glorot_normal'", 0.0, truncated(glorot.sqrt())),
            ("'glorot_uniform'", 0.0, uniform((3.0 * glorot).sqrt())),
            ("'he_normal'", 0.0, truncated((2.0 / fan_in).sqrt())),
            ("'he_uniform'", 0.0, uniform((6.0 / fan_in).sqrt())),
            ("'lecun_normal'", 0.0, truncated((1.0 / fan_in).sqrt())),
            ("'lecun_uniform'", 0.0, uniform((3.0 / fan_in).sqrt())),
            ("'torch_linear'", 0.0, uniform((1.0 / fan_in).sqrt())),
        ] {
            let values: Vec<f64> = sample(toml, &shape, 784).into_iter().map(f64::from).collect();
            let n = values.len() as f64;
            let found = values.iter().sum::<f64>() / n;
            let spread = (values.iter().map(|value| (value - found).powi(2)).sum::<f64>() / n).sqrt();
            let extreme = values.iter().fold(0.0_f64, |worst, value| worst.max((value - mean).abs()));
            assert!((found - mean).abs() < 4.0 * stddev / n.sqrt(), "{toml}: mean {found}, expected {mean}");
            assert!((spread / stddev - 1.0).abs() < 0.02, "{toml}: standard deviation {spread}, expected {stddev}");
            assert!(extreme <= bound * (1.0 + 1e-7), "{toml}: {extreme} lies outside {bound}");
            assert!(extreme > 0.6 * bound, "{toml}: {extreme} stays far inside {bound}");
        }
    }

    #[test]
    fn kinds_that_draw_nothing_fill_in_their_value() {
        assert_eq!(sample("'zeros'", &[2, 3], 3), [0.0; 6]);
        assert_eq!(sample("'ones'", &[3], 8), [1.0; 3]);
        assert_eq!(sample("{ name = 'constant', value = -0.25 }", &[2, 3], 3), [-0.25; 6]);
        assert_eq!(sample("'identity'", &[3, 2], 2), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_bias_has_its_own_length_as_fans_but_knows_its_layer() {
        let largest = |toml: &str| sample(toml, &[10_000], 64).into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        assert!((largest("'he_uniform'") / (6.0 / 10_000_f32).sqrt() - 1.0).abs() < 0.01);
        assert!((largest("'torch_linear'") * 8.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn lsuv_starts_as_orthogonal_does() {
        assert_eq!(sample("'lsuv'", &[5, 7], 7), sample("'orthogonal'", &[5, 7], 7));
    }

    #[test]
    fn parameters_out_of_range_are_named_with_what_they_may_hold() {
        for (toml, sentence) in [
            ("{ name = 'constant', value = nan }", "value = NaN must be a number from -1e37 to 1e37, such as 0.1"),
            ("{ name = 'constant', value = -1e38 }", "value = -1e38 must be"),
            ("{ name = 'random_normal', mean = inf }", "mean = inf must be a number from -1e37 to 1e37, such as 0"),
            ("{ name = 'random_normal', stddev = -1.0 }", "stddev = -1.0 must be a number from 0 to 1e37, such as 0.05"),
            ("{ name = 'random_normal', stddev = 1e38 }", "stddev = 1e38 must be"),
            ("{ name = 'truncated_normal', mean = nan }", "mean = NaN must be"),
            ("{ name = 'truncated_normal', stddev = -0.1 }", "stddev = -0.1 must be"),
            ("{ name = 'random_uniform', minval = -inf }", "minval = -inf must be"),
            ("{ name = 'random_uniform', maxval = 1e300 }", "maxval = 1e300 must be"),
            ("{ name = 'random_uniform', minval = 0.1 }", "minval = 0.1 must be at most maxval = 0.05, such as -0.05 and 0.05"),
            ("{ name = 'irange_uniform', irange = -0.05 }", "irange = -0.05 must be"),
            ("{ name = 'variance_scaling', scale = 0.0 }", "scale = 0.0 must be a number over 0, 1e37 at most, such as 2"),
            ("{ name = 'variance_scaling', scale = nan }", "scale = NaN must be"),
            ("{ name = 'orthogonal', gain = inf }", "gain = inf must be"),
            ("{ name = 'identity', gain = nan }", "gain = NaN must be"),
            ("{ name = 'lsuv', tolerance = 0.0 }", "tolerance = 0.0 must be"),
            ("{ name = 'lsuv', max_iterations = 0 }", "max_iterations = 0 must be at least 1, such as 10"),
        ] {
            let message = read(toml).unwrap().validate().unwrap_err();
            assert!(message.starts_with(sentence), "{toml}: {message}");
        }
    }

    #[test]
    fn the_defaults_and_the_ends_of_every_range_give_finite_values() {
        let ends = [
            "{ name = 'constant', value = -1e37 }",
            "{ name = 'random_normal', mean = 1e37, stddev = 1e37 }",
            "{ name = 'random_normal', stddev = 0.0 }",
            "{ name = 'truncated_normal', mean = -1e37, stddev = 1e37 }",
            "{ name = 'random_uniform', minval = -1e37, maxval = 1e37 }",
            "{ name = 'random_uniform', minval = 2.0, maxval = 2.0 }",
            "{ name = 'irange_uniform', irange = 0.0 }",
            "{ name = 'variance_scaling', scale = 1e37, distribution = 'untruncated_normal' }",
            "{ name = 'orthogonal', gain = 1e37 }",
        ];
        for toml in Initializer::NAMES.iter().map(|name| format!("'{name}'")).chain(ends.map(str::to_owned)) {
            assert_eq!(read(&toml).unwrap().validate(), Ok(()), "{toml}");
            assert!(sample(&toml, &[3, 2], 2).into_iter().all(f32::is_finite), "{toml}");
        }
    }

    #[test]
    fn only_kinds_that_fill_matrices_are_unfit_for_a_bias() {
        let unfit: Vec<_> = Initializer::NAMES.iter().filter(|name| read(&format!("'{name}'")).unwrap().needs_matrix()).collect();
        assert_eq!(unfit, [&"identity", &"orthogonal", &"lsuv"]);
    }

    #[test]
    fn a_kind_reads_and_writes_both_forms() {
        assert_eq!(read("'zeros'").unwrap(), Initializer::Zeros(Zeros {}));
        let normal = read("{ name = 'random_normal', stddev = 0.1 }").unwrap();
        assert_eq!(normal, Initializer::RandomNormal(RandomNormal { mean: 0.0, stddev: 0.1 }));
        assert_eq!(serde_json::to_string(&normal).unwrap(), r#"{"name":"random_normal","mean":0.0,"stddev":0.1}"#);
        assert_eq!(serde_json::to_string(&Initializer::Zeros(Zeros {})).unwrap(), r#""zeros""#);
        let unknown = read("{ name = 'random_normal', sd = 0.1 }").unwrap_err().to_string();
        assert!(unknown.contains("unknown field `sd`"), "{unknown}");
        let unknown = read("{ name = 'variance_scaling', mode = 'fan_max' }").unwrap_err().to_string();
        assert!(unknown.contains("`fan_in`, `fan_out`, `fan_avg`"), "{unknown}");
    }
}
