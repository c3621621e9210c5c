//! ONNX, the format of inference runtimes: <https://onnx.ai>.

mod activation;
mod graph;
mod norm;
mod proto;

use crate::{ExportError, TrainedModel};
use graph::{Attribute, Graph, value};
use prost::Message;
use proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use relumine_model::{LayerSpec, norm::Position};
use relumine_report::{OutputHead, Signature};

/// What an ONNX file computes besides the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Whether the input is pixels or measurements as they are, and the graph scales them; otherwise it is scaled features.
    pub raw_input: bool,
    /// Whether the output is `probabilities` `[batch, classes]`; otherwise it is `logits` `[batch, classes]`, or `[batch, 1]` of a sigmoid
    /// head.
    pub probabilities: bool,
}

/// Operators as of ONNX 1.12, June 2022.
const OPSET: i64 = 17;
/// The file format that came with it.
const IR_VERSION: i64 = 8;
/// A message of protocol buffers is smaller than this.
const MOST_BYTES: u64 = 1 << 31;

/// The model as an ONNX file, in f32. It takes `input` `[batch, example shape..]` for any batch and gives `logits` or `probabilities`.
/// Dropout and noise are gone. The metadata has `classes` (a JSON list), `recipe`, and `relumine` (the model's settings and signature, in
/// JSON).
///
/// # Errors
/// Weights of 2 GiB or more.
pub fn to_onnx(model: &TrainedModel, options: OnnxOptions) -> Result<Vec<u8>, ExportError> {
    let bytes = 4 * model.tensors().iter().map(|tensor| tensor.values.len() as u64).sum::<u64>();
    if bytes >= MOST_BYTES {
        return Err(ExportError::TooLarge { bytes });
    }
    let file = to_model(model, options).encode_to_vec();
    if file.len() as u64 >= MOST_BYTES { Err(ExportError::TooLarge { bytes }) } else { Ok(file) }
}

fn to_model(model: &TrainedModel, options: OnnxOptions) -> ModelProto {
    let entry = |key: &str, value: String| StringStringEntryProto { key: Some(key.into()), value: Some(value) };
    let signature = &model.signature;
    ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        producer_name: Some("relumine".into()),
        producer_version: Some(TrainedModel::VERSION.into()),
        doc_string: Some(format!("A multilayer perceptron of the recipe {}", model.name)),
        graph: Some(to_graph(model, options)),
        metadata_props: vec![
            entry("classes", serde_json::Value::from(signature.classes.as_slice()).to_string()),
            entry("recipe", model.name.clone()),
            entry("relumine", model.description.clone()),
        ],
    }
}

fn to_graph(model: &TrainedModel, options: OnnxOptions) -> GraphProto {
    let signature = &model.signature;
    let mut graph = Graph::default();
    for tensor in model.tensors() {
        graph.constant(&tensor.spec.name, &tensor.spec.shape, &tensor.values);
    }
    let mut x = graph.apply("rows", "Flatten", &["input"], &[Attribute::Int("axis", 1)]);
    if options.raw_input {
        x = scale(&mut graph, signature, &x);
    }
    let (last, hidden) = match model.architecture.layers.split_last() {
        Some((last, hidden)) => (Some(last), hidden),
        None => (None, &[][..]),
    };
    for layer in hidden {
        x = add_hidden(&mut graph, layer, &x);
    }
    if let Some(last) = last {
        x = affine(&mut graph, last, "logits", &x);
    }
    let input = value("input", &input_meaning(signature, options.raw_input), &signature.example_shape);
    let output = if options.probabilities {
        let name = probabilities(&mut graph, signature.head, &x);
        value(&name, "One probability per class", &[signature.classes.len()])
    } else {
        value(&x, "Logits", &[signature.num_logits()])
    };
    graph.finish(&model.name, input, output)
}

fn input_meaning(signature: &Signature, raw_input: bool) -> String {
    match (raw_input, signature.full_scale) {
        (true, Some(full_scale)) => format!("Pixels from 0 to {full_scale}"),
        (true, None) => "Measurements as they are".into(),
        (false, _) => "Features scaled as in training: (feature - offset) / divisor, by the signature in the metadata".into(),
    }
}

/// `(x - offset) / divisor`, of which what would change nothing is left out.
fn scale(graph: &mut Graph, signature: &Signature, x: &str) -> String {
    let Signature { offset, divisor, .. } = signature;
    let mut x = x.to_owned();
    if offset.iter().any(|offset| *offset != 0.0) {
        let offset = graph.constant("scaling.offset", &[offset.len()], offset);
        x = graph.apply("centred", "Sub", &[&x, &offset], &[]);
    }
    if divisor.iter().any(|divisor| *divisor != 1.0) {
        let divisor = graph.constant("scaling.divisor", &[divisor.len()], divisor);
        x = graph.apply("scaled", "Div", &[&x, &divisor], &[]);
    }
    x
}

