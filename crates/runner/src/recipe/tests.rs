use super::*;

fn load(text: &str, overrides: &[&str]) -> Result<Recipe, String> {
    let origin = Origin { name: "test".into(), shown: "test.toml".into(), text: text.into(), folder: None };
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    Recipe::load(&origin, &overrides).map_err(|failure| failure.to_string())
}

#[test]
fn an_empty_recipe_is_the_defaults_and_survives_writing() {
    let recipe = load("", &[]).unwrap();
    assert_eq!(recipe, Recipe { optimizer: OptimizerConfig::default().resolved(), ..Recipe::default() });
    assert_eq!(load(&recipe.to_toml().unwrap(), &[]).unwrap(), recipe);
}

#[test]
fn every_key_of_the_design_is_read() {
    let text = r#"
        [data]
        name = "mnist"
        validation = 5000
        test = 0.2
        stratified = false
        split_seed = 3
        scale = "standard"
        limit_train = 1000
        label = "kind"
        fold = { index = 2, of = 5 }
        [augment]
        shift = 2
        rotation = 10.0
        scale = 0.1
        elastic = { alpha = 34.0, sigma = 4 }
        fill = 0
        [model]
        hidden = [32]
        activation = { name = "tanh" }
        init = { name = "random_normal", stddev = 0.1 }
        output_init = "zeros"
        bias_init = "zeros"
        dropout = 0.5
        input_dropout = 0.2
        dropout_kind = "alpha_dropout"
        noise = 0.1
        input_noise = 0.2
        norm = { name = "batch", momentum = 0.01, epsilon = 1e-3, position = "after_activation" }
        head = "sigmoid"
        [optimizer]
        name = "sgd"
        learning_rate = 1e-2
        momentum = 0.9
        nesterov = true
        weight_decay = 0
        weight_decay_of = "all"
        l1 = 1e-5
        l2 = 1e-5
        max_norm = 3
        clip_norm = 1
        ema_decay = 0.99
        schedule = { name = "cosine", warmup = 100 }
        momentum_schedule = { name = "linear", duration = 3 }
        [train]
        epochs = 3
        batch_size = 32
        accumulate = 2
        seed = 1
        step = "auto"
        precision = "f32"
        label_smoothing = 0.1
        class_weights = "balanced"
        early_stopping = { patience = 2, min_delta = 0.1, monitor = "accuracy", restore_best = false }
        max_steps = 100
        max_minutes = 1.5
        target_accuracy = 0.9
        refit = false
        overfit_batches = 3
        checkpoint_steps = 10
    "#;
    let recipe = load(text, &[]).unwrap();
    assert_eq!(recipe.model.activation.name(), "tanh");
    assert_eq!(load(&recipe.to_toml().unwrap(), &[]).unwrap(), recipe);
}

#[test]
fn overrides_take_toml_or_plain_words() {
    let recipe = load("[model]\ndropout = 0.1", &["model.dropout=0.3", "model.activation=tanh", "model.hidden=[3, 4]"]).unwrap();
    assert_eq!((recipe.model.dropout, recipe.model.hidden.as_slice()), (0.3, [3, 4].as_slice()));
    assert_eq!(recipe.model.activation.name(), "tanh");
    let recipe = load("", &["train.early_stopping.patience=7"]).unwrap();
    assert_eq!(recipe.train.early_stopping, Some(EarlyStopping { patience: 7, ..EarlyStopping::default() }));
}

#[test]
fn a_key_can_be_left_out_by_an_empty_override() {
    let text = "[model]\ndropout = 0.1\ndropuot = 0.3\n[optimizer]\nclip_norm = 1.0";
    let overrides = ["model.dropuot=", "model.dropout=", "optimizer.clip_norm=", "optimizer.clip_value=", "train.early_stopping.patience="];
    assert_eq!(load(text, &overrides).unwrap(), load("", &[]).unwrap());
}

/// From the recipe that a run leaves behind, in which nothing is absent.
#[test]
fn any_optimiser_can_take_the_place_of_any_other_with_defaults_of_its_own() {
    const NAMES: [&str; 8] = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "lion"];
    for old in NAMES {
        let resolved = load(&format!("[optimizer]\nname = \"{old}\""), &[]).unwrap().to_toml().unwrap();
        for new in NAMES {
            let name = format!("optimizer.name={new}");
            assert_eq!(load(&resolved, &[&name]).unwrap(), load("", &[&name]).unwrap(), "{old} to {new}");
        }
    }
    let adamw = load(&load("", &[]).unwrap().to_toml().unwrap(), &["optimizer.name=adamw"]).unwrap();
    assert_eq!(adamw.optimizer.weight_decay, Some(0.01));
}

