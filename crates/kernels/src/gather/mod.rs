//! A batch from the resident data set: rows gathered into panels in one pass, scaled or as the bytes they are.

mod bytes;
mod scaling;

pub use bytes::GatherBytes;
pub use scaling::Scaling;

use crate::lit::{BLOCK, Look};
use crate::pool::{Tasks, Team};
use crate::shares::Shares;
use crate::{Lit, Panels};
use scaling::from_bytes;
pub(crate) use scaling::from_floats;
use std::ops::Range;

/// Where features lie, row-major `[examples, features]`.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// One byte each.
    U8(&'a [u8]),
    /// Four bytes each.
    F32(&'a [f32]),
}

/// Fills the first `rows.len()` rows of `out` `[rows, features]` with the scaled features of `rows`.
pub fn gather(team: &mut Team, source: Source<'_>, scaling: &Scaling, rows: &[u32], out: &mut Panels) {
    team.run_together(&[&mut Gather::new(team.threads(), source, scaling, rows, (out, None))]);
}

/// [`gather`] as part of a phase.
#[derive(Debug)]
pub struct Gather<'a> {
    source: Source<'a>,
    scaling: &'a Scaling,
    rows: &'a [u32],
    out: Shares<'a, f32>,
    look: Option<Look<'a>>,
    /// Of `out`: its panels, their width, how far one is from the next.
    panels: usize,
    width: usize,
    stride: usize,
    features: usize,
    /// Panels of a task.
    group: usize,
}

impl<'a> Gather<'a> {
    /// The tasks for so many threads. `lit` becomes what [`Lit::update`] would find in `out`.
    pub fn new(
        threads: usize,
        source: Source<'a>,
        scaling: &'a Scaling,
        rows: &'a [u32],
        (out, lit): (&'a mut Panels, Option<&'a mut Lit>),
    ) -> Self {
        assert!(rows.len() <= out.rows(), "there is room for the rows");
        let look = lit.map(|lit| lit.begin(out, rows.len()));
        let (stride, width, features, panels) = (out.stride(), out.width(), out.columns(), out.count());
        let group = group_panels(threads, rows.len(), panels);
        Self { source, scaling, rows, out: Shares::new(out.values_mut()), look, panels, width, stride, features, group }
    }

    /// Panels `panels` of the row at `place`.
    fn row(&self, place: usize, panels: Range<usize>) {
        let Self { source, scaling, width, features, .. } = *self;
        let segment = panels.start * width..(panels.end * width).min(features);
        // Rows lie far apart, where no processor looks ahead by itself.
        if let Some(row) = self.rows.get(place + AHEAD) {
            prefetch(source, *row as usize * features + segment.start, segment.len());
        }
        let start = self.rows[place] as usize * features;
        for panel in panels {
            let first = panel * width;
            let count = width.min(features - first);
            // SAFETY: each task has rows and panels of its own.
            let out = unsafe { self.out.part(panel * self.stride + place * width, count) };
            match source {
                Source::U8(bytes) => from_bytes(&bytes[start + first..][..count], scaling, first, out),
                Source::F32(values) => from_floats(&values[start + first..][..count], scaling, first, out),
            }
        }
    }
}

impl Tasks for Gather<'_> {
    fn count(&self) -> usize {
        self.rows.len().div_ceil(BLOCK) * self.panels.div_ceil(self.group)
    }

    unsafe fn run(&self, task: usize) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (task / groups, task % groups);
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        let rows = block * BLOCK..((block + 1) * BLOCK).min(self.rows.len());
        for place in rows.clone() {
            self.row(place, panels.clone());
        }
        let Some(look) = &self.look else { return };
        for panel in panels {
            // SAFETY: each task has rows and panels of its own, and has written them.
            unsafe { look.at(panel, block, self.out.part(panel * self.stride + rows.start * self.width, rows.len() * self.width)) };
        }
    }
}

