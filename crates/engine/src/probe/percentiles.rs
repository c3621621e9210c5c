//! Percentiles without sorting.

/// The percentiles of a [`Distribution`](super::Distribution), in order.
pub const PERCENTILES: [u8; 7] = [1, 5, 25, 50, 75, 95, 99];

/// Values are counted by their leading bits, sign, exponent and five more: bins are a thirty-second of their size apart.
const LEADING: u32 = 14;
const BINS: usize = 1 << LEADING;

/// How many values lie in each bin. Two tables take turns, so that equal neighbours do not wait for each other's count.
pub(super) struct Counts([[u32; BINS]; 2]);

impl Counts {
    /// None so far. On the stack, where nothing has to be asked for.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([[0; BINS]; 2])
    }

    /// Counts values, all of them numbers.
    pub(super) fn add(&mut self, values: &[f32]) {
        let (pairs, rest) = values.as_chunks::<2>();
        for pair in pairs {
            for (table, value) in self.0.iter_mut().zip(pair) {
                table[bin(key(*value))] += 1;
            }
        }
        for value in rest {
            self.0[0][bin(key(*value))] += 1;
        }
    }

    /// Of each bin, the lowest values first.
    fn of_bins(&self) -> impl Iterator<Item = usize> {
        let [first, second] = &self.0;
        first.iter().zip(second).map(|(first, second)| (first + second) as usize)
    }
}

/// The values at [`PERCENTILES`] by numpy's linear interpolation: of `n` sorted values the percentile `p` lies at position
/// `p / 100 * (n - 1)`, counted from 0, and between two values on the line through them. Exact, in O(n): values are counted by their leading
/// bits, then looked at once more, and a value is selected among those of its bin alone.
pub(super) struct Percentiles {
    places: [Place; 7],
    bins: Vec<Bin>,
    /// Which of them a bin's keys go to, from 1; 0 where nobody asks for them.
    holders: [u8; BINS],
    /// The keys of the bins that are asked for; the last one is free.
    keys: Vec<u32>,
    length: usize,
}

impl Percentiles {
    /// Of values that were counted, at least one; `zeros` of them are zero.
    pub(super) fn of(counts: &Counts, zeros: usize) -> Self {
        let places = PERCENTILES.map(|percent| Place::of(percent, counts.of_bins().sum()));
        let ranks = places.map(|place| [place.below, place.above]);
        let (mut bins, mut holders): (Vec<Bin>, _) = (Vec::new(), [0; BINS]);
        let (mut before, mut ranks) = (0, ranks.as_flattened().iter().copied().peekable());
        for (number, count) in counts.of_bins().enumerate() {
            if ranks.peek().is_some_and(|rank| *rank < before + count) {
                // Many of a ReLU's outputs are the same zero, and need no looking up.
                let is_zero = number == bin(key(0.0)) && count == zeros;
                bins.push(Bin { before, count, keys: Vec::with_capacity(if is_zero { 0 } else { count }), done: 0 });
                holders[number] = if is_zero { 0 } else { bins.len() as u8 };
                while ranks.next_if(|rank| *rank < before + count).is_some() {}
            }
            before += count;
        }
        let asked: usize = bins.iter().map(|bin| bin.keys.capacity()).sum();
        Self { places, bins, holders, keys: vec![0; asked + 1], length: 0 }
    }

    /// Looks at values that were counted. Whether one is asked for is a coin toss to a processor, so that nothing branches on it: each key is
    /// written, and the next one over it if it was not asked for.
    pub(super) fn add(&mut self, values: &[f32]) {
        for value in values {
            let key = key(*value);
            self.keys[self.length] = key;
            self.length += usize::from(self.holders[bin(key)] != 0);
        }
    }

    /// The percentiles, once all values have been looked at.
    pub(super) fn finish(mut self) -> [f64; 7] {
        for key in &self.keys[..self.length] {
            self.bins[usize::from(self.holders[bin(*key)]) - 1].keys.push(*key);
        }
        // From low to high, as what has been selected in a bin makes the next selection there shorter.
        self.places.map(|place| {
            let (below, above) = (self.select(place.below), self.select(place.above));
            interpolate(below, above, place.share)
        })
    }

    /// The value of `rank`, which is not under one that was selected before.
    fn select(&mut self, rank: usize) -> f64 {
        let holder = self.bins.iter_mut().find(|bin| rank < bin.before + bin.count);
        holder.map_or(f64::NAN, |bin| bin.select(rank - bin.before))
    }
}

/// Between two values, as numpy: from the nearer end.
fn interpolate(below: f64, above: f64, share: f64) -> f64 {
    // An infinite neighbour has no line to it.
    if below == above || share == 0.0 {
        return below;
    }
    let difference = above - below;
    if share >= 0.5 { above - difference * (1.0 - share) } else { below + difference * share }
}

