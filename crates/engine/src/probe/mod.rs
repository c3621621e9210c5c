//! What flows through each layer: how activations, gradients and updates are distributed, and which units have stopped to learn.
//!
//! Glorot and Bengio (2010) told why deep sigmoid networks stall from pictures of these numbers.

mod distribution;
mod movement;
mod percentiles;
mod range;

pub use distribution::Distribution;
pub(crate) use movement::Noted;
pub use percentiles::PERCENTILES;
pub(crate) use range::{Range, dead_units};

/// The network on some rows, in training mode but without dropout, noise and augmentation: see [`Step::probe`](crate::Step::probe).
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Mean loss of the rows in nats, without label smoothing and class weights.
    pub loss: f64,
    /// First to last.
    pub layers: Vec<LayerProbe>,
}

/// What a [`Probe`] says of one layer: `z = x weight^T + bias`, `outputs = activation(z)`, with a normalisation before or after the
/// activation.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerProbe {
    /// Position of the layer.
    pub layer: u16,
    /// The layer's outputs: those of the activation, or of a normalisation after it; the logits in the last layer. `rows * units` values.
    pub activations: Distribution,
    /// Share of these that are saturated: so near an end of the activation's range that hardly any gradient passes.
    ///
    /// ```text
    /// sigmoid        under 0.05, over 0.95        tanh, softsign   over 0.95 in size
    /// hard_sigmoid   0, 1                         scaled_tanh      over 0.95 * 1.7159 in size
    /// elu, selu      under 95 % of the lowest value, -alpha and -scale * alpha
    /// ```
    ///
    /// `None` for other activations, which have no such end (a ReLU that is off is told by `dead`), for the last layer, and where a
    /// normalisation follows the activation.
    pub saturated: Option<f64>,
    /// Share of the units that are zero on every row, for relu and hard_sigmoid; `None` as above for the others.
    pub dead: Option<f64>,
    /// dL/dz, before any normalisation. `rows * fan_out` values.
    pub gradients: Distribution,
    /// dL/dW, of the weight without the bias.
    pub weight_gradients: Distribution,
    /// The L2 norm of the weight that is being trained, without the bias.
    pub weight_norm: f64,
    /// L2 norm of the weight's change in the last step, over its norm before. `None` where the weights before the last step were not
    /// [noted](crate::Step::note_weights), and where that norm was 0.
    pub update_ratio: Option<f64>,
}
