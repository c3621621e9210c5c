//! Bringing features to a common scale, with constants learnt from the train rows alone.

use crate::{DataError, Dataset, Features, Source};
use serde::{Deserialize, Serialize};

/// How features are scaled, `data.scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// To [0, 1]: pixels by their format's full scale, a table's columns by the smallest and largest value among the train rows.
    #[default]
    Unit,
    /// Each feature to mean 0 and standard deviation 1 over the train rows; a feature that is constant there becomes 0.
    Standard,
    /// As they are.
    None,
}

/// A fitted scaling: `scaled = (feature - offset) / divisor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    /// One value for all features, or one for each.
    pub offset: Vec<f32>,
    /// As many as `offset`; never 0.
    pub divisor: Vec<f32>,
}

impl Scaler {
    /// Learns the constants from `rows` of `data`; no other row is looked at.
    #[must_use]
    pub fn fit(scale: Scale, data: &Dataset, rows: &[u32]) -> Self {
        match (scale, data.features()) {
            (Scale::None, _) => Self { offset: vec![0.0], divisor: vec![1.0] },
            (Scale::Unit, Features::U8 { full_scale, .. }) => Self { offset: vec![0.0], divisor: vec![f32::from(*full_scale)] },
            (Scale::Unit, Features::F32(_)) => Self::fit_range(data, rows),
            (Scale::Standard, _) => Self::fit_standard(data, rows),
        }
    }

    /// Refuses constants, learnt from `source`, that would turn features into infinities or NaN.
    ///
    /// # Errors
    /// The first column whose values are too large to scale, by its name where it has one.
    pub fn check(&self, scale: Scale, source: &Source) -> Result<(), DataError> {
        let Some(column) = self.unusable() else { return Ok(()) };
        let what = source.feature_names.get(column).map_or_else(
            || format!("feature column {column} (counted from 0) of {}", source.given),
            |name| format!("column `{name}` of {}", source.given),
        );
        Err(too_far_apart(scale, &what))
    }

    /// The first column with constants that are no numbers.
    fn unusable(&self) -> Option<usize> {
        let usable = |(offset, divisor): (&f32, &f32)| offset.is_finite() && divisor.is_finite();
        self.offset.iter().zip(&self.divisor).position(|constants| !usable(constants))
    }

    fn fit_range(data: &Dataset, rows: &[u32]) -> Self {
        let mut low = vec![f32::INFINITY; data.num_features()];
        let mut high = vec![f32::NEG_INFINITY; data.num_features()];
        for_each_row(data, rows, |column, value| {
            low[column] = low[column].min(value);
            high[column] = high[column].max(value);
        });
        let divisor = low.iter().zip(&high).map(|(low, high)| nonzero(high - low)).collect();
        Self { offset: low, divisor }
    }

    /// Two passes in f64, so that a large mean does not swallow a small spread. The rounded mean of a constant need not be the constant, so
    /// that constants are told by comparing values.
    fn fit_standard(data: &Dataset, rows: &[u32]) -> Self {
        let n = rows.len() as f64;
        let mut first: Vec<Option<f32>> = vec![None; data.num_features()];
        let mut is_constant = vec![true; data.num_features()];
        let mut mean = vec![0.0_f64; data.num_features()];
        for_each_row(data, rows, |column, value| {
            mean[column] += f64::from(value) / n;
            is_constant[column] &= *first[column].get_or_insert(value) == value;
        });
        let mut variance = vec![0.0_f64; data.num_features()];
        for_each_row(data, rows, |column, value| variance[column] += (f64::from(value) - mean[column]).powi(2) / n);
        let constant = |column: usize| first[column].filter(|_| is_constant[column]);
        let columns = 0..data.num_features();
        Self {
            offset: columns.clone().map(|column| constant(column).unwrap_or(mean[column] as f32)).collect(),
            divisor: columns.map(|column| constant(column).map_or_else(|| nonzero(variance[column].sqrt() as f32), |_| 1.0)).collect(),
        }
    }
}

fn too_far_apart(scale: Scale, column: &str) -> DataError {
    let problem = format!("cannot scale {column}: its values are too far apart for f32");
    DataError::setting("data.scale", format!("{scale:?}").to_lowercase(), problem, "give that column in a larger unit")
}

fn nonzero(divisor: f32) -> f32 {
    if divisor > 0.0 { divisor } else { 1.0 }
}

fn for_each_row(data: &Dataset, rows: &[u32], mut visit: impl FnMut(usize, f32)) {
    let width = data.num_features();
    for row in rows {
        let start = *row as usize * width;
        for column in 0..width {
            visit(column, data.features().get(start + column));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Dataset {
        Dataset::new(Features::F32(vec![1.0, 5.0, 3.0, 5.0, 1000.0, 7.0]), vec![2], vec![0, 1, 0])
    }

    #[test]
    fn constants_come_from_the_given_rows_only() {
        let unit = Scaler::fit(Scale::Unit, &table(), &[0, 1]);
        assert_eq!(unit, Scaler { offset: vec![1.0, 5.0], divisor: vec![2.0, 1.0] });
        let standard = Scaler::fit(Scale::Standard, &table(), &[0, 1]);
        assert_eq!(standard, Scaler { offset: vec![2.0, 5.0], divisor: vec![1.0, 1.0] });
    }

    #[test]
    fn a_constant_is_not_divided_by_the_rounding_of_its_mean() {
        for (constant, rows) in [(1.0, 10), (0.1, 1258), (100.0, 55_000)] {
            let table = Dataset::new(Features::F32(vec![constant; rows]), vec![1], vec![0; rows]);
            let all: Vec<u32> = (0..rows as u32).collect();
            assert_eq!(Scaler::fit(Scale::Standard, &table, &all), Scaler { offset: vec![constant], divisor: vec![1.0] });
        }
    }

    #[test]
    fn a_column_that_cannot_be_scaled_is_named_with_its_data() {
        let table = Dataset::new(Features::F32(vec![1.0, 3e38, 2.0, -3e38]), vec![2], vec![0, 1]);
        let scaler = Scaler::fit(Scale::Unit, &table, &[0, 1]);
        let source = Source::new("data/t.csv", vec!["0".into(), "1".into()], table, None);
        let named = Source { feature_names: vec!["length".into(), "weight".into()], ..source.clone() };
        for (source, expected) in [(source, "feature column 1 (counted from 0) of data/t.csv:"), (named, "column `weight` of data/t.csv:")]
        {
            let message = scaler.check(Scale::Unit, &source).unwrap_err().to_string();
            assert!(message.starts_with(&format!("data.scale = unit cannot scale {expected}")), "{message}");
        }
    }

    #[test]
    fn pixels_are_divided_by_their_full_scale() {
        let pixels = Dataset::new(Features::U8 { values: vec![0, 8, 16, 3], full_scale: 16 }, vec![2, 1, 1], vec![0, 1]);
        assert_eq!(Scaler::fit(Scale::Unit, &pixels, &[0]), Scaler { offset: vec![0.0], divisor: vec![16.0] });
        assert_eq!(Scaler::fit(Scale::None, &pixels, &[0]), Scaler { offset: vec![0.0], divisor: vec![1.0] });
    }
}
