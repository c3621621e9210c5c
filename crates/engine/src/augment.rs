//! Random changes to the training images: what a recipe says of them, and how a step makes them.

use relumine_kernels::Team;
use relumine_kernels::augment::{Augmenter, Image, Place, Settings};
use relumine_kernels::gather::Source;
use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How training images are changed at random, anew in every epoch; validation and test images never are. Each number is a bound, and 0
/// leaves that change out. See [`relumine_kernels::augment`] for the map and the interpolation.
///
/// - `shift`: pixels, fractions included. Keras' `RandomTranslation` takes shares of the size; torchvision's `RandomAffine` rounds to whole
///   pixels.
/// - `rotation`: degrees. Keras' `RandomRotation(rotation / 360)`, torchvision's `RandomRotation(rotation, BILINEAR)`.
/// - `scale`: one factor for both axes; over 1 enlarges. torchvision's `RandomAffine(scale=(1 - s, 1 + s))`; Keras' `RandomZoom(s)` divides
///   by a factor of that range.
/// - `elastic`: pixels, and zeros beyond the edges. torchvision's `ElasticTransform` reflects the field there.
///
/// Where those repeat or reflect the image at its edges by default, here lies `fill`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Shifted by up to so many pixels on either axis: uniform in `(-shift, shift)`.
    pub shift: f64,
    /// Turned by up to so many degrees: uniform in `(-rotation, rotation)`.
    pub rotation: f64,
    /// Enlarged by a factor uniform in `(1 - scale, 1 + scale)`.
    pub scale: f64,
    /// Distorted by a smooth random field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<Elastic>,
    /// What lies beyond the edges, in the units of the features before they are scaled.
    pub fill: f64,
}

/// A displacement field (Simard, Steinkraus and Platt 2003): numbers uniform in (-1, 1), smoothed by a Gaussian and multiplied.
///
/// Far from the edges the displacement on either axis has a standard deviation of `alpha / (sigma sqrt(12 pi))` pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elastic {
    /// What the smoothed field is multiplied by, in pixels; Simard's 34 is for images of 29 x 29.
    pub alpha: f64,
    /// The Gaussian's standard deviation, in pixels; Simard's is 4.
    pub sigma: f64,
}

/// [`AugmentConfig`] for images of a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    settings: Settings,
    image: Image,
}

impl AugmentConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// The first one that is out of its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let within = |key, value: f64, end: f64, remedy: &str| {
            if (0.0..=end).contains(&value) { Ok(()) } else { Err(ConfigError::new(key, value, remedy)) }
        };
        within("augment.shift", self.shift, 1e4, "give the most pixels to shift by, at least 0, such as 2.0")?;
        within("augment.rotation", self.rotation, 180.0, "give the most degrees to turn by, 0 to 180, such as 10.0")?;
        within("augment.scale", self.scale, 0.9, "give a share of the size, 0 to 0.9, such as 0.1 for 0.9 to 1.1 times the size")?;
        if let Some(Elastic { alpha, sigma }) = self.elastic {
            within("augment.elastic.alpha", alpha, 1e5, "give the strength in pixels, at least 0, such as 34.0")?;
            if !(0.1..=100.0).contains(&sigma) {
                return Err(ConfigError::new("augment.elastic.sigma", sigma, "give the smoothing in pixels, 0.1 to 100, such as 4.0"));
            }
        }
        if !(self.fill as f32).is_finite() {
            return Err(ConfigError::new("augment.fill", self.fill, "give a finite number, such as 0, the background of most images"));
        }
        Ok(())
    }

    /// Whether every image stays as it is.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let is_smooth = self.elastic.is_none_or(|elastic| elastic.alpha == 0.0);
        self.shift == 0.0 && self.rotation == 0.0 && self.scale == 0.0 && is_smooth
    }

    /// These changes to examples of `example_shape`; `None` where they change nothing.
    ///
    /// # Errors
    /// Examples that are no images, `[height, width, channels]` or `[height, width]`, or that a shift would take out of sight.
    pub fn for_examples(&self, example_shape: &[usize]) -> Result<Option<Augmentation>, ConfigError> {
        if self.changes_nothing() {
            return Ok(None);
        }
        let (height, width, channels) = match *example_shape {
            [height, width, channels] => (height, width, channels),
            [height, width] => (height, width, 1),
            _ => return Err(no_images(example_shape)),
        };
        if self.shift >= height.max(width) as f64 {
            let remedy =
                format!("it moves images of {height} x {width} pixels out of sight; give fewer pixels, such as {}", width / 10 + 1);
            return Err(ConfigError::new("augment.shift", self.shift, remedy));
        }
        let elastic = self.elastic.filter(|elastic| elastic.alpha != 0.0);
        let elastic = elastic.map(|Elastic { alpha, sigma }| relumine_kernels::augment::Elastic { alpha, sigma });
        let Self { shift, rotation, scale, fill, .. } = *self;
        let settings = Settings { shift, rotation, scale, elastic, fill: fill as f32 };
        Ok(Some(Augmentation { settings, image: Image { height, width, channels } }))
    }
}

