//! What kernels compute may not depend on the order in which blocks and threads come.

use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use crate::step::fused_in;
use relumine_kernels::gpu::{Emulator, Order};
use serde_json::json;

#[test]
fn threads_and_blocks_may_come_in_any_order() {
    let settings = [json!({ "clip_norm": 0.1, "l2": 0.01, "max_norm": 1.0, "ema_decay": 0.9 }), json!({ "name": "sgd", "momentum": 0.9 })];
    let models = [
        json!({ "hidden": [300, 70], "dropout": 0.5, "noise": 0.1, "input_dropout": 0.2 }),
        json!({ "hidden": [70, 33], "norm": "batch", "activation": "tanh" }),
        json!({ "hidden": [70, 33], "norm": { "name": "layer", "position": "after_activation" }, "activation": "maxout", "dropout": 0.3 }),
        json!({ "hidden": [17], "head": "sigmoid" }),
    ];
    for (model, settings) in models.iter().flat_map(|model| settings.iter().map(move |settings| (model, settings))) {
        let classes = if model["head"] == json!("sigmoid") { 2 } else { 300 };
        let case = Case::new(model, (200, 33, classes, Kind::StandardBytes)).optimizer(settings).micro_batch(Some(70));
        let [mut forward, mut backward] =
            [Order::Forward, Order::Backward].map(|order| fused_in(order, &case.architecture, &case.training));
        case.train(&mut forward, &[130, 1, 70]);
        case.train(&mut backward, &[130, 1, 70]);
        let ((ours, our_state, our_totals), (theirs, their_state, their_totals)) = (all_of(&backward), all_of(&forward));
        assert_same(&case.name, &ours, &theirs);
        assert_same(&case.name, &our_state, &their_state);
        assert_eq!(our_totals, their_totals, "{}", case.name);
    }
}

/// The Rust and the C++ descriptions of the same arguments.
#[test]
fn arguments_have_the_sizes_that_kernels_read() {
    use relumine_kernels::gpu::{
        ActivateArguments, ActivateBackwardArguments, BatchNormArguments, BoundArguments, ClipArguments, DenseBackwardArguments,
        DenseForwardArguments, DenseGradientArguments, Draw, FinishArguments, GatherArguments, LayerNormArguments, LossArguments,
        MaxoutArguments, NormBackwardArguments, Progress, UpdateArguments, UpdateConstants,
    };
    let emulator = Emulator::new(Order::Forward).unwrap();
    for (name, size) in [
        ("gather", size_of::<GatherArguments>()),
        ("activate", size_of::<ActivateArguments>()),
        ("activate_backward", size_of::<ActivateBackwardArguments>()),
        ("dense_forward", size_of::<DenseForwardArguments>()),
        ("dense_backward", size_of::<DenseBackwardArguments>()),
        ("dense_gradient", size_of::<DenseGradientArguments>()),
        ("maxout", size_of::<MaxoutArguments>()),
        ("maxout_backward", size_of::<MaxoutArguments>()),
        ("batch_norm", size_of::<BatchNormArguments>()),
        ("batch_norm_backward", size_of::<NormBackwardArguments>()),
        ("layer_norm", size_of::<LayerNormArguments>()),
        ("layer_norm_gradient", size_of::<NormBackwardArguments>()),
        ("layer_norm_backward", size_of::<NormBackwardArguments>()),
        ("loss", size_of::<LossArguments>()),
        ("update", size_of::<UpdateArguments>()),
        ("clip_scale", size_of::<ClipArguments>()),
        ("bound_norms", size_of::<BoundArguments>()),
        ("finish", size_of::<FinishArguments>()),
        ("Progress", size_of::<Progress>()),
        ("Draw", size_of::<Draw>()),
        ("UpdateConstants", size_of::<UpdateConstants>()),
        ("no kernel", 0),
    ] {
        assert_eq!(emulator.size_of(name).unwrap(), size, "{name}");
    }
}
