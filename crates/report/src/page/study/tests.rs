//! What a page says of a small study.

use super::*;
use crate::{Contrast, Estimate, LayerMeans, StudyCell};
use std::collections::BTreeMap;

/// Two activations by two depths; sigmoid does not learn when it is deep.
fn study() -> Study {
    let cell = |activation: &str, depth: u64, accuracies: [f64; 2]| {
        let labels = [("model.activation", activation.to_owned()), ("model.depth", format!("depth {depth}"))];
        let labels: BTreeMap<String, String> = labels.into_iter().map(|(axis, label)| (axis.to_owned(), label)).collect();
        let flow = |layer: u64| LayerMeans {
            layer: format!("layers.{layer}"),
            activation_sd: 1.0,
            activation_percentiles: [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0],
            gradient_sd: 0.5,
            gradient_percentiles: [f64::NAN; 7],
            weight_gradient_norm: 0.1_f64.powi(layer as i32),
            saturated: None,
            dead: None,
        };
        let point = |epoch| crate::CurvePoint {
            epoch,
            train_loss: 1.0 / epoch as f64,
            train_accuracy: 0.5,
            validation_loss: Some(2.0 / epoch as f64),
            validation_accuracy: Some(0.25),
        };
        StudyCell {
            name: format!("{activation}, depth {depth}"),
            settings: BTreeMap::new(),
            labels,
            seeds: vec![0, 1],
            trials: Vec::new(),
            failed: 0,
            error: None,
            halted_after: None,
            parameters: 10,
            train_rows: 100,
            validation_rows: 50,
            measures: BTreeMap::from([("validation_accuracy".to_owned(), Estimate::of(accuracies.to_vec()).unwrap())]),
            validation_sampling: Some((0.1, 0.9)),
            fit: None,
            first_layers: (0..=depth).map(flow).collect(),
            last_layers: Vec::new(),
            curve: vec![point(1), point(2)],
            test: None,
            references: BTreeMap::new(),
        }
    };
    let finding = Finding { name: "f".into(), statement: "it sinks".into(), found: false, evidence: vec!["a: b 0.5 (expected 1)".into()] };
    Study {
        format: Study::FORMAT,
        name: "small".into(),
        title: "by depth".into(),
        quick: false,
        status: Status::Finished,
        version: "0".into(),
        device: "cpu".into(),
        measure: "validation_accuracy".into(),
        higher_is_better: true,
        columns: Vec::new(),
        axes: vec!["model.activation".into(), "model.depth".into()],
        seeds: vec![0, 1],
        cells: vec![
            cell("sigmoid", 1, [0.96, 0.98]),
            cell("sigmoid", 8, [0.1, 0.1]),
            cell("sigmoid", 16, [0.1, 0.1]),
            cell("relu", 1, [0.98, 0.99]),
            cell("relu", 8, [0.98, 0.98]),
            cell("relu", 16, [0.97, 0.97]),
        ],
        contrasts: vec![Contrast {
            name: "which".into(),
            measure: "validation_accuracy".into(),
            cell: "relu, depth 8".into(),
            against: "sigmoid, depth 8".into(),
            test: crate::statistics::paired_t_test(&[0.98, 0.99], &[0.1, 0.12]),
            holm_p: Some(0.01),
        }],
        findings: vec![finding],
        fit_rule: None,
        winner: None,
        baseline: "relu, depth 1".into(),
        trials: 12,
        failed_trials: 0,
        jobs: 2,
        trial_seconds: 3.0,
        wall_seconds: 2.0,
    }
}

