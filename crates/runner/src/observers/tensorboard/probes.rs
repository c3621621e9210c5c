//! The scalars of a probe.

use super::messages::Value;
use relumine_report::{Distribution, LayerProbe, ProbeRecord};

/// A tag that every probe has, and nothing else.
pub(super) const TAG: &str = "probe/loss";

/// `probe/loss`, and of each layer, such as `layers.0`: `activations_mean/layers.0`, `activations_deviation/layers.0`, the norms
/// `gradients/layers.0` (at the pre-activations) and `weight_gradients/layers.0`, and where they have a meaning the shares
/// `saturated/layers.0` and `dead/layers.0` and the ratio `update_ratio/layers.0`.
pub(super) fn scalars(record: &ProbeRecord) -> Vec<Value> {
    let mut values = vec![Value::scalar(TAG, record.loss)];
    for probe in &record.layers {
        let LayerProbe { layer, activations, gradients, weight_gradients, saturated, dead, update_ratio, .. } = probe;
        let Distribution { mean, standard_deviation, .. } = activations;
        let numbers = [
            ("activations_mean", Some(*mean)),
            ("activations_deviation", Some(*standard_deviation)),
            ("gradients", Some(gradients.norm)),
            ("weight_gradients", Some(weight_gradients.norm)),
            ("saturated", *saturated),
            ("dead", *dead),
            ("update_ratio", *update_ratio),
        ];
        values.extend(numbers.into_iter().filter_map(|(group, number)| Some(Value::scalar(&format!("{group}/{layer}"), number?))));
    }
    values
}
