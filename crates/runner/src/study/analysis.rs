//! From the trials of a study to what they say together.

use super::ledger::Ledger;
use super::mistake::mistake;
use super::selector::only_cell;
use super::values::flatten;
use super::{CellPlan, StudyFile, StudyFolder, StudyPlan, TrialPlan, contrasts, findings, layers, measures};
use crate::environment::VERSION;
use crate::failure::Failure;
use relumine_report::statistics::wilson_interval;
use relumine_report::{EpochRecord, Estimate, Fit, ProbeRecord, Status, Study, StudyCell, TestEstimate, TrialRecord};
use std::collections::BTreeMap;

/// How a study was run.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    pub(super) quick: bool,
    pub(super) status: Status,
    pub(super) device: String,
    pub(super) jobs: u64,
    pub(super) wall_seconds: f64,
}

/// Everything that `study.json` says.
///
/// # Errors
/// A trial whose files are damaged.
pub(super) fn analyse(
    plan: &StudyPlan,
    trials: &[TrialPlan],
    ledger: &Ledger,
    folder: &StudyFolder,
    circumstances: Circumstances,
) -> Result<Study, Failure> {
    let Circumstances { quick, status, device, jobs, wall_seconds } = circumstances;
    let references = references("", &plan.file, &plan.cells)?;
    let mut cells = Vec::new();
    let mut by_seed: Vec<BTreeMap<u64, &TrialRecord>> = Vec::new();
    for (place, references) in references.into_iter().enumerate() {
        let own: Vec<&TrialPlan> = trials.iter().filter(|trial| trial.cell == place).collect();
        let mut cell = cell_of(plan, place, &own, ledger, folder)?;
        cell.references = references;
        // In a study that goes on, a trial at the end of a rung is waiting.
        cell.halted_after = cell.halted_after.filter(|_| status == Status::Finished);
        cells.push(cell);
        by_seed.push(own.iter().filter_map(|trial| Some((trial.seed, ledger.end(trial)?))).collect());
    }
    // The study file has been checked, so that these cannot fail.
    let planned = contrasts::planned("", &plan.file, &plan.cells)?;
    let contrasts = contrasts::compare(&planned, &plan.cells, &by_seed);
    let (done, failed) = ledger.counts();
    Ok(Study {
        format: Study::FORMAT,
        name: plan.name.clone(),
        title: plan.file.title.clone(),
        quick,
        status,
        version: VERSION.into(),
        device,
        measure: plan.file.measure.clone(),
        higher_is_better: measures::is_higher_better(&plan.file.measure),
        columns: plan.file.columns.clone(),
        axes: plan.axes.clone(),
        seeds: plan.seeds.clone(),
        findings: findings::look(&plan.file, &plan.cells, &cells, &contrasts),
        fit_rule: plan.file.fit,
        winner: ledger.leader(plan, trials).map(|cell| plan.cells[cell].name.clone()),
        baseline: plan.cells[plan.baseline].name.clone(),
        trials: done,
        failed_trials: failed,
        jobs,
        trial_seconds: ledger.seconds(trials),
        wall_seconds,
        contrasts,
        cells,
    })
}

/// The published numbers of each cell.
///
/// # Errors
/// One that names no cell.
pub(super) fn references(shown: &str, file: &StudyFile, cells: &[CellPlan]) -> Result<Vec<BTreeMap<String, f64>>, Failure> {
    let mut references = vec![BTreeMap::new(); cells.len()];
    for reference in &file.references {
        if !reference.value.is_finite() {
            return Err(mistake(shown, format_args!("reference {} is no finite number; give the one that was published", reference.name)));
        }
        let place = only_cell(shown, &format!("reference {}", reference.name), &flatten(&reference.cell), cells)?;
        references[place].insert(reference.name.clone(), reference.value);
    }
    Ok(references)
}

