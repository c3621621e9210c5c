//! Predictions as text: a table for people, JSON lines and CSV for machines.
//!
//! Numbers for machines come back as they were: logits are the shortest text that reads as the same f32, probabilities have nine digits.

use super::Predictor;
use crate::cli::{PredictArguments, PredictFormat};
use crate::failure::Failure;
use relumine_data::inputs::RowOrigin;
use relumine_engine::metrics::{predicted_class, probabilities};
use relumine_model::Head;
use relumine_report::{Align, Table};
use serde::Serialize;

/// Classes that a table tells.
const SHOWN: usize = 3;

/// Turns logits into text, part by part.
pub(super) struct Output<'a> {
    format: PredictFormat,
    classes: &'a [String],
    head: Head,
    /// Logits of a row.
    units: usize,
    /// How many classes to tell; `None` for all, in the model's order.
    top: Option<usize>,
    with_logits: bool,
    text: String,
    is_first: bool,
}

/// What there is to say about a row.
struct Prediction<'a> {
    origin: &'a RowOrigin,
    logits: &'a [f32],
    /// Of each class.
    probabilities: Vec<f64>,
    class: usize,
}

/// A row as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    prediction: &'a str,
    probability: f64,
    top: Vec<Ranked<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<&'a [f32]>,
}

#[derive(Serialize)]
struct Ranked<'a> {
    class: &'a str,
    probability: f64,
}

impl Prediction<'_> {
    /// The classes, the most probable first; of equals the one of lower number.
    fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.probabilities.len()).collect();
        order.sort_by(|a, b| {
            let is_class = |class: &usize| *class == self.class;
            is_class(b).cmp(&is_class(a)).then(self.probabilities[*b].total_cmp(&self.probabilities[*a])).then(a.cmp(b))
        });
        order
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(predictor: &'a Predictor, format: PredictFormat, arguments: &PredictArguments) -> Self {
        let classes = &predictor.signature.classes;
        Self {
            format,
            classes,
            head: predictor.head,
            units: predictor.units(),
            top: arguments.top.map(|top| classes.len().min(top as usize)),
            with_logits: arguments.logits,
            text: String::new(),
            is_first: true,
        }
    }

    pub(super) fn is_for_people(&self) -> bool {
        self.format == PredictFormat::Table
    }

    /// The text of these rows; that of the first ones begins with the header.
    pub(super) fn part(&mut self, origins: &[RowOrigin], logits: &[f32]) -> Result<&str, Failure> {
        let head = self.head;
        let rows = origins.iter().zip(logits.chunks_exact(self.units)).map(|(origin, logits)| Prediction {
            origin,
            logits,
            probabilities: probabilities(head, logits),
            class: predicted_class(head, logits) as usize,
        });
        self.text = match self.format {
            PredictFormat::Table => self.table(rows),
            PredictFormat::Json => self.json(rows).map_err(anyhow::Error::new)?,
            PredictFormat::Csv => self.csv(rows).map_err(anyhow::Error::new)?,
        };
        self.is_first = false;
        Ok(&self.text)
    }

    fn label(&self, origin: &RowOrigin) -> Option<&'a str> {
        origin.label.map(|label| self.classes[label as usize].as_str())
    }

    fn table<'b>(&self, rows: impl Iterator<Item = Prediction<'b>>) -> String {
        let mut table = Table::new(&[
            ("input", Align::Left),
            ("row", Align::Right),
            ("class", Align::Left),
            ("probability", Align::Right),
            ("then", Align::Left),
        ]);
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        for row in rows {
            let told = row.ranked().into_iter().take(self.top.unwrap_or(SHOWN)).skip(1);
            let others: Vec<String> = told.map(|class| format!("{} {}", self.classes[class], percent(row.probabilities[class]))).collect();
            let class = match self.label(row.origin) {
                Some(label) if label != self.classes[row.class] => format!("{} (is {label})", self.classes[row.class]),
                _ => self.classes[row.class].clone(),
            };
            let (input, number) = (row.origin.input.to_string(), row.origin.row.to_string());
            table.row([input, number, class, percent(row.probabilities[row.class]), others.join(", ")]);
        }
        let text = table.to_string();
        match text.split_once('\n') {
            Some((_, rest)) if !self.is_first => rest.to_owned(),
            _ => text,
        }
    }

    fn json<'b>(&self, rows: impl Iterator<Item = Prediction<'b>>) -> serde_json::Result<String> {
        let mut lines = Vec::new();
        for row in rows {
            let told = row.ranked().into_iter().take(self.top.unwrap_or(self.classes.len()));
            let ranked = |class: usize| Ranked { class: &self.classes[class], probability: nine_digits(row.probabilities[class]) };
            let line = Line {
                input: &row.origin.input,
                row: row.origin.row,
                label: self.label(row.origin),
                prediction: &self.classes[row.class],
                probability: nine_digits(row.probabilities[row.class]),
                top: told.map(ranked).collect(),
                logits: self.with_logits.then_some(row.logits),
            };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok(String::from_utf8_lossy(&lines).into_owned())
    }

    fn csv<'b>(&self, rows: impl Iterator<Item = Prediction<'b>>) -> csv::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if self.is_first {
            writer.write_record(self.csv_header())?;
        }
        for row in rows {
            let label = self.label(row.origin).unwrap_or_default();
            let number = row.origin.row.to_string();
            for cell in [&*row.origin.input, &number, label, &self.classes[row.class]] {
                writer.write_field(cell)?;
            }
            writer.write_field(digits(row.probabilities[row.class]))?;
            match self.top {
                None => row.probabilities.iter().try_for_each(|share| writer.write_field(digits(*share)))?,
                Some(top) => row.ranked().into_iter().take(top).try_for_each(|class| {
                    writer.write_field(&self.classes[class])?;
                    writer.write_field(digits(row.probabilities[class]))
                })?,
            }
            if self.with_logits {
                row.logits.iter().try_for_each(|logit| writer.write_field(format!("{logit:?}")))?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn csv_header(&self) -> Vec<String> {
        let mut header: Vec<String> = ["input", "row", "label", "prediction", "probability"].map(String::from).to_vec();
        match self.top {
            None => header.extend(self.classes.iter().map(|class| format!("p_{class}"))),
            Some(top) => header.extend((1..=top).flat_map(|place| [format!("class_{place}"), format!("probability_{place}")])),
        }
        match self.head {
            _ if !self.with_logits => {}
            Head::Softmax => header.extend(self.classes.iter().map(|class| format!("logit_{class}"))),
            Head::Sigmoid => header.push("logit".into()),
        }
        header
    }
}

/// Rounded to nine significant digits, as many as any f32 needs.
fn nine_digits(share: f64) -> f64 {
    format!("{share:.8e}").parse().unwrap_or(share)
}

fn digits(share: f64) -> String {
    format!("{:?}", nine_digits(share))
}

#[cfg(test)]
mod tests;
