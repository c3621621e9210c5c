//! Examples where the step can reach them: on the device, as the bytes they came in.

use candle_core::{DType, Device, Result, Storage, Tensor};
use relumine_kernels::Team;
use relumine_kernels::augment::{Augmenter, Place};
use relumine_kernels::gather::{Scaling, Source};

/// Features on their way to a device, row-major.
#[derive(Clone, Debug)]
pub enum FeatureBuffer {
    /// Pixels, one byte each; they become f32 batch by batch.
    U8(Vec<u8>),
    /// Measurements.
    F32(Vec<f32>),
}

/// Labelled examples that live on a device, and the scaling that a batch of them gets.
#[derive(Clone, Debug)]
pub struct Examples {
    /// `[examples, example shape..]`, u8 or f32.
    features: Tensor,
    /// `[examples]`, on the host, for metrics.
    labels: Vec<u32>,
    /// `[examples]`, u32.
    device_labels: Tensor,
    /// `scaled = (feature - offset) / divisor`, each `[1]` or `[example shape..]`; `None` where it would change nothing.
    offset: Option<Tensor>,
    divisor: Option<Tensor>,
    /// The same, for kernels on the host.
    scaling: Scaling,
}

impl Examples {
    /// Uploads examples of `example_shape`. `offset` and `divisor` hold one value for all features or one for each.
    ///
    /// # Errors
    /// Buffers whose lengths disagree, or a device out of memory.
    pub fn new(
        features: FeatureBuffer,
        example_shape: &[usize],
        labels: Vec<u32>,
        offset: &[f32],
        divisor: &[f32],
        device: &Device,
    ) -> Result<Self> {
        let shape = [&[labels.len()], example_shape].concat();
        let features = match features {
            FeatureBuffer::U8(bytes) => Tensor::from_vec(bytes, shape, device)?,
            FeatureBuffer::F32(values) => Tensor::from_vec(values, shape, device)?,
        };
        let constant = |values: &[f32], neutral: f32| match values {
            values if values.iter().all(|value| *value == neutral) => Ok(None),
            [_] => Tensor::new(values, device).map(Some),
            _ => Tensor::from_slice(values, example_shape, device).map(Some),
        };
        let device_labels = Tensor::new(labels.as_slice(), device)?;
        let scaling = Scaling::new(offset.to_vec(), divisor.to_vec());
        let (offset, divisor) = (constant(offset, 0.0)?, constant(divisor, 1.0)?);
        // Candle copies on a stream of the calling thread, for which no other thread would wait.
        device.synchronize()?;
        Ok(Self { features, labels, device_labels, offset, divisor, scaling })
    }

    /// How many examples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Numbers per example.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.features.dims()[1..].iter().product()
    }

    /// All labels.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Calls `read` with the features as they lie in the host's memory, row-major, and their scaling.
    ///
    /// # Errors
    /// Features on another device.
    pub(crate) fn read_host<T>(&self, read: impl FnOnce(Source<'_>, &Scaling) -> T) -> Result<T> {
        let (storage, _) = self.features.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { candle_core::bail!("the features are on a device that is not the CPU") };
        let source = match self.features.dtype() {
            DType::U8 => Source::U8(storage.as_slice()?),
            _ => Source::F32(storage.as_slice()?),
        };
        Ok(read(source, &self.scaling))
    }

    /// Features, labels, and offset and divisor where they change something, on the device.
    pub(crate) fn on_device(&self) -> (&Tensor, &Tensor, [Option<&Tensor>; 2]) {
        (&self.features, &self.device_labels, [self.offset.as_ref(), self.divisor.as_ref()])
    }

    /// The labels of `rows`.
    #[must_use]
    pub fn labels_of(&self, rows: &[u32]) -> Vec<u32> {
        rows.iter().map(|row| self.labels[*row as usize]).collect()
    }

    /// The scaled features of `rows` and their labels, on the device.
    ///
    /// # Shapes
    /// Features `[rows, example shape..]` of f32, labels `[rows]` of u32.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn batch(&self, rows: &[u32]) -> Result<(Tensor, Tensor)> {
        let rows = Tensor::new(rows, self.features.device())?;
        let features = self.features.index_select(&rows, 0)?.to_dtype(DType::F32)?;
        Ok((self.scaled(features)?, self.device_labels.index_select(&rows, 0)?))
    }

    /// As [`batch`](Self::batch), of images that `augmenter` changes on the host before they are scaled.
    ///
    /// # Errors
    /// Images of another size than the augmenter's, or a device out of memory.
    pub fn augmented_batch(&self, augmenter: &Augmenter, team: &mut Team, rows: &[u32], place: Place) -> Result<(Tensor, Tensor)> {
        self.check_augmenter(augmenter)?;
        let selected = Tensor::new(rows, self.features.device())?;
        let mut values = vec![0.0; rows.len() * self.num_features()];
        if self.features.device().is_cpu() {
            self.read_host(|source, _| augmenter.rows(team, source, rows, place, &mut values))?;
        } else {
            let features = self.features.index_select(&selected, 0)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            let rows: Vec<u32> = (0..rows.len() as u32).collect();
            augmenter.rows(team, Source::F32(&features), &rows, place, &mut values);
        }
        let shape = [&[rows.len()], &self.features.dims()[1..]].concat();
        let features = Tensor::from_vec(values, shape, self.features.device())?;
        Ok((self.scaled(features)?, self.device_labels.index_select(&selected, 0)?))
    }

    /// Refuses an augmenter of images of another size.
    ///
    /// # Errors
    /// Both sizes.
    pub(crate) fn check_augmenter(&self, augmenter: &Augmenter) -> Result<()> {
        let (found, expected) = (self.num_features(), augmenter.image().features());
        if found != expected {
            candle_core::bail!("the examples have {found} features, the images to augment {expected}");
        }
        Ok(())
    }

    fn scaled(&self, mut features: Tensor) -> Result<Tensor> {
        if let Some(offset) = &self.offset {
            features = features.broadcast_sub(offset)?;
        }
        if let Some(divisor) = &self.divisor {
            features = features.broadcast_div(divisor)?;
        }
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_the_asked_rows_scaled() {
        let features = FeatureBuffer::U8(vec![0, 255, 51, 102, 10, 20]);
        let examples = Examples::new(features, &[2, 1], vec![3, 4, 5], &[0.0], &[255.0], &Device::Cpu).unwrap();
        let (features, labels) = examples.batch(&[1, 0, 1]).unwrap();
        assert_eq!(features.dims(), [3, 2, 1]);
        assert_eq!(features.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.2, 0.4, 0.0, 1.0, 0.2, 0.4]);
        assert_eq!(labels.to_vec1::<u32>().unwrap(), [4, 3, 4]);
    }

    #[test]
    fn each_column_has_its_own_constants() {
        let features = FeatureBuffer::F32(vec![1.0, 10.0, 3.0, 30.0]);
        let examples = Examples::new(features, &[2], vec![0, 1], &[1.0, 10.0], &[2.0, 5.0], &Device::Cpu).unwrap();
        let (features, _) = examples.batch(&[0, 1]).unwrap();
        assert_eq!(features.to_vec2::<f32>().unwrap(), [[0.0, 0.0], [1.0, 4.0]]);
    }
}
