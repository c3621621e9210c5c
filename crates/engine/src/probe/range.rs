//! The ends of an activation's range, and units that never leave its zero.

use relumine_model::LayerSpec;
use relumine_model::activation::{Activation, ScaledTanh, Selu};
use relumine_model::norm::Position;

/// How near the end of its range an output is when hardly any gradient passes: this share of the way.
const NEAR: f64 = 0.95;

/// What can be told of a layer's outputs beside their distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Range {
    /// Outputs under the first or over the second are saturated.
    saturated_outside: Option<(f32, f32)>,
    /// Whether units that are always zero are dead.
    pub(crate) may_die: bool,
}

impl Range {
    /// Of each layer. The last one gives logits, and a normalisation after the activation moves its outputs.
    pub(crate) fn of_layers(specs: &[&LayerSpec]) -> Vec<Self> {
        let last = specs.len().saturating_sub(1);
        let of = |(position, spec): (usize, &&LayerSpec)| {
            let is_moved = spec.norm.position() == Some(Position::AfterActivation);
            if position == last || is_moved { Self::default() } else { Self::of(&spec.activation) }
        };
        specs.iter().enumerate().map(of).collect()
    }

    fn of(activation: &Activation) -> Self {
        let both = |size: f64| Some((-(NEAR * size) as f32, (NEAR * size) as f32));
        let below = |lowest: f64| Some(((NEAR * lowest) as f32, f32::INFINITY));
        let saturated_outside = match activation {
            Activation::Sigmoid(_) => Some(((1.0 - NEAR) as f32, NEAR as f32)),
            // Its slope is whole up to the very ends.
            Activation::HardSigmoid(_) => Some((f32::MIN_POSITIVE, 1.0 - f32::EPSILON / 2.0)),
            Activation::Tanh(_) | Activation::Softsign(_) => both(1.0),
            Activation::ScaledTanh(_) => both(ScaledTanh::SCALE),
            Activation::Elu(elu) if elu.alpha > 0.0 => below(-elu.alpha),
            Activation::Selu(_) => below(-Selu::ALPHA * Selu::SCALE),
            _ => None,
        };
        Self { saturated_outside, may_die: matches!(activation, Activation::Relu(_) | Activation::HardSigmoid(_)) }
    }

    /// How many of the outputs are saturated; `None` where the activation has no ends.
    pub(crate) fn saturated(&self, outputs: &[f32]) -> Option<usize> {
        let (low, high) = self.saturated_outside?;
        // Added up in blocks that a processor counts several of at once.
        let of_block = |block: &[f32]| block.iter().map(|output| u32::from((*output < low) | (*output > high))).sum::<u32>() as usize;
        Some(outputs.chunks(1 << 16).map(of_block).sum())
    }
}

/// How many columns of the row-major `outputs` are zero in every row.
pub(crate) fn dead_units(outputs: &[f32], columns: usize) -> usize {
    let mut is_lit = vec![false; columns];
    for row in outputs.chunks_exact(columns.max(1)) {
        for (is_lit, output) in is_lit.iter_mut().zip(row) {
            *is_lit |= *output != 0.0;
        }
    }
    is_lit.iter().filter(|is_lit| !**is_lit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_model::ModelConfig;

    fn saturated(activation: &str, outputs: &[f32]) -> Option<usize> {
        let activation: Activation = serde_json::from_str(activation).unwrap();
        Range::of(&activation).saturated(outputs)
    }

    #[test]
    fn saturation_is_at_the_ends_of_each_range() {
        assert_eq!(saturated("\"sigmoid\"", &[0.0, 0.049, 0.051, 0.5, 0.949, 0.951, 1.0]), Some(4));
        assert_eq!(saturated("\"hard_sigmoid\"", &[0.0, 1e-6, 0.5, 0.999_999, 1.0]), Some(2));
        for activation in ["\"tanh\"", "\"softsign\""] {
            assert_eq!(saturated(activation, &[-1.0, -0.951, -0.949, 0.0, 0.949, 0.951]), Some(3));
        }
        assert_eq!(saturated("\"scaled_tanh\"", &[-1.7, -1.6, 1.6, 1.7]), Some(2));
        assert_eq!(saturated(r#"{"name": "elu", "alpha": 0.5}"#, &[-0.49, -0.47, 0.0, 100.0]), Some(1));
        assert_eq!(saturated("\"selu\"", &[-1.75, -1.68, -1.66, 5.0]), Some(2));
        for activation in ["identity", "relu", "leaky_relu", "gelu", "silu", "softplus", "mish", "maxout"] {
            assert_eq!(saturated(&format!("\"{activation}\""), &[0.0, 1.0]), None, "{activation}");
        }
    }

    #[test]
    fn logits_and_normalised_outputs_have_no_ends() {
        let ranges = |norm: &str| {
            let json = format!(r#"{{"hidden": [4], "activation": "hard_sigmoid", "norm": {norm}}}"#);
            let architecture = serde_json::from_str::<ModelConfig>(&json).unwrap().architecture(3, 2).unwrap();
            Range::of_layers(&architecture.layers.iter().collect::<Vec<_>>())
        };
        assert_eq!(ranges(r#"{"name": "batch", "position": "after_activation"}"#), [Range::default(); 2]);
        let before = ranges("\"batch\"");
        assert!(before[0].may_die && before[0].saturated_outside.is_some() && before[1] == Range::default());
    }

    #[test]
    fn a_unit_is_dead_that_is_zero_in_every_row() {
        assert_eq!(dead_units(&[0.0, 1.0, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN], 3), 1);
        assert_eq!(dead_units(&[], 3), 3);
    }
}
