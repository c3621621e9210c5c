//! What kernels are given, as they read it: each mirrors the structure of the same name in the `.cu` and `.cuh` files, which say what each
//! part is; a test compares their sizes. Shape suffixes: `r` replicas, `b` rows, `u` units, `f` features, `p` parameters.

#![expect(missing_docs, reason = "documented in the kernels' sources")]

use crate::Activation;
use crate::optimizer::{Decay, Rule, Update};

/// A place on the device; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Address(pub u64);

impl Address {
    /// No place.
    pub const NONE: Self = Self(0);

    /// So many words of four bytes further on.
    #[must_use]
    pub fn words(self, count: usize) -> Self {
        Self(self.0 + 4 * count as u64)
    }
}

/// An array of f32 with one part for each replica, `stride` elements apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Values {
    pub first: Address,
    pub stride: u64,
}

impl Values {
    /// No array.
    pub const NONE: Self = Self { first: Address::NONE, stride: 0 };
}

/// Where a replica's training stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Progress {
    pub loss: f64,
    pub correct: u64,
    pub rows: u64,
    pub step_loss: f64,
    pub step_correct: u64,
    pub step_rows: u64,
    pub steps: u64,
    pub failed: u32,
    pub unused: u32,
}

/// What a training step adds to and drops of one layer's inputs, for one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Draw {
    pub stddev: f64,
    pub threshold: u32,
    pub scale: f32,
    pub shift: f32,
    pub dropped: f32,
}

/// Random changes of a layer's inputs, for all replicas.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Draws {
    pub of_replica: Address,
    pub keys: Address,
    pub first_row: u32,
    pub noise_stream: u32,
    pub dropout_stream: u32,
    pub has_noise: u32,
    pub has_dropout: u32,
    pub unused: u32,
}

/// An activation with its parameters, as kernels know it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ActivationArguments {
    pub kind: u32,
    pub first: f32,
    pub second: f32,
    pub unused: u32,
}

