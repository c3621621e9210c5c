//! An event file that TensorBoard reads: scalars and histograms of the weights against the optimiser step, the recipe, hyperparameters.

mod ending;
mod histogram;
mod hparams;
mod messages;
mod probes;
mod records;

use crate::checkpoint::read_tensors;
use crate::pipeline::{Event, Job, Observer};
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use anyhow::Context;
use messages::{EventMessage, Summary as SummaryMessage, Value};
use prost::Message;
use relumine_engine::{NamedTensors, Step};
use relumine_report::{EpochRecord, ProbeRecord, Score, Status};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Appends to the run's event file at the end of each epoch, so that what is in it is whole whenever the program is killed.
///
/// The horizontal axis is the optimiser step. Scalars, in 32 bits: `loss/train`, `loss/validation`, `accuracy/train`, `accuracy/validation`,
/// `learning_rate`, `samples_per_second`; at the end `loss/test` and `accuracy/test`; and those of the probes. Histograms: `weights/` and the parameter's name, of the
/// weights that evaluation uses: at step 0, and at the ends of at most [`HISTOGRAMS`](Self::HISTOGRAMS) epochs evenly through the plan and of
/// the last one.
#[derive(Debug)]
pub struct TensorBoard {
    file: File,
    run: RunDirectory,
    name: &'static str,
    /// Epochs from one set of histograms to the next.
    histogram_interval: u64,
    /// Of the last epoch's end.
    last_step: u64,
    /// Whether the weights of the last epoch have their histograms.
    is_drawn: bool,
}

impl TensorBoard {
    /// So many sets of histograms at most, the first and last ones aside: as many as TensorBoard shows.
    pub const HISTOGRAMS: u64 = 50;

    /// Opens the event file `name` of a run that begins, with its recipe, hyperparameters and initial weights, or of one that goes on after
    /// `epochs` and `probes`: what the file says of later ones is cut off, and what it lacks of their scalars is added.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(run: &RunDirectory, name: &'static str, job: &Job, (epochs, probes): Logged<'_>) -> anyhow::Result<Self> {
        let path = run.file(name);
        // Training again on more rows is a part of the run, whose own file holds the recipe.
        let start = if name == RunDirectory::EVENTS { Some(start_event(&job.recipe)?) } else { None };
        let old = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            old => old.with_context(|| format!("cannot read {}: take it away, and it will be made anew", path.display()))?,
        };
        let epoch_end = epochs.last().map_or(0, |record| record.step);
        let (mut kept, last) = kept_part(&old, epoch_end, probes, start.as_ref());
        if kept.is_empty() {
            let version = EventMessage { wall_time: now(), file_version: Some("brain.Event:2".into()), ..EventMessage::default() };
            records::append(&mut kept, &version.encode_to_vec());
            if let Some(start) = start {
                records::append(&mut kept, &start.encode_to_vec());
                let initial = histograms(&read_tensors(&run.file(RunDirectory::INITIAL))?)?;
                records::append(&mut kept, &event(0, initial).encode_to_vec());
            }
        }
        let mut lacking: Vec<_> = probes.iter().filter(|record| last.probe.is_none_or(|step| record.step > step)).map(of_probe).collect();
        lacking.extend(epochs.iter().filter(|record| record.step > last.epoch).map(|record| (record.step, scalars(record))));
        lacking.sort_by_key(|(step, _)| *step);
        for (step, values) in lacking {
            records::append(&mut kept, &event(step, values).encode_to_vec());
        }
        run.write(name, &kept)?;
        let file = File::options().append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let histogram_interval = job.recipe.train.epochs.div_ceil(Self::HISTOGRAMS);
        Ok(Self { file, run: run.clone(), name, histogram_interval, last_step: epoch_end, is_drawn: true })
    }

    /// Writes the test scores and how the run ended, for the hparams tab.
    ///
    /// # Errors
    /// A full disk.
    pub fn finish(&mut self, status: Status, test: Option<Score>) -> anyhow::Result<()> {
        self.write(self.last_step, ending::values(status, test))
    }

    fn epoch(&mut self, record: &EpochRecord, step: &dyn Step) -> anyhow::Result<()> {
        self.is_drawn = record.epoch.is_multiple_of(self.histogram_interval);
        let mut values = scalars(record);
        if self.is_drawn {
            values.extend(histograms(&step.parameters()?)?);
        }
        self.last_step = record.step;
        self.write(record.step, values)
    }

    fn write(&mut self, step: u64, values: Vec<Value>) -> anyhow::Result<()> {
        let mut record = Vec::new();
        records::append(&mut record, &event(step, values).encode_to_vec());
        self.file.write_all(&record).with_context(|| self.run.no_room(self.name))
    }
}

