//! `metrics.csv` and `refit.metrics.csv`: the records of the JSON lines for spreadsheets and data frames, a row per epoch.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use relumine_report::{EpochRecord, Score};
use std::fs::File;
use std::io::Write;

/// Appends each epoch's record as a row, with the columns of [`HEADER`](Self::HEADER): those of [`EpochRecord`], in its units. Without
/// validation rows their cells are empty. Numbers have as many digits as they need to be read back as the same 64 bits.
#[derive(Debug)]
pub struct MetricsCsv {
    file: File,
    run: RunDirectory,
    name: &'static str,
}

impl MetricsCsv {
    /// The first line. Later versions may add columns at its end.
    pub const HEADER: &str = "epoch,step,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,best,seconds,\
                              samples_per_second";

    /// Writes the file of this name with the epochs that there are already, none in a new run, and goes on behind them.
    ///
    /// # Errors
    /// A full disk.
    pub fn open(run: &RunDirectory, name: &'static str, epochs: &[EpochRecord]) -> anyhow::Result<Self> {
        let lines = std::iter::once(Self::HEADER.to_owned()).chain(epochs.iter().map(row));
        run.write(name, lines.map(|line| line + "\n").collect::<String>().as_bytes())?;
        let path = run.file(name);
        let file = File::options().append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, run: run.clone(), name })
    }
}

impl Observer for MetricsCsv {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        if let Event::Epoch { record, .. } = event {
            let line = row(record) + "\n";
            self.file.write_all(line.as_bytes()).with_context(|| self.run.no_room(self.name))?;
        }
        Ok(())
    }
}

fn row(record: &EpochRecord) -> String {
    let EpochRecord { epoch, step, learning_rate, train, validation, best, seconds, samples_per_second } = record;
    let validation = validation.map_or_else(|| ",".to_owned(), |Score { loss, accuracy }| format!("{loss},{accuracy}"));
    let Score { loss, accuracy } = train;
    format!("{epoch},{step},{learning_rate},{loss},{accuracy},{validation},{best},{seconds},{samples_per_second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_column_with_and_without_validation_rows() {
        let with = EpochRecord {
            epoch: 2,
            step: 20,
            learning_rate: 1e-8,
            train: Score { loss: 0.5, accuracy: 0.75 },
            validation: Some(Score { loss: 0.1 + 0.2, accuracy: 1.0 }),
            best: true,
            seconds: 1.5,
            samples_per_second: 2000.0,
        };
        assert_eq!(row(&with), "2,20,0.00000001,0.5,0.75,0.30000000000000004,1,true,1.5,2000");
        let without = row(&EpochRecord { validation: None, best: false, ..with });
        assert_eq!(without, "2,20,0.00000001,0.5,0.75,,,false,1.5,2000");
        for row in [without.as_str(), MetricsCsv::HEADER] {
            assert_eq!(row.split(',').count(), 10, "{row}");
        }
    }
}
