//! A study's results for the terminal.

use relumine_report::Study;

/// Tables of cells, test rows and contrasts, and what was found.
#[must_use]
pub fn study_text(study: &Study) -> String {
    let form = if study.quick { " (quick)" } else { "" };
    let mut text = format!("{}{form}: {}\n\n{}\n", study.name, study.title, study.cell_table());
    for table in [study.test_table(), study.contrast_table()] {
        if !table.is_empty() {
            text += &format!("{table}\n");
        }
    }
    for finding in &study.findings {
        text += &format!("{} {}: {}\n", if finding.found { "found:    " } else { "NOT found:" }, finding.name, finding.statement);
        finding.evidence.iter().for_each(|line| text += &format!("           {line}\n"));
    }
    text
}
