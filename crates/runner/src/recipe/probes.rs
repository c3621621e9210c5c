//! The `[probes]` section.

use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};

/// `[probes]`: looks at what flows through each layer while a run trains. It changes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbesSection {
    /// Look before the first step, after every so many optimiser steps, and at the end; 0 looks never.
    pub every: u64,
    /// At so many train rows, or all where there are fewer: the first ones in an order that depends on `data.split_seed` alone, so that runs
    /// of several seeds are looked at on the same rows.
    pub rows: u64,
}

/// All of them go through the network at once.
const MOST_ROWS: u64 = 1 << 16;

impl Default for ProbesSection {
    fn default() -> Self {
        Self { every: 100, rows: 256 }
    }
}

impl ProbesSection {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if (1..=MOST_ROWS).contains(&self.rows) {
            return Ok(());
        }
        Err(ConfigError::new("probes.rows", self.rows, format!("give a whole number from 1 to {MOST_ROWS}, such as 256")))
    }
}
