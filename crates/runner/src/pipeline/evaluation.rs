//! Reading rows with finished weights.

use super::Job;
use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use anyhow::Context;
use relumine_engine::metrics::{Totals, predicted_class, probabilities};
use relumine_engine::{Examples, Step};
use relumine_report::{ClassificationMetrics, Confusion, Mistakes, Score};

/// What a model says about some rows.
#[derive(Clone, Debug)]
pub struct Evaluation {
    pub(super) rows: Vec<u32>,
    pub(super) labels: Vec<u32>,
    pub(super) predictions: Vec<u32>,
    /// `[rows][classes]`
    pub(super) probabilities: Vec<Vec<f64>>,
    /// Over all rows.
    pub score: Score,
}

/// Evaluates `rows` of `examples`; `None` where there are no rows.
///
/// # Errors
/// A device that fails.
pub fn evaluate(job: &Job, step: &dyn Step, examples: &Examples, rows: &[u32]) -> Result<Option<Evaluation>, Failure> {
    if rows.is_empty() {
        return Ok(None);
    }
    let head = job.architecture.head;
    let logits = step.logits(examples, rows)?;
    let labels = examples.labels_of(rows);
    let by_row = || logits.chunks_exact(logits.len() / rows.len());
    Ok(Some(Evaluation {
        rows: rows.to_vec(),
        predictions: by_row().map(|row| predicted_class(head, row)).collect(),
        probabilities: by_row().map(|row| probabilities(head, row)).collect(),
        score: score(&Totals::of(head, &logits, &labels)),
        labels,
    }))
}

/// The score of `rows` of `examples`; `None` where there are no rows.
///
/// # Errors
/// A device that fails.
pub fn score_rows(job: &Job, step: &dyn Step, examples: &Examples, rows: &[u32]) -> Result<Option<Score>, Failure> {
    if rows.is_empty() {
        return Ok(None);
    }
    let logits = step.logits(examples, rows)?;
    Ok(Some(score(&Totals::of(job.architecture.head, &logits, &examples.labels_of(rows)))))
}

/// Means of totals.
pub(super) fn score(totals: &Totals) -> Score {
    Score { loss: totals.mean_loss(), accuracy: totals.accuracy() }
}

impl Evaluation {
    /// Writes `test/predictions.csv`, `test/confusion.json` and, of images, `test/mistakes.json`, of an evaluation of the test rows.
    ///
    /// # Errors
    /// A full disk.
    pub fn save(&self, job: &Job, run: &RunDirectory) -> anyhow::Result<()> {
        run.write(RunDirectory::PREDICTIONS, &self.to_csv(job)?)?;
        if let Some(mistakes) = self.mistakes(job)? {
            run.write_json(Mistakes::FILE, &mistakes)?;
        }
        run.write_json(RunDirectory::CONFUSION, &self.confusion(&job.classes))
    }

    /// How often each class was taken for each.
    #[must_use]
    pub fn confusion(&self, classes: &[String]) -> Confusion {
        Confusion::count(classes, self.labels.iter().copied().zip(self.predictions.iter().copied()))
    }

    /// What the predictions and probabilities say beyond the score; `Some`, as an evaluation has rows.
    #[must_use]
    pub fn metrics(&self, classes: &[String]) -> Option<ClassificationMetrics> {
        ClassificationMetrics::of(classes, &self.labels, &self.predictions, &self.probabilities, self.score.loss)
    }

    /// One line per row: its number, the true and the predicted class, and the probability of each class.
    ///
    /// The number is the row's place in its file, or among the rows of the files that hold its part, in the order of their names (train
    /// files before validation files); it counts from 0, and counts rows that were left out. Of an image folder it counts the files.
    fn to_csv(&self, job: &Job) -> anyhow::Result<Vec<u8>> {
        let classes = &job.classes;
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["row", "label", "prediction"].into_iter().map(str::to_owned);
        writer.write_record(header.chain(classes.iter().map(|class| format!("p_{class}"))))?;
        for (index, row) in self.rows.iter().enumerate() {
            let names = [self.labels[index], self.predictions[index]].map(|class| classes[class as usize].clone());
            let shares = self.probabilities[index].iter().map(|p| format!("{p:.6}"));
            let number = job.test_row_numbers.of(*row).to_string();
            writer.write_record(std::iter::once(number).chain(names).chain(shares))?;
        }
        writer.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot format the predictions")
    }
}
