//! The loss of a batch and its gradient at the logits, in one pass over each row.

use crate::Panels;
use crate::isa::dispatch_plain;
use crate::math;
use crate::pool::Team;
use crate::shares::Shares;
use std::ops::Range;

/// What the logits mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// One logit per class.
    Softmax,
    /// One logit for two classes.
    Sigmoid,
}

/// What is minimised: see the engine's `Objective`, whose formulas these are.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// What the logits mean.
    pub head: Head,
    /// Share of each label that is spread evenly over all classes.
    pub label_smoothing: f32,
    /// One weight per class; all 1 where empty.
    pub class_weights: &'a [f32],
    /// What the sum over rows is multiplied by: one over the weight of the step's rows.
    pub share: f32,
}

/// What one row comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowLoss {
    /// Its plain loss, without smoothing and weights, in nats.
    pub loss: f64,
    /// Whether its most probable class is its label.
    pub is_correct: bool,
}

/// Turns the logits into the gradient of the mean loss at them, in place, and writes every row's loss into `losses`.
///
/// # Shapes
/// `logits` `[rows, units]`, of which the first `labels.len()` rows are used; `losses` as long as `labels`.
pub fn loss(team: &mut Team, objective: &Objective<'_>, labels: &[u32], logits: &mut Panels, losses: &mut [RowLoss]) {
    assert!(labels.len() <= logits.rows(), "a row for each label");
    let loss = Loss::new(objective, labels, Logits::of(logits), losses);
    const CHUNK: usize = 32;
    team.run(labels.len().div_ceil(CHUNK), |task| {
        // SAFETY: each task has rows of its own.
        unsafe { loss.rows(task * CHUNK..((task + 1) * CHUNK).min(labels.len())) };
    });
}

/// Logits, to be turned into their gradient by tasks that share them.
#[derive(Clone, Copy)]
pub(crate) struct Logits<'a> {
    values: Shares<'a, f32>,
    stride: usize,
    width: usize,
    classes: usize,
    panels: usize,
}

impl<'a> Logits<'a> {
    pub(crate) fn of(logits: &'a mut Panels) -> Self {
        let (stride, width, classes, panels) = (logits.stride(), logits.width(), logits.columns(), logits.count());
        Self { values: Shares::new(logits.values_mut()), stride, width, classes, panels }
    }

    pub(crate) fn shares(&self) -> Shares<'a, f32> {
        self.values
    }

    /// How far one panel is from the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes
    }
}

/// [`loss`], some rows at a time.
pub(crate) struct Loss<'a> {
    objective: &'a Objective<'a>,
    labels: &'a [u32],
    logits: Logits<'a>,
    losses: Shares<'a, RowLoss>,
}

impl<'a> Loss<'a> {
    pub(crate) fn new(objective: &'a Objective<'a>, labels: &'a [u32], logits: Logits<'a>, losses: &'a mut [RowLoss]) -> Self {
        assert_eq!(labels.len(), losses.len(), "a loss for each label");
        Self { objective, labels, logits, losses: Shares::new(losses) }
    }

    /// The loss of some rows, and its gradient.
    ///
    /// # Safety
    /// Nobody else uses these rows of the logits and the losses, and there are so many.
    pub(crate) unsafe fn rows(&self, rows: Range<usize>) {
        let Logits { values, stride, width, classes, panels } = self.logits;
        for row in rows {
            let label = self.labels[row] as usize;
            // SAFETY: the caller's promise, and each use ends before the next begins.
            let row_of = |panel: usize| unsafe { values.part(panel * stride + row * width, width.min(classes - panel * width)) };
            // SAFETY: as above.
            let outcome = unsafe { self.losses.part(row, 1) };
            outcome[0] = match self.objective.head {
                Head::Sigmoid => binary(self.objective, label, &mut row_of(0)[0]),
                Head::Softmax => {
                    let sums = log_sum(panels, |panel| &*row_of(panel));
                    let of_label = f64::from(row_of(label / width)[label % width]);
                    for panel in 0..panels {
                        softmax_gradient(self.objective, (&sums, label, panel * width, classes), row_of(panel));
                    }
                    RowLoss { loss: sums.log_sum - of_label, is_correct: sums.best == label }
                }
            };
        }
    }
}

/// What a row's softmax needs.
struct Sums {
    largest: f32,
    /// Of `exp(z - largest)`.
    sum: f32,
    log_sum: f64,
    /// The most probable class; the lowest of equals.
    best: usize,
}

fn log_sum<'a>(panels: usize, row_of: impl Fn(usize) -> &'a [f32]) -> Sums {
    let (mut largest, mut best, mut first) = (f32::NEG_INFINITY, 0, 0);
    let mut has_nan = false;
    for panel in 0..panels {
        for (place, z) in row_of(panel).iter().enumerate() {
            has_nan |= z.is_nan();
            if *z > largest {
                (largest, best) = (*z, first + place);
            }
        }
        first += row_of(panel).len();
    }
    if has_nan {
        largest = f32::NAN;
    }
    let mut sum = 0.0;
    for panel in 0..panels {
        sum_of_exponentials(row_of(panel), largest, &mut sum);
    }
    Sums { largest, sum, log_sum: f64::from(largest) + libm::log(f64::from(sum)), best }
}

dispatch_plain! {
    fn sum_of_exponentials(z: &[f32], largest: f32, sum: &mut f32) = sum_of_exponentials_plain
}

#[inline(always)]
fn sum_of_exponentials_plain<const FUSED: bool>(z: &[f32], largest: f32, sum: &mut f32) {
    let mut exponentials = [0.0; 64];
    for (exponential, z) in exponentials.iter_mut().zip(z) {
        *exponential = math::exp::<FUSED>(z - largest);
    }
    *sum += exponentials[..z.len()].iter().sum::<f32>();
}

