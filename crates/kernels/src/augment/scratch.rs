//! What one thread needs for one image.

use super::pose::Bounds;
use super::{Image, Settings};
use crate::Buffer;
use crate::isa::dispatch_plain;

/// Rows of pixels lie at multiples of this, the widest register, so that no loop has a remainder.
pub(super) const LANES: usize = 16;

/// Buffers for one image. A row of `width` pixels takes `padded` of them, the next multiple of [`LANES`].
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) image: Image,
    pub(super) padded: usize,
    pub(super) fill: f32,
    /// `[channels, height + 3, padded + LANES + 1]`: the image with background around it, one pixel above and to the left and two below and
    /// to the right, so that all four neighbours of any place within one pixel of the image can be read.
    pub(super) source: Buffer,
    /// `[padded]`: whether a column has a pixel that is not background.
    columns: Vec<u32>,
    /// Where the image is not background.
    pub(super) ink: Option<Bounds>,
    /// `[padded]`: 0, 1, 2 and so on.
    pub(super) numbers: Vec<f32>,
    /// One for each pixel, and more.
    pub(super) words: Vec<u32>,
    /// `[height, 2, padded]`: displacements to the right and down, in units of alpha.
    pub(super) field: Buffer,
    /// The same, before the last smoothing.
    pub(super) rough: Buffer,
    /// `[channels, height, padded]`
    pub(super) output: Buffer,
    /// `[height, width, channels]`
    features: Vec<f32>,
}

impl Scratch {
    pub(super) fn new(image: Image, settings: &Settings) -> Self {
        let padded = image.width.next_multiple_of(LANES);
        let field = if settings.elastic.is_some() { image.height * 2 * padded } else { 0 };
        // Rows of words are read a whole register at a time.
        let words = if field > 0 { (image.pixels() + padded).next_multiple_of(4 * LANES) } else { 0 };
        let mut scratch = Self {
            image,
            padded,
            fill: settings.fill,
            source: Buffer::zeros(image.channels * (image.height + 3) * (padded + LANES + 1)),
            columns: vec![0; padded],
            ink: None,
            numbers: (0..padded).map(|x| x as f32).collect(),
            words: vec![0; words],
            field: Buffer::zeros(field),
            rough: Buffer::zeros(field),
            output: Buffer::zeros(image.channels * image.height * padded),
            features: vec![0.0; image.features()],
        };
        scratch.source.fill(settings.fill);
        scratch
    }

    /// How far one row of the source is from the next.
    pub(super) fn stride(&self) -> usize {
        self.padded + LANES + 1
    }

    /// One channel of the source.
    pub(super) fn plane(&self, channel: usize) -> &[f32] {
        let len = (self.image.height + 3) * self.stride();
        &self.source[channel * len..][..len]
    }

    /// Takes in an image of bytes.
    pub(super) fn load_bytes(&mut self, features: &[u8]) {
        load_bytes(self, features);
    }

    /// Takes in an image of numbers.
    pub(super) fn load_floats(&mut self, features: &[f32]) {
        load_floats(self, features);
    }

    /// A row of the field, `padded` values.
    pub(super) fn field_row(&self, y: usize, axis: usize) -> &[f32] {
        &self.field[(2 * y + axis) * self.padded..][..self.padded]
    }

    /// Brings the output into the order of features.
    pub(super) fn collect(&mut self) {
        let Image { height, width, channels } = self.image;
        for (row, channel) in (0..height * channels).map(|i| (i / channels, i % channels)) {
            let pixels = &self.output[(channel * height + row) * self.padded..][..width];
            let features = &mut self.features[row * width * channels..][..width * channels];
            if channels == 1 {
                features.copy_from_slice(pixels);
            } else {
                for (feature, pixel) in features[channel..].iter_mut().step_by(channels).zip(pixels) {
                    *feature = *pixel;
                }
            }
        }
    }

    /// The augmented image, row-major.
    pub(super) fn features(&self) -> &[f32] {
        &self.features
    }
}

dispatch_plain! {
    fn load_bytes(scratch: &mut Scratch, features: &[u8]) = load_bytes_plain
}

#[inline(always)]
fn load_bytes_plain<const FUSED: bool>(scratch: &mut Scratch, features: &[u8]) {
    load(scratch, features);
}

dispatch_plain! {
    fn load_floats(scratch: &mut Scratch, features: &[f32]) = load_floats_plain
}

#[inline(always)]
fn load_floats_plain<const FUSED: bool>(scratch: &mut Scratch, features: &[f32]) {
    load(scratch, features);
}

/// Puts the image inside its border, and finds what is not background.
#[inline(always)]
fn load<T: Copy + Into<f32>>(scratch: &mut Scratch, features: &[T]) {
    let (stride, padded, fill) = (scratch.stride(), scratch.padded, scratch.fill);
    let Image { height, width, channels } = scratch.image;
    let Scratch { source, columns, ink, .. } = scratch;
    columns.fill(0);
    let (mut top, mut bottom) = (height, 0);
    for (channel, plane) in source.chunks_exact_mut((height + 3) * stride).enumerate() {
        for y in 0..height {
            let pixels = &mut plane[(y + 1) * stride + 1..][..padded + LANES];
            let first = y * width;
            match features.get(first..first + padded) {
                // What is read beyond the row is overwritten below.
                Some(features) if channels == 1 => convert(features, pixels),
                _ => {
                    for (x, pixel) in pixels[..width].iter_mut().enumerate() {
                        *pixel = features[(first + x) * channels + channel].into();
                    }
                }
            }
            pixels[width..width + LANES].fill(fill);
            if mark(&pixels[..padded], fill, columns) {
                (top, bottom) = (top.min(y), bottom.max(y + 1));
            }
        }
    }
    let left = columns[..width].iter().position(|lit| *lit != 0);
    let right = columns[..width].iter().rposition(|lit| *lit != 0);
    *ink = left.zip(right).map(|(left, right)| Bounds { left, right: right + 1, top, bottom });
}

#[inline(always)]
fn convert<T: Copy + Into<f32>>(features: &[T], pixels: &mut [f32]) {
    for (features, pixels) in features.as_chunks::<LANES>().0.iter().zip(pixels.as_chunks_mut::<LANES>().0) {
        for lane in 0..LANES {
            pixels[lane] = features[lane].into();
        }
    }
}

/// Notes the columns of pixels that are not background, and whether there is any.
#[inline(always)]
fn mark(pixels: &[f32], fill: f32, columns: &mut [u32]) -> bool {
    let mut any = [0; LANES];
    for (pixels, columns) in pixels.as_chunks::<LANES>().0.iter().zip(columns.as_chunks_mut::<LANES>().0) {
        for lane in 0..LANES {
            let lit = u32::from(pixels[lane] != fill);
            columns[lane] |= lit;
            any[lane] |= lit;
        }
    }
    any != [0; LANES]
}
