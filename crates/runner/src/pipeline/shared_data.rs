//! Data that several jobs train on at once.

use super::job::upload;
use super::plan::open;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::recipe::Recipe;
use relumine_data::{Scaler, Source, Split};
use relumine_engine::Examples;
use std::sync::Arc;

/// Data read, divided, scaled and on the device once, for every job whose recipe has the same `[data]`.
#[derive(Clone, Debug)]
pub struct SharedData {
    /// As it was read.
    pub source: Arc<Source>,
    /// Which rows train, validate and test.
    pub split: Split,
    /// A checksum of the data and its division.
    pub(super) fingerprint: String,
    /// On the device; a copy shares its memory.
    pub(super) examples: Examples,
    pub(super) own_test: Option<Examples>,
    scaler: Scaler,
}

impl SharedData {
    /// Reads the data that a recipe names.
    ///
    /// # Errors
    /// Data that is missing or broken.
    pub fn read(recipe: &Recipe) -> Result<Arc<Source>, Failure> {
        Ok(Arc::new(open(recipe)?))
    }

    /// Divides `source` as a recipe says, and takes the device's copy of one of `others` that has it in the same scale.
    ///
    /// # Errors
    /// Settings that do not fit the data, or a device out of memory.
    pub fn new<'a>(
        source: &Arc<Source>,
        recipe: &Recipe,
        device: &Chosen,
        mut others: impl Iterator<Item = &'a Self>,
    ) -> Result<Self, Failure> {
        let split = recipe.data.split_spec().split(source)?;
        let fingerprint = split.fingerprint(source);
        let scaler = Scaler::fit(recipe.data.scale, &source.train, &split.train);
        scaler.check(recipe.data.scale, source)?;
        let has_same = |other: &&Self| Arc::ptr_eq(&other.source, source) && other.scaler == scaler;
        let (examples, own_test) = match others.find(has_same) {
            Some(other) => (other.examples.clone(), other.own_test.clone()),
            None => {
                let upload = |data: &_| upload(Clone::clone(data), &scaler, device).map_err(anyhow::Error::new);
                (upload(&source.train)?, source.test.as_ref().map(upload).transpose()?)
            }
        };
        Ok(Self { source: Arc::clone(source), split, fingerprint, examples, own_test, scaler })
    }
}
