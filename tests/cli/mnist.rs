//! Real MNIST, where it is to be found.

use crate::support::{Bench, mnist};

/// One epoch of the note's network, from the gzip files: the sizes, the split, and an accuracy that a fault in the data would not leave.
/// (After one epoch five seeds of it reach 94.8 to 95.1 %.)
#[test]
fn the_note_s_network_trains_on_mnist() {
    let Some(folder) = mnist("the_note_s_network_trains_on_mnist") else { return };
    let bench = Bench::new();
    let mut command = bench.command();
    command.env("RELUMINE_MNIST", folder);
    command.args(["train", "seed-relu-dropout", "--json", "--quiet", "--epochs", "1"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!([&summary["train_rows"], &summary["validation_rows"], &summary["test_rows"]], [55_000, 5_000, 10_000]);
    assert_eq!(summary["parameters"], 269_322);
    let accuracy = summary["test"]["accuracy"].as_f64().unwrap();
    assert!((0.93..0.98).contains(&accuracy), "{accuracy}");
}