impl From<Activation> for ActivationArguments {
    fn from(activation: Activation) -> Self {
        let (kind, first, second) = match activation {
            Activation::Identity => (0, 0.0, 0.0),
            Activation::Sigmoid => (1, 0.0, 0.0),
            Activation::Tanh => (2, 0.0, 0.0),
            Activation::Relu => (3, 0.0, 0.0),
            Activation::LeakyRelu { negative_slope } => (4, negative_slope, 0.0),
            Activation::Elu { alpha, scale } => (5, alpha, scale),
            Activation::Gelu => (6, 0.0, 0.0),
            Activation::GeluTanh => (7, 0.0, 0.0),
            Activation::Silu => (8, 0.0, 0.0),
            Activation::Softplus => (9, 0.0, 0.0),
            Activation::Softsign => (10, 0.0, 0.0),
            Activation::HardSigmoid => (11, 0.0, 0.0),
            Activation::Mish => (12, 0.0, 0.0),
            Activation::ScaledTanh { scale, stretch } => (13, scale, stretch),
        };
        Self { kind, first, second, unused: 0 }
    }
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct GatherArguments {
    pub bytes: Address,
    pub numbers: Address,
    pub offset: Address,
    pub divisor: Address,
    pub order: Address,
    pub slot: Address,
    pub progress: Address,
    pub inputs: Values,
    pub draws: Draws,
    pub capacity: u32,
    pub first_row: u32,
    pub rows: u32,
    pub features: u32,
    pub replicas: u32,
    pub constants_per_feature: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ActivateArguments {
    pub z: Values,
    pub bias: Values,
    pub out: Values,
    pub progress: Address,
    pub draws: Draws,
    pub activation: ActivationArguments,
    pub rows: u32,
    pub units: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ActivateBackwardArguments {
    pub dy: Values,
    pub z: Values,
    pub bias: Values,
    pub dz: Values,
    pub bias_gradient: Values,
    pub progress: Address,
    pub draws: Draws,
    pub activation: ActivationArguments,
    pub rows: u32,
    pub units: u32,
    pub adds: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct MaxoutArguments {
    pub z: Values,
    pub bias: Values,
    pub y: Values,
    pub rows: u32,
    pub units: u32,
    pub pieces: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BatchNormArguments {
    pub x: Values,
    pub out: Values,
    pub weight: Values,
    pub bias: Values,
    pub running_mean: Values,
    pub running_variance: Values,
    pub next_mean: Values,
    pub next_variance: Values,
    pub inverse: Values,
    pub epsilon: f32,
    pub kept: f32,
    pub newest: f32,
    pub unbiased: f32,
    pub is_constant: u32,
    pub rows: u32,
    pub units: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct NormBackwardArguments {
    pub dy: Values,
    pub normalized: Values,
    pub dx: Values,
    pub weight: Values,
    pub inverse: Values,
    pub weight_gradient: Values,
    pub bias_gradient: Values,
    pub is_constant: u32,
    pub rows: u32,
    pub units: u32,
    pub adds: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct LayerNormArguments {
    pub x: Values,
    pub out: Values,
    pub weight: Values,
    pub bias: Values,
    pub inverse: Values,
    pub epsilon: f32,
    pub rows: u32,
    pub units: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct LossArguments {
    pub logits: Values,
    pub bias: Values,
    pub bias_gradient: Values,
    pub labels: Address,
    pub order: Address,
    pub slot: Address,
    pub shares: Address,
    pub class_weights: Address,
    pub losses: Address,
    pub hits: Address,
    pub tickets: Address,
    pub progress: Address,
    pub label_smoothing: f32,
    pub weight_sum: f32,
    pub is_sigmoid: u32,
    pub capacity: u32,
    pub first_row: u32,
    pub rows: u32,
    pub units: u32,
    pub replicas: u32,
    pub adds: u32,
    pub unused: u32,
}

/// The constants of one step for one kind of parameter of one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct UpdateConstants {
    pub learning_rate: f32,
    pub old1: f32,
    pub new1: f32,
    pub old2: f32,
    pub new2: f32,
    pub root: f32,
    pub epsilon: f32,
    pub momentum: f32,
    pub of_gradient: f32,
    pub of_mean: f32,
    pub clip_value: f32,
    pub coupled_decay: f32,
    pub shrink: f32,
    pub l1: f32,
    pub l2: f32,
    pub average_old: f32,
    pub average_new: f32,
    pub unused: f32,
}

impl UpdateConstants {
    /// Those of an update of the CPU's; without penalties and average.
    #[must_use]
    pub fn new(update: &Update) -> Self {
        let Update { rule, clip_value, coupled_decay, shrink, .. } = *update;
        let constants = Self { clip_value, coupled_decay, shrink, ..Self::default() };
        match rule {
            Rule::Sgd { learning_rate } => Self { learning_rate, ..constants },
            Rule::Momentum { learning_rate, momentum, .. } => Self { learning_rate, momentum, ..constants },
            Rule::Adam { rate, betas: [mean, square], root, epsilon } => {
                let constants = Self { learning_rate: rate, root, epsilon, ..constants };
                Self { old1: mean.old, new1: mean.new, old2: square.old, new2: square.new, ..constants }
            }
            Rule::Nadam { learning_rate, betas: [mean, square], root, epsilon, of_gradient, of_mean } => {
                let constants = Self { learning_rate, root, epsilon, of_gradient, of_mean, ..constants };
                Self { old1: mean.old, new1: mean.new, old2: square.old, new2: square.new, ..constants }
            }
            Rule::RmsProp { learning_rate, rho, epsilon, momentum, .. } => {
                let momentum = momentum.unwrap_or_default();
                Self { learning_rate, old1: rho.old, new1: rho.new, epsilon, momentum, ..constants }
            }
            Rule::Adagrad { learning_rate, epsilon } => Self { learning_rate, epsilon, ..constants },
            Rule::Adadelta { learning_rate, rho, epsilon } => Self { learning_rate, old1: rho.old, new1: rho.new, epsilon, ..constants },
            Rule::Lion { learning_rate, betas: [direction, mean] } => {
                let constants = Self { learning_rate, old1: direction.old, new1: direction.new, ..constants };
                Self { old2: mean.old, new2: mean.new, ..constants }
            }
        }
    }
}

impl UpdateConstants {
    /// With the gradients of `l1 sum |w| + l2 sum w^2`.
    #[must_use]
    pub fn with_penalties(self, l1: f32, l2: f32) -> Self {
        Self { l1, l2, ..self }
    }

    /// With the weights of a moving average of the parameters.
    #[must_use]
    pub fn with_average(self, weights: Decay) -> Self {
        Self { average_old: weights.old, average_new: weights.new, ..self }
    }
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct UpdateArguments {
    pub parameters: Values,
    pub gradients: Values,
    pub slots: [Values; 3],
    pub groups: Address,
    pub constants: Address,
    pub scales: Address,
    pub slot: Address,
    pub next_slot: Address,
    pub tickets: Address,
    pub progress: Address,
    pub rule: u32,
    pub has_momentum: u32,
    pub is_centered: u32,
    pub is_nesterov: u32,
    pub replicas: u32,
    pub unused: u32,
}

impl UpdateArguments {
    /// With the rule of an update of the CPU's.
    #[must_use]
    pub fn with_rule(self, rule: Rule) -> Self {
        match rule {
            Rule::Sgd { .. } => Self { rule: 0, ..self },
            Rule::Momentum { nesterov, .. } => Self { rule: 1, is_nesterov: nesterov.into(), ..self },
            Rule::Adam { .. } => Self { rule: 2, ..self },
            Rule::Nadam { .. } => Self { rule: 3, ..self },
            Rule::RmsProp { momentum, centered, .. } => {
                Self { rule: 4, has_momentum: momentum.is_some().into(), is_centered: centered.into(), ..self }
            }
            Rule::Adagrad { .. } => Self { rule: 5, ..self },
            Rule::Adadelta { .. } => Self { rule: 6, ..self },
            Rule::Lion { .. } => Self { rule: 7, ..self },
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct NormArguments {
    pub parameters: Values,
    pub gradients: Values,
    pub groups: Address,
    pub constants: Address,
    pub slot: Address,
    pub partial: Address,
    pub tickets: Address,
    pub scales: Address,
    pub clip_norm: f64,
    pub replicas: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BoundArguments {
    pub weight: Values,
    pub progress: Address,
    pub max_norm: f32,
    pub rows: u32,
    pub columns: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FinishArguments {
    pub parameters: Values,
    pub average: Values,
    pub running: Values,
    pub next: Values,
    pub constants: Address,
    pub slot: Address,
    pub tickets: Address,
    pub progress: Address,
    pub num_parameters: u32,
    pub num_statistics: u32,
    pub replicas: u32,
    pub unused: u32,
}

/// What arrays on the device are made of.
///
/// # Safety
/// Any bytes of it may be read: it has no padding.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: numbers.
unsafe impl Plain for f32 {}
// SAFETY: numbers.
unsafe impl Plain for u32 {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for Progress {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for Draw {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for UpdateConstants {}

/// The bytes of an array for the device.
#[must_use]
#[expect(private_bounds, reason = "for the types of this crate alone")]
pub fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: initialised memory without padding, as `Plain` promises.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to overwrite.
#[expect(private_bounds, reason = "for the types of this crate alone")]
pub fn bytes_of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bytes make a number.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}
