//! What an augmentation is told.

/// What is drawn for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// Each axis is shifted by up to so many pixels: uniform in `(-shift, shift)`, fractions included.
    pub shift: f64,
    /// Turned by up to so many degrees: uniform in `(-rotation, rotation)`.
    pub rotation: f64,
    /// Enlarged by a factor uniform in `(1 - scale, 1 + scale)`, the same on both axes; under 1.
    pub scale: f64,
    /// Distorted, if it is.
    pub elastic: Option<Elastic>,
    /// The background, in the units of the features.
    pub fill: f32,
}

/// A smooth random displacement of every pixel: two numbers for each pixel, uniform in (-1, 1), smoothed by a Gaussian and multiplied.
///
/// Smoothing is that of `scipy.ndimage.gaussian_filter(mode="constant", cval=0, truncate=4)`: taps `exp(-k^2 / (2 sigma^2))` for
/// `|k| <= floor(4 sigma + 1/2)`, divided by their sum, on either axis, and zeros beyond the edges. There is no other normalisation, so
/// that far from the edges a displacement has a standard deviation of `alpha / (sigma sqrt(12 pi))` pixels: 1.38 for Simard's 34 and 4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// What the smoothed field is multiplied by, in pixels.
    pub alpha: f64,
    /// The Gaussian's standard deviation, in pixels; over 0.
    pub sigma: f64,
}

/// The shape of an image whose features lie row-major, `[height, width, channels]`. All channels of a pixel move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
}

impl Image {
    /// Values of an image.
    #[must_use]
    pub fn features(self) -> usize {
        self.height * self.width * self.channels
    }

    pub(super) fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// Which rows are augmented: rows from `first_row` on of the batch of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The step, from 0.
    pub step: u32,
    /// The first row's position in the step's batch.
    pub first_row: u32,
}
