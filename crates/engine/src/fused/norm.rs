//! The normalisation of a layer: its parameters, what a pass keeps of it, and both directions.

use super::layer::{Maker, Tracked};
use super::plan::{self, NormPlan};
use crate::OptimizerConfig;
use crate::optimizer::Pace;
use relumine_kernels::norm::batch::{self, Moments};
use relumine_kernels::norm::{Affine, Gradient, layer};
use relumine_kernels::product::Finish;
use relumine_kernels::{Panels, Team, optimizer};
use relumine_model::{Role, norm::Position};

/// A normalisation with its parameters and buffers.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) plan: NormPlan,
    pub(super) weight: Tracked,
    pub(super) bias: Tracked,
    pub(super) gradient: Gradient,
    /// Mean and variance, where rows are normalised together.
    pub(super) running: Option<[Tracked; 2]>,
}

/// What a pass keeps of a normalisation. Shape suffixes: `b` rows, `v` normalised values of a row.
#[derive(Debug)]
pub(super) struct NormBuffers {
    /// `[b, v]`: what is normalised, and then what that gives, before scale and shift.
    pub(super) values: Panels,
    /// `[b, v]`: the slopes of the activation, where it came first.
    pub(super) slopes: Option<Panels>,
    /// Of a batch.
    moments: Moments,
    /// `[b]`: one over each row's deviation.
    inverse: Vec<f32>,
    /// Whether the moments were constants.
    are_constant: bool,
    /// What becomes of the running mean and variance if the step is sound: those of its passes, one after the other.
    next: [Panels; 2],
}

impl Norm {
    /// The layer's normalisation, if it has one, with fresh parameters.
    pub(super) fn new(maker: Maker<'_>) -> Option<Self> {
        let plan = plan::norm(&maker.spec.norm)?;
        let (weight, bias) = (maker.tensor(Role::NormWeight), maker.tensor(Role::NormBias));
        let running = plan.momentum.map(|_| [Role::RunningMean, Role::RunningVariance].map(|role| maker.tensor(role)));
        Some(Self { plan, gradient: Gradient::zeros(weight.value.columns()), weight, bias, running })
    }

    pub(super) fn comes_first(&self) -> bool {
        self.plan.position == Position::BeforeActivation
    }

    pub(super) fn parameters(&self) -> [(&Tracked, &Panels); 2] {
        [(&self.weight, &self.gradient.weight), (&self.bias, &self.gradient.bias)]
    }

    pub(super) fn parameters_mut(&mut self) -> [(&mut Tracked, &mut Panels); 2] {
        [(&mut self.weight, &mut self.gradient.weight), (&mut self.bias, &mut self.gradient.bias)]
    }

    pub(super) fn buffers(&self) -> impl Iterator<Item = &Tracked> {
        self.running.iter().flatten()
    }

    pub(super) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tracked> {
        [&mut self.weight, &mut self.bias].into_iter().chain(self.running.iter_mut().flatten())
    }

    /// Room for passes over `capacity` rows.
    pub(super) fn buffers_for(&self, capacity: usize, activation_is_elementwise: bool) -> NormBuffers {
        let units = self.weight.value.columns();
        let values = Panels::zeros(capacity, units);
        NormBuffers {
            slopes: (!self.comes_first() && activation_is_elementwise).then(|| values.clone()),
            values,
            moments: Moments::new(units),
            inverse: vec![0.0; capacity],
            are_constant: false,
            next: [Panels::zeros(1, units), Panels::zeros(1, units)],
        }
    }

    /// Begins a step: what follows the running statistics starts from them.
    pub(super) fn begin(&self, buffers: &mut NormBuffers) {
        for (next, running) in buffers.next.iter_mut().zip(self.buffers()) {
            next.values_mut().copy_from_slice(running.value.values());
        }
    }

    /// Ends a step that was sound: the running statistics take in its batches.
    pub(super) fn absorb(&mut self, buffers: &NormBuffers) {
        for (running, next) in self.running.iter_mut().flatten().zip(&buffers.next) {
            running.value.values_mut().copy_from_slice(next.values());
        }
    }

    /// Normalises the first `rows` rows of the buffer's values, and leaves them scaled, shifted and finished in `out`.
    pub(super) fn forward(
        &self,
        team: &mut Team,
        buffers: &mut NormBuffers,
        (rows, is_training): (usize, bool),
        out: (&mut Panels, Option<&mut Panels>),
        finish: Finish<'_>,
    ) {
        let [weight, bias] = [&self.weight, &self.bias].map(|tracked| if is_training { &tracked.value } else { tracked.evaluated() });
        let affine = Affine { weight, bias };
        let epsilon = self.plan.epsilon;
        let Some([mean, variance]) = &self.running else {
            return layer::forward(team, (epsilon, &mut buffers.inverse), affine, (&mut buffers.values, rows), out, finish);
        };
        // One row has no variance.
        buffers.are_constant = !is_training || rows == 1;
        if buffers.are_constant {
            buffers.moments.set(&mean.value, &variance.value, epsilon);
        } else {
            buffers.moments.measure(team, &buffers.values, rows, epsilon);
            buffers.follow(rows, self.plan.momentum.unwrap_or_default());
        }
        batch::forward(team, &buffers.moments, affine, (&mut buffers.values, rows), out, finish);
    }

    /// Turns the gradient at the outputs into the one at what was normalised, or further at what the activation before it read. The
    /// parameters take a step, or their gradients are left here.
    pub(super) fn backward(
        &mut self,
        team: &mut Team,
        buffers: &NormBuffers,
        rows: usize,
        dy: &mut Panels,
        step: Option<(&OptimizerConfig, Pace)>,
        add: bool,
    ) {
        let (normalized, weight, slopes) = (&buffers.values, &self.weight.value, buffers.slopes.as_ref());
        if self.running.is_some() {
            let of = batch::Backward { moments: &buffers.moments, are_constant: buffers.are_constant, normalized, weight, slopes };
            batch::backward(team, of, rows, dy, &mut self.gradient, add);
        } else {
            let of = layer::Backward { inverse: &buffers.inverse, normalized, weight, slopes };
            layer::backward(team, of, rows, dy, &mut self.gradient, add);
        }
        if let Some((config, pace)) = step {
            for (tracked, gradient) in self.parameters_mut() {
                let target = tracked.target(config, pace);
                optimizer::update(team, &target.update, target.parameter, gradient, target.slots);
            }
        }
    }
}

impl NormBuffers {
    /// `next <- (1 - momentum) next + momentum statistic`, the variance with 1/(rows - 1).
    fn follow(&mut self, rows: usize, momentum: f64) {
        let unbiased = (rows as f64 / (rows as f64 - 1.0)) as f32;
        let statistics = [(&self.moments.mean, 1.0), (&self.moments.variance, unbiased)];
        let (kept, newest) = ((1.0 - momentum) as f32, momentum as f32);
        for (next, (statistic, factor)) in self.next.iter_mut().zip(statistics) {
            for (next, statistic) in next.values_mut().iter_mut().zip(statistic.values()) {
                *next = *next * kept + (statistic * factor) * newest;
            }
        }
    }
}