#[test]
fn cells_are_lines_of_as_few_charts_as_can_be() {
    let study = study();
    let panels = Panels::of(&study);
    let shown: Vec<(&str, Vec<&str>)> =
        panels.0.iter().map(|panel| (panel.name.as_str(), panel.lines.iter().map(|line| line.name.as_str()).collect())).collect();
    let depths = vec!["depth 1", "depth 8", "depth 16"];
    assert_eq!(shown, [("sigmoid", depths.clone()), ("relu", depths)]);
    let styles = |place: usize| panels.0[place].lines.iter().map(|line| line.style).collect::<Vec<_>>();
    assert_eq!((styles(0), styles(1)), (vec![0, 1, 2], vec![0, 1, 2]), "a depth looks the same in both");
}

#[test]
fn the_page_tells_what_was_not_found_and_draws_errors_where_accuracies_are_far_apart() {
    let page = Page::of_study(&study(), Some("title = \"by depth\""));
    let html = page.to_html();
    assert!(html.contains("Not found: it sinks. a: b 0.5 (expected 1)."), "{html}");
    let charts: Vec<&str> = page.charts().map(|chart| chart.name.as_str()).collect();
    for name in ["by-setting-validation-error", "contrasts-validation-accuracy", "loss-1-sigmoid", "weight-gradients-2-relu"] {
        assert!(charts.contains(&name), "{name} is not among {charts:?}");
    }
    assert_eq!(charts.iter().collect::<std::collections::BTreeSet<_>>().len(), charts.len(), "{charts:?}");
    let errors = page.charts().next().unwrap().to_svg();
    assert!(errors.contains("sigmoid, depth 8: 90 (90 to 90); 2 seeds") && errors.contains("log scale"), "{errors}");
    assert!(html.contains("title = &quot;by depth&quot;") && html.contains("relu, depth 8 minus sigmoid, depth 8"), "{html}");
}

#[test]
fn a_study_without_trials_took_no_time() {
    let html = |seconds: f64| Page::of_study(&Study { trial_seconds: seconds, ..study() }, None).to_html().replace('\u{a0}', " ");
    assert!(html(3.0).contains("12 trials. They took 3 s of one thread each in all. relumine 0"), "{}", html(3.0));
    assert!(html(-0.0).contains("12 trials. relumine 0"), "{}", html(-0.0));
}

/// Two seeds, t = 12.7: 97 % with a deviation of 1.4 points would reach to 109.7 %.
#[test]
fn no_interval_of_accuracies_is_shown_beyond_0_and_100_percent() {
    let study = study();
    let interval = study.cells[0].measures["validation_accuracy"].interval.unwrap();
    assert!(interval.1 > 1.0, "the case is no case");
    let table = study.cell_table().to_string();
    assert!(table.contains("84.29 to 100.00 %"), "{table}");
    let errors = Page::of_study(&study, None).charts().next().unwrap().to_svg();
    assert!(errors.contains("sigmoid, depth 1: 3 (0 to 15.7"), "{errors}");
}

#[test]
fn differences_of_accuracies_are_points() {
    let mut study = study();
    study.contrasts[0].test = crate::statistics::paired_t_test(&[0.9, 0.6], &[0.1, 0.2]);
    let table = study.contrast_table().to_string();
    assert!(table.contains("60.00 points  -100.00 to 100.00 points"), "{table}");
}

#[test]
fn few_lines_are_drawn_with_the_bands_of_their_layers() {
    let mut study = study();
    study.cells.retain(|cell| cell.labels["model.depth"] != "depth 16");
    let page = Page::of_study(&study, None);
    let bands: Vec<_> = page.charts().filter(|chart| chart.name.starts_with("activation-bands")).collect();
    assert_eq!(bands.len(), 2, "one for each activation or depth");
    assert!(bands[0].to_svg().contains("class=\"band"), "{}", bands[0].to_svg());
    assert!(page.charts().all(|chart| !chart.name.starts_with("gradient-bands")), "what is no number is not drawn");
}

#[test]
fn a_study_survives_json_with_what_is_no_number() {
    let text = serde_json::to_string(&study()).unwrap();
    let back: Study = serde_json::from_str(&text).unwrap();
    assert!(back.cells[0].first_layers[0].gradient_percentiles[3].is_nan());
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
}
