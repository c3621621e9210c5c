//! Maxout: the largest of each unit's pieces, and the way back to it.

use crate::Panels;
use crate::isa::dispatch_plain;
use crate::pool::Team;
use crate::product::Finish;
use crate::shares::Shares;
use std::ops::Range;

/// Which piece of each unit was the largest.
#[derive(Clone, Debug)]
pub struct Winners {
    /// Laid out like the outputs.
    places: Vec<u16>,
    pieces: usize,
}

impl Winners {
    /// Room for outputs `[rows, units]` with so many pieces to a unit, up to 1024.
    #[must_use]
    pub fn new(outputs: &Panels, pieces: usize) -> Self {
        debug_assert!((1..=MOST).contains(&pieces));
        Self { places: vec![0; outputs.values().len()], pieces }
    }
}

/// Rows of a task.
const CHUNK: usize = 16;
/// The most pieces of a unit.
const MOST: usize = 1024;
/// A row's pieces of some units, one after the other.
type Block = [f32; MOST];

/// `out[b][u] = max_j z[b][u pieces + j]`, finished, for the first `rows` rows. Of equal pieces the first one wins, and where one piece is
/// no number the output is none.
///
/// # Shapes
/// `z` `[rows, units * pieces]`, `out` and `slopes` `[rows, units]`. Without `slopes`, `finish` gets an empty slice in their place.
pub fn forward(
    team: &mut Team,
    z: &Panels,
    rows: usize,
    winners: &mut Winners,
    (out, slopes): (&mut Panels, Option<&mut Panels>),
    finish: Finish<'_>,
) {
    debug_assert!(z.columns() == out.columns() * winners.pieces && rows <= z.rows() && rows <= out.rows());
    debug_assert_eq!(winners.places.len(), out.values().len());
    let (stride, width, units, panels) = (out.stride(), out.width(), out.columns(), out.count());
    let pieces = winners.pieces;
    let chunks = rows.div_ceil(CHUNK);
    let (out, slopes) = (Shares::new(out.values_mut()), slopes.map(|slopes| Shares::new(slopes.values_mut())));
    let winners = Shares::new(&mut winners.places);
    let places_of_z = Places::of(z);
    team.run(panels * chunks, |task| {
        let (panel, first) = (task / chunks, task % chunks * CHUNK);
        let range = first..(first + CHUNK).min(rows);
        let (from, len) = (panel * stride + range.start * width, range.len() * width);
        // SAFETY: each task has rows and a panel of its own.
        let (tile, winners) = unsafe { (out.part(from, len), winners.part(from, len)) };
        let mut block: Block = [0.0; MOST];
        for ((row, out), winners) in range.clone().zip(tile.chunks_exact_mut(width)).zip(winners.chunks_exact_mut(width)) {
            for of in blocks(panel * width, width.min(units - panel * width), pieces) {
                let places = of.start - panel * width..of.end - panel * width;
                let mut to = &mut block[..of.len() * pieces];
                for (from, len) in places_of_z.segments(row, of.start * pieces..of.end * pieces) {
                    let (now, later) = to.split_at_mut(len);
                    now.copy_from_slice(&z.values()[from..][..len]);
                    to = later;
                }
                largest(&block[..of.len() * pieces], pieces, &mut out[places.clone()], &mut winners[places]);
            }
        }
        // SAFETY: as above.
        let slopes = slopes.map_or_else(Default::default, |slopes| unsafe { slopes.part(from, len) });
        finish(panel, range, tile, slopes);
    });
}

/// `dz[b][u pieces + j] = dy[b][u]` where piece `j` won, and 0 elsewhere, for the first `rows` rows.
///
/// # Shapes
/// `dy` `[rows, units]`, `dz` `[rows, units * pieces]`.
pub fn gradient(team: &mut Team, dy: &Panels, rows: usize, winners: &Winners, dz: &mut Panels) {
    debug_assert!(dz.columns() == dy.columns() * winners.pieces && rows <= dz.rows() && rows <= dy.rows());
    let (stride, width, units, panels) = (dy.stride(), dy.width(), dy.columns(), dy.count());
    let pieces = winners.pieces;
    let chunks = rows.div_ceil(CHUNK);
    let places = Places::of(dz);
    let dz = Shares::new(dz.values_mut());
    team.run(panels * chunks, |task| {
        let (panel, first) = (task / chunks, task % chunks * CHUNK);
        let mut block: Block = [0.0; MOST];
        for row in first..(first + CHUNK).min(rows) {
            for of in blocks(panel * width, width.min(units - panel * width), pieces) {
                let from = panel * stride + row * width + of.start - panel * width;
                spread(&dy.values()[from..][..of.len()], &winners.places[from..][..of.len()], pieces, &mut block[..of.len() * pieces]);
                let mut from = &block[..of.len() * pieces];
                for (to, len) in places.segments(row, of.start * pieces..of.end * pieces) {
                    let (now, later) = from.split_at(len);
                    // SAFETY: each task has rows and units of its own.
                    unsafe { dz.part(to, len) }.copy_from_slice(now);
                    from = later;
                }
            }
        }
    });
}

/// The `count` units from `first` on, in blocks whose pieces fit into one.
fn blocks(first: usize, count: usize, pieces: usize) -> impl Iterator<Item = Range<usize>> {
    let size = MOST / pieces;
    (0..count.div_ceil(size)).map(move |block| first + block * size..first + ((block + 1) * size).min(count))
}

/// Where the elements of a matrix lie.
#[derive(Clone, Copy)]
struct Places {
    stride: usize,
    width: usize,
}

