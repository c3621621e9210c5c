//! What an event file ends with.

use super::messages::{EventMessage, Value};
use super::{TensorBoard, event, hparams, now, records, score_scalars};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use prost::Message;
use relumine_report::{Score, Status};

impl TensorBoard {
    /// Gives the event file of a finished run its end, where a kill came between the run's results and that; `step` is its last epoch's.
    /// Nothing is done where the end is there, or no event file.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn close(run: &RunDirectory, step: u64, test: Option<Score>) -> anyhow::Result<()> {
        let path = run.file(RunDirectory::EVENTS);
        if !path.is_file() {
            return Ok(());
        }
        let mut file = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (mut end, mut is_closed) = (0, false);
        while let Some((bytes, next)) = records::read(&file, end) {
            is_closed |= EventMessage::decode(bytes).is_ok_and(|event| is_ending(&event));
            end = next;
        }
        if is_closed {
            return Ok(());
        }
        file.truncate(end);
        records::append(&mut file, &event(step, values(Status::Finished, test)).encode_to_vec());
        run.write(RunDirectory::EVENTS, &file)
    }
}

/// The test scores, and how the session ended.
pub(super) fn values(status: Status, test: Option<Score>) -> Vec<Value> {
    let mut values = score_scalars("test", test);
    values.push(hparams::session_end(status, now()));
    values
}

fn is_ending(event: &EventMessage) -> bool {
    event.summary.iter().flat_map(|summary| &summary.value).any(|value| value.tag == hparams::END)
}
