//! Augmented images against SciPy and PyTorch, and their draws against plain Python: see `fixtures/augment.py`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_kernels::Team;
use relumine_kernels::augment::{Augmenter, Elastic, Image, Place, Pose, Settings};
use relumine_kernels::gather::Source;
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/augment.json")).unwrap()
}

fn cases(of: &str) -> Vec<Value> {
    fixture()[of].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn image(case: &Value) -> Image {
    let [height, width, channels] = [0, 1, 2].map(|axis| case["shape"][axis].as_u64().unwrap() as usize);
    Image { height, width, channels }
}

fn bytes(case: &Value) -> Vec<u8> {
    numbers(&case["image"]).into_iter().map(|value| value as u8).collect()
}

fn pose(value: &Value) -> Pose {
    let shift = numbers(&value["shift"]);
    Pose { shift: [shift[0], shift[1]], rotation: value["rotation"].as_f64().unwrap(), scale: value["scale"].as_f64().unwrap() }
}

fn settings(value: &Value) -> Settings {
    let number = |key: &str| value[key].as_f64().unwrap();
    let of_elastic = |key: &str| value["elastic"][key].as_f64();
    let elastic = of_elastic("alpha").zip(of_elastic("sigma")).map(|(alpha, sigma)| Elastic { alpha, sigma });
    Settings { shift: number("shift"), rotation: number("rotation"), scale: number("scale"), elastic, fill: number("fill") as f32 }
}

/// The largest difference and where it is.
fn worst(ours: &[f32], theirs: &[f64]) -> (f64, usize) {
    assert_eq!(ours.len(), theirs.len());
    let differences = ours.iter().zip(theirs).map(|(ours, theirs)| (f64::from(*ours) - theirs).abs());
    differences.enumerate().fold((0.0, 0), |worst, (index, difference)| if difference <= worst.0 { worst } else { (difference, index) })
}

/// Of pixels up to 255. A place is off by some 2^-24 of the image's size, and a pixel by that times the difference to its neighbour; half
/// of this is the largest difference there is.
const PIXELS: f64 = 1e-3;
/// Of displacements of some pixels; an eighth of this is the largest difference there is.
const DISPLACEMENTS: f64 = 1e-5;

#[test]
fn an_image_in_a_pose_is_what_scipy_and_pytorch_make_of_it() {
    for case in cases("affine") {
        let settings = Settings { fill: case["fill"].as_f64().unwrap() as f32, ..Settings::default() };
        let augmenter = Augmenter::new(settings, image(&case), 0, 1);
        let ours = augmenter.posed(Source::U8(&bytes(&case)), pose(&case["pose"]));
        for peer in ["scipy", "torch"] {
            let (difference, index) = worst(&ours, &numbers(&case[peer]));
            assert!(difference <= PIXELS, "{peer}, {}, {}: element {index} is off by {difference}", case["shape"], case["pose"]);
        }
    }
}

#[test]
fn draws_and_whole_augmentations_are_the_published_ones() {
    for case in cases("drawn") {
        let get = |key: &str| case[key].as_u64().unwrap();
        let (step, row) = (get("step") as u32, get("row") as u32);
        let what = format!("{}, {}, step {step}, row {row}", case["shape"], case["settings"]);
        let augmenter = Augmenter::new(settings(&case["settings"]), image(&case), get("seed"), 1);
        assert_eq!(augmenter.pose(step, row), pose(&case["pose"]), "{what}");
        for (axis, ours) in augmenter.displacements(step, row).into_iter().enumerate() {
            let (difference, index) = worst(&ours, &numbers(&case["displacements"][axis]));
            assert!(difference <= DISPLACEMENTS, "{what}: displacement {index} of axis {axis} is off by {difference}");
        }
        let mut ours = vec![f32::NAN; image(&case).features()];
        let place = Place { step, first_row: row };
        augmenter.rows(&mut Team::new(1), Source::U8(&bytes(&case)), &[0], place, &mut ours);
        let (difference, index) = worst(&ours, &numbers(&case["augmented"]));
        assert!(difference <= PIXELS, "{what}: element {index} is off by {difference}");
    }
}
