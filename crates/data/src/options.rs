//! What a caller may say about how data is read.

use crate::DataError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How data is read. The default reads every row, may use the network, and reports no progress.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// A table's class column; the default rule of the format where absent.
    pub label: Option<String>,
    /// Classes of an MNIST-format folder; 10 where absent.
    pub num_classes: Option<usize>,
    /// The height and width that the pictures of an image folder are brought to; they must all have one size where absent.
    pub image_size: Option<[usize; 2]>,
    /// 1 to read an image folder in grey, 3 in colour; as its first picture is where absent.
    pub channels: Option<usize>,
    /// Whether a row that cannot be used is left out and counted. Without it, such a row is an error.
    pub skip_bad_rows: bool,
    /// Whether the network is forbidden.
    pub offline: bool,
    /// Who is told how far reading has come.
    pub progress: Reporter,
}

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being read, such as a file's name.
    pub what: &'a str,
    /// How much of it is done, in any unit.
    pub done: u64,
    /// How much there is in all, in the same unit.
    pub total: u64,
}

/// Where progress is reported to; by default nowhere. It may be called from any thread, some hundred times in all.
#[derive(Clone, Default)]
pub struct Reporter {
    listener: Option<Arc<Listener>>,
    stop: Option<Arc<AtomicBool>>,
}

type Listener = dyn Fn(Progress<'_>) + Send + Sync;

impl Reporter {
    /// Reports to `listener`.
    pub fn new(listener: impl Fn(Progress<'_>) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)), stop: None }
    }

    /// Has reading end with [`DataError::Interrupted`] soon after `stop` becomes true. Arrays and IDX files are read to their end.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Whether reading is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// An error where reading is to end.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        if self.is_stopped() { Err(DataError::Interrupted) } else { Ok(()) }
    }

    /// Says that `done` of `total` is done.
    pub(crate) fn report(&self, what: &str, done: u64, total: u64) {
        if let Some(listener) = &self.listener {
            listener(Progress { what, done, total });
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.listener.is_some() { "Reporter(..)" } else { "Reporter(none)" })
    }
}

/// Rows that were left out because they cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub rows: u64,
    /// What is wrong with the first of them, with its file and row, and without what to do.
    pub first: Option<String>,
}

impl Skipped {
    /// Deals with a row that cannot be used: counts it where `options` allow that, and gives the error back otherwise.
    pub(crate) fn take(&mut self, error: DataError, options: &ReadOptions) -> Result<(), DataError> {
        if !options.skip_bad_rows {
            return Err(error);
        }
        self.rows += 1;
        self.first.get_or_insert_with(|| error.problem());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn reading_stops_where_that_is_asked_for() {
        let stop = Arc::new(AtomicBool::new(false));
        let progress = Reporter::default().stopped_by(Arc::clone(&stop));
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("t.csv");
        std::fs::write(&table, "a,y\n1,0\n2,1\n3,0\n").unwrap();
        let open = || {
            crate::Catalog::from_environment()
                .open(table.to_str().unwrap(), &ReadOptions { progress: progress.clone(), ..ReadOptions::default() })
        };
        assert_eq!(open().unwrap().train.len(), 3);
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(open(), Err(DataError::Interrupted)));
    }

    #[test]
    fn a_bad_row_is_an_error_or_counted_and_the_first_one_is_told() {
        let error = |row: u32| DataError::malformed(Path::new("t.csv"), format!("is bad in row {row}"), "mend it");
        let mut skipped = Skipped::default();
        assert!(skipped.take(error(1), &ReadOptions::default()).is_err());
        assert_eq!(skipped, Skipped::default());
        let options = ReadOptions { skip_bad_rows: true, ..ReadOptions::default() };
        [2, 3].into_iter().for_each(|row| skipped.take(error(row), &options).unwrap());
        assert_eq!(skipped, Skipped { rows: 2, first: Some("t.csv is bad in row 2".into()) });
    }
}