#[test]
fn another_optimiser_keeps_what_was_set_and_refuses_what_it_does_not_have() {
    let text = "[optimizer]\nlearning_rate = 0.05\nbetas = [0.8, 0.9]\nweight_decay = 0\nclip_norm = 1";
    let nadam = load(text, &["optimizer.name=nadam"]).unwrap().optimizer;
    assert_eq!((nadam.learning_rate, nadam.betas, nadam.clip_norm), (Some(0.05), Some([0.8, 0.9]), Some(1.0)));
    assert_eq!(load(text, &["optimizer.name=adamw"]).unwrap().optimizer.weight_decay, Some(0.01));
    let message = load(text, &["optimizer.name=sgd"]).unwrap_err();
    let expected = "optimizer.betas = [0.8, 0.9] is not usable: sgd has no such setting, adam, adamw, nadam, lion have; leave it out or \
                    change optimizer.name (--set optimizer.betas= leaves it out)";
    assert_eq!(message, expected);
    let sgd = load(text, &["optimizer.name=sgd", "optimizer.betas=", "optimizer.momentum=0.9"]).unwrap().optimizer;
    assert_eq!((sgd.learning_rate, sgd.betas, sgd.momentum), (Some(0.05), None, Some(0.9)));
    // What is said on the command line is meant, and stays where the name does.
    assert!(load("", &["optimizer.betas=[0.9, 0.999]", "optimizer.name=sgd"]).unwrap_err().contains("sgd has no such setting"));
    let adamw = load("", &["optimizer.name=adamw", "optimizer.weight_decay=0"]).unwrap().optimizer;
    assert_eq!(adamw.weight_decay, Some(0.0));
    let again = load("[optimizer]\nname = \"adam\"\nweight_decay = 0.0", &["optimizer.name=adam"]).unwrap().optimizer;
    assert_eq!((again.weight_decay, again.learning_rate), (Some(0.0), Some(1e-3)));
}

#[test]
fn the_words_of_others_lead_to_ours() {
    for (setting, expected) in [
        ("optimizer.lr=0.1", "optimizer.learning_rate"),
        ("optimizer.alpha=0.9", "optimizer.rho"),
        ("optimizer.eps=1e-7", "optimizer.epsilon"),
        ("optimizer.beta1=0.9", "optimizer.betas"),
        ("optimizer.beta_2=0.9", "optimizer.betas"),
        ("optimizer.clip=1", "optimizer.clip_norm"),
        ("optimizer.grad_clip=1", "optimizer.clip_norm"),
        ("optimizer.ema=0.9", "optimizer.ema_decay"),
        ("optimizer.lr_scheduler=cosine", "optimizer.schedule"),
        ("optimizer.name=rms_prop", "\"rmsprop\""),
        ("optimizer.name=RMSprop", "\"rmsprop\""),
        ("optimizer.schedule=plateau", "\"reduce_on_plateau\""),
        ("model.layers=[3]", "model.hidden"),
        ("model.batch_norm=true", "model.norm"),
        ("model.norm=batch_norm", "\"batch\""),
        ("model.norm=LayerNorm", "\"layer\""),
        ("model.activation=swish", "\"silu\""),
        ("model.activation=ReLU", "\"relu\""),
        ("model.activation=leaky-relu", "\"leaky_relu\""),
        ("model.activation={ name = \"leaky_relu\", alpha = 0.1 }", "model.activation.negative_slope"),
        ("model.init=xavier_uniform", "\"glorot_uniform\""),
        ("model.init=xavier_normal_", "\"glorot_normal\""),
        ("model.init=kaiming_uniform", "\"he_uniform\""),
        ("model.init=kaiming_normal", "\"he_normal\""),
        ("train.label_smooth=0.1", "train.label_smoothing"),
        ("train.smoothing=0.1", "train.label_smoothing"),
        ("train.patience=3", "train.early_stopping"),
        ("train.batch=3", "train.batch_size"),
        ("data.val_split=0.1", "data.validation"),
        ("augment.translate=2", "augment.shift"),
        ("augment.zoom=0.1", "augment.scale"),
        ("augmentation.shift=2", "augment"),
        ("data.scale=minmax", "\"unit\""),
        ("dropout=0.1", "model.dropout"),
        ("epochs=3", "train.epochs"),
        ("seed=1", "train.seed"),
        ("batch_size=3", "train.batch_size"),
        ("lr=3", "optimizer.learning_rate"),
        ("hidden=[3]", "model.hidden"),
        ("train.lr=3", "optimizer.learning_rate"),
        ("train.dropout=0.1", "model.dropout"),
    ] {
        let message = load("", &[setting]).unwrap_err();
        assert!(message.contains(&format!("did you mean {expected}?")), "{setting}: {message}");
    }
}

