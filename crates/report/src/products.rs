//! Which matrix products skipped zeros.

use crate::{Align, Table};
use serde::{Deserialize, Serialize};

/// `products.json`: what the products of each layer made of zeros in a run's last epoch. Identical runs that went on at the same steps have
/// identical files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Products {
    /// The epoch; where it was broken off, so far as it went.
    pub epoch: u64,
    /// Where the run was stopped within the epoch and went on: only the passes after this optimiser step were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_step: Option<u64>,
    /// The training step, such as `fused`.
    pub step: String,
    /// First to last; empty where the step skips no zeros.
    pub layers: Vec<LayerZeros>,
}

/// What the products of one layer made of zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerZeros {
    /// Such as `layers.0`.
    pub layer: String,
    /// Among its inputs, which are the outputs of the layer before it after dropout: for the product forward and the weight's gradient.
    pub inputs: Zeros,
    /// Among the slopes of what made its inputs: for the gradient at its inputs. `None` for the first layer, whose inputs need none.
    pub slopes: Option<Zeros>,
}

/// A choice made anew in every training pass: skip zeros, or multiply by them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zeros {
    /// Mean over the epoch's passes of the share that is not zero, 0 to 1; `None` where nobody looked.
    pub nonzero_share: Option<f64>,
    /// Zeros are skipped in a pass where the share is under this.
    pub skip_below: f64,
    /// Training passes of the epoch in which the choice came up.
    pub passes: u64,
    /// Those of them that skipped zeros.
    pub skipped: u64,
    /// Why, as half a sentence.
    pub reason: String,
}

impl Products {
    /// A row per layer and kind of product.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[("layer", Align::Left), ("products", Align::Left), ("zeros", Align::Left), ("why", Align::Left)]);
        for layer in &self.layers {
            let mut row = |products: &str, zeros: &Zeros| {
                table.row([layer.layer.clone(), products.to_owned(), zeros.verdict().to_owned(), zeros.reason.clone()]);
            };
            row("forward, weight gradient", &layer.inputs);
            if let Some(slopes) = &layer.slopes {
                row("input gradient", slopes);
            }
        }
        table
    }
}

impl Zeros {
    fn verdict(&self) -> &'static str {
        match self.skipped {
            0 => "not skipped",
            skipped if skipped == self.passes => "skipped",
            _ => "skipped at times",
        }
    }
}
