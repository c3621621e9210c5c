//! Which products skipped zeros in training, and why.

use super::FusedStep;
use super::backward::{NARROW, SKIP_SLOPES_BELOW};
use super::forward::{drops_many, inputs_may_be_zero, outputs_may_be_zero, slopes_may_be_zero};
use super::layer::Layer;
use super::plan;

/// What a layer's products made of zeros in the training passes since [`reset_totals`](crate::Step::reset_totals).
#[derive(Clone, Debug, PartialEq)]
pub struct LayerProducts {
    /// Position of the layer.
    pub layer: u16,
    /// Forward and in the gradient of the weight: zeros among the layer's inputs, which are the outputs of the layer before it after dropout.
    pub inputs: ZeroSkipping,
    /// In the gradient at the inputs: zeros among the slopes of what made them; `None` for the first layer, whose inputs need no gradient.
    pub slopes: Option<ZeroSkipping>,
}

/// One choice between a product that skips zeros and one that does not, made anew in every pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroSkipping {
    /// Mean share of what was not zero; `None` where nobody looked.
    pub lit_share: Option<f64>,
    /// Zeros are skipped where that share is under this.
    pub skip_below: f64,
    /// Training passes: a step has as many as it has micro-batches.
    pub passes: u64,
    /// Those of them that skipped zeros.
    pub skipped: u64,
    /// Why, as half a sentence.
    pub reason: String,
}

/// What the passes of an epoch saw of one layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LayerTally {
    pub(super) inputs: Tally,
    pub(super) slopes: Tally,
}

/// Sums over passes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    passes: u64,
    skipped: u64,
    lit_shares: f64,
}

impl Tally {
    pub(super) fn add(&mut self, lit_share: f64, skips: bool) {
        self.passes += 1;
        self.skipped += u64::from(skips);
        self.lit_shares += lit_share;
    }

    /// The choice in full: `ruled_out` says why nobody looked.
    fn choice(self, ruled_out: Option<String>, skip_below: f64) -> ZeroSkipping {
        let lit_share = (ruled_out.is_none() && self.passes > 0).then(|| self.lit_shares / self.passes as f64);
        let reason = ruled_out.unwrap_or_else(|| {
            let percent = |share: f64| format!("{:.0} %", 100.0 * share);
            match (lit_share, self.skipped) {
                (None, _) => "nothing has been trained yet".into(),
                (Some(share), skipped) if skipped == self.passes => {
                    format!("{} not zero, under {}", percent(share), percent(skip_below))
                }
                (Some(share), 0) => format!("{} not zero, not under {}", percent(share), percent(skip_below)),
                (Some(share), skipped) => {
                    let passes = self.passes;
                    format!("{} not zero on average, under {} in {skipped} of {passes} passes", percent(share), percent(skip_below))
                }
            }
        });
        ZeroSkipping { lit_share, skip_below, passes: self.passes, skipped: self.skipped, reason }
    }
}

/// Every layer's choices.
pub(super) fn report(layers: &[Layer], tallies: &[LayerTally]) -> Vec<LayerProducts> {
    let of_layer = |(position, tally): (usize, &LayerTally)| LayerProducts {
        layer: layers[position].spec.index,
        inputs: tally.inputs.choice(why_no_zero_inputs(layers, position), FusedStep::SKIP_BELOW),
        slopes: (position > 0).then(|| tally.slopes.choice(why_no_zero_slopes(layers, position), SKIP_SLOPES_BELOW)),
    };
    tallies.iter().enumerate().map(of_layer).collect()
}

/// Why a training pass does not look for zeros among the inputs of the layer at `position`; `None` where it does.
fn why_no_zero_inputs(layers: &[Layer], position: usize) -> Option<String> {
    if inputs_may_be_zero(layers, position, true) {
        return None;
    }
    let is_noisy = layers[position].spec.input_noise != 0.0;
    Some(if is_noisy { "noise leaves few zeros".into() } else { why_no_zero_outputs(layers, position) })
}

/// Why a pass does not look for zeros among the slopes at the inputs of the layer at `position`, which is not the first; `None` where it does.
fn why_no_zero_slopes(layers: &[Layer], position: usize) -> Option<String> {
    if !slopes_may_be_zero(layers, position) {
        return Some(why_no_zero_outputs(layers, position));
    }
    let outputs = layers[position].spec.fan_out;
    (outputs < NARROW).then(|| format!("sums over {outputs} outputs, fewer than {NARROW}, are not worth choosing among"))
}

/// Why neither what comes before the layer at `position` nor its dropout makes many zeros.
fn why_no_zero_outputs(layers: &[Layer], position: usize) -> String {
    let Some(before) = position.checked_sub(1).map(|before| &layers[before]) else { return "the inputs are not looked at".into() };
    let activation = before.spec.activation.name();
    let source = match (before.activation.gives_zeros(), before.pieces()) {
        (true, _) if !outputs_may_be_zero(before) => format!("the normalisation after {activation} moves its zeros"),
        _ => format!("{activation} gives no zeros"),
    };
    let layer = &layers[position];
    match plan::dropout(&layer.spec, 0, 0) {
        Some(dropout) if !dropout.gives_zeros() => format!("{source}, and neither does its dropout"),
        Some(_) if !drops_many(layer) => format!("{source}, and a dropout of {} too few", layer.spec.input_dropout),
        _ => source,
    }
}
