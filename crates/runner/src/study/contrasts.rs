//! Planned contrasts: which cells, and what the seeds that both have say.

use super::mistake::mistake;
use super::selector::{counterpart, matching, some_cells};
use super::values::flatten;
use super::{CellPlan, StudyFile};
use crate::failure::Failure;
use relumine_report::statistics::{holm, paired_t_test};
use relumine_report::{Contrast, TrialRecord};
use std::collections::BTreeMap;

/// A contrast of two cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) measure: String,
    pub(super) cell: usize,
    pub(super) against: usize,
}

/// The contrasts of the study file, pair by pair.
///
/// # Errors
/// One that names no pair of cells.
pub(super) fn planned(shown: &str, file: &StudyFile, cells: &[CellPlan]) -> Result<Vec<Planned>, Failure> {
    let mut all: Vec<Planned> = Vec::new();
    for spec in &file.contrasts {
        let what = format!("contrast {}", spec.name);
        let (of, against) = (flatten(&spec.cell), flatten(&spec.against));
        matching(shown, &what, &against, cells)?;
        let places = if file.is_quick { matching(shown, &what, &of, cells)? } else { some_cells(shown, &what, &of, cells)? };
        let pairs: Vec<(usize, usize)> =
            places.into_iter().filter_map(|place| Some((place, counterpart(place, &against, cells)?))).collect();
        // The small form need not have all cells of the contrasts.
        if pairs.is_empty() && !file.is_quick {
            return Err(mistake(
                shown,
                format_args!("{what}: no cell has a counterpart that differs from it in `against` alone; name both"),
            ));
        }
        let measure = spec.measure.as_ref().unwrap_or(&file.measure);
        all.extend(pairs.into_iter().map(|(cell, against)| Planned { name: spec.name.clone(), measure: measure.clone(), cell, against }));
    }
    Ok(all)
}

/// Compares the cells of each contrast, seed by seed; `records` are those of each cell by seed.
pub(super) fn compare(planned: &[Planned], cells: &[CellPlan], records: &[BTreeMap<u64, &TrialRecord>]) -> Vec<Contrast> {
    let contrast = |plan: &Planned| {
        let measure = |cell: usize, seed: &u64| records[cell].get(seed)?.measures.get(&plan.measure).copied();
        let pairs = records[plan.cell].keys().filter_map(|seed| Some((measure(plan.cell, seed)?, measure(plan.against, seed)?)));
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.unzip();
        Contrast {
            name: plan.name.clone(),
            measure: plan.measure.clone(),
            cell: cells[plan.cell].name.clone(),
            against: cells[plan.against].name.clone(),
            test: paired_t_test(&first, &second),
            holm_p: None,
        }
    };
    let mut contrasts: Vec<Contrast> = planned.iter().map(contrast).collect();
    // A contrast that could not be made was planned all the same, and counts as one that shows nothing.
    let p_values: Vec<f64> = contrasts.iter().map(|contrast| contrast.test.map_or(1.0, |test| test.p)).collect();
    for (contrast, corrected) in contrasts.iter_mut().zip(holm(&p_values)) {
        contrast.holm_p = contrast.test.map(|_| corrected);
    }
    contrasts
}
