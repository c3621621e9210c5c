//! The data of a study, each set read once.

use super::mistake::mistake;
use super::{StudyPlan, TestRows};
use crate::device::Chosen;
use crate::failure::Failure;
use crate::pipeline::{Job, SharedData};
use crate::recipe::{DataSection, Recipe};
use anyhow::anyhow;
use relumine_data::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Data by the `[data]` section that asks for it. Sections that differ only in how they divide the rows share the rows.
#[derive(Debug)]
pub struct Shelf {
    data: BTreeMap<String, SharedData>,
}

impl Shelf {
    /// Reads what the cells of `plan` need, and checks every cell against it.
    ///
    /// # Errors
    /// Data that is missing, or a cell that does not fit it.
    pub fn stock(plan: &StudyPlan, shown: &str, device: &Chosen) -> Result<Self, Failure> {
        let mut sources: BTreeMap<String, Arc<Source>> = BTreeMap::new();
        let mut shelf = Self { data: BTreeMap::new() };
        for cell in &plan.cells {
            let (key, rows_key) = (key(&cell.recipe.data)?, rows_key(&cell.recipe.data)?);
            if !shelf.data.contains_key(&key) {
                let source = match sources.get(&rows_key) {
                    Some(source) => Arc::clone(source),
                    None => SharedData::read(&cell.recipe)?,
                };
                let data = SharedData::new(&source, &cell.recipe, device, shelf.data.values())?;
                sources.insert(rows_key, source);
                shelf.data.insert(key, data);
            }
            let data = shelf.get(&cell.recipe)?;
            if data.split.validation.is_empty() {
                let problem = "cells are compared on validation rows, and it has none; set data.validation, such as 0.1";
                return Err(mistake(shown, format_args!("cell {}: {problem}", cell.name)));
            }
            if data.split.test.is_empty() && plan.file.test != TestRows::None {
                return Err(mistake(shown, format_args!("cell {} has no test rows; set data.test, or test = \"none\"", cell.name)));
            }
            Job::on(data, cell.recipe.clone(), &cell.name, device.clone()).map_err(|failure| of_cell(failure, &cell.name))?;
        }
        Ok(shelf)
    }

    /// The data of a recipe of the study.
    ///
    /// # Errors
    /// A recipe of another study.
    pub fn get(&self, recipe: &Recipe) -> Result<&SharedData, Failure> {
        self.data.get(&key(&recipe.data)?).ok_or_else(|| Failure::Run(anyhow!("the data {} has not been read", recipe.data.name)))
    }

    /// A checksum of a recipe's data and its division, as the summaries of its trials have it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) fn fingerprint(&self, recipe: &Recipe) -> Result<String, Failure> {
        let data = self.get(recipe)?;
        Ok(data.split.fingerprint(&data.source))
    }

    /// Parameters times train rows: what an epoch of `recipe` costs.
    pub(super) fn work(&self, recipe: &Recipe) -> u64 {
        let cost = || {
            let data = self.get(recipe).ok()?;
            let (features, classes) = (data.source.train.num_features(), data.source.classes.len());
            let architecture = recipe.model.architecture(features, classes).ok()?;
            Some(architecture.num_parameters() as u64 * data.split.train.len() as u64)
        };
        cost().unwrap_or(1)
    }
}

fn of_cell(failure: Failure, name: &str) -> Failure {
    match failure {
        Failure::Usage(error) => Failure::Usage(error.context(format!("cell {name}"))),
        Failure::Run(error) => Failure::Run(error.context(format!("cell {name}"))),
        silent => silent,
    }
}

fn key(data: &DataSection) -> Result<String, Failure> {
    toml::to_string(data).map_err(Failure::usage)
}

/// Of what is read, however it is divided and scaled.
fn rows_key(data: &DataSection) -> Result<String, Failure> {
    let DataSection { validation, fold, test, stratified, split_seed, limit_train, scale, .. } = DataSection::default();
    key(&DataSection { validation, fold, test, stratified, split_seed, limit_train, scale, ..data.clone() })
}
