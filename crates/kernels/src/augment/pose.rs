//! Where an image is put: shift, turn and scale of one row.

use super::{Image, Settings};
use relumine_random::{Stream, variates};

/// How one image is shifted, turned and scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// To the right and down, in pixels.
    pub shift: [f64; 2],
    /// Counter-clockwise, in degrees.
    pub rotation: f64,
    /// The factor that it is enlarged by.
    pub scale: f64,
}

/// From output pixels to places in the input, both counted from the centre of the top left pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    /// Row-major: `(x, y) = matrix (x', y') + offset`.
    pub(super) matrix: [[f64; 2]; 2],
    pub(super) offset: [f64; 2],
    pose: Pose,
    centre: [f64; 2],
}

impl Pose {
    /// Words 0 to 3 of the row: shift to the right, shift down, rotation, scale.
    pub(super) fn draw(settings: &Settings, stream: &Stream, step: u32, row: u32) -> Self {
        let mut words = [0; 4];
        stream.fill(step, row, &mut words);
        let within = |word: u32, bound: f64| variates::uniform(word, -bound, bound);
        Self {
            shift: [within(words[0], settings.shift), within(words[1], settings.shift)],
            rotation: within(words[2], settings.rotation),
            scale: 1.0 + within(words[3], settings.scale),
        }
    }

    /// Where the pixels of an image in this pose come from.
    pub(super) fn map(self, image: Image) -> Map {
        let centre = [(image.width as f64 - 1.0) / 2.0, (image.height as f64 - 1.0) / 2.0];
        let angle = self.rotation.to_radians();
        let (sine, cosine) = (libm::sin(angle) / self.scale, libm::cos(angle) / self.scale);
        let matrix = [[cosine, -sine], [sine, cosine]];
        let from = [centre[0] + self.shift[0], centre[1] + self.shift[1]];
        let offset = [0, 1].map(|axis: usize| centre[axis] - matrix[axis][0] * from[0] - matrix[axis][1] * from[1]);
        Map { matrix, offset, pose: self, centre }
    }
}

/// Pixels `left..right` of rows `top..bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) top: usize,
    pub(super) bottom: usize,
}

impl Map {
    /// Bounds of all output pixels that see any of the input pixels within `ink`.
    pub(super) fn reach(&self, ink: Bounds, image: Image) -> Bounds {
        // A pixel is seen from places less than 1 away from it; coordinates are rounded to f32.
        const MARGIN: f64 = 1.001;
        // The matrix divides by the scale, and the way back multiplies by it.
        let [cosine, sine] = [0, 1].map(|row: usize| self.matrix[row][0] * self.pose.scale * self.pose.scale);
        let xs = [ink.left as f64 - MARGIN, ink.right as f64 - 1.0 + MARGIN].map(|x| x - self.centre[0]);
        let ys = [ink.top as f64 - MARGIN, ink.bottom as f64 - 1.0 + MARGIN].map(|y| y - self.centre[1]);
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for (x, y) in xs.into_iter().flat_map(|x| ys.map(|y| (x, y))) {
            let corner = [cosine * x + sine * y, cosine * y - sine * x];
            for axis in 0..2 {
                let at = corner[axis] + self.centre[axis] + self.pose.shift[axis];
                low[axis] = low[axis].min(at);
                high[axis] = high[axis].max(at);
            }
        }
        let first = |axis: usize| low[axis].floor().max(0.0) as usize;
        let end = |axis: usize, size: usize| ((high[axis].ceil() + 1.0).max(0.0) as usize).min(size);
        let (right, bottom) = (end(0, image.width), end(1, image.height));
        Bounds { left: first(0).min(right), right, top: first(1).min(bottom), bottom }
    }
}
