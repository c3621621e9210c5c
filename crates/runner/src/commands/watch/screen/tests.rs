//! What is drawn, character by character.

use super::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use relumine_report::{Distribution, Score};

fn epoch(epoch: u64) -> EpochRecord {
    let score = |loss: f64| Score { loss, accuracy: 1.0 - loss / 4.0 };
    EpochRecord {
        epoch,
        step: 10 * epoch,
        learning_rate: 0.1,
        train: score(1.0 / epoch as f64),
        validation: Some(score(1.5 / epoch as f64)),
        best: true,
        seconds: 30.0,
        samples_per_second: 1000.0,
    }
}

fn probe(norms: &[f64]) -> ProbeRecord {
    let of = |norm| Distribution { norm, mean: 0.0, standard_deviation: 1.0, percentiles: [0.0; 7] };
    let layer = |norm: &f64| LayerProbe {
        layer: "layers.0".into(),
        activation: "relu".into(),
        activations: of(1.0),
        gradients: of(*norm),
        weight_gradients: of(1.0),
        saturated: None,
        dead: Some(0.25),
        weight_norm: 1.0,
        update_ratio: None,
    };
    ProbeRecord { step: 20, epoch: 2, rows: 8, loss: 1.0, layers: norms.iter().map(layer).collect() }
}

fn drawn(width: u16, height: u16, epochs: u64, probe: Option<ProbeRecord>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::of_records(folder.path(), (1..=epochs).map(epoch).collect(), probe, 20);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, &watched)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_large_terminal_shows_both_charts_the_layers_and_the_time_left() {
    let screen = drawn(100, 30, 10, Some(probe(&[1e-4, 1e-2])));
    for expected in
        ["epoch 10 of 20", "about 5 min 0 s of training left", "loss (nats)", "accuracy (%)", "best epoch 10 (96.25 %)", "q quits"]
    {
        assert!(screen.contains(expected), "{expected} is missing in\n{screen}");
    }
    assert!(screen.contains("gradient norm by layer (dL/dz) at step 20") && screen.contains("0.01 25 % dead"), "{screen}");
    let bar = |layer: &str| screen.lines().find(|line| line.contains(layer)).unwrap().matches('█').count();
    assert!(bar("layer 0") > 0 && bar("layer 1") > 5 * bar("layer 0"), "{screen}");
    let dots = screen.chars().filter(|character| ('\u{2801}'..='\u{28ff}').contains(character)).count();
    assert!(dots > 40, "{dots} cells of curves in\n{screen}");
}

#[test]
fn a_narrow_terminal_puts_the_charts_below_each_other_and_a_tiny_one_leaves_them_out() {
    let narrow = drawn(44, 30, 5, None);
    let line = |text: &str| narrow.lines().position(|line| line.contains(text)).unwrap();
    assert!(line("accuracy (%)") > line("loss (nats)") + 7, "{narrow}");
    let tiny = drawn(30, 8, 5, Some(probe(&[1.0])));
    assert!(tiny.contains("make the terminal larger") && !tiny.contains("loss (nats)"), "{tiny}");
    // Smaller than anything fits into: nothing to see, and no panic.
    drawn(1, 1, 5, Some(probe(&[1.0])));
}

#[test]
fn a_run_before_its_first_epoch_and_one_that_diverged_are_shown_as_they_are() {
    assert!(drawn(100, 30, 0, None).contains("waiting for the end of the first epoch"));
    let folder = tempfile::tempdir().unwrap();
    let lost = EpochRecord { train: Score { loss: f64::NAN, accuracy: 0.1 }, validation: None, ..epoch(1) };
    let watched = Watched::of_records(folder.path(), vec![lost], Some(probe(&[f64::NAN, 0.0])), 20);
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    terminal.draw(|frame| draw(frame, &watched)).unwrap();
    let screen = terminal.backend().to_string();
    assert!(screen.contains("not finite") && screen.contains("layer 0   NaN"), "{screen}");
}
