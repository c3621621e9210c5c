//! The page of a study: what was expected and found, every setting with its intervals, curves and layers.

mod curves;
mod effects;
mod layers;
mod panels;

use super::{Block, Page, Section, count};
use crate::{Finding, Status, Study};
use panels::Panels;

impl Page {
    /// The page of a study. `file` is the study file, shown as it is.
    #[must_use]
    pub fn of_study(study: &Study, file: Option<&str>) -> Self {
        let panels = Panels::of(study);
        let mut settings = Section::new("Study file");
        settings.blocks.extend(file.map(|text| Block::Code(text.to_owned())));
        let mut sections = vec![in_short(study), results(study, &panels), contrasts(study)];
        sections.extend([curves::section(&panels), layers::section(&panels), settings]);
        sections.retain(|section| !section.blocks.is_empty());
        let form = if study.quick { " (quick)" } else { "" };
        Self { title: format!("{}{form}: {}", study.name, study.title), sections }
    }
}

fn in_short(study: &Study) -> Section {
    let mut section = Section::new("In short");
    if study.status != Status::Finished {
        section.missing(format!("The study is {}: what follows is of the trials that are done.", study.status));
    }
    if !study.findings.is_empty() {
        section.add(Block::List(study.findings.iter().map(sentence).collect()));
    }
    let failed = if study.failed_trials == 0 { String::new() } else { format!(", of which {} failed", study.failed_trials) };
    let seconds = study.trial_seconds;
    let took = if seconds > 0.0 { format!(" They took {seconds:.0} s of one thread each in all.") } else { String::new() };
    section.add(Block::Text(format!(
        "{} with {}: {}{failed}.{took} relumine {} on {}.",
        count(study.cells.len() as u64, "setting"),
        count(study.seeds.len() as u64, "seed"),
        count(study.trials, "trial"),
        study.version,
        study.device
    )));
    section
}

/// What was expected, whether it is there, and the number.
fn sentence(finding: &Finding) -> String {
    let verdict = if finding.found { "Found" } else { "Not found" };
    format!("{verdict}: {}. {}.", finding.statement, finding.evidence.join("; "))
}

fn results(study: &Study, panels: &Panels<'_>) -> Section {
    let mut section = Section::new("Results");
    for measure in std::iter::once(&study.measure).chain(&study.columns) {
        section.chart(effects::by_setting(panels, measure));
    }
    section.add(Block::Table(study.cell_table()));
    section.add(Block::Note(
        "Means over the seeds with 95 % intervals: by seeds (Student's t), how far other seeds would take the mean; by rows (Wilson), how far \
         another draw of as many validation rows could. That of a share ends at 0 and 100 %."
            .into(),
    ));
    if let Some(rule) = study.fit_rule {
        let gap =
            rule.accuracy_gap.map_or_else(String::new, |gap| format!(", or its accuracy lies more than {:.0} points under", 100.0 * gap));
        section.add(Block::Note(format!(
            "Under-fitted: the train accuracy of the last epoch is under {:.0} %. Over-fitted: it is not, and the validation loss ends at more \
             than {} times its lowest{gap}. Well-fitted: neither. By means over the seeds.",
            100.0 * rule.train_accuracy,
            rule.loss_rise
        )));
    }
    let tests = study.test_table();
    if !tests.is_empty() {
        section.add(Block::Table(tests));
        let chosen =
            "Everything above is of validation rows. The test rows were read once by each of these trials; nothing was chosen by them.";
        section.add(Block::Note(chosen.into()));
    }
    section
}

fn contrasts(study: &Study) -> Section {
    let mut section = Section::new("Planned contrasts");
    if study.contrasts.is_empty() {
        return section;
    }
    section.blocks.extend(effects::of_contrasts(study).into_iter().map(Block::Chart));
    section.add(Block::Table(study.contrast_table()));
    section.add(Block::Note(
        "Differences within pairs of the same seed, with Student's t; p-values are corrected for the number of planned contrasts (Holm). No \
         other pairs were tested."
            .into(),
    ));
    section
}

#[cfg(test)]
mod tests;
