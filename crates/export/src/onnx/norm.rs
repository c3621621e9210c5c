//! Normalisations in ONNX operators, as in evaluation.

use super::graph::{Attribute, Graph};
use relumine_model::Norm;

/// Adds `norm` of the value `x` to `graph`, whose tensors are called `{prefix}.norm.weight` and so on.
pub(super) fn add(graph: &mut Graph, norm: &Norm, prefix: &str, x: &str) -> String {
    let name = |part: &str| format!("{prefix}.norm.{part}");
    let result = format!("{prefix}.normalized");
    let (weight, bias) = (name("weight"), name("bias"));
    match norm {
        Norm::NoNorm(_) => x.to_owned(),
        Norm::BatchNorm(batch) => {
            let (mean, variance) = (name("running_mean"), name("running_var"));
            let epsilon = Attribute::Float("epsilon", batch.epsilon as f32);
            graph.apply(&result, "BatchNormalization", &[x, &weight, &bias, &mean, &variance], &[epsilon])
        }
        Norm::LayerNorm(layer) => {
            let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", layer.epsilon as f32)];
            graph.apply(&result, "LayerNormalization", &[x, &weight, &bias], &attributes)
        }
    }
}
