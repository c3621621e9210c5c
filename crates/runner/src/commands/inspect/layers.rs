//! What each layer computes, and what it costs.

use relumine_model::{Architecture, LayerSpec};
use relumine_report::{Align, Table};
use serde::Serialize;

/// A layer of the model, for one example.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LayerLine {
    /// Such as `layers.0`.
    layer: String,
    /// Features that it reads.
    inputs: usize,
    /// Features that it gives.
    outputs: usize,
    /// Numbers that training adjusts.
    parameters: usize,
    /// Operations of the matrix product of one example: two per weight.
    forward_flops: usize,
    /// Of its three products in training, the gradients' included; of two in the first layer, whose inputs need no gradient.
    training_flops: usize,
    /// Standard deviation of the noise on its inputs.
    input_noise: f64,
    /// Share of its inputs that training drops.
    input_dropout: f64,
    weight_init: &'static str,
    bias_init: &'static str,
    norm: &'static str,
    activation: &'static str,
}

/// First to last.
pub(super) fn layer_lines(architecture: &Architecture) -> Vec<LayerLine> {
    architecture.layers.iter().map(LayerLine::of).collect()
}

impl LayerLine {
    fn of(layer: &LayerSpec) -> Self {
        let forward_flops = layer.forward_flops();
        Self {
            layer: format!("layers.{}", layer.index),
            inputs: layer.fan_in,
            outputs: layer.units,
            parameters: layer.num_parameters(),
            forward_flops,
            training_flops: forward_flops * if layer.index == 0 { 2 } else { 3 },
            input_noise: layer.input_noise,
            input_dropout: layer.input_dropout,
            weight_init: layer.weight_init.name(),
            bias_init: layer.bias_init.name(),
            norm: layer.norm.name(),
            activation: layer.activation.name(),
        }
    }
}

/// A row per layer; noise only where there is any.
pub(super) fn layer_table(layers: &[LayerLine]) -> Table {
    let has_noise = layers.iter().any(|layer| layer.input_noise != 0.0);
    let mut columns = vec![
        ("layer", Align::Left),
        ("in", Align::Right),
        ("out", Align::Right),
        ("parameters", Align::Right),
        ("FLOP forward", Align::Right),
        ("in training", Align::Right),
        ("dropout of input", Align::Right),
        ("weights start as", Align::Left),
        ("norm", Align::Left),
        ("activation", Align::Left),
    ];
    if has_noise {
        columns.push(("noise on input", Align::Right));
    }
    let mut table = Table::new(&columns);
    for layer in layers {
        let numbers = [layer.inputs, layer.outputs, layer.parameters, layer.forward_flops, layer.training_flops];
        let words = [layer.input_dropout.to_string(), layer.weight_init.into(), layer.norm.into(), layer.activation.into()];
        let noise = has_noise.then(|| layer.input_noise.to_string());
        table.row(std::iter::once(layer.layer.clone()).chain(numbers.map(|number| number.to_string())).chain(words).chain(noise));
    }
    table
}
