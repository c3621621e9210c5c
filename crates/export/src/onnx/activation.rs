//! Activations in ONNX operators: by their own where opset 17 has one that means the same, put together from others elsewhere.

use super::graph::{Attribute, Graph};
use relumine_model::Activation;
use relumine_model::activation::{Approximation, ScaledTanh, Selu};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

/// Adds `activation` of the value `z` to `graph`; names begin with `prefix`. `units` is the number of outputs.
pub(super) fn add(graph: &mut Graph, activation: &Activation, prefix: &str, z: &str, units: usize) -> String {
    let result = format!("{prefix}.activation");
    let mut apply = |operator: &str, attributes: &[Attribute]| graph.apply(&result, operator, &[z], attributes);
    match activation {
        Activation::Identity(_) => z.to_owned(),
        Activation::Sigmoid(_) => apply("Sigmoid", &[]),
        Activation::Tanh(_) => apply("Tanh", &[]),
        Activation::Relu(_) => apply("Relu", &[]),
        Activation::LeakyRelu(leaky) => apply("LeakyRelu", &[Attribute::Float("alpha", leaky.negative_slope as f32)]),
        Activation::Elu(elu) => apply("Elu", &[Attribute::Float("alpha", elu.alpha as f32)]),
        Activation::Selu(_) => {
            apply("Selu", &[Attribute::Float("alpha", Selu::ALPHA as f32), Attribute::Float("gamma", Selu::SCALE as f32)])
        }
        Activation::Softplus(_) => apply("Softplus", &[]),
        Activation::Softsign(_) => apply("Softsign", &[]),
        Activation::HardSigmoid(_) => apply("HardSigmoid", &[Attribute::Float("alpha", 1.0 / 6.0), Attribute::Float("beta", 0.5)]),
        Activation::Silu(_) => {
            let gate = graph.apply(&format!("{result}.sigmoid"), "Sigmoid", &[z], &[]);
            graph.apply(&result, "Mul", &[z, &gate], &[])
        }
        Activation::Mish(_) => {
            // The operator Mish came with opset 18.
            let softplus = graph.apply(&format!("{result}.softplus"), "Softplus", &[z], &[]);
            let gate = graph.apply(&format!("{result}.tanh"), "Tanh", &[&softplus], &[]);
            graph.apply(&result, "Mul", &[z, &gate], &[])
        }
        Activation::ScaledTanh(_) => scaled_tanh(graph, &result, z),
        Activation::Gelu(gelu) => gelu_by_parts(graph, &result, z, gelu.approximate),
        Activation::Maxout(maxout) => maxout_by_parts(graph, &result, z, units, maxout.pieces),
    }
}

/// `1.7159 tanh(2 z / 3)`.
fn scaled_tanh(graph: &mut Graph, result: &str, z: &str) -> String {
    let stretch = graph.number(&format!("{result}.stretch"), ScaledTanh::STRETCH);
    let scale = graph.number(&format!("{result}.scale"), ScaledTanh::SCALE);
    let stretched = graph.apply(&format!("{result}.stretched"), "Mul", &[z, &stretch], &[]);
    let tanh = graph.apply(&format!("{result}.tanh"), "Tanh", &[&stretched], &[]);
    graph.apply(result, "Mul", &[&tanh, &scale], &[])
}

/// `z (1 + erf(z / sqrt 2)) / 2`, or `z (1 + tanh(sqrt(2 / pi) z (1 + 0.044715 z^2))) / 2`; the operator Gelu came with opset 20.
fn gelu_by_parts(graph: &mut Graph, result: &str, z: &str, approximate: Approximation) -> String {
    let (one, half) = (graph.number(&format!("{result}.one"), 1.0), graph.number(&format!("{result}.half"), 0.5));
    let named = |part: &str| format!("{result}.{part}");
    let signed = match approximate {
        Approximation::None => {
            let root = graph.number(&named("root"), FRAC_1_SQRT_2);
            let scaled = graph.apply(&named("scaled"), "Mul", &[z, &root], &[]);
            graph.apply(&named("erf"), "Erf", &[&scaled], &[])
        }
        Approximation::Tanh => {
            let (cubic, root) = (graph.number(&named("cubic"), 0.044_715), graph.number(&named("root"), FRAC_2_PI.sqrt()));
            let square = graph.apply(&named("square"), "Mul", &[z, z], &[]);
            let square = graph.apply(&named("cubic_square"), "Mul", &[&square, &cubic], &[]);
            let factor = graph.apply(&named("factor"), "Add", &[&square, &one], &[]);
            let curve = graph.apply(&named("curve"), "Mul", &[z, &factor], &[]);
            let scaled = graph.apply(&named("scaled"), "Mul", &[&curve, &root], &[]);
            graph.apply(&named("tanh"), "Tanh", &[&scaled], &[])
        }
    };
    let sum = graph.apply(&named("sum"), "Add", &[&signed, &one], &[]);
    let share = graph.apply(&named("share"), "Mul", &[&sum, &half], &[]);
    graph.apply(result, "Mul", &[z, &share], &[])
}

/// The largest of each unit's neighbouring pieces.
fn maxout_by_parts(graph: &mut Graph, result: &str, z: &str, units: usize, pieces: usize) -> String {
    // A size of 0 is that of the input: the batch.
    let shape = graph.integers(&format!("{result}.shape"), &[0, units as i64, pieces as i64]);
    let z_buk = graph.apply(&format!("{result}.pieces"), "Reshape", &[z, &shape], &[]);
    graph.apply(result, "ReduceMax", &[&z_buk], &[Attribute::Ints("axes", vec![2]), Attribute::Int("keepdims", 0)])
}
