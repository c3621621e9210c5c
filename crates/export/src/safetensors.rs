//! The format that PyTorch, JAX, Keras and Candle read: <https://github.com/huggingface/safetensors>.

use crate::trained::little_endian;
use crate::{ExportError, TrainedModel};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// The weights as a safetensors file, by the names of [the crate](crate), in f32. Its metadata has one entry, `relumine`: JSON with the
/// recipe's name, the model's settings and its signature.
///
/// # Errors
/// Those of the format: more bytes than there are addresses.
pub fn to_safetensors(model: &TrainedModel) -> Result<Vec<u8>, ExportError> {
    let encoding = |error: safetensors::SafeTensorError| ExportError::Encoding { format: "safetensors", reason: error.to_string() };
    let bytes: Vec<Vec<u8>> = model.tensors().iter().map(|tensor| little_endian(&tensor.values)).collect();
    let views = model.tensors().iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.spec.shape.clone(), bytes).map_err(encoding)?;
        Ok((tensor.spec.name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, ExportError>>()?;
    // One entry only: the map is written in random order, and the same model is to be the same bytes.
    let metadata = HashMap::from([("relumine".to_owned(), model.description.clone())]);
    safetensors::serialize(views, Some(metadata)).map_err(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trained::tests::small;
    use safetensors::SafeTensors;

    #[test]
    fn the_file_holds_every_tensor_and_says_what_the_model_takes() {
        let model = small(r#"{"hidden": [4], "norm": "batch"}"#);
        let bytes = to_safetensors(&model).unwrap();
        assert_eq!(bytes, to_safetensors(&model).unwrap(), "the same model is the same bytes");
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut names = file.names();
        names.sort_unstable();
        let norm = ["layers.0.norm.bias", "layers.0.norm.running_mean", "layers.0.norm.running_var", "layers.0.norm.weight"];
        assert_eq!(names, [&["layers.0.bias"][..], &norm, &["layers.0.weight", "layers.1.bias", "layers.1.weight"]].concat());
        assert_eq!(file.tensor("layers.0.weight").unwrap().shape(), [4, 3]);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let description: serde_json::Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["relumine"]).unwrap();
        assert_eq!(description["signature"]["classes"][1], "class 1");
        assert_eq!(description["model"]["norm"]["name"], "batch");
    }
}
