//! What can be wrong with a model on its way out or in.

use relumine_model::ModelError;

/// A model that cannot travel.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The weights are not those of the model, or Candle refused an operation.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model whose recipe and signature are of different runs.
    #[error("the recipe and the signature disagree about the head of the model: restore both from the same run")]
    Disagreement,
    /// A weight that is infinite or no number.
    #[error("the tensor `{name}` holds {value} at position {position}: training diverged, or the file is damaged; use other weights")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The value.
        value: f32,
        /// Counted from 0, row-major.
        position: usize,
    },
    /// A model that an ONNX file cannot hold, which is one message of protocol buffers.
    #[error("the weights take {bytes} bytes, and an ONNX file holds less than 2 GiB: export to safetensors")]
    TooLarge {
        /// Of the weights alone.
        bytes: u64,
    },
    /// A file that could not be put together in memory.
    #[error("cannot write the {format} file: {reason}")]
    Encoding {
        /// `npz`, `safetensors`, or `JSON` within another.
        format: &'static str,
        /// What its library said.
        reason: String,
    },
    /// A file of weights that is none.
    #[error("it is not a whole safetensors file ({reason}): give one, such as those that safetensors.torch.save_file writes")]
    NotSafetensors {
        /// What the parser said.
        reason: String,
    },
    /// Numbers that are no weights.
    #[error("the tensor `{name}` holds {dtype}, and weights are f32, f64, f16 or bf16: save it in one of these")]
    Dtype {
        /// The tensor.
        name: String,
        /// What the file says it holds.
        dtype: String,
    },
    /// The tensors of a file fit neither by name nor in order.
    #[error(
        "its tensors are not those of this model, neither by name nor in order: {differences}; give another file, or make [model] fit this one"
    )]
    Foreign {
        /// What is missing, left over, and of another shape.
        differences: String,
    },
}

impl From<candle_core::Error> for ExportError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
