//! Which rows of the files the examples are, where rows were left out.

/// The numbers of examples in what they were read from: the file, or the files of a part (train files, then validation files) one after
/// the other, counted from 0 with the rows that were left out. Nothing is stored where none were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowNumbers {
    /// For each row that was left out, how many were kept before it; ascending.
    left_out: Vec<u32>,
}

impl RowNumbers {
    /// The number of the example at `index` of its data set.
    #[must_use]
    pub fn of(&self, index: u32) -> u32 {
        index + self.left_out.partition_point(|kept| *kept <= index) as u32
    }

    /// Where `left_out`, ascending, are the numbers of the rows that are left out.
    pub(crate) fn without(left_out: impl Iterator<Item = usize>) -> Self {
        Self { left_out: left_out.enumerate().map(|(before, row)| (row - before) as u32).collect() }
    }

    /// Notes that the row after the first `kept` ones was left out.
    pub(crate) fn leave_out(&mut self, kept: usize) {
        self.left_out.push(kept as u32);
    }

    /// Adds the numbers of rows that follow `kept` rows of these.
    pub(crate) fn append(&mut self, others: &Self, kept: usize) {
        self.left_out.extend(others.left_out.iter().map(|before| before + kept as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &RowNumbers, count: u32) -> Vec<u32> {
        (0..count).map(|index| numbers.of(index)).collect()
    }

    /// Of rows 0 to 7, the rows 0, 3, 4 and 7 are left out.
    #[test]
    fn rows_that_were_left_out_are_counted() {
        let mut some = RowNumbers::default();
        [0, 2, 2, 4].into_iter().for_each(|kept| some.leave_out(kept));
        assert_eq!(numbers(&some, 4), [1, 2, 5, 6]);
        assert_eq!(some, RowNumbers::without([0, 3, 4, 7].into_iter()));
        assert_eq!(numbers(&RowNumbers::default(), 4), [0, 1, 2, 3]);
    }

    /// The last row of the first part is left out, and so is the first one of the second.
    #[test]
    fn parts_that_are_joined_are_counted_through() {
        let (mut first, mut second) = (RowNumbers::default(), RowNumbers::default());
        first.leave_out(2);
        second.leave_out(0);
        first.append(&second, 2);
        assert_eq!(numbers(&first, 4), [0, 1, 4, 5]);
    }
}
