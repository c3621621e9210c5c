//! The weights before and after training.

use super::families::Family;
use super::{Block, Section};
use crate::chart::{CaptionedPicture, Histogram, HistogramSeries, Picture, PictureGrid};
use crate::run_files::Weights;
use crate::{Mistakes, ReportError, Signature, shrink};
use std::collections::BTreeMap;

type Tensors = BTreeMap<String, Weights>;

/// Layers whose histograms are shown.
const MOST_LAYERS: usize = 6;
/// Bins of a histogram.
const BINS: usize = 60;
/// Units whose weights are shown as pictures.
const MOST_UNITS: usize = 24;

/// Of the first run of a family.
pub(super) fn sections(family: &Family) -> Result<Vec<Section>, ReportError> {
    let run = &family.first().run;
    let (mut histograms, mut pictures) = (Section::new("Weights before and after training"), Section::new("First-layer weights"));
    let (Some(before), Some(after)) = (run.initial_weights()?, run.final_weights()?) else {
        histograms.missing("There are no weights to show: the run has no initial.safetensors, or no checkpoint.");
        return Ok(vec![histograms]);
    };
    add_histograms(&mut histograms, &before, &after);
    if family.runs.len() > 1 {
        histograms.add(Block::Note(format!("Of the run with seed {}.", run.summary.seed)));
    }
    // Runs of earlier versions say nothing of shapes.
    let signature = run.folder.join("model.json");
    let shape = if signature.is_file() { Signature::read(&signature)?.example_shape } else { Vec::new() };
    add_pictures(&mut pictures, &shape, &after);
    Ok(vec![histograms, pictures])
}

/// The weights of the layers, by the layers' numbers.
fn layer_weights(tensors: &Tensors) -> Vec<(usize, &Weights)> {
    let number = |name: &str| name.strip_prefix("layers.")?.strip_suffix(".weight")?.parse().ok();
    let mut layers: Vec<(usize, &Weights)> = tensors.iter().filter_map(|(name, weights)| Some((number(name)?, weights))).collect();
    layers.sort_by_key(|(layer, _)| *layer);
    layers
}

fn add_histograms(section: &mut Section, before: &Tensors, after: &Tensors) {
    let layers = layer_weights(after);
    for (layer, trained) in layers.iter().take(MOST_LAYERS) {
        let Some(initial) = before.get(&format!("layers.{layer}.weight")) else { continue };
        let Some((edges, counts)) = Histogram::count(&[&initial.values, &trained.values], BINS) else { continue };
        let series = ["before", "after"].into_iter().zip(counts).enumerate();
        let series = series.map(|(style, (name, counts))| HistogramSeries { name: name.into(), style, counts }).collect();
        section.chart(
            Histogram {
                name: format!("weights-of-layer-{layer}"),
                title: format!("Weights of layer {layer} ({} by {})", initial.shape[0], initial.shape.get(1).unwrap_or(&1)),
                x_label: "weight".into(),
                counted: "weights".into(),
                edges,
                series,
            }
            .draw(),
        );
    }
    if layers.len() > MOST_LAYERS {
        section.add(Block::Note(format!("Of the first {MOST_LAYERS} of {} layers.", layers.len())));
    }
}

fn add_pictures(section: &mut Section, shape: &[usize], after: &Tensors) {
    let (height, width, channels) = match shape {
        [height, width] => (*height, *width, 1),
        [height, width, channels @ (1 | 3)] => (*height, *width, *channels),
        _ => return section.missing("The first layer's weights are not shown as pictures: the examples are no images."),
    };
    let Some((_, first)) = layer_weights(after).into_iter().next().filter(|(layer, _)| *layer == 0) else { return };
    let size = height * width * channels;
    if first.shape.get(1) != Some(&size) || first.values.iter().any(|value| !value.is_finite()) {
        return section.missing("The first layer's weights are not shown as pictures: they are not finite, or not one for each pixel.");
    }
    let norm = |unit: &[f32]| unit.iter().map(|weight| f64::from(*weight).powi(2)).sum::<f64>().sqrt();
    let mut units: Vec<(usize, &[f32], f64)> =
        first.values.chunks_exact(size).enumerate().map(|(place, unit)| (place, unit, norm(unit))).collect();
    units.sort_by(|one, other| other.2.total_cmp(&one.2).then(one.0.cmp(&other.0)));
    let all = units.len();
    let pictures = units.into_iter().take(MOST_UNITS).filter_map(|(place, unit, norm)| {
        let picture = picture_of(unit, (height, width, channels))?;
        let (name, norm) = (format!("unit {place}"), format!("{norm:.2}"));
        Some(CaptionedPicture { picture, hover: format!("{name}: norm {norm}"), captions: vec![name, format!("norm {norm}")] })
    });
    let title = format!("Weights of {} of {all} units of layer 0", all.min(MOST_UNITS));
    let grid = PictureGrid { name: "first-layer-weights".into(), title, least_width: 60.0, pictures: pictures.collect() };
    if section.chart(grid.draw()) {
        let colours = if channels == 1 {
            "orange raises the unit's input, blue lowers it, white leaves it as it is"
        } else {
            "each channel of the weights is a channel of the picture, and grey is 0"
        };
        section.add(Block::Note(format!("The units with the largest norms. Each picture by its own largest weight: {colours}.")));
    }
}

/// One unit's weights as a picture, each pixel a weight.
fn picture_of(unit: &[f32], shape: (usize, usize, usize)) -> Option<Picture> {
    let (height, width, small) = shrink(unit, shape, Mistakes::factor(shape.0, shape.1));
    let largest = small.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs())).max(f32::MIN_POSITIVE);
    let byte = |share: f32| (255.0 * share.clamp(0.0, 1.0)).round() as u8;
    let pixels: Vec<u8> = if shape.2 == 3 {
        small.iter().map(|weight| byte(0.5 + 0.5 * weight / largest)).collect()
    } else {
        small.iter().flat_map(|weight| diverging(weight / largest).map(byte)).collect()
    };
    Picture::new(height, width, 3, pixels)
}

/// From blue over white to orange, for -1 to 1: the two ends are told apart with every common colour vision.
fn diverging(share: f32) -> [f32; 3] {
    const ORANGE: [f32; 3] = [0.72, 0.28, 0.0];
    const BLUE: [f32; 3] = [0.0, 0.29, 0.52];
    let end = if share >= 0.0 { ORANGE } else { BLUE };
    end.map(|channel| 1.0 + share.abs().min(1.0) * (channel - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_run_from_blue_over_white_to_orange() {
        assert_eq!(diverging(0.0), [1.0; 3]);
        assert!(diverging(1.0)[0] > diverging(1.0)[2] && diverging(-1.0)[2] > diverging(-1.0)[0]);
    }

    #[test]
    fn layers_are_in_the_order_of_their_numbers() {
        let weights = || Weights { shape: vec![1, 1], values: vec![0.0] };
        let names = ["layers.10.weight", "layers.2.weight", "layers.2.bias", "layers.0.norm.weight"];
        let tensors: Tensors = names.iter().map(|name| ((*name).to_owned(), weights())).collect();
        assert_eq!(layer_weights(&tensors).iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), [2, 10]);
    }
}
