//! Replicas of the seed job's network: whether each is a single run up to rounding, and how fast they train side by side.

use super::{Open, Place};
use crate::checkpoint::to_safetensors;
use anyhow::Context;
use relumine_engine::optimizer::OptimizerName;
use relumine_engine::{Examples, FeatureBuffer, GpuReplicas, GpuStep, NamedTensors, OptimizerConfig, Step, TrainingConfig};
use relumine_model::{Architecture, ModelConfig};
use relumine_random::{Purpose, Stream};
use serde::Serialize;
use std::time::Instant;

pub(super) const BATCH: usize = 128;
/// Steps of a round.
pub(super) const STEPS: usize = 512;
const ROUNDS: usize = 3;
const EXAMPLES: usize = 8192;
const FEATURES: usize = 784;
const CLASSES: usize = 10;

/// How fast so many replicas train.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub(super) replicas: usize,
    /// Who makes the products: as the device chooses, or one for all.
    pub(super) products: &'static str,
    /// Of a step of all replicas, the median of the rounds.
    pub(super) milliseconds: f64,
    pub(super) rows_per_second: f64,
    /// Rows a second as a multiple of those of the first line.
    pub(super) of_one: f64,
}

/// The seed job's network with one seed for each replica.
fn networks(replicas: usize) -> anyhow::Result<Vec<(Architecture, TrainingConfig)>> {
    let model = ModelConfig { hidden: vec![256, 256], dropout: 0.5, ..ModelConfig::default() };
    let architecture = model.architecture(FEATURES, CLASSES)?;
    Ok((0..replicas as u64).map(|seed| (architecture.clone(), TrainingConfig { seed, ..TrainingConfig::default() })).collect())
}

/// Bytes of which as many are zero as of MNIST's, and labels.
fn examples(place: Place<'_>) -> anyhow::Result<Examples> {
    let stream = Stream::new(0, Purpose::Split, 0);
    let mut words = vec![0; EXAMPLES * FEATURES];
    stream.fill(0, 0, &mut words);
    let features = words.iter().map(|word| if word % 100 < 81 { 0 } else { (word >> 24) as u8 }).collect();
    let mut labels = vec![0; EXAMPLES];
    stream.fill(0, 1, &mut labels);
    let labels = labels.into_iter().map(|word| word % CLASSES as u32).collect();
    Ok(Examples::new(FeatureBuffer::U8(features), &[FEATURES], labels, &[0.0], &[255.0], place)?)
}

/// The rows of a step of a replica.
fn rows(step: usize, replica: usize) -> Vec<u32> {
    (0..BATCH).map(|place| ((step * BATCH + place + 37 * replica) * 5 % EXAMPLES) as u32).collect()
}