/// Where a percentile lies among sorted values: the ranks around it, and how far it is from the lower to the upper.
#[derive(Clone, Copy)]
struct Place {
    below: usize,
    above: usize,
    share: f64,
}

impl Place {
    fn of(percent: u8, count: usize) -> Self {
        let position = f64::from(percent) / 100.0 * (count - 1) as f64;
        let below = position.floor() as usize;
        Self { below, above: (below + 1).min(count - 1), share: position - position.floor() }
    }
}

/// A number whose order is that of the value, zeros of both signs being one.
fn key(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let is_negative = (bits.cast_signed() >> 31).cast_unsigned();
    bits ^ (is_negative | 1 << 31)
}

/// The value of a key.
fn value(key: u32) -> f64 {
    let is_positive = (key.cast_signed() >> 31).cast_unsigned();
    f64::from(f32::from_bits(key ^ (!is_positive | 1 << 31)))
}

fn bin(key: u32) -> usize {
    (key >> (u32::BITS - LEADING)) as usize
}

/// The keys of one bin, those of the lowest `done` ranks sorted out already; none where all are zero.
struct Bin {
    /// Values in the bins before it, and in it.
    before: usize,
    count: usize,
    keys: Vec<u32>,
    done: usize,
}

impl Bin {
    fn select(&mut self, rank: usize) -> f64 {
        if self.keys.is_empty() {
            return 0.0;
        }
        if rank >= self.done {
            self.keys[self.done..].select_nth_unstable(rank - self.done);
            self.done = rank + 1;
        }
        value(self.keys[rank])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::{Purpose, Stream};

    fn percentiles(values: &[f32]) -> [f64; 7] {
        let (first, second) = values.split_at(values.len() / 2);
        let mut counts = Counts::new();
        [first, second].iter().for_each(|half| counts.add(half));
        let mut percentiles = Percentiles::of(&counts, values.iter().filter(|value| **value == 0.0).count());
        [first, second].iter().for_each(|half| percentiles.add(half));
        percentiles.finish()
    }

    /// By sorting.
    fn slowly(values: &[f32]) -> [f64; 7] {
        let mut sorted: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        sorted.sort_by(f64::total_cmp);
        PERCENTILES.map(|percent| {
            let place = Place::of(percent, sorted.len());
            interpolate(sorted[place.below], sorted[place.above], place.share)
        })
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let word = |row: usize, index: usize| Stream::new(5, Purpose::Augment, 0).word(0, row as u32, index as u32);
        for (number, count) in [1, 2, 3, 7, 100, 101, 4096, 10_007].into_iter().enumerate() {
            let bits = |index: usize| f32::from_bits(word(number, index));
            let finite = |index: usize| if bits(index).is_finite() { bits(index) } else { 0.0 };
            let small = |index: usize| (word(number, index) % 11) as f32 / 5.0 - 1.0;
            let lit = |index: usize| if word(number, index) % 3 == 0 { small(index) * 1e-30 } else { 0.0 };
            let tiny = |index: usize| f32::from_bits(word(number, index) % 5);
            let near = |index: usize| 1.0 + (word(number, index) % 97) as f32 * f32::EPSILON;
            for values in [
                (0..count).map(finite).collect::<Vec<_>>(),
                (0..count).map(small).collect(),
                (0..count).map(lit).collect(),
                (0..count).map(near).collect(),
                (0..count).map(tiny).collect(),
                (0..count).map(|index| index as f32).rev().collect(),
            ] {
                assert_eq!(percentiles(&values), slowly(&values), "{count} values, {:?} ..", &values[..count.min(3)]);
            }
        }
    }

    /// numpy.percentile([-1, 0, 2, 10], [1, 5, 25, 50, 75, 95, 99])
    #[test]
    fn a_percentile_lies_on_the_line_between_its_neighbours() {
        let expected = [-0.97, -0.85, -0.25, 1.0, 4.0, 8.8, 9.76];
        for (found, expected) in percentiles(&[10.0, -1.0, 2.0, 0.0]).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        }
    }

    #[test]
    fn zeros_of_both_signs_are_one_and_infinities_are_values() {
        assert!(percentiles(&[-0.0, 0.0, -0.0]).iter().all(|value| value.to_bits() == 0));
        let found = percentiles(&[f32::NEG_INFINITY, f32::NEG_INFINITY, 1.0, f32::INFINITY, f32::INFINITY]);
        assert_eq!([found[0], found[3], found[6]], [f64::NEG_INFINITY, 1.0, f64::INFINITY]);
    }
}