type Place<'a> = (&'a Sums, usize, usize, usize);

dispatch_plain! {
    fn softmax_gradient(objective: &Objective<'_>, place: Place<'_>, z: &mut [f32]) = softmax_gradient_plain
}

/// `share (A p_c - (1 - e) w_y [c = y] - (e / K) w_c)` with `A = (1 - e) w_y + (e / K) sum w`.
#[inline(always)]
fn softmax_gradient_plain<const FUSED: bool>(objective: &Objective<'_>, (sums, label, first, classes): Place<'_>, z: &mut [f32]) {
    let Objective { label_smoothing, class_weights, share, .. } = *objective;
    let of_label = class_weights.get(label).copied().unwrap_or(1.0) * (1.0 - label_smoothing);
    let even = label_smoothing / classes as f32;
    let total = if class_weights.is_empty() { classes as f32 } else { class_weights.iter().sum() };
    let factor = share * (of_label + even * total) / sums.sum;
    for z in z.iter_mut() {
        *z = factor * math::exp::<FUSED>(*z - sums.largest);
    }
    if label_smoothing > 0.0 {
        for (place, z) in z.iter_mut().enumerate() {
            *z -= share * even * class_weights.get(first + place).copied().unwrap_or(1.0);
        }
    }
    if let Some(z) = label.checked_sub(first).and_then(|place| z.get_mut(place)) {
        *z -= share * of_label;
    }
}

fn binary(objective: &Objective<'_>, label: usize, logit: &mut f32) -> RowLoss {
    let Objective { label_smoothing, class_weights, share, .. } = *objective;
    let weight = class_weights.get(label).copied().unwrap_or(1.0);
    let target = label as f32 * (1.0 - label_smoothing) + label_smoothing / 2.0;
    let z = *logit;
    let (z64, label64) = (f64::from(z), label as f64);
    let probability = 1.0 / (1.0 + libm::exp(-z64));
    *logit = share * weight * (probability as f32 - target);
    RowLoss { loss: z64.max(0.0) - z64 * label64 + libm::log1p(libm::exp(-z64.abs())), is_correct: (z > 0.0) == (label == 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(objective: &Objective<'_>, logits: &[f32], labels: &[u32]) -> (Vec<f32>, Vec<RowLoss>) {
        let units = logits.len() / labels.len();
        let mut dz = Panels::from_rows(labels.len(), units, logits);
        let mut losses = vec![RowLoss::default(); labels.len()];
        loss(&mut Team::new(2), objective, labels, &mut dz, &mut losses);
        (dz.to_rows(labels.len()), losses)
    }

    const PLAIN: Objective<'_> = Objective { head: Head::Softmax, label_smoothing: 0.0, class_weights: &[], share: 1.0 };

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_number_of_classes() {
        let (dz, losses) = run(&PLAIN, &[0.0; 4], &[2]);
        assert_eq!(dz, [0.25, 0.25, -0.75, 0.25]);
        assert!((losses[0].loss - 4_f64.ln()).abs() < 1e-7 && !losses[0].is_correct);
        let (dz, losses) = run(&Objective { head: Head::Sigmoid, ..PLAIN }, &[0.0], &[1]);
        assert_eq!((dz[0], losses[0].is_correct), (-0.5, false));
    }

    #[test]
    fn smoothing_and_weights_are_those_of_the_formula() {
        let objective = Objective { label_smoothing: 0.2, class_weights: &[1.0, 2.0, 3.0, 4.0], share: 0.5, ..PLAIN };
        let (dz, _) = run(&objective, &[0.0; 4], &[2]);
        // A = 0.8 * 3 + 0.05 * 10 = 2.9
        for (found, expected) in dz.iter().zip([0.725 - 0.05, 0.725 - 0.1, 0.725 - 2.4 - 0.15, 0.725 - 0.2]) {
            assert!((found - 0.5 * expected).abs() < 1e-6, "{dz:?}");
        }
        let binary = Objective { head: Head::Sigmoid, label_smoothing: 0.2, class_weights: &[1.0, 3.0], share: 1.0 };
        assert!((run(&binary, &[0.0], &[1]).0[0] - 3.0 * (0.5 - 0.9)).abs() < 1e-6);
    }

    #[test]
    fn huge_logits_are_finite_and_nan_is_not_hidden() {
        let (dz, losses) = run(&PLAIN, &[1e4, -1e4, -1e4, 1e4], &[0, 0]);
        assert_eq!((dz, losses[1].loss), (vec![0.0, 0.0, -1.0, 1.0], 2e4));
        for logits in [[f32::NAN, 0.0], [0.0, f32::NAN]] {
            assert!(run(&PLAIN, &logits, &[0]).1[0].loss.is_nan());
        }
        assert!(run(&Objective { head: Head::Sigmoid, ..PLAIN }, &[f32::NAN], &[0]).1[0].loss.is_nan());
    }

    /// 200 classes in four panels: the gradient sums to zero, and agrees with 64-bit arithmetic.
    #[test]
    fn many_classes_span_panels() {
        let logits: Vec<f32> = (0..200).map(|i| (i * 37 % 101) as f32 / 20.0).collect();
        let (dz, losses) = run(&PLAIN, &logits, &[130]);
        let sum: f64 = logits.iter().map(|z| f64::from(*z).exp()).sum();
        for (class, (found, z)) in dz.iter().zip(&logits).enumerate() {
            let expected = f64::from(*z).exp() / sum - f64::from(u8::from(class == 130));
            assert!((f64::from(*found) - expected).abs() < 1e-6, "class {class}");
        }
        assert!((losses[0].loss - (sum.ln() - f64::from(logits[130]))).abs() < 1e-6);
    }
}
