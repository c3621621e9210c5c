//! Augmentation: every training image is moved, turned, scaled and distorted at random, anew in every epoch, by one bilinear resampling.
//!
//! With `c` the centre of the image, output pixel `p` takes the value of the input at
//!
//! ```text
//! c + 1/scale R (p - c - shift + alpha d(p)),     R = [cos -sin; sin cos],
//! ```
//!
//! which is the picture scaled and turned about its centre, then shifted, then distorted by the displacement field `d` of Simard,
//! Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR 2003, section 2.
//! Beyond the edges lies the background, and values between pixels are interpolated there as everywhere
//! (`scipy.ndimage.map_coordinates(order=1, mode="grid-constant", cval=fill)`; `torch.nn.functional.grid_sample(padding_mode="zeros",
//! align_corners=False)` where the background is 0).
//!
//! What is drawn for a row is a function of the seed, the step, and the row's place in the step's batch. Pixels are resampled as they are,
//! before they are scaled, and are not rounded; where the picture and its surroundings are background, the result is background to the bit.

mod field;
mod gather;
mod pose;
mod sample;
mod scratch;
mod settings;
#[cfg(test)]
mod tests;

use crate::Panels;
use crate::gather::{Scaling, Source, prefetch};
use crate::pool::Team;
use crate::shares::Shares;
use field::Taps;
pub use gather::Gather;
pub use pose::Pose;
use relumine_random::{Purpose, Stream};
use sample::sample;
use scratch::Scratch;
pub use settings::{Elastic, Image, Place, Settings};
use std::sync::{Mutex, PoisonError};

/// The layers of the augmentation's stream.
const POSES: u16 = 0;
const FIELDS: u16 = 1;

/// Draws and applies the changes, with buffers of its own for each thread.
#[derive(Debug)]
pub struct Augmenter {
    settings: Settings,
    image: Image,
    poses: Stream,
    fields: Stream,
    taps: Option<Taps>,
    /// Those that no thread uses at the moment; the last one used is the next.
    scratches: Mutex<Vec<Scratch>>,
}

/// Images of a task.
const CHUNK: usize = 8;

impl Augmenter {
    /// An augmentation of such images, with buffers for so many threads.
    #[must_use]
    pub fn new(settings: Settings, image: Image, seed: u64, threads: usize) -> Self {
        let scratch = || Scratch::new(image, &settings);
        Self {
            poses: Stream::new(seed, Purpose::Augment, POSES),
            fields: Stream::new(seed, Purpose::Augment, FIELDS),
            taps: settings.elastic.map(|elastic| Taps::new(elastic.sigma)),
            scratches: Mutex::new((0..threads.max(1)).map(|_| scratch()).collect()),
            settings,
            image,
        }
    }

    /// The images it is made for.
    #[must_use]
    pub fn image(&self) -> Image {
        self.image
    }

    /// How the row at this position of the step's batch is shifted, turned and scaled.
    #[must_use]
    pub fn pose(&self, step: u32, row: u32) -> Pose {
        Pose::draw(&self.settings, &self.poses, step, row)
    }

    /// How far each pixel of that row is displaced to the right and down, `alpha d`, row-major `[height, width]` each; zeros without an
    /// elastic distortion.
    #[must_use]
    pub fn displacements(&self, step: u32, row: u32) -> [Vec<f32>; 2] {
        let (Some(taps), Some(elastic)) = (&self.taps, self.settings.elastic) else {
            return [vec![0.0; self.image.pixels()], vec![0.0; self.image.pixels()]];
        };
        let mut scratch = Scratch::new(self.image, &self.settings);
        field::draw(taps, &self.fields, (step, row), &mut scratch);
        let (alpha, Image { height, width, .. }) = (elastic.alpha as f32, self.image);
        [0, 1].map(|axis| (0..height).flat_map(|y| scratch.field_row(y, axis)[..width].iter().map(|d| alpha * d)).collect())
    }

    /// Fills the first `rows.len()` rows of `out` `[rows, features]` with the augmented and scaled features of `rows`.
    pub fn gather(&self, team: &mut Team, from: (Source<'_>, &Scaling), rows: &[u32], place: Place, out: &mut Panels) {
        team.run_together(&[&mut Gather::new(self, from, rows, place, out)]);
    }

    /// Fills `out`, row-major `[rows, features]`, with the augmented features of `rows` as they are before scaling.
    pub fn rows(&self, team: &mut Team, source: Source<'_>, rows: &[u32], place: Place, out: &mut [f32]) {
        let features = self.image.features();
        assert_eq!(out.len(), rows.len() * features, "room for the rows");
        let out = Shares::new(out);
        team.run(rows.len().div_ceil(CHUNK), |task| {
            self.chunk(task, source, rows, place, |position, values| {
                // SAFETY: each position is one task's alone.
                unsafe { out.part(position * features, features) }.copy_from_slice(values);
            });
        });
    }

    /// Calls `finish` with the position and the augmented features of each row of a task.
    fn chunk(&self, task: usize, source: Source<'_>, rows: &[u32], place: Place, finish: impl Fn(usize, &[f32])) {
        let features = self.image.features();
        let mut scratch = self.take();
        for position in task * CHUNK..((task + 1) * CHUNK).min(rows.len()) {
            if let Some(next) = rows.get(position + 1) {
                prefetch(source, *next as usize * features, features);
            }
            self.augment(&mut scratch, (source, rows[position]), place.step, place.first_row + position as u32);
            finish(position, scratch.features());
        }
        self.give_back(scratch);
    }

    /// One image in a given pose, not distorted: to look at, and to compare.
    #[must_use]
    pub fn posed(&self, image: Source<'_>, pose: Pose) -> Vec<f32> {
        let mut scratch = Scratch::new(self.image, &self.settings);
        self.load(&mut scratch, (image, 0));
        sample(&mut scratch, &pose.map(self.image), None);
        scratch.collect();
        scratch.features().to_vec()
    }

    /// Leaves the augmented features in the scratch.
    fn augment(&self, scratch: &mut Scratch, row: (Source<'_>, u32), step: u32, position: u32) {
        self.load(scratch, row);
        let map = self.pose(step, position).map(self.image);
        if let (Some(taps), Some(elastic)) = (&self.taps, self.settings.elastic) {
            field::draw(taps, &self.fields, (step, position), scratch);
            sample(scratch, &map, Some(elastic.alpha as f32));
        } else {
            sample(scratch, &map, None);
        }
        scratch.collect();
    }

    fn load(&self, scratch: &mut Scratch, (source, row): (Source<'_>, u32)) {
        let features = self.image.features();
        let range = row as usize * features..(row as usize + 1) * features;
        match source {
            Source::U8(bytes) => scratch.load_bytes(&bytes[range]),
            Source::F32(values) => scratch.load_floats(&values[range]),
        }
    }

    fn take(&self) -> Scratch {
        let free = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Scratch::new(self.image, &self.settings))
    }

    fn give_back(&self, scratch: Scratch) {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}
