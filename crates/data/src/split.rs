//! Which rows train, which validate and which test.

use crate::{DataError, Source};
use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A number of rows, or a fraction of all rows but those of a test set of the source's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many rows.
    Count(u64),
    /// This share of the rows, rounded to the nearest whole row; at least 0 and under 1.
    Fraction(f64),
}

/// One of several parts of equal size that the rows are divided into, for cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// Which one, counted from 1.
    pub index: u64,
    /// How many there are, 2 or more.
    pub of: u64,
}

/// How to divide a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitSpec {
    /// Rows taken out of the source's train rows to make choices by; for sources without validation rows of their own.
    pub validation: Amount,
    /// The validation rows are this part of the rows that are not for testing; `validation` counts for nothing then.
    pub fold: Option<Fold>,
    /// Rows taken out to be read once at the end; for sources without a test set of their own.
    pub test: Amount,
    /// Whether each part has the classes in the proportions of the whole.
    pub stratified: bool,
    /// Which rows; it has nothing to do with the training seed.
    pub seed: u64,
    /// At most so many train rows.
    pub limit_train: Option<u64>,
}

/// Row numbers, each part ascending. `train` and `validation` are rows of [`Source::train`]; so are `test` where the source has no test
/// set of its own, and else they are all the rows of [`Source::test`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub train: Vec<u32>,
    /// Rows to choose by.
    pub validation: Vec<u32>,
    /// Rows to be read once.
    pub test: Vec<u32>,
}

impl SplitSpec {
    /// Divides `source`. Test rows are taken first, then validation rows, so the test rows depend on `seed` and `test` alone.
    ///
    /// # Errors
    /// An amount that is larger than the data, or that leaves nothing to train on.
    pub fn split(&self, source: &Source) -> Result<Split, DataError> {
        let labels = source.train.labels();
        let rows = labels.len();
        let mut order = permutation(&Stream::new(self.seed, Purpose::Split, 0), 0, rows as u32);
        // In a cross-validation every row that is not for testing has its turn.
        let own_validation = if self.fold.is_some() { 0 } else { source.own_validation };
        let first_validation = (rows - own_validation) as u32;
        order.retain(|row| *row < first_validation);
        let mut pool = Pool { rows: order, labels, num_classes: source.classes.len(), stratified: self.stratified };
        let test = match &source.test {
            Some(test) => (0..test.len() as u32).collect(),
            None => pool.take(rows_of("data.test", self.test, rows, pool.rows.len())?),
        };
        let validation = match self.fold {
            Some(fold) => pool.take_fold(fold)?,
            None if own_validation > 0 => (first_validation..rows as u32).collect(),
            None => pool.take(rows_of("data.validation", self.validation, rows, pool.rows.len())?),
        };
        if let Some(limit) = self.limit_train {
            pool.rows = pool.take(rows_of("data.limit_train", Amount::Count(limit), rows, pool.rows.len() + 1)?);
        }
        if pool.rows.is_empty() {
            return Err(DataError::unusable(
                &source.given,
                "has no rows to train on",
                "give train rows beside those for validation and testing",
            ));
        }
        pool.rows.sort_unstable();
        Ok(Split { train: pool.rows, validation, test })
    }
}

impl Split {
    /// A checksum (CRC-32, as eight hexadecimal digits) of the examples, their labels and this division of them: two runs with the same one
    /// have read the same rows in the same parts.
    #[must_use]
    pub fn fingerprint(&self, source: &Source) -> String {
        let mut checksum = crc32fast::Hasher::new();
        source.train.hash_into(&mut checksum);
        if let Some(test) = &source.test {
            test.hash_into(&mut checksum);
        }
        for part in [&self.train, &self.validation, &self.test] {
            checksum.update(&(part.len() as u64).to_le_bytes());
            part.iter().for_each(|row| checksum.update(&row.to_le_bytes()));
        }
        format!("{:08x}", checksum.finalize())
    }
}

