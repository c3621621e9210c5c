//! What others call the things that a recipe names: no measure of likeness leads from `swish` to `silu`.

/// A name of ours and what else it is called: in PyTorch, in Keras, in papers.
const SYNONYMS: &[(&str, &[&str])] = &[
    // [data] and [model]
    ("name", &["dataset", "path", "file"]),
    ("label", &["target", "label_column", "class_column"]),
    ("validation", &["val", "val_split", "validation_split", "val_size"]),
    ("stratified", &["stratify"]),
    ("unit", &["minmax", "min_max", "min_max_scaler", "minmaxscaler", "0_1"]),
    ("standard", &["standardize", "standard_scaler", "standardscaler", "z_score", "zscore"]),
    ("hidden", &["layers", "units", "hidden_layers", "hidden_sizes", "hidden_units", "hidden_dims"]),
    ("init", &["initializer", "weight_init", "kernel_init", "kernel_initializer"]),
    ("bias_init", &["bias_initializer"]),
    ("norm", &["batch_norm", "batchnorm", "layer_norm", "layernorm", "normalization"]),
    ("negative_slope", &["alpha", "slope", "leak"]),
    // [augment]
    ("augment", &["augmentation", "augmentations", "transforms"]),
    ("shift", &["translate", "translation", "width_shift_range", "height_shift_range"]),
    ("rotation", &["rotate", "angle", "degrees", "rotation_range"]),
    ("scale", &["zoom", "zoom_range"]),
    ("elastic", &["distortion", "elastic_transform"]),
    ("fill", &["fill_value", "cval", "background"]),
    // [optimizer]
    ("learning_rate", &["lr", "rate", "eta", "step_size"]),
    ("rho", &["alpha", "decay_rate", "smoothing_constant"]),
    ("betas", &["beta", "beta1", "beta2", "beta_1", "beta_2", "b1", "b2"]),
    ("epsilon", &["eps"]),
    ("weight_decay", &["wd", "decay", "decoupled_weight_decay"]),
    ("clip_norm", &["clip", "grad_clip", "gradient_clip", "clipnorm", "global_clipnorm", "max_grad_norm", "grad_clip_norm"]),
    ("clip_value", &["clipvalue", "grad_clip_value"]),
    ("ema_decay", &["ema", "use_ema", "ema_momentum", "average"]),
    ("schedule", &["scheduler", "lr_schedule", "lr_scheduler", "learning_rate_schedule"]),
    // [train]
    ("batch_size", &["batch", "bs", "minibatch"]),
    ("epochs", &["epoch", "num_epochs", "max_epochs", "n_epochs"]),
    ("accumulate", &["grad_accum", "gradient_accumulation", "gradient_accumulation_steps", "accumulation_steps"]),
    ("seed", &["random_seed", "random_state"]),
    ("precision", &["dtype"]),
    ("label_smoothing", &["label_smooth", "smoothing", "label_smoothing_factor"]),
    ("class_weights", &["class_weight", "weights"]),
    ("early_stopping", &["patience", "early_stop"]),
    // Activations
    ("silu", &["swish"]),
    ("sigmoid", &["logistic"]),
    ("identity", &["linear", "none", "eye", "eye_"]),
    ("leaky_relu", &["lrelu", "leaky"]),
    // Initialisers
    ("glorot_uniform", &["xavier", "xavier_uniform", "xavier_uniform_", "glorot"]),
    ("glorot_normal", &["xavier_normal", "xavier_normal_"]),
    ("he_uniform", &["kaiming_uniform", "kaiming_uniform_"]),
    ("he_normal", &["kaiming", "kaiming_normal", "kaiming_normal_", "he"]),
    ("random_normal", &["normal", "normal_", "gaussian"]),
    ("random_uniform", &["uniform", "uniform_"]),
    ("truncated_normal", &["trunc_normal", "trunc_normal_"]),
    ("torch_linear", &["torch", "pytorch", "default"]),
    // Norms, optimisers and schedules
    ("batch", &["batch_norm", "batchnorm", "bn", "batch_normalization"]),
    ("layer", &["layer_norm", "layernorm", "ln", "layer_normalization"]),
    ("rmsprop", &["rms_prop", "rms"]),
    ("adamw", &["adam_w"]),
    ("sgd", &["momentum", "nesterov", "gradient_descent"]),
    ("reduce_on_plateau", &["plateau", "reduce_lr_on_plateau"]),
    ("polynomial", &["linear"]),
    ("exponential", &["exp", "exponential_decay"]),
    ("sutskever", &["nesterov"]),
];

/// The name among `known` that `culprit` is another word or spelling for.
pub(super) fn find<'a>(culprit: &str, known: &[&'a str]) -> Option<&'a str> {
    let culprit = culprit.to_lowercase().replace(['-', ' '], "_");
    let is_meant = |name: &&&str| **name == culprit || SYNONYMS.iter().any(|(ours, others)| ours == *name && others.contains(&&*culprit));
    known.iter().find(is_meant).copied()
}
