//! `products.json`: which products skipped zeros in the last epoch, and why.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use relumine_engine::{LayerProducts, Step, ZeroSkipping};
use relumine_report::{LayerZeros, Products, Zeros};

/// Writes what the step counted, when training stops: nothing is done for it before.
#[derive(Debug)]
pub struct ProductLog {
    run: RunDirectory,
    /// The last epoch that was done, and the step it ended with.
    last: Option<(u64, u64)>,
}

impl ProductLog {
    /// Writes into `run`.
    #[must_use]
    pub fn new(run: &RunDirectory) -> Self {
        Self { run: run.clone(), last: None }
    }
}

impl Observer for ProductLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match (event, self.last) {
            (Event::Epoch { record, .. }, _) => self.last = Some((record.epoch, record.step)),
            // Steps after the last epoch's end are of the next one, which was broken off.
            (Event::Stopped { step, .. }, Some((epoch, steps))) => {
                let epoch = if step.steps() > steps { epoch + 1 } else { epoch };
                self.run.write_json(RunDirectory::PRODUCTS, &record(step, epoch))?;
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
    Products { epoch, step: step.name().into(), layers: step.products().into_iter().map(of_layer).collect() }
}