fn cell_of(plan: &StudyPlan, place: usize, own: &[&TrialPlan], ledger: &Ledger, folder: &StudyFolder) -> Result<StudyCell, Failure> {
    let CellPlan { name, settings, labels, .. } = &plan.cells[place];
    let done: Vec<(&TrialPlan, &TrialRecord)> = own.iter().filter_map(|trial| Some((*trial, ledger.furthest(trial)?))).collect();
    let measures = estimates(&done);
    let first = done.first().map(|(_, record)| *record);
    let validation_rows = first.map_or(0, |record| record.validation_rows);
    let files = Files::read(&done, folder)?;
    Ok(StudyCell {
        name: name.clone(),
        settings: settings.iter().filter_map(|(key, value)| Some((key.clone(), serde_json::to_value(value).ok()?))).collect(),
        labels: labels.clone(),
        seeds: done.iter().map(|(trial, _)| trial.seed).collect(),
        trials: done.iter().filter(|(_, record)| record.rung.is_none()).map(|(trial, _)| trial.id.clone()).collect(),
        failed: done.iter().filter(|(_, record)| record.error.is_some()).count() as u64,
        error: done.iter().find_map(|(_, record)| record.error.clone()),
        halted_after: done.iter().filter_map(|(_, record)| record.rung).max(),
        parameters: first.map_or(0, |record| record.parameters),
        train_rows: first.map_or(0, |record| record.train_rows),
        validation_rows,
        validation_sampling: measures.get("validation_accuracy").map(|accuracy| sampling(accuracy.mean, validation_rows)),
        fit: fit(plan, &measures),
        first_layers: layers::layer_means(&files.first_probes),
        last_layers: layers::layer_means(&files.last_probes),
        curve: layers::curve(&files.epochs),
        test: test_of(&done, folder)?,
        references: BTreeMap::new(),
        measures,
    })
}

/// What the folders of a cell's trials hold.
struct Files {
    epochs: Vec<Vec<EpochRecord>>,
    first_probes: Vec<ProbeRecord>,
    last_probes: Vec<ProbeRecord>,
}

impl Files {
    fn read(done: &[(&TrialPlan, &TrialRecord)], folder: &StudyFolder) -> Result<Self, Failure> {
        let mut files = Self { epochs: Vec::new(), first_probes: Vec::new(), last_probes: Vec::new() };
        for (trial, record) in done.iter().filter(|(_, record)| record.rung.is_none()) {
            let mut probes = folder.probes(&trial.id)?;
            // A failed trial shows what its layers were like before, and has no curve.
            if record.error.is_none() {
                files.epochs.push(folder.epochs(&trial.id)?);
                files.last_probes.extend(probes.last().cloned());
            }
            if probes.first().is_some_and(|probe| probe.step == 0) {
                files.first_probes.push(probes.swap_remove(0));
            }
        }
        Ok(files)
    }
}

fn estimates(done: &[(&TrialPlan, &TrialRecord)]) -> BTreeMap<String, Estimate> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (_, record) in done {
        for (name, value) in &record.measures {
            values.entry(name.clone()).or_default().push(*value);
        }
    }
    values.into_iter().filter_map(|(name, values)| Some((name, Estimate::of(values)?))).collect()
}

fn fit(plan: &StudyPlan, measures: &BTreeMap<String, Estimate>) -> Option<Fit> {
    let mean = |measure: &str| Some(measures.get(measure)?.mean);
    Some(plan.file.fit?.fit(mean("last_train_accuracy")?, mean("loss_rise")?, mean("last_accuracy_gap")?))
}

/// The interval of a mean accuracy on so many rows, rounded to whole rows.
fn sampling(accuracy: f64, rows: u64) -> (f64, f64) {
    wilson_interval((accuracy * rows as f64).round() as u64, rows)
}

/// Of the trials that have read the test rows.
fn test_of(done: &[(&TrialPlan, &TrialRecord)], folder: &StudyFolder) -> Result<Option<TestEstimate>, Failure> {
    let (mut accuracies, mut rows) = (Vec::new(), 0);
    for (trial, _) in done.iter().filter(|(_, record)| record.rung.is_none() && record.error.is_none()) {
        let summary = folder.run(&trial.id)?.summary()?;
        if let Some(test) = summary.test {
            accuracies.push(test.accuracy);
            rows = summary.test_rows;
        }
    }
    Ok(Estimate::of(accuracies).map(|accuracy| TestEstimate { rows, sampling: sampling(accuracy.mean, rows), accuracy }))
}
