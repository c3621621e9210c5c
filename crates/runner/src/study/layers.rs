//! Layers and epochs of a cell, averaged over its seeds.

use relumine_report::statistics::mean;
use relumine_report::{CurvePoint, EpochRecord, LayerMeans, LayerProbe, ProbeRecord};

/// The layers of one probe of each seed; empty where the seeds have none, or not all as many layers.
pub(super) fn layer_means(probes: &[ProbeRecord]) -> Vec<LayerMeans> {
    let Some(first) = probes.first() else { return Vec::new() };
    if probes.iter().any(|probe| probe.layers.len() != first.layers.len()) {
        return Vec::new();
    }
    let layer = |place: usize| {
        let over_seeds =
            |value: &dyn Fn(&LayerProbe) -> f64| mean(&probes.iter().map(|probe| value(&probe.layers[place])).collect::<Vec<_>>());
        let share = |value: fn(&LayerProbe) -> Option<f64>| {
            let values: Option<Vec<f64>> = probes.iter().map(|probe| value(&probe.layers[place])).collect();
            values.map(|values| mean(&values))
        };
        let percentiles =
            |values: fn(&LayerProbe) -> &[f64; 7]| std::array::from_fn(|percentile| over_seeds(&|layer| values(layer)[percentile]));
        LayerMeans {
            layer: first.layers[place].layer.clone(),
            activation_sd: over_seeds(&|layer| layer.activations.standard_deviation),
            activation_percentiles: percentiles(|layer| &layer.activations.percentiles),
            gradient_sd: over_seeds(&|layer| layer.gradients.standard_deviation),
            gradient_percentiles: percentiles(|layer| &layer.gradients.percentiles),
            weight_gradient_norm: over_seeds(&|layer| layer.weight_gradients.norm),
            saturated: share(|layer| layer.saturated),
            dead: share(|layer| layer.dead),
        }
    };
    (0..first.layers.len()).map(layer).collect()
}

/// The epochs that all seeds have.
pub(super) fn curve(seeds: &[Vec<EpochRecord>]) -> Vec<CurvePoint> {
    let epochs = seeds.iter().map(Vec::len).min().unwrap_or_default();
    let point = |place: usize| {
        let over_seeds = |value: fn(&EpochRecord) -> f64| mean(&seeds.iter().map(|epochs| value(&epochs[place])).collect::<Vec<_>>());
        let validation = |value: fn(&EpochRecord) -> Option<f64>| {
            let values: Option<Vec<f64>> = seeds.iter().map(|epochs| value(&epochs[place])).collect();
            values.map(|values| mean(&values))
        };
        CurvePoint {
            epoch: (place + 1) as u64,
            train_loss: over_seeds(|epoch| epoch.train.loss),
            train_accuracy: over_seeds(|epoch| epoch.train.accuracy),
            validation_loss: validation(|epoch| Some(epoch.validation?.loss)),
            validation_accuracy: validation(|epoch| Some(epoch.validation?.accuracy)),
        }
    };
    (0..epochs).map(point).collect()
}
