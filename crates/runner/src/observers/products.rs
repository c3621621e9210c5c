//! `products.json`: which products skipped zeros in the last epoch, and why.

use crate::pipeline::{Event, Observer, Outcome};
use crate::run_directory::RunDirectory;
use relumine_engine::{LayerProducts, Step, ZeroSkipping};
use relumine_report::{LayerZeros, Products, Zeros};

/// Writes what the step counted, when training stops: nothing is done for it before.
#[derive(Debug)]
pub struct ProductLog {
    run: RunDirectory,
    /// Where the run went on within an epoch: that epoch, and the steps before.
    began_within: Option<(u64, u64)>,
    /// The last epoch that was done, and the step it ended with.
    last: Option<(u64, u64)>,
}

impl ProductLog {
    /// Writes into `run`, which stands where `outcome` says, after `steps` steps.
    #[must_use]
    pub fn new(run: &RunDirectory, outcome: &Outcome, steps: u64) -> Self {
        let began_within = (outcome.rows > 0).then_some((outcome.epochs + 1, steps));
        Self { run: run.clone(), began_within, last: None }
    }
}

impl Observer for ProductLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match (event, self.last) {
            (Event::Epoch { record, .. }, _) => self.last = Some((record.epoch, record.step)),
            // Steps after the last epoch's end are of the next one, which was broken off.
            (Event::Stopped { step, .. }, Some((epoch, steps))) => {
                let epoch = if step.steps() > steps { epoch + 1 } else { epoch };
                let after_step = self.began_within.filter(|(began, _)| *began == epoch).map(|(_, steps)| steps);
                self.run.write_json(RunDirectory::PRODUCTS, &Products { after_step, ..record(step, epoch) })?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn record(step: &dyn Step, epoch: u64) -> Products {
    let zeros = |choice: ZeroSkipping| {
        let ZeroSkipping { lit_share, skip_below, passes, skipped, reason } = choice;
        Zeros { nonzero_share: lit_share, skip_below, passes, skipped, reason }
    };
    let of_layer = |LayerProducts { layer, inputs, slopes }| LayerZeros {
        layer: format!("layers.{layer}"),
        inputs: zeros(inputs),
        slopes: slopes.map(zeros),
    };
    Products { epoch, after_step: None, step: step.name().into(), layers: step.products().into_iter().map(of_layer).collect() }
}
