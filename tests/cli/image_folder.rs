//! Folders of pictures as data, from training to prediction.

use crate::support::Bench;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

fn png(height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let color = if pixels.len() == (height * width) as usize { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    PngEncoder::new(&mut file).write_image(pixels, width, height, color).unwrap();
    file
}

/// Dark and light pictures of 4x4 pixels, 30 of each, in the folder `pictures`.
fn pictures(bench: &Bench) {
    for (class, base) in [("dark", 10), ("light", 180)] {
        for index in 0..30 {
            let pixels: Vec<u8> = (0..16).map(|pixel| (base + (pixel * 7 + index * 13) % 60) as u8).collect();
            bench.write(&format!("pictures/{class}/{index:02}.png"), png(4, 4, &pixels));
        }
    }
}

const QUICK: [&str; 6] = ["--epochs", "30", "--set", "model.hidden=[8]", "--set", "train.batch_size=8"];

#[test]
fn a_folder_of_pictures_trains_and_its_pictures_are_predicted_as_they_were_tested() {
    let bench = Bench::new();
    pictures(&bench);
    let summary = bench.train("run", &[&["--data", "pictures"][..], &QUICK].concat());
    assert_eq!([&summary["train_rows"], &summary["validation_rows"], &summary["test_rows"]], [42, 6, 12]);
    assert_eq!(summary["test"]["accuracy"], 1.0);
    assert_eq!(bench.json("run/model.json")["classes"], serde_json::json!(["dark", "light"]));
    assert_eq!(bench.json("run/model.json")["example_shape"], serde_json::json!([4, 4, 1]));

    let ended = bench.ok(&["predict", "run", "pictures", "--format", "csv"]);
    let predicted: Vec<Vec<&str>> = ended.stdout.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(predicted.len(), 60);
    assert!(predicted.iter().all(|cells| cells[0].contains(cells[2]) && cells[2] == cells[3]), "{}", ended.stdout);
    assert!(ended.stderr.contains("accuracy 100.00 %: 60 of the 60 rows whose class is known"), "{}", ended.stderr);
    // Row n of the set is the nth picture by name, as it is of the prediction.
    let tested = String::from_utf8(bench.read("run/test/predictions.csv")).unwrap();
    for line in tested.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let row = &predicted[cells[0].parse::<usize>().unwrap()];
        assert_eq!(format!("{:.6}", row[5].parse::<f64>().unwrap()), cells[3], "{line}");
    }
}

/// The files in order, of which the second is no picture.
#[test]
fn pictures_keep_their_numbers_where_others_are_skipped() {
    let bench = Bench::new();
    pictures(&bench);
    bench.write("pictures/dark/00a.png", b"no picture");
    let mut files: Vec<String> = ["dark", "light"].iter().flat_map(|class| (0..30).map(move |i| format!("{class}/{i:02}.png"))).collect();
    files.insert(1, "dark/00a.png".into());
    let settings = ["--skip-bad-rows", "--epochs", "1", "--set", "optimizer.learning_rate=1e-9"];
    bench.train("run", &[&["--data", "pictures"][..], &settings].concat());
    let ended = bench.ok(&["predict", "run", "pictures", "--format", "csv", "--skip-bad-rows"]);
    let predicted: Vec<Vec<&str>> = ended.stdout.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let tested = String::from_utf8(bench.read("run/test/predictions.csv")).unwrap();
    let tested: Vec<Vec<&str>> = tested.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for cells in &tested {
        let file = &files[cells[0].parse::<usize>().unwrap()];
        let row = predicted.iter().find(|row| row[0].ends_with(file.as_str())).unwrap();
        assert_eq!(format!("{:.6}", row[5].parse::<f64>().unwrap()), cells[3], "{file}");
    }
    let mistakes = bench.json("run/test/mistakes.json");
    let mistaken = |cells: &&Vec<&str>| cells[1] != cells[2];
    let mut wrong: Vec<u64> = tested.iter().filter(mistaken).map(|cells| cells[0].parse().unwrap()).collect();
    let mut told: Vec<u64> = mistakes["rows"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()).collect();
    wrong.sort_unstable();
    told.sort_unstable();
    assert!(told == wrong && !wrong.is_empty(), "{told:?}, not {wrong:?}");
}

#[test]
fn pictures_of_several_sizes_and_colours_are_brought_to_one_shape_in_training_and_prediction_alike() {
    let bench = Bench::new();
    pictures(&bench);
    bench.write("pictures/light/wide.png", png(3, 9, &[250; 27]));
    bench.write("pictures/dark/colour.png", png(4, 4, &[9, 30, 40].repeat(16)));
    let ended = bench.run(&["train", "--data", "pictures", "--out", "run"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("00.png is grey: set data.channels") || ended.stderr.contains("is in colour"), "{}", ended.stderr);
    let ended = bench.run(&["train", "--data", "pictures", "--out", "run", "--set", "data.channels=1"]);
    assert!(
        ended.stderr.contains("wide.png has 3 x 9 pixels") && ended.stderr.contains("set data.image_size = [4, 4]"),
        "{}",
        ended.stderr
    );
    let settings = ["--data", "pictures", "--set", "data.channels=1", "--set", "data.image_size=[6, 6]"];
    bench.train("run", &[&settings[..], &QUICK].concat());
    assert_eq!(bench.json("run/model.json")["example_shape"], serde_json::json!([6, 6, 1]));
    let ended = bench.ok(&["predict", "run", "pictures"]);
    assert!(ended.stdout.ends_with("accuracy 100.00 %: 62 of the 62 rows whose class is known\n"), "{}", ended.stdout);
}

#[test]
fn own_train_and_test_folders_are_kept_apart() {
    let bench = Bench::new();
    pictures(&bench);
    std::fs::create_dir(bench.path("set")).unwrap();
    std::fs::rename(bench.path("pictures"), bench.path("set/train")).unwrap();
    for (class, value) in [("dark", 20), ("light", 210)] {
        bench.write(&format!("set/test/{class}/a.png"), png(4, 4, &[value; 16]));
    }
    let summary = bench.train("run", &[&["--data", "set"][..], &QUICK].concat());
    assert_eq!([&summary["train_rows"], &summary["test_rows"]], [54, 2]);
}

#[test]
fn what_is_no_picture_is_named_or_left_out() {
    let bench = Bench::new();
    pictures(&bench);
    bench.write("pictures/dark/zz.png", "not a picture");
    let ended = bench.run(&["train", "--data", "pictures", "--out", "run"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("zz.png is neither a PNG nor a JPEG file"), "{}", ended.stderr);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    assert!(!bench.path("run").exists());
    let summary = bench.train("run", &[&["--data", "pictures", "--set", "data.skip_bad_rows=true"][..], &QUICK].concat());
    assert_eq!([&summary["train_rows"], &summary["test_rows"]], [42, 12]);
    for (setting, expected) in [("data.channels=2", "data.channels = 2"), ("data.image_size=[0, 4]", "data.image_size = [0, 4]")] {
        let ended = bench.run(&["train", "--data", "pictures", "--set", setting]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    let ended = bench.run(&["train", "--data", "digits", "--set", "data.channels=1"]);
    assert!(ended.stderr.contains("data.channels = 1 is for image folders, not for digits"), "{}", ended.stderr);
}