/// Panels of a task that gathers a block of rows: all of them, unless that leaves threads without work. At least 1.
fn group_panels(threads: usize, rows: usize, panels: usize) -> usize {
    let groups = threads.div_ceil(rows.div_ceil(BLOCK).max(1)).clamp(1, panels.max(1));
    panels.div_ceil(groups).max(1)
}

/// How many rows ahead of the one that is read are on their way from memory.
const AHEAD: usize = 6;

/// Asks for a row's cache lines.
pub(crate) fn prefetch(source: Source<'_>, start: usize, features: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let (first, size) = match source {
            Source::U8(bytes) => (bytes[start..][..features].as_ptr().cast::<i8>(), features),
            Source::F32(values) => (values[start..][..features].as_ptr().cast::<i8>(), features * 4),
        };
        for line in (0..size).step_by(64) {
            // SAFETY: the address lies inside the row; a prefetch reads nothing.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(first.add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (source, start, features);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, PANEL};

    #[test]
    fn gathered_rows_are_the_scaled_ones_to_the_bit() {
        let features = 70;
        let bytes: Vec<u8> = (0..features * 9).map(|i| (i * 37 % 256) as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
        let each: Vec<f32> = (0..features).map(|i| i as f32 + 0.5).collect();
        for (offset, divisor) in [(vec![0.0], vec![255.0]), (vec![3.0], vec![16.0]), (vec![33.3], vec![0.3]), (each.clone(), each)] {
            let scaling = Scaling::new(offset, divisor);
            let rows = [8, 0, 3, 3];
            for source in [Source::U8(&bytes), Source::F32(&floats)] {
                let mut out = Panels::zeros(5, features);
                let mut lit = Lit::new(&out);
                for threads in [1, 2, 5] {
                    out.values_mut().fill(0.0);
                    Team::new(2).run_together(&[&mut Gather::new(threads, source, &scaling, &rows, (&mut out, Some(&mut lit)))]);
                }
                let mut expected = Lit::new(&out);
                expected.update(&mut Team::new(1), &out, rows.len());
                assert_eq!(lit, expected);
                for (place, row) in rows.iter().enumerate() {
                    for feature in 0..features {
                        let (offset, divisor) = scaling.constants(feature);
                        let expected = (floats[*row as usize * features + feature] - offset) / divisor;
                        assert_eq!(out.get(place, feature), expected, "feature {feature} of row {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_kept_as_they_are_stand_for_the_same_values_with_the_same_zeros() {
        for features in [1, 30, 70, 784] {
            let bytes: Vec<u8> = (0..features * 200).map(|i| if i * 7 % 5 < 3 { 0 } else { (i * 37 % 256) as u8 }).collect();
            let scaling = Scaling::new(vec![0.0], vec![255.0]);
            let rows: Vec<u32> = (0..130).map(|row| row * 53 % 200).collect();
            let mut values = Panels::zeros(140, features);
            gather(&mut Team::new(2), Source::U8(&bytes), &scaling, &rows, &mut values);
            let mut expected = Lit::new(&values);
            expected.update(&mut Team::new(1), &values, rows.len());

            let (mut kept, mut lit) = (Bytes::zeros(140, features), Lit::new(&values));
            for threads in [1, 5, 40] {
                Team::new(2).run_together(&[&mut GatherBytes::new(threads, &bytes, &scaling, &rows, (&mut kept, &mut lit)).unwrap()]);
                assert_eq!(lit, expected);
            }
            for (place, column) in (0..rows.len()).flat_map(|place| (0..features).map(move |column| (place, column))) {
                // SAFETY: the byte lies inside the line.
                let byte = unsafe { *kept.at(column / PANEL, place).add(column % PANEL) };
                assert_eq!(kept.table()[usize::from(byte)], values.get(place, column));
            }
        }
        let nothing = (&mut Bytes::zeros(1, 1), &mut Lit::new(&Panels::zeros(1, 1)));
        assert!(GatherBytes::new(1, &[1], &Scaling::new(vec![3.0], vec![2.0]), &[0], nothing).is_none(), "zero becomes something");
    }
}