#[test]
fn a_list_is_no_table() {
    for (setting, key) in [
        ("train.early_stopping=[1, 2]", "train.early_stopping"),
        ("augment=[1]", "augment"),
        ("data.fold=[1, 2]", "data.fold"),
        ("train=[3]", "train"),
        ("model=[[8]]", "model"),
        ("optimizer=[\"sgd\"]", "optimizer"),
        ("data=[\"digits\"]", "data"),
        ("probes=[1, 2]", "probes"),
        ("model.activation=[\"relu\"]", "model.activation"),
    ] {
        let message = load("", &[setting]).unwrap_err();
        assert!(message.starts_with(&format!("test.toml: {key} is not usable: ")), "{setting}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn an_average_that_looks_back_beyond_the_start_is_noticed() {
    let recipe = load("[optimizer]\nema_decay = 0.99", &[]).unwrap();
    let plan = |total_steps| Horizon { steps_per_epoch: 10, total_steps };
    assert!(recipe.steps_before_average(plan(90)).is_some_and(|steps| (steps - 100.0).abs() < 1e-9));
    assert_eq!(recipe.steps_before_average(plan(200)), None);
    assert_eq!(load("", &[]).unwrap().steps_before_average(plan(1)), None);
}

#[test]
fn mistakes_are_named_with_the_nearest_key() {
    for (text, overrides, expected) in [
        ("[model]\ndropuot = 0.3", vec![], "test.toml: model.dropuot is no recipe key; did you mean model.dropout?"),
        ("[modle]\ndropout = 0.3", vec![], "test.toml: modle is no recipe key; did you mean model?"),
        ("[model]\nactivation = \"rellu\"", vec![], "model.activation = \"rellu\" is not known; did you mean \"relu\"?"),
        ("[train]\nepochs = \"many\"", vec![], "train.epochs"),
        ("[train]\nepochs = 0", vec![], "train.epochs = 0"),
        ("[train\nepochs = 1", vec![], "test.toml, line 1"),
        ("[train]\nepochs = 1\nepochs = 2", vec![], "test.toml, line 3: duplicate key: mend `epochs = 2`"),
        ("", vec!["model.hidden=8"], "expected a list, such as [256, 256]"),
        ("", vec!["model.hiden=[1]"], "model.hiden is no recipe key; did you mean model.hidden?"),
        ("", vec!["optimizer.learning_rate=-1"], "optimizer.learning_rate = -1"),
        ("", vec!["train.batch_size=0"], "train.batch_size = 0"),
        ("", vec!["model.dropout=1.0"], "model.dropout = 1"),
        ("", vec!["data.validation=-5"], "data.validation"),
        ("", vec!["augment.shift=-1"], "augment.shift = -1"),
        ("", vec!["augment.elastic={ alpha = 34 }"], "augment.elastic is not usable: missing field `sigma`"),
        ("", vec!["augment.elastic.sigma=0", "augment.elastic.alpha=1"], "augment.elastic.sigma = 0"),
        ("", vec!["augment.rotate=10"], "augment.rotate is no recipe key; did you mean augment.rotation?"),
        ("", vec!["train.seed=-1"], "train.seed"),
        ("", vec!["train.accumulate=0"], "train.accumulate = 0"),
        ("", vec!["train.target_accuracy=98"], "train.target_accuracy = 98"),
        ("", vec!["train.max_minutes=0"], "train.max_minutes = 0"),
        ("", vec!["train.class_weights=even"], "or \"balanced\""),
        ("", vec!["train.refit=true", "train.overfit_batches=1"], "train.refit = true"),
        ("", vec!["train.refit=true", "optimizer.schedule=reduce_on_plateau"], "optimizer.schedule = reduce_on_plateau"),
        ("", vec!["optimizer.schedule={ name = \"step\" }"], "missing field `step_size`"),
        ("", vec!["model.norm=bach"], "did you mean \"batch\"?"),
        ("", vec!["optimizer.name=adamax"], "did you mean \"adam\"?"),
        ("", vec!["optimizer.name=swag"], "did you mean \"adagrad\"?"),
        ("", vec!["optimizer.rho=0.9"], "adam has no such setting, rmsprop, adadelta have"),
        ("", vec!["optimizer.nesterov=true"], "adam has no such setting, sgd has"),
        ("", vec!["train.label_smoothing=1"], "train.label_smoothing = 1 is not usable: it is a share of each label"),
        ("", vec!["train.label_smoothing=-0.1"], "train.label_smoothing = -0.1"),
        ("", vec!["model.dropuot="], "model.dropuot is no recipe key; did you mean model.dropout?"),
        ("", vec!["dropout"], "--set dropout is not KEY=VALUE"),
        ("[model]\nactivation = \"relu\"", vec!["model.activation.slope=1"], "model.activation is no table"),
    ] {
        let message = load(text, &overrides).unwrap_err();
        assert!(message.contains(expected), "{text:?} {overrides:?}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}