/// How many rows an amount is, of `rows` in all, which must be fewer than the `available` ones.
fn rows_of(key: &'static str, amount: Amount, rows: usize, available: usize) -> Result<usize, DataError> {
    let count = match amount {
        Amount::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
        Amount::Fraction(fraction) => (fraction * rows as f64).round() as usize,
    };
    if matches!(amount, Amount::Fraction(fraction) if fraction > 0.0) && count == 0 {
        return Err(DataError::setting(key, amount, format!("is not even one of the {rows} rows"), "raise it, or set it to 0 for none"));
    }
    if count >= available {
        let problem = format!("is {count} of the {rows} rows, but at most {} are free", available.saturating_sub(1));
        return Err(DataError::setting(key, amount, problem, "lower it so that every part has rows"));
    }
    Ok(count)
}

/// Rows not yet given to a part, in random order.
struct Pool<'a> {
    rows: Vec<u32>,
    labels: &'a [u32],
    num_classes: usize,
    stratified: bool,
}

impl Pool<'_> {
    /// Takes `count` rows out: the first ones, or the first ones of each class up to its quota.
    fn take(&mut self, count: usize) -> Vec<u32> {
        let mut taken = Vec::with_capacity(count);
        if self.stratified {
            let mut quotas = self.quotas(count);
            self.rows.retain(|row| {
                let quota = &mut quotas[self.labels[*row as usize] as usize];
                let keep = *quota == 0;
                if !keep {
                    *quota -= 1;
                    taken.push(*row);
                }
                keep
            });
        } else {
            taken.extend(self.rows.drain(..count));
        }
        taken.sort_unstable();
        taken
    }

    /// Takes one of `fold.of` parts out. The parts are drawn one after the other, each as equal in size and, where stratified, in classes as
    /// can be, so that together they are all rows.
    fn take_fold(&mut self, fold: Fold) -> Result<Vec<u32>, DataError> {
        let (rows, parts) = (self.rows.len(), usize::try_from(fold.of).unwrap_or(usize::MAX));
        let found = format!("{{ index = {}, of = {} }}", fold.index, fold.of);
        let setting = |problem: String, remedy| Err(DataError::setting("data.fold", found.clone(), problem, remedy));
        if parts < 2 || !(1..=fold.of).contains(&fold.index) {
            return setting("is no fold".into(), "divide into 2 folds or more, and count them from 1");
        }
        if parts > rows {
            return setting(format!("divides {rows} rows into more parts than there are rows"), "take fewer folds");
        }
        let mut rest = Pool { rows: self.rows.clone(), ..*self };
        let mut taken = Vec::new();
        for part in 0..fold.index as usize {
            taken = rest.take(rows / parts + usize::from(part < rows % parts));
        }
        let is_taken: std::collections::HashSet<u32> = taken.iter().copied().collect();
        self.rows.retain(|row| !is_taken.contains(row));
        Ok(taken)
    }

    /// How many of `count` rows each class gives: proportional shares rounded down, and the rows left over to the largest remainders
    /// (Hamilton's method; ties to the lower class).
    fn quotas(&self, count: usize) -> Vec<usize> {
        let mut sizes = vec![0_usize; self.num_classes];
        for row in &self.rows {
            sizes[self.labels[*row as usize] as usize] += 1;
        }
        let total = self.rows.len();
        let mut quotas: Vec<usize> = sizes.iter().map(|size| size * count / total).collect();
        let mut by_remainder: Vec<usize> = (0..self.num_classes).collect();
        by_remainder.sort_by_key(|class| std::cmp::Reverse(sizes[*class] * count % total));
        let left_over = count - quotas.iter().sum::<usize>();
        for class in &by_remainder[..left_over] {
            quotas[*class] += 1;
        }
        quotas
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(formatter),
            Self::Fraction(fraction) => write!(formatter, "{fraction:?}"),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Fraction(fraction) => serializer.serialize_f64(*fraction),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number of rows such as 5000, or a fraction of them, at least 0.0 and under 1.0")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Amount, E> {
        Ok(Amount::Count(count))
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Amount, E> {
        u64::try_from(count).map(Amount::Count).map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
    }

    fn visit_f64<E: de::Error>(self, fraction: f64) -> Result<Amount, E> {
        if (0.0..1.0).contains(&fraction) {
            Ok(Amount::Fraction(fraction))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(fraction), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Features};

    /// 100 rows: 50 of class 0, 30 of class 1, 20 of class 2.
    fn source(test_rows: Option<usize>) -> Source {
        let rows = |labels: Vec<u32>| Dataset::new(Features::F32(vec![0.0; labels.len()]), vec![1], labels);
        let labels = [vec![0; 50], vec![1; 30], vec![2; 20]].concat();
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        Source::new("test", classes, rows(labels), test_rows.map(|n| rows(vec![0; n])))
    }

    fn spec() -> SplitSpec {
        SplitSpec { validation: Amount::Fraction(0.1), test: Amount::Count(20), stratified: true, seed: 4, fold: None, limit_train: None }
    }

    #[test]
    fn the_parts_are_disjoint_whole_and_in_proportion() {
        let source = source(None);
        let split = spec().split(&source).unwrap();
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [70, 10, 20]);
        let mut all = [split.train.clone(), split.validation.clone(), split.test.clone()].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        let classes_in =
            |rows: &[u32]| [0, 1, 2].map(|class| rows.iter().filter(|row| source.train.labels()[**row as usize] == class).count());
        assert_eq!(classes_in(&split.test), [10, 6, 4]);
        assert_eq!(classes_in(&split.validation), [5, 3, 2]);
    }

    #[test]
    fn test_rows_depend_on_the_split_seed_and_not_on_validation() {
        let base = spec().split(&source(None)).unwrap();
        let other_validation = SplitSpec { validation: Amount::Count(0), ..spec() }.split(&source(None)).unwrap();
        assert_eq!(base.test, other_validation.test);
        assert!(other_validation.validation.is_empty());
        assert_ne!(base.test, SplitSpec { seed: 5, ..spec() }.split(&source(None)).unwrap().test);
    }

    #[test]
    fn limited_train_rows_are_part_of_the_unlimited_ones() {
        let base = spec().split(&source(None)).unwrap();
        let limited = SplitSpec { limit_train: Some(7), ..spec() }.split(&source(None)).unwrap();
        assert_eq!(limited.train.len(), 7);
        assert!(limited.train.iter().all(|row| base.train.contains(row)));
        assert_eq!(SplitSpec { limit_train: Some(70), ..spec() }.split(&source(None)).unwrap(), base);
    }

    /// 80 rows that are not for testing, of three classes, in 7 folds of 11 or 12.
    #[test]
    fn folds_partition_the_rows_and_keep_the_proportions_of_the_classes() {
        let fold = |index| SplitSpec { fold: Some(Fold { index, of: 7 }), ..spec() }.split(&source(None)).unwrap();
        let mut all: Vec<u32> = Vec::new();
        for index in 1..=7 {
            let split = fold(index);
            assert_eq!(split.test, spec().split(&source(None)).unwrap().test, "the test rows are those of any other division");
            assert!([11, 12].contains(&split.validation.len()));
            assert_eq!(split.train.len() + split.validation.len(), 80);
            assert!(split.train.iter().all(|row| !split.validation.contains(row)));
            let labels = source(None).train.labels().to_vec();
            let [a, b, c] = [0, 1, 2].map(|class| split.validation.iter().filter(|row| labels[**row as usize] == class).count());
            assert!((5..=6).contains(&a) && (3..=4).contains(&b) && (2..=3).contains(&c), "fold {index}: {a} {b} {c}");
            all.extend(split.validation);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 80);
    }

    #[test]
    fn folds_that_cannot_be_are_named() {
        for (index, of) in [(0, 5), (6, 5), (1, 1), (1, 0), (1, 81)] {
            let message = SplitSpec { fold: Some(Fold { index, of }), ..spec() }.split(&source(None)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("data.fold = {{ index = {index}, of = {of} }}")), "{message}");
        }
    }

    #[test]
    fn a_source_s_own_test_set_is_left_whole() {
        let split = spec().split(&source(Some(9))).unwrap();
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [90, 10, 9]);
    }

    #[test]
    fn a_source_s_own_validation_rows_are_taken_but_in_a_cross_validation() {
        let source = |test| Source { own_validation: 15, ..source(test) };
        let split = spec().split(&source(None)).unwrap();
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [65, 15, 20]);
        assert!(split.validation.iter().copied().eq(85..100));
        let split = spec().split(&source(Some(9))).unwrap();
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [85, 15, 9]);
        let message = SplitSpec { test: Amount::Count(85), ..spec() }.split(&source(None)).unwrap_err().to_string();
        assert!(message.contains("is 85 of the 100 rows, but at most 84 are free"), "{message}");
        let fold = SplitSpec { fold: Some(Fold { index: 1, of: 4 }), ..spec() }.split(&source(None)).unwrap();
        assert_eq!([fold.train.len(), fold.validation.len(), fold.test.len()], [60, 20, 20]);
    }

    #[test]
    fn a_fingerprint_tells_other_rows_and_other_divisions_apart() {
        let fingerprint = |spec: SplitSpec, source: Source| spec.split(&source).unwrap().fingerprint(&source);
        let base = fingerprint(spec(), source(None));
        assert_eq!(base, fingerprint(spec(), source(None)));
        assert_ne!(base, fingerprint(SplitSpec { seed: 5, ..spec() }, source(None)));
        let (_, shape, mut labels) = source(None).train.into_parts();
        labels.swap(0, 99);
        let changed = Dataset::new(Features::F32(vec![0.0; 100]), shape, labels);
        assert_ne!(base, fingerprint(spec(), Source { train: changed, ..source(None) }));
    }

    #[test]
    fn amounts_larger_than_the_data_are_named_by_key() {
        for (spec, key) in [
            (SplitSpec { validation: Amount::Count(100), ..spec() }, "data.validation = 100"),
            (SplitSpec { validation: Amount::Count(80), ..spec() }, "data.validation = 80"),
            (SplitSpec { validation: Amount::Fraction(0.9), ..spec() }, "data.validation = 0.9"),
            (SplitSpec { test: Amount::Count(u64::MAX), ..spec() }, "data.test"),
            (SplitSpec { test: Amount::Fraction(0.001), ..spec() }, "data.test = 0.001"),
            (SplitSpec { limit_train: Some(71), ..spec() }, "data.limit_train = 71"),
        ] {
            let message = spec.split(&source(None)).unwrap_err().to_string();
            assert!(message.starts_with(key), "{message}");
        }
    }

    #[test]
    fn amounts_read_as_rows_or_fractions() {
        assert_eq!(serde_json::from_str::<Amount>("5000").unwrap(), Amount::Count(5000));
        assert_eq!(serde_json::from_str::<Amount>("0.1").unwrap(), Amount::Fraction(0.1));
        for wrong in ["-1", "1.0", "-0.5", "\"half\""] {
            let message = serde_json::from_str::<Amount>(wrong).unwrap_err().to_string();
            assert!(message.contains("a number of rows such as 5000"), "{message}");
        }
    }

    #[test]
    fn nothing_to_train_on_is_an_error() {
        let all_are_for_validation = Source { own_validation: 100, ..source(Some(5)) };
        let message = spec().split(&all_are_for_validation).unwrap_err().to_string();
        assert!(message.starts_with("test has no rows to train on"), "{message}");
    }
}
