//! What flows through the layers, by the first and the last probe.

use crate::chart::number;
use crate::page::families::Trained;
use crate::page::percent;
use crate::run_files::Weights;
use crate::{LayerProbe, ProbeRecord, ReportError};

pub(super) fn claims(trained: &Trained) -> Vec<String> {
    let (Some(first), Some(last)) = (trained.probes.first(), trained.probes.last()) else { return Vec::new() };
    let mut claims: Vec<String> = gradient_ratio(first).into_iter().collect();
    if last.step > first.step {
        claims.extend(gradient_ratio(last));
    }
    claims.extend(largest_share(last, "dead", "units are zero on every row of the probe batch (dead)", |layer| layer.dead));
    claims.extend(largest_share(last, "saturated", "outputs are saturated", |layer| layer.saturated));
    claims
}

/// The vanishing, or exploding, gradient as one number.
fn gradient_ratio(probe: &ProbeRecord) -> Option<String> {
    let [first, .., last] = &probe.layers[..] else { return None };
    let ratio = first.gradients.norm / last.gradients.norm;
    (ratio.is_finite() && last.gradients.norm > 0.0).then(|| {
        let (from, to) = (number(first.gradients.norm), number(last.gradients.norm));
        format!(
            "The gradient's norm in the first layer is {} times the last layer's {} ({from} and {to}, of dL/dz).",
            number(ratio),
            moment(probe)
        )
    })
}

fn moment(probe: &ProbeRecord) -> String {
    if probe.step == 0 { "before training".into() } else { format!("after step {}", probe.step) }
}

/// Of the layer where it is largest.
fn largest_share(probe: &ProbeRecord, name: &str, what: &str, share: impl Fn(&LayerProbe) -> Option<f64>) -> Option<String> {
    let shares = probe.layers.iter().enumerate().filter_map(|(place, layer)| Some((place, share(layer)?)));
    let (place, largest) = shares.filter(|(_, share)| share.is_finite()).reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    if largest == 0.0 {
        return Some(format!("In no layer is anything {name} {}.", moment(probe)));
    }
    let when = moment(probe);
    Some(format!("{} of layer {place}'s {what} {when}, the most of any layer.", percent(largest)))
}

/// How far training moved the weights of each layer.
pub(super) fn movement(trained: &Trained) -> Result<Option<String>, ReportError> {
    let (Some(before), Some(after)) = (trained.run.initial_weights()?, trained.run.final_weights()?) else { return Ok(None) };
    let mut moved = Vec::new();
    for layer in 0.. {
        let name = format!("layers.{layer}.weight");
        let (Some(before), Some(after)) = (before.get(&name), after.get(&name)) else { break };
        moved.extend(relative_change(before, after).map(|change| (layer, change)));
    }
    let largest = moved.iter().copied().reduce(|most, next: (usize, f64)| if next.1 > most.1 { next } else { most });
    let smallest = moved.iter().copied().reduce(|least, next: (usize, f64)| if next.1 < least.1 { next } else { least });
    let (Some((most, large)), Some((least, small))) = (largest, smallest) else { return Ok(None) };
    let told = |layer: usize, change: f64| format!("layer {layer}'s weights by {} of their initial norm", number(change));
    Ok(Some(if most == least {
        format!("Training moved {}.", told(most, large))
    } else {
        format!("Training moved {} (the most of all layers) and {} (the least).", told(most, large), told(least, small))
    }))
}

/// `|after - before| / |before|`; `None` where that is no number.
fn relative_change(before: &Weights, after: &Weights) -> Option<f64> {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let difference = norm(&mut before.values.iter().zip(&after.values).map(|(one, other)| f64::from(*other) - f64::from(*one)));
    let change = difference / norm(&mut before.values.iter().map(|value| f64::from(*value)));
    (before.shape == after.shape && change.is_finite()).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Distribution;

    fn probe(gradients: &[f64], dead: &[Option<f64>]) -> ProbeRecord {
        let of_norm = |norm| Distribution { norm, mean: 0.0, standard_deviation: 0.0, percentiles: [0.0; 7] };
        let layer = |(place, (norm, dead)): (usize, (&f64, &Option<f64>))| LayerProbe {
            layer: format!("layers.{place}"),
            activation: "relu".into(),
            activations: of_norm(1.0),
            gradients: of_norm(*norm),
            weight_gradients: of_norm(1.0),
            saturated: None,
            dead: *dead,
            weight_norm: 1.0,
            update_ratio: None,
        };
        ProbeRecord { step: 0, epoch: 0, rows: 8, loss: 2.3, layers: gradients.iter().zip(dead).enumerate().map(layer).collect() }
    }

    #[test]
    fn a_vanishing_gradient_is_a_ratio() {
        let claim = gradient_ratio(&probe(&[1.6e-7, 0.01, 0.1], &[None; 3])).unwrap();
        let expected =
            "The gradient's norm in the first layer is 1.6e-6 times the last layer's before training (1.6e-7 and 0.1, of dL/dz).";
        assert_eq!(claim, expected);
        assert_eq!(gradient_ratio(&probe(&[0.1], &[None])), None);
        assert_eq!(gradient_ratio(&probe(&[0.1, 0.0], &[None; 2])), None);
        assert_eq!(gradient_ratio(&probe(&[f64::NAN, 0.1], &[None; 2])), None);
    }

    #[test]
    fn the_layer_with_most_dead_units_is_named_and_no_claim_is_made_where_none_can_be() {
        let largest = |dead: &[Option<f64>]| largest_share(&probe(&[0.1; 2], dead), "dead", "units are dead", |layer| layer.dead);
        assert_eq!(
            largest(&[Some(0.25), Some(0.5)]).unwrap(),
            "50.00 % of layer 1's units are dead before training, the most of any layer."
        );
        assert_eq!(largest(&[Some(0.0), None]).unwrap(), "In no layer is anything dead before training.");
        assert_eq!(largest(&[None, None]), None);
    }

    #[test]
    fn movement_is_relative_to_where_it_began() {
        let weights = |values: [f32; 2]| Weights { shape: vec![1, 2], values: values.to_vec() };
        assert_eq!(relative_change(&weights([3.0, 4.0]), &weights([3.0, 9.0])), Some(1.0));
        assert_eq!(relative_change(&weights([0.0, 0.0]), &weights([0.0, 1.0])), None);
    }
}