impl Observer for TensorBoard {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { record, step, .. } => self.epoch(record, step),
            Event::Probe { record } => self.write(record.step, probes::scalars(record)),
            // An epoch that was broken off has weights of no epoch's end.
            Event::Stopped { step, .. } if !self.is_drawn && step.steps() == self.last_step => {
                self.is_drawn = true;
                self.write(self.last_step, histograms(&step.parameters()?)?)
            }
            _ => Ok(()),
        }
    }
}

/// The epochs and probes that a run's other files hold.
type Logged<'a> = (&'a [EpochRecord], &'a [ProbeRecord]);

fn of_probe(record: &ProbeRecord) -> (u64, Vec<Value>) {
    (record.step, probes::scalars(record))
}

/// The tag of the recipe's text.
const RECIPE: &str = "recipe";

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A tag that every epoch has, and nothing else.
const LEARNING_RATE: &str = "learning_rate";

fn scalars(record: &EpochRecord) -> Vec<Value> {
    let mut values = score_scalars("train", Some(record.train));
    values.extend(score_scalars("validation", record.validation));
    values.push(Value::scalar(LEARNING_RATE, record.learning_rate));
    values.push(Value::scalar("samples_per_second", record.samples_per_second));
    values
}

fn score_scalars(rows: &str, score: Option<Score>) -> Vec<Value> {
    let pair =
        |Score { loss, accuracy }| [Value::scalar(&format!("loss/{rows}"), loss), Value::scalar(&format!("accuracy/{rows}"), accuracy)];
    score.into_iter().flat_map(pair).collect()
}

fn histograms(tensors: &NamedTensors) -> anyhow::Result<Vec<Value>> {
    let mut values = Vec::new();
    for (name, tensor) in tensors {
        let histo = histogram::histogram(&tensor.flatten_all()?.to_vec1::<f32>()?);
        values.extend(histo.map(|histo| Value { tag: format!("weights/{name}"), histo: Some(histo), ..Value::default() }));
    }
    Ok(values)
}

/// The recipe as text, indented so that it is shown as it is, and its hyperparameters.
fn start_event(recipe: &Recipe) -> anyhow::Result<EventMessage> {
    let text = recipe.to_toml()?.lines().map(|line| format!("    {line}\n")).collect();
    Ok(event(0, vec![Value::text(RECIPE, text), hparams::session_start(recipe, now())?]))
}

fn event(step: u64, value: Vec<Value>) -> EventMessage {
    EventMessage { wall_time: now(), step: step.cast_signed(), summary: Some(SummaryMessage { value }), file_version: None }
}

/// The steps of the last epoch and of the last probe in a file.
#[derive(Default)]
struct Last {
    epoch: u64,
    probe: Option<u64>,
}

/// The records up to step `epoch_end` or the last of `probes`, and before the one that closes the session, without other probes and with
/// `start` in place of the one that has the recipe, which may have been given more epochs; and the last of them.
fn kept_part(file: &[u8], epoch_end: u64, probes: &[ProbeRecord], start: Option<&EventMessage>) -> (Vec<u8>, Last) {
    let last_step = probes.last().map_or(0, |record| record.step).max(epoch_end);
    let (mut kept, mut offset, mut last) = (Vec::new(), 0, Last::default());
    while let Some((bytes, next)) = records::read(file, offset) {
        let Ok(found) = EventMessage::decode(bytes) else { break };
        let has = |tag| found.summary.iter().flat_map(|summary| &summary.value).any(|value| value.tag == tag);
        if has(hparams::END) || found.step.cast_unsigned() > last_step {
            break;
        }
        if has(probes::TAG) && probes.iter().all(|record| record.step != found.step.cast_unsigned()) {
            offset = next;
            continue;
        }
        match start.filter(|_| has(RECIPE)) {
            Some(start) => records::append(&mut kept, &start.encode_to_vec()),
            None => kept.extend(&file[offset..next]),
        }
        offset = next;
        if has(LEARNING_RATE) {
            last.epoch = found.step.cast_unsigned();
        }
        if has(probes::TAG) {
            last.probe = Some(found.step.cast_unsigned());
        }
    }
    (kept, last)
}
