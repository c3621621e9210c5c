//! Which configurations have a fused form, and what the kernels are told of them.

use crate::OptimizerConfig;
use crate::optimizer::{Nadam, OptimizerName, Pace};
use candle_core::Device;
use relumine_kernels::optimizer::{Decay, Rule, Update};
use relumine_kernels::{Activation, Dropout, Noise};
use relumine_model::norm::Position;
use relumine_model::{DropoutKind, LayerSpec, Norm, Role, activation};
use relumine_random::{Purpose, Stream};

/// Why a configuration has no fused form, as the end of a sentence; `Ok` where it has one.
pub(super) fn check(device: &Device) -> Result<(), String> {
    if device.is_cpu() { Ok(()) } else { Err("this fused step runs on the CPU alone".into()) }
}

/// The kernel of an activation; that of a maxout, which is no function of one number, is the identity.
pub(crate) fn kernel_activation(activation: &activation::Activation) -> Activation {
    use activation::{Activation as Kind, Approximation, ScaledTanh, Selu};
    match activation {
        Kind::Identity(_) | Kind::Maxout(_) => Activation::Identity,
        Kind::Sigmoid(_) => Activation::Sigmoid,
        Kind::Tanh(_) => Activation::Tanh,
        Kind::Relu(_) => Activation::Relu,
        Kind::LeakyRelu(leaky) => Activation::LeakyRelu { negative_slope: leaky.negative_slope as f32 },
        Kind::Elu(elu) => Activation::Elu { alpha: elu.alpha as f32, scale: 1.0 },
        Kind::Selu(_) => Activation::Elu { alpha: Selu::ALPHA as f32, scale: Selu::SCALE as f32 },
        Kind::Gelu(gelu) if gelu.approximate == Approximation::Tanh => Activation::GeluTanh,
        Kind::Gelu(_) => Activation::Gelu,
        Kind::Silu(_) => Activation::Silu,
        Kind::Softplus(_) => Activation::Softplus,
        Kind::Softsign(_) => Activation::Softsign,
        Kind::HardSigmoid(_) => Activation::HardSigmoid,
        Kind::Mish(_) => Activation::Mish,
        Kind::ScaledTanh(_) => Activation::ScaledTanh { scale: ScaledTanh::SCALE as f32, stretch: ScaledTanh::STRETCH as f32 },
    }
}

/// How a layer is normalised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NormPlan {
    pub(crate) position: Position,
    pub(crate) epsilon: f64,
    /// Weight of the newest batch in the running statistics, where rows are normalised together; a row by itself has none.
    pub(crate) momentum: Option<f64>,
}

/// How a layer is normalised, if it is.
pub(crate) fn norm(norm: &Norm) -> Option<NormPlan> {
    match norm {
        Norm::NoNorm(_) => None,
        Norm::BatchNorm(batch) => Some(NormPlan { position: batch.position, epsilon: batch.epsilon, momentum: Some(batch.momentum) }),
        Norm::LayerNorm(layer) => Some(NormPlan { position: layer.position, epsilon: layer.epsilon, momentum: None }),
    }
}

/// What a training step adds to the inputs of `layer`.
pub(super) fn noise(layer: &LayerSpec, seed: u64, step: u32) -> Option<Noise> {
    let stream = Stream::new(seed, Purpose::Noise, layer.index);
    (layer.input_noise != 0.0).then(|| Noise::new(stream, step, layer.input_noise))
}

/// What a training step drops of the inputs of `layer`.
pub(crate) fn dropout(layer: &LayerSpec, seed: u64, step: u32) -> Option<Dropout> {
    let rate = layer.input_dropout;
    let stream = Stream::new(seed, Purpose::Dropout, layer.index);
    match layer.dropout_kind {
        _ if rate == 0.0 => None,
        DropoutKind::Dropout => Some(Dropout::new(stream, step, rate)),
        DropoutKind::AlphaDropout => {
            let (a, b, alpha) = relumine_model::alpha_dropout_constants(rate);
            Some(Dropout::affine(stream, step, rate, (a as f32, b as f32, (a * alpha + b) as f32)))
        }
    }
}

/// The constants of one step for a parameter of this role.
pub(crate) fn update(config: &OptimizerConfig, pace: Pace, role: Role, gradient_scale: f64) -> Update {
    let decay = config.decay_of(role);
    let decouples = config.name.decouples_weight_decay();
    Update {
        rule: rule(config, pace),
        gradient_scale: gradient_scale as f32,
        clip_value: config.clip_value.map_or(f32::INFINITY, |value| value as f32),
        coupled_decay: if decouples { 0.0 } else { decay as f32 },
        shrink: if decouples { (1.0 - pace.learning_rate * decay) as f32 } else { 1.0 },
    }
}

fn rule(config: &OptimizerConfig, pace: Pace) -> Rule {
    let learning_rate = pace.learning_rate as f32;
    let epsilon = config.epsilon.unwrap_or_default() as f32;
    let rho = Decay::of(config.rho.unwrap_or_default());
    let beta2 = config.betas.unwrap_or_default()[1];
    let betas = [Decay::of(pace.momentum), Decay::of(beta2)];
    let root = (1.0 - libm::pow(beta2, pace.step as f64)).sqrt().recip() as f32;
    let has_momentum = config.momentum.is_some_and(|momentum| momentum != 0.0);
    match config.name {
        OptimizerName::Sgd if has_momentum => {
            Rule::Momentum { learning_rate, momentum: pace.momentum as f32, nesterov: config.nesterov == Some(true) }
        }
        OptimizerName::Sgd => Rule::Sgd { learning_rate },
        OptimizerName::Adam | OptimizerName::Adamw => {
            let correction1 = 1.0 - libm::pow(pace.momentum, pace.step as f64);
            Rule::Adam { rate: (pace.learning_rate / correction1) as f32, betas, root, epsilon }
        }
        OptimizerName::Nadam => {
            let (of_gradient, of_mean) = Nadam::from_config(config).shares(pace.step);
            let (of_gradient, of_mean) = (of_gradient as f32, of_mean as f32);
            Rule::Nadam { learning_rate, betas, root, epsilon, of_gradient, of_mean }
        }
        OptimizerName::Rmsprop => {
            let momentum = has_momentum.then_some(pace.momentum as f32);
            Rule::RmsProp { learning_rate, rho, epsilon, momentum, centered: config.centered == Some(true) }
        }
        OptimizerName::Adagrad => Rule::Adagrad { learning_rate, epsilon },
        OptimizerName::Adadelta => Rule::Adadelta { learning_rate, rho, epsilon },
        OptimizerName::Lion => Rule::Lion { learning_rate, betas },
    }
}