/// The changes in a few words.
impl fmt::Display for AugmentConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shift, rotation, scale, elastic, fill } = self;
        let mut parts = Vec::new();
        if *shift != 0.0 {
            parts.push(format!("shifted by up to {shift} pixels on either axis"));
        }
        if *rotation != 0.0 {
            parts.push(format!("turned by up to {rotation} degrees"));
        }
        if *scale != 0.0 {
            parts.push(format!("scaled by {:.4} to {:.4}", 1.0 - scale, 1.0 + scale));
        }
        if let Some(Elastic { alpha, sigma }) = elastic {
            parts.push(format!("distorted with alpha {alpha} and sigma {sigma}"));
        }
        match parts.as_slice() {
            [] => formatter.write_str("in no way"),
            parts => write!(formatter, "{}; background {fill}", parts.join(", ")),
        }
    }
}

fn no_images(example_shape: &[usize]) -> ConfigError {
    let remedy = "only images can be shifted, turned and scaled; choose data of images, such as mnist, or leave [augment] out";
    ConfigError::new("augment", format!("set for examples of shape {example_shape:?}"), remedy)
}

impl Augmentation {
    /// What draws and applies the changes, with buffers for so many threads. What it draws for a row is a function of the seed, the step,
    /// and the row's place in the step's batch.
    #[must_use]
    pub fn augmenter(&self, seed: u64, threads: usize) -> Augmenter {
        Augmenter::new(self.settings, self.image, seed, threads)
    }

    /// The images it is for.
    #[must_use]
    pub fn image(&self) -> Image {
        self.image
    }

    /// An image, `[height, width, channels]` row-major and not scaled, as a step sees it at a position of its batch: to look at.
    #[must_use]
    pub fn changed(&self, image: &[f32], seed: u64, step: u32, position: u32) -> Vec<f32> {
        let mut out = vec![0.0; self.image.features()];
        let place = Place { step, first_row: position };
        self.augmenter(seed, 1).rows(&mut Team::new(1), Source::F32(image), &[0], place, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> AugmentConfig {
        AugmentConfig { shift: 2.0, rotation: 10.0, scale: 0.1, elastic: Some(Elastic { alpha: 34.0, sigma: 4.0 }), fill: 0.0 }
    }

    #[test]
    fn numbers_out_of_range_are_named_by_key() {
        assert!(config().validate().is_ok() && AugmentConfig::default().validate().is_ok());
        let elastic = |alpha, sigma| AugmentConfig { elastic: Some(Elastic { alpha, sigma }), ..config() };
        for (config, start) in [
            (AugmentConfig { shift: -1.0, ..config() }, "augment.shift = -1 is not usable: give the most pixels"),
            (AugmentConfig { shift: f64::NAN, ..config() }, "augment.shift = NaN"),
            (AugmentConfig { rotation: 181.0, ..config() }, "augment.rotation = 181"),
            (AugmentConfig { scale: 1.0, ..config() }, "augment.scale = 1"),
            (elastic(f64::INFINITY, 4.0), "augment.elastic.alpha = inf"),
            (elastic(34.0, 0.0), "augment.elastic.sigma = 0"),
            (AugmentConfig { fill: 1e300, ..config() }, "augment.fill = 1"),
        ] {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn only_images_can_be_augmented() {
        assert_eq!(config().for_examples(&[28, 28, 1]), config().for_examples(&[28, 28]));
        let message = config().for_examples(&[30]).unwrap_err().to_string();
        assert!(message.starts_with("augment = set for examples of shape [30] is not usable: only images"), "{message}");
        let message = AugmentConfig { shift: 28.0, ..config() }.for_examples(&[28, 28, 1]).unwrap_err().to_string();
        assert!(message.starts_with("augment.shift = 28 is not usable: it moves images of 28 x 28"), "{message}");
    }

    #[test]
    fn what_changes_nothing_is_left_out_whatever_the_examples() {
        let nothing = AugmentConfig { elastic: Some(Elastic { alpha: 0.0, sigma: 4.0 }), fill: 3.0, ..AugmentConfig::default() };
        assert_eq!(nothing.for_examples(&[30]), Ok(None));
    }
}
