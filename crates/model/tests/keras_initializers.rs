//! Initialisers against Keras and PyTorch: `fixtures/keras_initializers.py` made the expected numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_model::ModelConfig;
use relumine_model::initializer::{Fans, Initializer};
use relumine_random::{Purpose, Stream};
use serde_json::{Value, json};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/keras_initializers.json")).unwrap()
}

fn cases<'a>(fixture: &'a Value, part: &str) -> &'a [Value] {
    fixture[part].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn initializer(value: &Value) -> Initializer {
    serde_json::from_value(value.clone()).unwrap()
}

fn shape(case: &Value) -> Vec<usize> {
    serde_json::from_value(case["shape"].clone()).unwrap()
}

/// As many of our values as the fixture's sample has, under seeds 0, 1, ...
fn values(case: &Value, fans: Fans) -> Vec<f64> {
    let elements: usize = shape(case).iter().product();
    let seeds = case["count"].as_u64().unwrap() / elements as u64;
    let draw = |seed| initializer(&case["init"]).sample(fans, elements, &Stream::new(seed, Purpose::Weights, 0));
    (0..seeds).flat_map(draw).map(f64::from).collect()
}

fn fans(case: &Value) -> Fans {
    Fans::of(&shape(case), case["inputs"].as_u64().unwrap() as usize)
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, variance.sqrt())
}

/// Kolmogorov and Smirnov's distance between our values and the fixture's sample, over its 99.9 % point for two samples of this size,
/// 1.949 sqrt(2 / n). It is taken at the fixture's quantiles, so a distance under 1 is never an effect of their spacing.
fn distance(values: &[f64], case: &Value) -> f64 {
    let quantiles: Vec<f64> = cases(case, "quantiles").iter().map(number).collect();
    let mut counts = vec![0.0; quantiles.len() + 1];
    for value in values {
        counts[quantiles.partition_point(|quantile| quantile < value)] += 1.0;
    }
    let n = values.len() as f64;
    let (mut below, mut worst) = (0.0, 0.0_f64);
    for (index, count) in counts[..quantiles.len()].iter().enumerate() {
        below += count;
        worst = worst.max((below / n - (index + 1) as f64 / (quantiles.len() + 1) as f64).abs());
    }
    worst / (1.949 * (2.0 / n).sqrt())
}

#[test]
#[expect(clippy::print_stdout, reason = "names the worst case where output is not captured")]
fn samples_have_the_distribution_of_keras_and_pytorch() {
    let fixture = fixture();
    let mut worst = (0.0, String::new());
    for case in cases(&fixture, "samples") {
        let what = format!("{} of shape {}", case["init"], case["shape"]);
        let (ours, n, stddev) = (values(case, fans(case)), number(&case["count"]), number(&case["stddev"]));
        let (mean, spread) = moments(&ours);
        // Four standard errors of a difference of two means, and of two standard deviations of a normal sample, the widest one here.
        assert!((mean - number(&case["mean"])).abs() < 4.0 * stddev * (2.0 / n).sqrt(), "{what}: mean {mean}, expected {}", case["mean"]);
        assert!((spread / stddev - 1.0).abs() < 4.0 / n.sqrt(), "{what}: standard deviation {spread}, expected {stddev}");
        // Where a distribution is cut off, two samples of this size end alike; a normal one's extremes vary by a part of stddev.
        let (minimum, maximum) = ours.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        let is_cut_off = number(&case["maximum"]) - number(&case["mean"]) < 3.0 * stddev;
        let tolerance = if is_cut_off { 1e-3 } else { 1.5 } * stddev;
        for (found, expected) in [(minimum, &case["minimum"]), (maximum, &case["maximum"])] {
            assert!((found - number(expected)).abs() < tolerance, "{what}: ends at {found}, expected {expected}");
        }
        let distance = distance(&ours, case);
        assert!(distance < 1.0, "{what}: the distance is {distance} times its 99.9 % point");
        if distance > worst.0 {
            worst = (distance, what);
        }
    }
    assert_eq!(cases(&fixture, "samples").len(), 34);
    println!("worst distance: {} of its 99.9 % point, {}", worst.0, worst.1);
}

