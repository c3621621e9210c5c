//! What kernels are given, as they read it: each mirrors the structure of the same name in the `.cu` and `.cuh` files, which say what each
//! part is; a test compares their sizes. Shape suffixes: `r` replicas, `b` rows, `u` units, `f` features, `p` parameters.

#![expect(missing_docs, reason = "documented in the kernels' sources")]

use crate::{Activation, Dropout};

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

impl Draw {
    /// With noise of this standard deviation, 0 for none, and what a dropout drops.
    #[must_use]
    pub fn new(stddev: f64, dropout: Option<&Dropout>) -> Self {
        let kept = Self { stddev, threshold: 0, scale: 1.0, shift: 0.0, dropped: 0.0 };
        dropout.map_or(kept, |dropout| {
            let Dropout { threshold, scale, shift, dropped, .. } = *dropout;
            Self { threshold, scale, shift, dropped, ..kept }
        })
    }
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
    pub sums: Address,
    pub tickets: Address,
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
pub struct DenseForwardArguments {
    pub inputs: Values,
    pub weight: Values,
    pub bias: Values,
    pub z: Values,
    pub out: Values,
    pub progress: Address,
    pub draws: Draws,
    pub activation: ActivationArguments,
    pub rows: u32,
    pub fan_in: u32,
    pub units: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct DenseBackwardArguments {
    pub dz: Values,
    pub weight: Values,
    pub z: Values,
    pub bias: Values,
    pub progress: Address,
    pub draws: Draws,
    pub activation: ActivationArguments,
    pub rows: u32,
    pub fan_out: u32,
    pub units: u32,
    pub unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct DenseGradientArguments {
    pub dz: Values,
    pub inputs: Values,
    pub weight_gradient: Values,
    pub bias_gradient: Values,
    pub rows: u32,
    pub fan_in: u32,
    pub units: u32,
    pub adds: u32,
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

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ClipArguments {
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
