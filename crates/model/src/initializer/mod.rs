//! Initial weights, with the names and formulas of Keras 3.

use crate::kinds::kinds;
use relumine_random::Stream;

kinds! {
    /// How a weight or bias starts: `model.init`, `model.output_init`, `model.bias_init`.
    Initializer: InitializerKind {
        zeros::Zeros, random_normal::RandomNormal, glorot_uniform::GlorotUniform, he_uniform::HeUniform
    }
}

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
}

/// How many inputs and outputs a tensor connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Inputs of each unit: axis 1 of a weight `[out, in]`.
    pub fan_in: usize,
    /// Units that each input feeds: axis 0 of a weight `[out, in]`.
    pub fan_out: usize,
}

impl Fans {
    /// The fans of a tensor. A vector has `fan_in = fan_out` = its length, as in Keras' `compute_fans`.
    #[must_use]
    pub fn of(shape: &[usize]) -> Self {
        match shape {
            [fan_out, fan_in] => Self { fan_in: *fan_in, fan_out: *fan_out },
            _ => Self { fan_in: shape.iter().product(), fan_out: shape.iter().product() },
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::Purpose;

    fn sample(toml: &str, shape: [usize; 2]) -> Vec<f32> {
        let table: toml::Table = toml::from_str(&format!("init = {toml}")).unwrap();
        let initializer: Initializer = table["init"].clone().try_into().unwrap();
        initializer.sample(Fans::of(&shape), shape[0] * shape[1], &Stream::new(3, Purpose::Weights, 0))
    }

    /// Mean within 4 standard errors of 0, standard deviation within 2 %, extremes where the formula puts them: on a shape that is not
    /// square, so that a swap of the fans shows.
    #[test]
    fn samples_have_the_moments_and_bounds_of_the_keras_formula() {
        let shape = [256, 784];
        let glorot = (6.0 / (784.0 + 256.0_f64)).sqrt();
        let he = (6.0 / 784.0_f64).sqrt();
        for (toml, stddev, bound) in [
            ("\"glorot_uniform\"", glorot / 3_f64.sqrt(), glorot),
            ("\"he_uniform\"", he / 3_f64.sqrt(), he),
            ("\"random_normal\"", 0.05, 0.05 * 6.34),
            ("{ name = \"random_normal\", stddev = 2 }", 2.0, 2.0 * 6.34),
        ] {
            let values: Vec<f64> = sample(toml, shape).into_iter().map(f64::from).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
            let extreme = values.iter().fold(0.0_f64, |worst, value| worst.max(value.abs()));
            assert!(mean.abs() < 4.0 * stddev / n.sqrt(), "{toml}: mean {mean}");
            assert!((spread / stddev - 1.0).abs() < 0.02, "{toml}: standard deviation {spread}, expected {stddev}");
            assert!(extreme <= bound * (1.0 + 1e-7), "{toml}: {extreme} lies outside {bound}");
            assert!(extreme > 0.6 * bound, "{toml}: {extreme} stays far inside {bound}");
        }
        assert!(sample("\"zeros\"", shape).iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_kind_reads_and_writes_both_forms() {
        let read = |toml: &str| toml::from_str::<toml::Table>(toml).unwrap()["init"].clone().try_into::<Initializer>();
        assert_eq!(read("init = \"zeros\"").unwrap(), Initializer::Zeros(Zeros {}));
        let normal = read("init = { name = \"random_normal\", stddev = 0.1 }").unwrap();
        assert_eq!(normal, Initializer::RandomNormal(RandomNormal { mean: 0.0, stddev: 0.1 }));
        assert_eq!(serde_json::to_string(&normal).unwrap(), r#"{"name":"random_normal","mean":0.0,"stddev":0.1}"#);
        assert_eq!(serde_json::to_string(&Initializer::Zeros(Zeros {})).unwrap(), r#""zeros""#);
        let unknown = read("init = { name = \"random_normal\", sd = 0.1 }").unwrap_err().to_string();
        assert!(unknown.contains("unknown field `sd`"), "{unknown}");
    }
}
