//! Augmented images, scaled into panels.

use super::{Augmenter, CHUNK, Place};
use crate::Panels;
use crate::gather::{Scaling, Source, from_floats};
use crate::pool::Tasks;
use crate::shares::Shares;

/// [`Augmenter::gather`] as part of a phase.
#[derive(Debug)]
pub struct Gather<'a> {
    augmenter: &'a Augmenter,
    source: Source<'a>,
    scaling: &'a Scaling,
    rows: &'a [u32],
    place: Place,
    out: Shares<'a, f32>,
    /// Of `out`: how far one panel is from the next, and the width of one.
    stride: usize,
    width: usize,
}

impl<'a> Gather<'a> {
    /// The tasks that fill the first `rows.len()` rows of `out`.
    pub fn new(
        augmenter: &'a Augmenter,
        (source, scaling): (Source<'a>, &'a Scaling),
        rows: &'a [u32],
        place: Place,
        out: &'a mut Panels,
    ) -> Self {
        assert!(rows.len() <= out.rows() && augmenter.image.features() == out.columns(), "room for the rows");
        let (stride, width) = (out.stride(), out.width());
        Self { augmenter, source, scaling, rows, place, out: Shares::new(out.values_mut()), stride, width }
    }
}

impl Tasks for Gather<'_> {
    fn count(&self) -> usize {
        self.rows.len().div_ceil(CHUNK)
    }

    unsafe fn run(&self, task: usize) {
        self.augmenter.chunk(task, self.source, self.rows, self.place, |position, values| {
            for (panel, values) in values.chunks(self.width).enumerate() {
                // SAFETY: each position is one task's alone.
                let out = unsafe { self.out.part(panel * self.stride + position * self.width, values.len()) };
                from_floats(values, self.scaling, panel * self.width, out);
            }
        });
    }
}
