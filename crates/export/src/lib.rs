//! Models that travel: what one program trained, another one runs.
//!
//! ```text
//! checkpoint + Signature ──> TrainedModel ──> onnx | safetensors | npz          a safetensors file ──> import ──> initial weights
//! ```
//!
//! Nothing here opens a data set: what a model takes and says is in its [`Signature`](relumine_report::Signature).
//!
//! # Names
//! Layer `i` of the network has `layers.{i}.weight` `[out, in]` and `layers.{i}.bias` `[out]`, and where it is normalised
//! `layers.{i}.norm.weight`, `layers.{i}.norm.bias` and, for batch normalisation, `layers.{i}.norm.running_mean` and
//! `layers.{i}.norm.running_var`, each `[units]`. The last parts are PyTorch's own, so that `layers.{i}` is the state of a
//! `torch.nn.Linear`, and `layers.{i}.norm` that of a `BatchNorm1d` or `LayerNorm`. In a `torch.nn.Sequential` the modules with parameters
//! follow in just this order, whichever activation or dropout stands between them:
//!
//! ```python
//! tensors = safetensors.torch.load_file("model.safetensors")
//! prefixes = [p for i in range(len(tensors)) for p in (f"layers.{i}.", f"layers.{i}.norm.") if p + "weight" in tensors]
//! for prefix, module in zip(prefixes, (m for m in sequential if m.state_dict())):
//!     state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.rpartition(".")[0] + "." == prefix}
//!     module.load_state_dict(state, strict=False)
//! ```
//!
//! (`strict=False`, because a `BatchNorm1d` also counts its batches, which changes nothing.)

mod error;
pub mod import;
mod npz;
mod onnx;
mod safetensors;
mod trained;

pub use error::ExportError;
pub use npz::to_npz;
pub use onnx::{OnnxOptions, to_onnx};
pub use safetensors::to_safetensors;
pub use trained::TrainedModel;
