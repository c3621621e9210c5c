//! The test pictures that a model is most sure of and wrong about, with their pixels.

use super::{Evaluation, Job};
use anyhow::Context;
use relumine_report::{Mistake, Mistakes, Signature, shrink};

impl Evaluation {
    /// The wrong rows with the highest probability of what they were taken for, with their pixels; `None` where the examples are no images.
    ///
    /// # Errors
    /// A device that fails.
    pub fn mistakes(&self, job: &Job) -> anyhow::Result<Option<Mistakes>> {
        let Some((shape, full_scale)) = image_of(&job.signature) else { return Ok(None) };
        let mut wrong: Vec<usize> = (0..self.labels.len()).filter(|row| self.labels[*row] != self.predictions[*row]).collect();
        let count = wrong.len() as u64;
        let probability = |row: usize, class: u32| self.probabilities[row][class as usize];
        // A sort that keeps the order of equal ones: the first row comes first.
        wrong.sort_by(|one, other| probability(*other, self.predictions[*other]).total_cmp(&probability(*one, self.predictions[*one])));
        wrong.truncate(Mistakes::MOST);
        let rows: Vec<u32> = wrong.iter().map(|row| self.rows[*row]).collect();
        let pictures = pictures(job, &rows, shape, full_scale).context("cannot read the pixels of the wrong test rows")?;
        let factor = Mistakes::factor(shape.0, shape.1);
        let mistake = |(row, pixels): (&usize, Vec<u8>)| Mistake {
            row: job.test_row_numbers.of(self.rows[*row]),
            label: job.classes[self.labels[*row] as usize].clone(),
            predicted: job.classes[self.predictions[*row] as usize].clone(),
            probability: probability(*row, self.predictions[*row]),
            label_probability: probability(*row, self.labels[*row]),
            pixels: Mistake::encode(&pixels),
        };
        Ok(Some(Mistakes {
            wrong: count,
            height: shape.0.div_ceil(factor),
            width: shape.1.div_ceil(factor),
            channels: shape.2,
            rows: wrong.iter().zip(pictures).map(mistake).collect(),
        }))
    }
}

/// Height, width and channels of the examples, and their white; `None` where they are no images.
fn image_of(signature: &Signature) -> Option<((usize, usize, usize), f32)> {
    let full_scale = f32::from(signature.full_scale?);
    match signature.example_shape[..] {
        [height, width] => Some(((height, width, 1), full_scale)),
        [height, width, channels @ (1 | 3)] => Some(((height, width, channels), full_scale)),
        _ => None,
    }
}

/// The pixels of `rows`, 0 to 255: their scaling for the model is taken back.
fn pictures(job: &Job, rows: &[u32], shape: (usize, usize, usize), full_scale: f32) -> anyhow::Result<Vec<Vec<u8>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (features, _) = job.test_examples().batch(rows)?;
    let features = features.flatten_all()?.to_vec1::<f32>()?;
    let Signature { offset, divisor, .. } = &job.signature;
    let size = shape.0 * shape.1 * shape.2;
    let factor = Mistakes::factor(shape.0, shape.1);
    let picture = |features: &[f32]| {
        let constant = |constants: &[f32], place: usize| constants[if constants.len() == 1 { 0 } else { place }];
        let raw = |(place, value): (usize, &f32)| value.mul_add(constant(divisor, place), constant(offset, place));
        let raw: Vec<f32> = features.iter().enumerate().map(raw).collect();
        let (_, _, small) = shrink(&raw, shape, factor);
        small.into_iter().map(|value| (255.0 * value / full_scale).round().clamp(0.0, 255.0) as u8).collect()
    };
    Ok(features.chunks_exact(size).map(picture).collect())
}
