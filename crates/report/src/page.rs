//! `report.html`: one run on one page that needs nothing but itself.

use crate::svg::{Line, line_chart};
use crate::{ClassificationMetrics, Confusion, EpochRecord, ReportError, Run, Score, Summary};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The page of a run: its numbers, its learning curves, its classes, its confusion matrix and its recipe.
///
/// # Errors
/// Files of the run that are missing or not what a run writes.
pub fn run_page(run: &Run) -> Result<String, ReportError> {
    let summary = &run.summary;
    let epochs = run.epochs()?;
    let title = escape(&format!("{} on {}, seed {}", summary.recipe, summary.dataset, summary.seed));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    page += &results(summary);
    let curve = |score: fn(&EpochRecord) -> Option<f64>| {
        epochs.iter().filter_map(|record| Some((record.epoch as f64, score(record)?))).collect::<Vec<_>>()
    };
    let chart = |title: &str, y_label: &str, train, validation| {
        let lines = [("train", curve(train)), ("validation", curve(validation))];
        let lines: Vec<_> = lines.into_iter().map(|(name, points)| Line { name, class: name, points }).collect();
        line_chart(title, y_label, &lines[..if lines[1].points.is_empty() { 1 } else { 2 }])
    };
    page += &chart("Loss", "loss (nats)", |e| Some(e.train.loss), |e| e.validation.map(|score| score.loss));
    page += &chart("Accuracy", "accuracy", |e| Some(e.train.accuracy), |e| e.validation.map(|score| score.accuracy));
    page += "<p class=\"note\">Train values are means over the epoch's training passes, while the weights changed and dropout acted; \
             validation values are of the weights at its end, without dropout.</p>\n";
    if let Some((rows, metrics)) = summary.judging_metrics() {
        page += &class_table(rows, metrics);
    }
    if let Some(confusion) = run.confusion()? {
        page += &confusion_table(&confusion);
    }
    let _ = writeln!(page, "<h2>Recipe</h2>\n<pre>{}</pre>", escape(&run.recipe()?));
    Ok(page + "</body></html>\n")
}

fn results(summary: &Summary) -> String {
    let mut rows = String::from("<table><tr><th></th><th>rows</th><th>loss</th><th>accuracy</th></tr>\n");
    let mut row = |name: &str, count: u64, score: Option<Score>| {
        let Some(score) = score else { return };
        let _ =
            writeln!(rows, "<tr><td>{name}</td><td>{count}</td><td>{:.4}</td><td>{:.2} %</td></tr>", score.loss, 100.0 * score.accuracy);
    };
    row("train", summary.train_rows, summary.train);
    row("validation", summary.validation_rows, summary.validation);
    row("test", summary.test_rows, summary.test);
    rows += "</table>\n";
    if let Some(test) = summary.test {
        let (low, high) = test.accuracy_interval(summary.test_rows);
        let _ = writeln!(
            rows,
            "<p>Test accuracy {:.2} % (95 % interval {:.2} to {:.2} %, Wilson), by the {}; the test rows were read {}.</p>",
            100.0 * test.accuracy,
            100.0 * low,
            100.0 * high,
            summary.tested_weights(),
            if summary.test_evaluations == 1 { "once".into() } else { format!("{} times", summary.test_evaluations) }
        );
    }
    let _ = writeln!(
        rows,
        "<p>{} parameters; {} step on {}; CPU threads: {}; relumine {}.</p>",
        summary.parameters,
        escape(&summary.step),
        escape(&summary.device),
        summary.threads,
        escape(&summary.version)
    );
    rows
}

fn class_table(rows: &str, metrics: &ClassificationMetrics) -> String {
    let mut table = format!("<h2>Classes of the {rows} rows</h2>\n<p>{}</p>\n", escape(&metrics.headline()));
    table += "<table><tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>rows</th></tr>\n";
    for cells in metrics.class_rows() {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        let _ = writeln!(table, "<tr>{cells}</tr>");
    }
    table += "</table>\n<p class=\"note\">ECE: expected calibration error, the mean distance of confidence from accuracy in 15 bins. \
              A dash: the class has no rows, or is never predicted; the averages leave it out.</p>\n";
    table
}

fn confusion_table(confusion: &Confusion) -> String {
    let mut table = String::from("<h2>Confusion matrix of the test rows</h2>\n<table class=\"confusion\"><tr><th>true \\ predicted</th>");
    for class in &confusion.classes {
        let _ = write!(table, "<th>{}</th>", escape(class));
    }
    table += "</tr>\n";
    for (truth, (class, counts)) in confusion.classes.iter().zip(&confusion.matrix).enumerate() {
        let _ = write!(table, "<tr><th>{}</th>", escape(class));
        for (predicted, count) in counts.iter().enumerate() {
            let kind = if *count == 0 {
                "none"
            } else if truth == predicted {
                "right"
            } else {
                "wrong"
            };
            let _ = write!(table, "<td class=\"{kind}\">{count}</td>");
        }
        table += "</tr>\n";
    }
    table + "</table>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_data_cannot_break_the_page() {
        let confusion = Confusion::count(&["<b>".into(), "ok".into()], [(0, 1), (1, 1)].into_iter());
        let table = confusion_table(&confusion);
        assert!(table.contains("&lt;b&gt;") && !table.contains("<b>"));
        assert!(table.contains("<td class=\"wrong\">1</td>") && table.contains("<td class=\"right\">1</td>"));
        let metrics = ClassificationMetrics::of(&confusion.classes, &[0], &[1], &[vec![0.5, 0.5]], 0.7).unwrap();
        let table = class_table("test", &metrics);
        assert!(table.contains("<td>&lt;b&gt;</td><td>-</td><td>0.0000</td><td>0.0000</td><td>1</td>") && !table.contains("<b>"));
    }
}
