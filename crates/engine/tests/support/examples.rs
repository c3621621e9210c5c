use candle_core::{DType, Device, Tensor};
use relumine_engine::{Examples, FeatureBuffer, NamedTensors};

/// Twelve rows of five features in three classes. Row 9 is `scale` times what it would be, so that its loss can be made infinite.
pub(crate) fn examples(scale: f32) -> Examples {
    let feature = |i: usize| (i * 37 % 11) as f32 / 11.0 - 0.3;
    let features = (0..60).map(|i| if i / 5 == 9 { scale * feature(i) } else { feature(i) }).collect();
    let labels = (0..12).map(|row| row % 3).collect();
    Examples::new(FeatureBuffer::F32(features), &[5], labels, &[0.0], &[1.0], &Device::Cpu).unwrap()
}

/// The bytes of every tensor, by name.
pub(crate) fn bits(tensors: &NamedTensors) -> Vec<(String, Vec<u8>)> {
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
    tensors.iter().map(|(name, tensor)| (name.clone(), values(tensor).into_iter().flat_map(f64::to_le_bytes).collect())).collect()
}
