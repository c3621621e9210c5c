//! Percentiles without sorting.

/// The percentiles of a [`Distribution`](super::Distribution), in order.
pub const PERCENTILES: [u8; 7] = [1, 5, 25, 50, 75, 95, 99];

/// Values are counted by their leading bits, sign, exponent and five more: bins are a thirty-second of their size apart.
const LEADING: u32 = 14;
const BINS: usize = 1 << LEADING;

/// The values at [`PERCENTILES`] by numpy's linear interpolation: of `n` sorted values the percentile `p` lies at position
/// `p / 100 * (n - 1)`, counted from 0, and between two values on the line through them. Exact, in O(n): values are counted by their leading
/// bits, and a value is selected among those of its bin alone. `zeros` of the values are zero, at least one is there, and all are numbers.
pub(super) fn percentiles(blocks: &[&[f32]], zeros: usize) -> [f64; 7] {
    let count = blocks.iter().map(|block| block.len()).sum();
    let places = PERCENTILES.map(|percent| Place::of(percent, count));
    let ranks = places.map(|place| [place.below, place.above]);
    let mut bins = Bins::holding(blocks, ranks.as_flattened(), zeros);
    // From low to high, as what has been selected in a bin makes the next selection there shorter.
    places.map(|place| {
        let (below, above) = (bins.select(place.below), bins.select(place.above));
        interpolate(below, above, place.share)
    })
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

/// The bins that hold asked ranks.
struct Bins(Vec<Bin>);

/// The keys of one bin, those of the lowest `done` ranks sorted out already; none where all are zero.
struct Bin {
    /// Values in the bins before it, and in it.
    before: usize,
    count: usize,
    keys: Vec<u32>,
    done: usize,
}

impl Bins {
    /// Those that hold one of `ranks`, which ascend.
    fn holding(blocks: &[&[f32]], ranks: &[usize], zeros: usize) -> Self {
        let mut bins = Vec::new();
        // Where a bin's keys go, from 1; 0 where nobody asks for them.
        let mut places = [0_u8; BINS];
        let (mut before, mut ranks) = (0, ranks.iter().copied().peekable());
        for (number, count) in count(blocks).into_iter().enumerate() {
            if ranks.peek().is_some_and(|rank| *rank < before + count) {
                // Many of a ReLU's outputs are the same zero, and need no looking up.
                let is_zero = number == bin(key(0.0)) && count == zeros;
                bins.push(Bin { before, count, keys: Vec::with_capacity(if is_zero { 0 } else { count }), done: 0 });
                places[number] = if is_zero { 0 } else { bins.len() as u8 };
                while ranks.next_if(|rank| *rank < before + count).is_some() {}
            }
            before += count;
        }
        let asked = bins.iter().map(|bin| bin.keys.capacity()).sum();
        for key in asked_keys(blocks, &places, asked) {
            bins[usize::from(places[bin(key)]) - 1].keys.push(key);
        }
        Self(bins)
    }

    /// The value of `rank`, which is not under one that was selected before.
    fn select(&mut self, rank: usize) -> f64 {
        let holder = self.0.iter_mut().find(|bin| rank < bin.before + bin.count);
        holder.map_or(f64::NAN, |bin| bin.select(rank - bin.before))
    }
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

/// The keys of all values whose bin has a place; `asked` is at least their number. Whether a value is asked for is a coin toss to a processor,
/// so that nothing branches on it: each key is written, and the next one over it if it was not asked for.
fn asked_keys(blocks: &[&[f32]], places: &[u8; BINS], asked: usize) -> Vec<u32> {
    let mut keys = vec![0; asked + 1];
    let mut length = 0;
    for block in blocks {
        for value in *block {
            let key = key(*value);
            keys[length] = key;
            length += usize::from(places[bin(key)] != 0);
        }
    }
    keys.truncate(length);
    keys
}

/// How many values are in each bin. Two tables take turns, so that equal neighbours do not wait for each other's count.
fn count(blocks: &[&[f32]]) -> Vec<usize> {
    let mut tables = [[0_u32; BINS]; 2];
    for block in blocks {
        let (pairs, rest) = block.as_chunks::<2>();
        for pair in pairs {
            for (table, value) in tables.iter_mut().zip(pair) {
                table[bin(key(*value))] += 1;
            }
        }
        for value in rest {
            tables[0][bin(key(*value))] += 1;
        }
    }
    let [first, second] = &tables;
    first.iter().zip(second).map(|(first, second)| (first + second) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::{Purpose, Stream};

    fn percentiles(values: &[f32]) -> [f64; 7] {
        let halves = values.split_at(values.len() / 2);
        super::percentiles(&[halves.0, halves.1], values.iter().filter(|value| **value == 0.0).count())
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
