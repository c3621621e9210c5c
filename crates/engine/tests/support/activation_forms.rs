//! The activations to try.

use relumine_model::Activation;
use serde_json::{Value, json};

/// Every kind by its name, and the second form of those that have one.
pub(crate) fn activations() -> Vec<Value> {
    let others = [
        json!({ "name": "leaky_relu", "negative_slope": 0.2 }),
        json!({ "name": "elu", "alpha": 0.5 }),
        json!({ "name": "gelu", "approximate": "tanh" }),
        json!({ "name": "maxout", "pieces": 3 }),
    ];
    Activation::NAMES.iter().map(|name| json!(name)).chain(others).collect()
}
