//! The kernels of loss and update, and what ends a step.

use super::bench::{Bench, REPLICAS, ROUNDED, STEP, SUMMED, wide};
use crate::gpu::{
    Address, BoundArguments, ClipArguments, FinishArguments, GpuError, Launch, LossArguments, PARAMETERS_PER_BLOCK, Progress,
    UpdateArguments, UpdateConstants, Values,
};
use crate::loss::{Head, Objective, RowLoss};
use crate::optimizer::{self, Decay, Rule, Update};
use crate::{Panels, Team};

/// Softmax over few and many classes and sigmoid, with smoothing and class weights or without: as the CPU's loss.
pub(super) fn loss(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const ROWS: usize = 37;
    const CAPACITY: usize = 50;
    const FIRST_ROW: usize = 4;
    const EXAMPLES: usize = 90;
    for (head, units) in [(Head::Softmax, 10), (Head::Softmax, 300), (Head::Sigmoid, 1)] {
        for (label_smoothing, is_weighted) in [(0.0, false), (0.2, true)] {
            let classes = units.max(2);
            let class_weights: Vec<f32> = if is_weighted { (0..classes).map(|class| 0.5 + class as f32).collect() } else { Vec::new() };
            let labels = bench.below(EXAMPLES, classes as u32);
            let order = bench.below(2 * REPLICAS * CAPACITY, EXAMPLES as u32);
            let (z, bias) = (bench.normal(REPLICAS * ROWS * units), bench.normal(REPLICAS * units));
            let shares = [1.0, 1.0, 0.02, 0.5];
            // The weighted ones are a later pass of their step.
            let old: Vec<f32> = bench.normal(REPLICAS * units);
            let before = Progress { step_loss: 3.0, step_correct: 2, step_rows: 5, steps: STEP.into(), ..Progress::default() };
            let (logits, bias_gradient, progress) = (bench.array(&z)?, bench.array(&old)?, bench.put(&[before; REPLICAS])?);
            let arguments = LossArguments {
                logits,
                bias: bench.array(&bias)?,
                bias_gradient,
                labels: bench.put(&labels)?,
                order: bench.put(&order)?,
                slot: bench.put(&[1_u32])?,
                shares: bench.put(&shares)?,
                class_weights: if is_weighted { bench.put(&class_weights)? } else { Address::NONE },
                losses: bench.put_bytes(&[0; 8 * REPLICAS * CAPACITY])?,
                hits: bench.put(&[0_u32; REPLICAS * CAPACITY])?,
                tickets: bench.put(&[0_u32; REPLICAS])?,
                progress,
                label_smoothing,
                weight_sum: if is_weighted { class_weights.iter().sum() } else { classes as f32 },
                is_sigmoid: (head == Head::Sigmoid).into(),
                capacity: CAPACITY as u32,
                first_row: FIRST_ROW as u32,
                rows: ROWS as u32,
                units: units as u32,
                replicas: REPLICAS as u32,
                adds: is_weighted.into(),
                unused: 0,
            };
            bench.launch(Launch::Loss(arguments), 0)?;
            let (mut gradient, mut sums, mut totals) = (Vec::new(), Vec::new(), Vec::new());
            for replica in 0..REPLICAS {
                let first = (REPLICAS + replica) * CAPACITY + FIRST_ROW;
                let of_rows: Vec<u32> = order[first..first + ROWS].iter().map(|example| labels[*example as usize]).collect();
                let of_bias = &bias[replica * units..][..units];
                let with_bias: Vec<f32> =
                    z[replica * ROWS * units..][..ROWS * units].iter().zip(of_bias.iter().cycle()).map(|(z, bias)| z + bias).collect();
                let mut dz = Panels::from_rows(ROWS, units, &with_bias);
                let mut losses = [RowLoss::default(); ROWS];
                let share = shares[REPLICAS + replica];
                let objective = Objective { head, label_smoothing, class_weights: &class_weights, share };
                crate::loss::loss(&mut Team::new(1), &objective, &of_rows, &mut dz, &mut losses);
                let dz = wide(&dz.to_rows(ROWS));
                let from = |unit: usize| if is_weighted { f64::from(old[replica * units + unit]) } else { 0.0 };
                sums.extend((0..units).map(|unit| from(unit) + dz.iter().skip(unit).step_by(units).sum::<f64>()));
                gradient.extend(dz);
                let (loss, hits) = (losses.iter().map(|row| row.loss).sum::<f64>(), losses.iter().filter(|row| row.is_correct).count());
                let [loss_before, hits_before, rows_before] = if is_weighted { [3.0, 2.0, 5.0] } else { [0.0; 3] };
                totals.extend([loss + loss_before, hits as f64 + hits_before, ROWS as f64 + rows_before]);
            }
            let name = if head == Head::Softmax { "softmax" } else { "sigmoid" };
            let how = if is_weighted { ", smoothing and class weights" } else { "" };
            let case = format!("{name} of {units}{how}");
            let (found, of_bias) = (bench.values(logits)?, bench.values(bias_gradient)?);
            bench.judge("loss", format!("{case}: gradient"), &found, &gradient, ROUNDED);
            bench.judge("loss", format!("{case}: bias"), &of_bias, &sums, SUMMED);
            let progress: Vec<Progress> = bench.read(progress, REPLICAS)?;
            let found: Vec<f32> = progress
                .iter()
                .flat_map(|progress| [progress.step_loss as f32, progress.step_correct as f32, progress.step_rows as f32])
                .collect();
            bench.judge("loss", format!("{case}: losses, hits and rows"), &found, &totals, ROUNDED);
        }
    }
    Ok(())
}

