//! What flows through each layer while a run trains: activations, gradients, updates.

use crate::records::nan_from_null;
use serde::{Deserialize, Deserializer, Serialize};

/// The percentiles of a [`Distribution`], in the order of its field: numpy's linear interpolation, the default of `numpy.percentile`. Of `n`
/// sorted values the percentile `p` lies at position `p / 100 * (n - 1)`, counted from 0, and between two values on the line through them.
pub const PERCENTILES: [u8; 7] = [1, 5, 25, 50, 75, 95, 99];

/// One line of `probes.jsonl`: the network on a fixed batch of train rows, in training mode (batch normalisation by the batch's own
/// statistics) but without dropout, noise and augmentation. The gradients are those of the mean loss that training minimises (with its label
/// smoothing and class weights), without penalties on the weights and without clipping. Identical runs have identical lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// Optimiser steps taken: 0 before training.
    pub step: u64,
    /// The epoch that the last of them belongs to, counted from 1; 0 before training.
    pub epoch: u64,
    /// Rows of the batch.
    pub rows: u64,
    /// Their mean loss in nats, without label smoothing and class weights. `null` in JSON where it is not finite, as is every number here.
    #[serde(deserialize_with = "nan_from_null")]
    pub loss: f64,
    /// First to last; the last one gives the logits.
    pub layers: Vec<LayerProbe>,
}

/// One layer of a [`ProbeRecord`]: `z = x weight^T + bias`, `outputs = activation(z)`, with a normalisation before or after the activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerProbe {
    /// Such as `layers.0`.
    pub layer: String,
    /// The activation's name, such as `relu`; `identity` in the last layer.
    pub activation: String,
    /// The layer's outputs: those of the activation, or of a normalisation after it; the logits in the last layer. `rows * units` values.
    pub activations: Distribution,
    /// dL/dz, where z is what the affine map gives, before any normalisation. `rows * units` values (times the pieces of a maxout).
    pub gradients: Distribution,
    /// dL/dW, of the weight without the bias.
    pub weight_gradients: Distribution,
    /// Share of the activation's outputs, 0 to 1, that are so near an end of its range that hardly any gradient passes; `None` where the
    /// activation has no such end (identity, maxout, leaky ReLU, softplus, ...), in the last layer, and where a normalisation follows it.
    pub saturated: Option<f64>,
    /// Share of the layer's units, 0 to 1, that are zero on every row of the batch; `None` where the activation gives no zeros, and where a
    /// normalisation follows it.
    pub dead: Option<f64>,
    /// L2 norm of the weight, without the bias.
    #[serde(deserialize_with = "nan_from_null")]
    pub weight_norm: f64,
    /// L2 norm of the last optimiser step's change of the weight, over the norm that the weight had before it. `None` before the first step,
    /// and where that norm was 0.
    pub update_ratio: Option<f64>,
}

/// How values are distributed. Sums are in 64 bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The square root of the sum of the squares.
    #[serde(deserialize_with = "nan_from_null")]
    pub norm: f64,
    /// The arithmetic mean.
    #[serde(deserialize_with = "nan_from_null")]
    pub mean: f64,
    /// The standard deviation, with `n` in the denominator, as `numpy.std`.
    #[serde(deserialize_with = "nan_from_null")]
    pub standard_deviation: f64,
    /// The values at [`PERCENTILES`]; all NaN where a value is not a number.
    #[serde(deserialize_with = "nans_from_nulls")]
    pub percentiles: [f64; 7],
}

/// Numbers, with `null` for each that is not finite.
pub(crate) fn nans_from_nulls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 7], D::Error> {
    Ok(<[Option<f64>; 7]>::deserialize(deserializer)?.map(|value| value.unwrap_or(f64::NAN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_as_documented_and_numbers_that_are_not_finite_come_back_as_nan() {
        let distribution =
            Distribution { norm: f64::INFINITY, mean: 0.5, standard_deviation: 0.25, percentiles: [0., 0., 0., 0.5, 1., 1., f64::NAN] };
        let layer = LayerProbe {
            layer: "layers.0".into(),
            activation: "relu".into(),
            activations: distribution.clone(),
            gradients: distribution.clone(),
            weight_gradients: distribution,
            saturated: None,
            dead: Some(0.125),
            weight_norm: 2.0,
            update_ratio: None,
        };
        let text = serde_json::to_string(&ProbeRecord { step: 0, epoch: 0, rows: 8, loss: 2.5, layers: vec![layer] }).unwrap();
        let numbers = r#"{"norm":null,"mean":0.5,"standard_deviation":0.25,"percentiles":[0.0,0.0,0.0,0.5,1.0,1.0,null]}"#;
        let expected = format!(
            r#"{{"step":0,"epoch":0,"rows":8,"loss":2.5,"layers":[{{"layer":"layers.0","activation":"relu","activations":{numbers},"#
        ) + &format!(
            r#""gradients":{numbers},"weight_gradients":{numbers},"saturated":null,"dead":0.125,"weight_norm":2.0,"#
        ) + r#""update_ratio":null}]}"#;
        assert_eq!(text, expected);
        let read: ProbeRecord = serde_json::from_str(&text).unwrap();
        assert!(read.layers[0].gradients.norm.is_nan() && read.layers[0].gradients.percentiles[6].is_nan());
        assert_eq!(read.layers[0].gradients.percentiles[5], 1.0);
    }
}