fn add_hidden(graph: &mut Graph, layer: &LayerSpec, x: &str) -> String {
    let prefix = format!("layers.{}", layer.index);
    let z = affine(graph, layer, &format!("{prefix}.affine"), x);
    if layer.norm.position() == Some(Position::AfterActivation) {
        let activated = activation::add(graph, &layer.activation, &prefix, &z, layer.units);
        return norm::add(graph, &layer.norm, &prefix, &activated);
    }
    let normalized = norm::add(graph, &layer.norm, &prefix, &z);
    activation::add(graph, &layer.activation, &prefix, &normalized, layer.units)
}

/// `x weight^T + bias`.
fn affine(graph: &mut Graph, layer: &LayerSpec, result: &str, x: &str) -> String {
    let (weight, bias) = (format!("layers.{}.weight", layer.index), format!("layers.{}.bias", layer.index));
    graph.apply(result, "Gemm", &[x, &weight, &bias], &[Attribute::Int("transB", 1)])
}

/// One probability per class under either head.
fn probabilities(graph: &mut Graph, head: OutputHead, logits: &str) -> String {
    let result = "probabilities";
    match head {
        OutputHead::Softmax => graph.apply(result, "Softmax", &[logits], &[Attribute::Int("axis", -1)]),
        OutputHead::Sigmoid => {
            // 1 - sigmoid(z) would lose the small probabilities; sigmoid(-z) is the same without a difference.
            let opposite = graph.apply("opposite_logits", "Neg", &[logits], &[]);
            let both = graph.apply("both_logits", "Concat", &[&opposite, logits], &[Attribute::Int("axis", 1)]);
            graph.apply(result, "Sigmoid", &[&both], &[])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trained::tests::small;

    fn operators(settings: &str, options: OnnxOptions) -> Vec<String> {
        let graph = ModelProto::decode(&*to_onnx(&small(settings), options).unwrap()).unwrap().graph.unwrap();
        graph.node.into_iter().filter_map(|node| node.op_type).collect()
    }

    #[test]
    fn a_layer_is_an_affine_map_a_norm_and_an_activation_in_their_order() {
        let plain = OnnxOptions::default();
        assert_eq!(operators(r#"{"hidden": [], "dropout": 0.5}"#, plain), ["Flatten", "Gemm"]);
        assert_eq!(operators(r#"{"hidden": [4], "dropout": 0.5}"#, plain), ["Flatten", "Gemm", "Relu", "Gemm"]);
        let before = ["Flatten", "Gemm", "BatchNormalization", "Tanh", "Gemm"];
        assert_eq!(operators(r#"{"hidden": [4], "norm": "batch", "activation": "tanh"}"#, plain), before);
        let after = r#"{"hidden": [4], "norm": {"name": "layer", "position": "after_activation"}, "activation": "maxout"}"#;
        assert_eq!(operators(after, plain), ["Flatten", "Gemm", "Reshape", "ReduceMax", "LayerNormalization", "Gemm"]);
    }

    #[test]
    fn options_add_scaling_and_probabilities() {
        let options = OnnxOptions { raw_input: true, probabilities: true };
        assert_eq!(operators(r#"{"hidden": []}"#, options), ["Flatten", "Sub", "Div", "Gemm", "Softmax"]);
        let sigmoid = operators(r#"{"hidden": [],"head":"sigmoid"}"#, options);
        assert_eq!(sigmoid, ["Flatten", "Sub", "Div", "Gemm", "Neg", "Concat", "Sigmoid"]);
    }

    /// Every value that a node takes was made before, once: what a runtime would refuse is found without one.
    #[test]
    fn every_value_is_made_once_and_before_it_is_taken() {
        for activation in relumine_model::Activation::NAMES {
            for norm in relumine_model::Norm::NAMES {
                let model = small(&format!(r#"{{"hidden": [4, 5], "activation": "{activation}", "norm": "{norm}"}}"#));
                let graph = to_model(&model, OnnxOptions { raw_input: true, probabilities: true }).graph.unwrap();
                let mut made: Vec<String> = graph.initializer.iter().filter_map(|tensor| tensor.name.clone()).collect();
                made.push("input".into());
                for node in graph.node {
                    assert!(node.input.iter().all(|input| made.contains(input)), "{activation} {norm}: {node:?}");
                    made.extend(node.output);
                }
                assert_eq!(made.last().map(String::as_str), Some("probabilities"));
                let mut distinct = made.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), made.len(), "{activation} {norm}");
            }
        }
    }
}