/// The comparison above would see it: with its fans swapped, every sample whose distribution depends on one of them is far off.
#[test]
fn a_swapped_fan_is_noticed() {
    let fixture = fixture();
    let depends_on_one_fan = |case: &&Value| {
        let init = &case["init"];
        let (name, mode) = (init["name"].as_str().unwrap(), init["mode"].as_str());
        shape(case).len() == 2
            && (["fan_in", "fan_out"].map(Some).contains(&mode) || ["he", "lecun", "torch"].iter().any(|n| name.starts_with(n)))
    };
    let swapped: Vec<_> = cases(&fixture, "samples").iter().filter(depends_on_one_fan).collect();
    assert_eq!(swapped.len(), 16);
    for case in swapped {
        let Fans { fan_in, fan_out, .. } = fans(case);
        let distance = distance(&values(case, Fans { fan_in: fan_out, fan_out: fan_in, layer_inputs: fan_out }), case);
        assert!(distance > 5.0, "{}: {distance}", case["init"]);
    }
}

#[test]
fn kinds_that_draw_nothing_equal_keras() {
    for case in cases(&fixture(), "exact") {
        let shape = shape(case);
        let ours = initializer(&case["init"]).sample(Fans::of(&shape, shape[1]), 15, &Stream::new(0, Purpose::Weights, 0));
        let theirs: Vec<f32> = cases(case, "values").iter().map(|value| number(value) as f32).collect();
        assert_eq!(ours, theirs, "{} of shape {shape:?}", case["init"]);
    }
}

#[test]
fn names_parameters_and_defaults_are_those_of_keras() {
    for (name, defaults) in fixture()["defaults"].as_object().unwrap() {
        let mut ours = serde_json::to_value(initializer(&json!(name))).unwrap();
        if let Some(table) = ours.as_object_mut() {
            table.remove("name");
        } else {
            ours = json!({});
        }
        assert_eq!(&ours, defaults, "{name}");
    }
}

/// Every row of the shorter side: `Q Q^T = gain^2 I`.
#[test]
fn orthogonal_weights_have_orthogonal_rows_or_columns_of_length_gain() {
    for (gain, [fan_out, fan_in]) in [(1.0, [200, 300]), (1.0, [300, 200]), (0.3, [64, 64]), (2.0, [1, 40])] {
        let init = initializer(&json!({ "name": "orthogonal", "gain": gain }));
        let weight = init.sample(Fans::of(&[fan_out, fan_in], fan_in), fan_out * fan_in, &Stream::new(7, Purpose::Weights, 2));
        let at = |row: usize, column: usize| f64::from(weight[row * fan_in + column]);
        let (short, long) = (fan_out.min(fan_in), fan_out.max(fan_in));
        for (i, j) in (0..short).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            let product: f64 = (0..long).map(|k| if fan_out <= fan_in { at(i, k) * at(j, k) } else { at(k, i) * at(k, j) }).sum();
            let expected = if i == j { gain * gain } else { 0.0 };
            assert!((product - expected).abs() < 1e-6, "gain {gain}, [{fan_out}, {fan_in}]: vectors {i} and {j} give {product}");
        }
    }
}

/// `torch.nn.Linear(300, 400).bias` lies in ±1/sqrt(300), not in ±1/sqrt(400).
#[test]
fn a_model_s_biases_take_the_inputs_of_their_layer() {
    let config: ModelConfig = serde_json::from_value(json!({ "hidden": [400], "bias_init": "torch_linear" })).unwrap();
    let layer = &config.architecture(300, 10).unwrap().layers[0];
    let bias = layer.initial_values(&layer.tensors()[1], 0);
    let largest = bias.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!((0.98..=1.0).contains(&(largest * 300_f32.sqrt())), "{largest}");
}