/// Of the penalties.
const L1: f32 = 0.01;
const L2: f32 = 0.02;

/// Two blocks, which take two sets of constants.
const PARAMETERS: usize = 2 * PARAMETERS_PER_BLOCK;

fn rules() -> [(&'static str, Rule, usize); 10] {
    let (betas, rho) = ([Decay::of(0.9), Decay::of(0.999)], Decay::of(0.9));
    let (learning_rate, epsilon) = (0.01, 1e-7);
    let rms = |momentum, centered| Rule::RmsProp { learning_rate, rho, epsilon, momentum, centered };
    [
        ("sgd", Rule::Sgd { learning_rate }, 0),
        ("momentum", Rule::Momentum { learning_rate, momentum: 0.9, nesterov: false }, 1),
        ("nesterov", Rule::Momentum { learning_rate, momentum: 0.9, nesterov: true }, 1),
        ("adam", Rule::Adam { rate: 0.02, betas, root: 3.0, epsilon }, 2),
        ("nadam", Rule::Nadam { learning_rate, betas, root: 3.0, epsilon, of_gradient: 0.3, of_mean: 0.8 }, 2),
        ("rmsprop", rms(None, false), 1),
        ("rmsprop, centred, momentum", rms(Some(0.9), true), 3),
        ("adagrad", Rule::Adagrad { learning_rate, epsilon }, 1),
        ("adadelta", Rule::Adadelta { learning_rate, rho, epsilon }, 2),
        ("lion", Rule::Lion { learning_rate, betas: [Decay::of(0.9), Decay::of(0.99)] }, 1),
    ]
}

/// Every rule, with penalties, clipping and both kinds of decay on the second block, and a gradient of which clipping by norm leaves half for
/// the second replica: as the CPU's update.
pub(super) fn update(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (name, rule, num_slots) in rules() {
        let plain = Update { rule, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };
        let clipped = Update { clip_value: 0.5, coupled_decay: 0.01, shrink: 0.99, ..plain };
        let constants = [UpdateConstants::new(&plain), UpdateConstants::new(&clipped).with_penalties(L1, L2)];
        let scales = [1.0, 0.5];
        let parameters = bench.normal(REPLICAS * PARAMETERS);
        let gradients = bench.normal(REPLICAS * PARAMETERS);
        let mut slots: Vec<Vec<f32>> =
            (0..num_slots).map(|_| bench.normal(REPLICAS * PARAMETERS).into_iter().map(f32::abs).collect()).collect();
        // A mean of squares is over the square of the mean.
        if let (Rule::RmsProp { centered: true, .. }, [squares, means, ..]) = (rule, &mut slots[..]) {
            squares.iter_mut().zip(means).for_each(|(square, mean)| *square += *mean * *mean + 0.5);
        }
        let on_gpu = bench.array(&parameters)?;
        let mut of_slots = [Values::NONE; 3];
        for (place, slot) in of_slots.iter_mut().zip(&slots) {
            *place = bench.array(slot)?;
        }
        let (slot, progress) = (bench.put(&[0_u32])?, bench.progress()?);
        let arguments = UpdateArguments {
            parameters: on_gpu,
            gradients: bench.array(&gradients)?,
            slots: of_slots,
            groups: bench.put(&[0_u32, 1])?,
            constants: bench.put(&[constants; REPLICAS].concat())?,
            scales: bench.put(&scales)?,
            slot,
            next_slot: slot,
            tickets: bench.put(&[0_u32])?,
            progress,
            replicas: REPLICAS as u32,
            ..UpdateArguments::default()
        };
        bench.launch(Launch::Update(arguments.with_rule(rule)), PARAMETERS)?;

        let matrix = |values: &[f32]| Panels::from_rows(1, PARAMETERS_PER_BLOCK, values);
        let (mut expected, mut expected_slots) = (Vec::new(), vec![Vec::new(); num_slots]);
        for block in 0..REPLICAS * 2 {
            let part = block * PARAMETERS_PER_BLOCK..(block + 1) * PARAMETERS_PER_BLOCK;
            let mut parameter = matrix(&parameters[part.clone()]);
            let mut slots: Vec<Panels> = slots.iter().map(|slot| matrix(&slot[part.clone()])).collect();
            let (mut gradient, team) = (matrix(&gradients[part]), &mut Team::new(1));
            if block % 2 == 1 {
                optimizer::add_penalties(team, (L1, L2), &parameter, &mut gradient);
            }
            let settings = Update { gradient_scale: scales[block / 2], ..if block % 2 == 0 { plain } else { clipped } };
            optimizer::update(team, &settings, &mut parameter, &gradient, &mut slots);
            expected.extend(wide(&parameter.to_rows(1)));
            expected_slots.iter_mut().zip(&slots).for_each(|(expected, slot)| expected.extend(wide(&slot.to_rows(1))));
        }
        let found = bench.values(on_gpu)?;
        bench.judge("update", format!("{name}: parameters"), &found, &expected, ROUNDED);
        for (number, (place, expected)) in of_slots.into_iter().zip(&expected_slots).enumerate() {
            let found = bench.values(place)?;
            bench.judge("update", format!("{name}: slot {number}"), &found, expected, ROUNDED);
        }
        judge_count(bench, "update", name, progress, slot)?;
    }
    Ok(())
}

/// A step that has ended is counted once for each replica, and the next batch is the next slot.
fn judge_count(bench: &mut Bench<'_>, kernel: &'static str, case: &str, progress: Address, slot: Address) -> Result<(), GpuError> {
    let mut found: Vec<f32> = bench.read::<Progress>(progress, REPLICAS)?.iter().map(|progress| progress.steps as f32).collect();
    found.push(bench.read::<u32>(slot, 1)?[0] as f32);
    let mut expected = vec![f64::from(STEP + 1); REPLICAS];
    expected.push(1.0);
    bench.judge(kernel, format!("{case}: counts"), &found, &expected, 0.0);
    Ok(())
}

/// Gradients over the bound and under it, penalties included.
pub(super) fn clip_scale(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for clip_norm in [3.0, 1e4] {
        let (parameters, gradients) = (bench.normal(REPLICAS * PARAMETERS), bench.normal(REPLICAS * PARAMETERS));
        let constants = [UpdateConstants::default(), UpdateConstants::default().with_penalties(L1, L2)];
        let scales = bench.put(&[0.0_f32; REPLICAS])?;
        let arguments = ClipArguments {
            parameters: bench.array(&parameters)?,
            gradients: bench.array(&gradients)?,
            groups: bench.put(&[0_u32, 1])?,
            constants: bench.put(&[constants; REPLICAS].concat())?,
            slot: bench.put(&[0_u32])?,
            partial: bench.put_bytes(&[0; 8 * REPLICAS * 2])?,
            tickets: bench.put(&[0_u32; REPLICAS])?,
            scales,
            clip_norm,
            replicas: REPLICAS as u32,
            unused: 0,
        };
        bench.launch(Launch::ClipScale(arguments), PARAMETERS)?;
        let squares = |replica: usize| -> f64 {
            let of = |place: usize| {
                let (g, w) = (f64::from(gradients[replica * PARAMETERS + place]), f64::from(parameters[replica * PARAMETERS + place]));
                let penalty = if place < PARAMETERS_PER_BLOCK { 0.0 } else { f64::from(L1) * w.signum() + 2.0 * f64::from(L2) * w };
                (g + penalty).powi(2)
            };
            (0..PARAMETERS).map(of).sum()
        };
        let expected: Vec<f64> = (0..REPLICAS).map(|replica| (clip_norm / (squares(replica).sqrt() + 1e-6)).min(1.0)).collect();
        let found: Vec<f32> = bench.read(scales, REPLICAS)?;
        bench.judge("clip_scale", format!("bound {clip_norm}"), &found, &expected, ROUNDED);
    }
    Ok(())
}

/// A replica that has failed stays as it is, whatever ends its step.
pub(super) fn frozen(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const COLUMNS: usize = 256;
    let (values, gradients) = (bench.normal(REPLICAS * PARAMETERS), bench.normal(REPLICAS * PARAMETERS));
    let update =
        Update { rule: Rule::Sgd { learning_rate: 0.1 }, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };
    let constants = bench.put(&[UpdateConstants::new(&update).with_average(Decay::of(0.9)); 2 * REPLICAS])?;
    let of_one = |changed: &dyn Fn(usize) -> f64| -> Vec<f64> {
        (0..values.len()).map(|place| if place < PARAMETERS { changed(place) } else { f64::from(values[place]) }).collect()
    };
    let (parameters, average, weight) = (bench.array(&values)?, bench.array(&values)?, bench.array(&values)?);
    let (slot, tickets, replicas) = (bench.put(&[0_u32])?, bench.put(&[0_u32])?, REPLICAS as u32);
    let progress = bench.progress_of_one()?;
    let (gradient, groups) = (bench.array(&gradients)?, bench.put(&[0_u32, 1])?);
    let arguments =
        UpdateArguments { parameters, gradients: gradient, groups, constants, slot, tickets, progress, replicas, ..Default::default() };
    bench.launch(Launch::Update(arguments.with_rule(update.rule)), PARAMETERS)?;
    let found = bench.values(parameters)?;
    let moved = of_one(&|place| f64::from(values[place]) - 0.1 * f64::from(gradients[place]));
    bench.judge("update", "a replica that has failed".into(), &found, &moved, ROUNDED);

    let rows = (PARAMETERS / COLUMNS) as u32;
    let arguments = BoundArguments { weight, progress, max_norm: 1.0, rows, columns: COLUMNS as u32, unused: 0 };
    bench.launch(Launch::BoundNorms(arguments), 0)?;
    let norm = |place: usize| {
        let unit = &values[place / COLUMNS * COLUMNS..][..COLUMNS];
        unit.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
    };
    let found = bench.values(weight)?;
    let bounded = of_one(&|place| f64::from(values[place]) / (norm(place) + 1e-7));
    bench.judge("bound_norms", "a replica that has failed".into(), &found, &bounded, ROUNDED);

    let parameters = bench.array(&gradients)?;
    let num_parameters = PARAMETERS as u32;
    let arguments =
        FinishArguments { parameters, average, constants, slot, tickets, progress, num_parameters, replicas, ..Default::default() };
    bench.launch(Launch::Finish(arguments), PARAMETERS)?;
    let found = bench.values(average)?;
    let averaged = of_one(&|place| 0.9 * f64::from(values[place]) + 0.1 * f64::from(gradients[place]));
    bench.judge("finish", "a replica that has failed".into(), &found, &averaged, ROUNDED);
    let found: Vec<f32> = bench.read::<Progress>(progress, REPLICAS)?.iter().map(|progress| progress.steps as f32).collect();
    bench.judge("finish", "steps of a replica that has failed".into(), &found, &[f64::from(STEP + 1), f64::from(STEP)], 0.0);
    Ok(())
}

/// Units over the bound and under it.
pub(super) fn bound_norms(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const ROWS: usize = 19;
    for columns in [70, 784] {
        let mut values = bench.normal(REPLICAS * ROWS * columns);
        // Every other unit is small.
        values.chunks_exact_mut(columns).step_by(2).flatten().for_each(|value| *value *= 0.01);
        let weight = bench.array(&values)?;
        let max_norm = 2.0_f32;
        let arguments =
            BoundArguments { weight, progress: bench.progress()?, max_norm, rows: ROWS as u32, columns: columns as u32, unused: 0 };
        bench.launch(Launch::BoundNorms(arguments), 0)?;
        let bounded = |unit: &[f32]| {
            let norm = unit.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            let factor = if norm > f64::from(max_norm) { f64::from(max_norm) / (norm + 1e-7) } else { 1.0 };
            unit.iter().map(|value| f64::from(*value) * factor).collect::<Vec<_>>()
        };
        let expected: Vec<f64> = values.chunks_exact(columns).flat_map(bounded).collect();
        let found = bench.values(weight)?;
        bench.judge("bound_norms", format!("{ROWS} units of {columns}"), &found, &expected, ROUNDED);
    }
    Ok(())
}

/// The average of the parameters and the running statistics move on, and the step is counted.
pub(super) fn finish(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const STATISTICS: usize = 140;
    let [parameters, old] = [bench.normal(REPLICAS * PARAMETERS), bench.normal(REPLICAS * PARAMETERS)];
    let next = bench.normal(REPLICAS * STATISTICS);
    let constants = UpdateConstants::default().with_average(Decay::of(0.9));
    let (average, running) = (bench.array(&old)?, bench.zeros(STATISTICS)?);
    let (slot, progress) = (bench.put(&[0_u32])?, bench.progress()?);
    let arguments = FinishArguments {
        parameters: bench.array(&parameters)?,
        average,
        running,
        next: bench.array(&next)?,
        constants: bench.put(&[constants; 2 * REPLICAS])?,
        slot,
        tickets: bench.put(&[0_u32])?,
        progress,
        num_parameters: PARAMETERS as u32,
        num_statistics: STATISTICS as u32,
        replicas: REPLICAS as u32,
        unused: 0,
    };
    bench.launch(Launch::Finish(arguments), PARAMETERS)?;
    let expected: Vec<f64> = old.iter().zip(&parameters).map(|(old, new)| 0.9 * f64::from(*old) + 0.1 * f64::from(*new)).collect();
    let (of_average, of_running) = (bench.values(average)?, bench.values(running)?);
    bench.judge("finish", "average".into(), &of_average, &expected, ROUNDED);
    bench.judge("finish", "running statistics".into(), &of_running, &wide(&next), 0.0);
    judge_count(bench, "finish", "step", progress, slot)
}