/// Trains `steps` steps and waits for them.
fn train(replicas: &mut GpuReplicas, count: usize, examples: &Examples, steps: std::ops::Range<usize>) -> anyhow::Result<()> {
    for step in steps {
        let rows: Vec<Vec<u32>> = (0..count).map(|replica| rows(step, replica)).collect();
        replicas.train(examples, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    }
    for result in replicas.results()? {
        result?;
    }
    Ok(())
}

/// Whether so many steps come to the same bits when somebody looks after each, so that each is replayed by itself, and when nobody does.
pub(super) fn is_one_by_one_the_same(open: Open<'_>, place: Place<'_>, steps: usize) -> anyhow::Result<bool> {
    let (examples, networks) = (examples(place)?, networks(1)?);
    let (architecture, config) = &networks[0];
    let mut silent = GpuStep::new(open(None)?, architecture, config, place)?;
    let mut asked = GpuStep::new(open(None)?, architecture, config, place)?;
    for step in 0..steps {
        silent.train(&examples, &rows(step, 0))?;
        asked.train(&examples, &rows(step, 0))?;
        asked.totals()?;
    }
    Ok(to_safetensors(&silent.parameters()?)? == to_safetensors(&asked.parameters()?)?)
}

/// How many of four replicas end elsewhere than single runs do.
pub(super) fn differing(open: Open<'_>, place: Place<'_>) -> anyhow::Result<usize> {
    const COUNT: usize = 4;
    const TRAINED: usize = 10;
    let (examples, mut networks) = (examples(place)?, networks(COUNT)?);
    // Whose steps are as exact as gradients: Adam's divide a gradient by its own size, and make much of one that is but rounding.
    let sgd = OptimizerConfig { name: OptimizerName::Sgd, learning_rate: Some(0.1), ..OptimizerConfig::default() };
    networks.iter_mut().for_each(|(_, config)| config.optimizer = sgd.clone());
    let mut replicas = GpuReplicas::new(open(None)?, &networks).context("making replicas")?;
    train(&mut replicas, COUNT, &examples, 0..TRAINED)?;
    let mut differing = 0;
    for (replica, (architecture, config)) in networks.iter().enumerate() {
        let mut alone = GpuStep::new(open(None)?, architecture, config, place)?;
        (0..TRAINED).try_for_each(|step| alone.train(&examples, &rows(step, replica)))?;
        differing += usize::from(!is_close(&replicas.parameters(replica)?, &alone.parameters()?)?);
    }
    Ok(differing)
}

/// Whether every tensor is the other's up to a thousandth of its norm.
fn is_close(ours: &NamedTensors, theirs: &NamedTensors) -> anyhow::Result<bool> {
    for (name, theirs) in theirs {
        let Some(ours) = ours.get(name) else { return Ok(false) };
        let norm = |tensor: &candle_core::Tensor| tensor.sqr()?.sum_all()?.to_scalar::<f32>();
        let (difference, size) = (norm(&(ours - theirs)?)?.sqrt(), norm(theirs)?.sqrt());
        // What is no number is not close.
        if difference.is_nan() || difference > 1e-3 * size.max(1e-6) {
            return Ok(false);
        }
    }
    Ok(ours.len() == theirs.len())
}

/// As the device chooses, all by kernels of ours, and all by the library.
const PRODUCTS: [(&str, Option<usize>); 3] = [("either", None), ("kernels", Some(usize::MAX)), ("library", Some(0))];

/// A line for each count and each maker of products, in turn in every round.
pub(super) fn throughput(open: Open<'_>, place: Place<'_>, counts: &[u16], steps: usize) -> anyhow::Result<Vec<Throughput>> {
    let examples = examples(place)?;
    let mut all = Vec::new();
    for (count, (products, limit)) in counts.iter().flat_map(|count| PRODUCTS.map(|products| (usize::from(*count), products))) {
        let mut replicas = GpuReplicas::new(open(limit)?, &networks(count)?).with_context(|| format!("making {count} replicas"))?;
        // The first steps record what the others replay.
        train(&mut replicas, count, &examples, 0..steps)?;
        all.push((count, products, replicas, Vec::new()));
    }
    for round in 0..ROUNDS {
        for (count, _, replicas, seconds) in &mut all {
            let started = Instant::now();
            train(replicas, *count, &examples, round * steps..(round + 1) * steps)?;
            seconds.push(started.elapsed().as_secs_f64() / steps as f64);
        }
    }
    let mut lines: Vec<Throughput> = Vec::new();
    for (replicas, products, _, mut seconds) in all {
        seconds.sort_by(f64::total_cmp);
        let median = seconds[ROUNDS / 2];
        let rows_per_second = (replicas * BATCH) as f64 / median;
        let of_one = rows_per_second / lines.first().map_or(rows_per_second, |line| line.rows_per_second);
        lines.push(Throughput { replicas, products, milliseconds: 1e3 * median, rows_per_second, of_one });
    }
    Ok(lines)
}

/// The kernels run in an emulator here, which needs a C++ compiler.
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::*;
    use candle_core::Device;
    use relumine_kernels::gpu::{DENSE_LIMIT, Emulator, Order};

    #[test]
    fn replicas_are_single_runs_and_are_timed() {
        let open: Open<'_> = &|limit| Ok(Box::new(Emulator::new(Order::Forward)?.with_dense_limit(limit.unwrap_or(DENSE_LIMIT))));
        assert!(is_one_by_one_the_same(open, &Device::Cpu, 10).unwrap());
        assert_eq!(differing(open, &Device::Cpu).unwrap(), 0);
        let lines = throughput(open, &Device::Cpu, &[1, 2], 1).unwrap();
        let found: Vec<_> = lines.iter().map(|line| (line.replicas, line.products)).collect();
        let each = |replicas| PRODUCTS.map(|(products, _)| (replicas, products));
        assert_eq!(found, [each(1), each(2)].concat());
        assert!(lines.iter().all(|line| line.of_one > 0.0 && line.milliseconds > 0.0));
        assert_eq!(lines[0].of_one, 1.0);
    }

    #[test]
    fn a_parameter_that_is_elsewhere_is_seen() {
        let tensor = |value: f32| NamedTensors::from([("w".to_owned(), candle_core::Tensor::new(&[value, 1.0], &Device::Cpu).unwrap())]);
        assert!(is_close(&tensor(1.0), &tensor(1.0)).unwrap());
        assert!(!is_close(&tensor(1.01), &tensor(1.0)).unwrap());
        assert!(!is_close(&tensor(f32::NAN), &tensor(1.0)).unwrap());
        assert!(!is_close(&NamedTensors::new(), &tensor(1.0)).unwrap());
    }
}
