//! Pictures as rows: each is one, brought to the shape that the model takes.

use super::{InputRows, Reader, RowFormat, RowOrigin};
use crate::images::{Pictures, Shaper, close_gaps, fill, read_picture};
use crate::{DataError, Features, Skipped};
use std::path::PathBuf;

/// A picture's file, whatever it is called, and its class where the folder's name says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PictureFile {
    pub(super) path: PathBuf,
    pub(super) label: Option<u32>,
}

/// Pictures that are decoded side by side, as many as are asked for at a time.
pub(super) struct PictureRows {
    files: Vec<PictureFile>,
    position: usize,
}

impl PictureRows {
    pub(super) fn new(files: Vec<PictureFile>) -> Self {
        Self { files, position: 0 }
    }
}

impl Reader for PictureRows {
    fn next(&mut self, most: usize, format: &RowFormat, skipped: &mut Skipped) -> Result<Option<InputRows>, DataError> {
        let files = &self.files[self.position..self.files.len().min(self.position.saturating_add(most))];
        let Some(first) = files.first() else { return Ok(None) };
        self.position += files.len();
        let (shaper, full_scale) = shaper(first, format)?;
        let mut pixels = vec![0; files.len() * shaper.len()];
        let options = &format.options;
        let each = Pictures { size: shaper.len(), stop_at_failure: !options.skip_bad_rows, what: "pictures", progress: &options.progress };
        let failures = fill(&mut pixels, &each, |index, slot| {
            let path = &files[index].path;
            let shaped = shaper.shape(read_picture(path)?);
            slot.copy_from_slice(&shaped.map_err(|problem| DataError::malformed(path, problem, "give another picture"))?);
            Ok::<_, DataError>(())
        });
        options.progress.check()?;
        let failed: Vec<usize> = failures.iter().map(|(index, _)| *index).collect();
        for (_, failure) in failures {
            skipped.take(failure, options)?;
        }
        close_gaps(&mut pixels, shaper.len(), &failed);
        let kept = files.iter().enumerate().filter(|(index, _)| failed.binary_search(index).is_err());
        let origin = |file: &PictureFile| RowOrigin { input: file.path.display().to_string().into(), row: 0, label: file.label };
        let origins = kept.map(|(_, file)| origin(file)).collect();
        Ok(Some(InputRows { features: features(pixels, full_scale), origins }))
    }
}

/// What is done with every picture, and the unit of the model's pixels.
fn shaper(first: &PictureFile, format: &RowFormat) -> Result<(Shaper, u8), DataError> {
    let (height, width, channels) = match format.example_shape[..] {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3)] => (height, width, channels),
        _ => {
            let problem = format!("is a picture, and the model takes {} numbers a row", format.num_features());
            return Err(DataError::malformed(&first.path, problem, "give a table or an array with as many columns"));
        }
    };
    let full_scale = format.full_scale.ok_or_else(|| {
        let problem = "is a picture, and the model was trained on measurements whose unit no picture has";
        DataError::malformed(&first.path, problem, "give a .npy array in the unit of the training data")
    })?;
    Ok((Shaper { height, width, channels, fit: format.fit, invert: format.invert }, full_scale))
}

/// Pixels of 0 to 255 in the unit of the training data.
fn features(pixels: Vec<u8>, full_scale: u8) -> Features {
    if full_scale == u8::MAX {
        return Features::U8 { values: pixels, full_scale };
    }
    Features::F32(pixels.into_iter().map(|value| f32::from(value) * f32::from(full_scale) / f32::from(u8::MAX)).collect())
}