impl Places {
    fn of(matrix: &Panels) -> Self {
        Self { stride: matrix.stride(), width: matrix.width() }
    }

    /// Start and length of each run of a row's columns.
    fn segments(self, row: usize, columns: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        let Self { stride, width } = self;
        (columns.start / width..columns.end.div_ceil(width)).map(move |panel| {
            let (from, to) = (columns.start.max(panel * width), columns.end.min((panel + 1) * width));
            (panel * stride + row * width + from % width, to - from)
        })
    }
}

dispatch_plain! {
    fn largest(z: &[f32], pieces: usize, out: &mut [f32], winners: &mut [u16]) = largest_plain
}

#[inline(always)]
fn largest_plain<const FUSED: bool>(z: &[f32], pieces: usize, out: &mut [f32], winners: &mut [u16]) {
    // Loops of a known length become shuffles.
    match pieces {
        2 => largest_of(z, 2, out, winners),
        3 => largest_of(z, 3, out, winners),
        4 => largest_of(z, 4, out, winners),
        5 => largest_of(z, 5, out, winners),
        _ => largest_of(z, pieces, out, winners),
    }
}

#[inline(always)]
fn largest_of(z: &[f32], pieces: usize, out: &mut [f32], winners: &mut [u16]) {
    for ((z, out), winner) in z.chunks_exact(pieces).zip(out).zip(winners) {
        let (mut best, mut place, mut sum) = (f32::NEG_INFINITY, 0_u32, 0.0);
        for (piece, z) in z.iter().enumerate() {
            let wins = *z > best;
            best = if wins { *z } else { best };
            place = if wins { piece as u32 } else { place };
            sum += z;
        }
        // A comparison passes over what is no number; zero times the sum of all pieces does not.
        *out = best + 0.0 * sum;
        *winner = place as u16;
    }
}

dispatch_plain! {
    fn spread(dy: &[f32], winners: &[u16], pieces: usize, dz: &mut [f32]) = spread_plain
}

#[inline(always)]
fn spread_plain<const FUSED: bool>(dy: &[f32], winners: &[u16], pieces: usize, dz: &mut [f32]) {
    match pieces {
        2 => spread_to(dy, winners, 2, dz),
        3 => spread_to(dy, winners, 3, dz),
        4 => spread_to(dy, winners, 4, dz),
        5 => spread_to(dy, winners, 5, dz),
        _ => spread_to(dy, winners, pieces, dz),
    }
}

#[inline(always)]
fn spread_to(dy: &[f32], winners: &[u16], pieces: usize, dz: &mut [f32]) {
    for ((dy, winner), dz) in dy.iter().zip(winners).zip(dz.chunks_exact_mut(pieces)) {
        for (piece, dz) in dz.iter_mut().enumerate() {
            *dz = if u32::from(*winner) == piece as u32 { *dy } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i + 1).wrapping_mul(2_654_435_761) % 17) as f32 / 8.0 - 1.0).collect()
    }

    #[test]
    fn the_largest_piece_goes_on_and_gets_the_gradient_at_every_shape_and_number_of_threads() {
        for (rows, units, pieces) in
            [(1, 1, 2), (5, 3, 3), (33, 16, 2), (20, 17, 5), (18, 64, 3), (7, 70, 2), (4, 130, 7), (2, 5, 100), (1, 3, 1024)]
        {
            let z = Panels::from_rows(rows + 1, units * pieces, &values((rows + 1) * units * pieces));
            let dy = Panels::from_rows(rows + 1, units, &values((rows + 1) * units));
            for threads in [1, 2, 3] {
                let mut team = Team::new(threads);
                let (mut out, mut slopes) = (Panels::zeros(rows + 1, units), Panels::zeros(rows + 1, units));
                let mut winners = Winners::new(&out, pieces);
                let finish = |panel: usize, rows: Range<usize>, outputs: &mut [f32], slopes: &mut [f32]| {
                    assert!(panel < units.div_ceil(16) && rows.len() * 16 <= outputs.len());
                    slopes.copy_from_slice(outputs);
                };
                forward(&mut team, &z, rows, &mut winners, (&mut out, Some(&mut slopes)), &finish);
                assert_eq!(out.values(), slopes.values());
                let mut dz = Panels::zeros(rows + 1, units * pieces);
                gradient(&mut team, &dy, rows, &winners, &mut dz);
                for (row, unit) in (0..rows).flat_map(|row| (0..units).map(move |unit| (row, unit))) {
                    let of_unit: Vec<f32> = (0..pieces).map(|piece| z.get(row, unit * pieces + piece)).collect();
                    let largest = of_unit.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    assert_eq!(out.get(row, unit), largest);
                    let winner = of_unit.iter().position(|z| *z == largest);
                    for piece in 0..pieces {
                        let expected = if winner == Some(piece) { dy.get(row, unit) } else { 0.0 };
                        assert_eq!(dz.get(row, unit * pieces + piece), expected, "{rows} x {units} x {pieces}");
                    }
                }
                let padding = dz.values().iter().filter(|value| **value != 0.0).count();
                assert!(padding <= rows * units, "columns beyond the last stay zero");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_not_hidden_by_a_piece_that_is_one() {
        for z in [[f32::NAN, 1.0], [1.0, f32::NAN]] {
            let mut out = Panels::zeros(1, 1);
            let mut winners = Winners::new(&out, 2);
            forward(&mut Team::new(1), &Panels::from_rows(1, 2, &z), 1, &mut winners, (&mut out, None), &|_, _, _, _| {});
            assert!(out.get(0, 0).is_nan());
        }
    }
}
