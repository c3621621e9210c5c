//! Which weights of a run are meant, and the files that they are in.

use crate::checkpoint::{RunIdentity, read_manifest};
use crate::cli::Weights;
use crate::failure::Failure;
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use anyhow::anyhow;
use relumine_report::{Summary, TestedWeights};

/// Weights on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SavedWeights {
    /// As `--weights` spells it.
    pub(super) name: &'static str,
    /// Their checkpoint in the run directory.
    pub(super) file: &'static str,
    /// The signature they were trained under.
    pub(super) signature: &'static str,
    /// As a summary names them.
    pub(super) tested: TestedWeights,
}

impl SavedWeights {
    const BEST: Self = Self { name: "best", file: RunDirectory::BEST, signature: RunDirectory::MODEL, tested: TestedWeights::Best };
    const LAST: Self = Self { name: "last", file: RunDirectory::LAST, signature: RunDirectory::MODEL, tested: TestedWeights::Last };
    const REFIT: Self =
        Self { name: "refit", file: RunDirectory::REFIT, signature: RunDirectory::REFIT_MODEL, tested: TestedWeights::Refit };

    /// Refuses a recipe that was edited since: the weights mean something else by it, or nothing.
    ///
    /// # Errors
    /// As said, and a damaged manifest.
    pub(super) fn check_recipe(run: &RunDirectory, recipe: &Recipe) -> Result<(), Failure> {
        let Some(manifest) = read_manifest(&run.file(RunDirectory::CHECKPOINTS))? else { return Ok(()) };
        RunIdentity::check_recipe(recipe, &manifest)
            .map_err(|reason| Failure::Run(anyhow!("cannot use {}: {reason}", run.path().display())))
    }

    /// The weights that are `asked` for, or else those that the run tested; of a run without a summary the best.
    ///
    /// # Errors
    /// A checkpoint that the run does not have: a mistake of the command line.
    pub(super) fn choose(run: &RunDirectory, asked: Option<Weights>, summary: Option<&Summary>) -> Result<Self, Failure> {
        let of_run = || match summary.map_or(TestedWeights::Best, |summary| summary.weights) {
            TestedWeights::Best => Weights::Best,
            TestedWeights::Last => Weights::Last,
            TestedWeights::Refit => Weights::Refit,
        };
        let chosen = match asked.unwrap_or_else(of_run) {
            Weights::Best => Self::BEST,
            Weights::Last => Self::LAST,
            Weights::Refit => Self::REFIT,
        };
        if run.file(chosen.file).is_file() {
            return Ok(chosen);
        }
        let there = [Self::BEST, Self::LAST, Self::REFIT].into_iter().filter(|weights| run.file(weights.file).is_file());
        let there: Vec<String> = there.map(|weights| format!("--weights {}", weights.name)).collect();
        let remedy = match (there.is_empty(), summary.map(|summary| summary.epochs_run)) {
            (false, _) => format!("use {}", there.join(" or ")),
            (true, Some(1..)) => "restore its checkpoints, or train again".into(),
            (true, _) => "it ended before its first epoch; train again".into(),
        };
        let (folder, SavedWeights { name, file, .. }) = (run.path().display(), chosen);
        Err(Failure::usage(anyhow!("{folder} has no {name} weights ({file}): {remedy}")))
    }
}
