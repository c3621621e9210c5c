//! Readers of data, to train with and to predict: bytes in, nothing or the user's error out.

use crate::scratch::Scratch;
use relumine_data::images::{Fit, Invert, Shaper, decode};
use relumine_data::inputs::{Inputs, RowFormat};
use relumine_data::{Catalog, ReadOptions};
use std::path::Path;

/// Nothing, or what a reader says of bytes that it refuses.
pub type Outcome = Result<(), String>;

/// CSV, TSV, and either as gzip: the first bytes tell.
pub fn table(bytes: &[u8]) -> Outcome {
    Scratch::with(|scratch| {
        let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let path = scratch.write(if first_line.contains(&b'\t') { "table.tsv" } else { "table.csv" }, bytes);
        let _ = predict(&path, &row_format(&[4], &["length", "count", "share", "ripe"]));
        let _ = open(&path, &ReadOptions { label: Some("kind".into()), skip_bad_rows: true, ..ReadOptions::default() });
        open(&path, &ReadOptions::default())
    })
}

/// An MNIST-format folder: a byte that says how long the label file is, the label file, the image file.
pub fn idx(bytes: &[u8]) -> Outcome {
    let (length, files) = bytes.split_first().ok_or("is empty")?;
    let (labels, images) = files.split_at_checked(usize::from(*length)).ok_or("has no images")?;
    Scratch::with(|scratch| {
        scratch.write("idx/train-labels-idx1-ubyte", labels);
        let path = scratch.write("idx/train-images-idx3-ubyte", images);
        let _ = predict(&path, &row_format(&[2, 3, 1], &[]));
        open(&scratch.folder().join("idx"), &ReadOptions { num_classes: Some(3), ..ReadOptions::default() })
    })
}

/// A `.npy` file, as features and as labels: twelve rows belong to it.
pub fn npy(bytes: &[u8]) -> Outcome {
    const OTHER: &[u8] = include_bytes!("seeds/npy/labels.npy");
    Scratch::with(|scratch| {
        let path = scratch.write("npy/x.npy", bytes);
        scratch.write("npy/y.npy", OTHER);
        let _ = predict(&path, &row_format(&[4], &[]));
        let as_features = open(&path, &ReadOptions::default());
        scratch.write("npy/x.npy", OTHER);
        scratch.write("npy/y.npy", bytes);
        let as_labels = open(&path, &ReadOptions { skip_bad_rows: true, ..ReadOptions::default() });
        as_features.or(as_labels)
    })
}

/// A `.npz` archive.
pub fn npz(bytes: &[u8]) -> Outcome {
    Scratch::with(|scratch| {
        let path = scratch.write("arrays.npz", bytes);
        let _ = predict(&path, &row_format(&[4], &[]));
        open(&path, &ReadOptions::default())
    })
}

/// A Parquet file: a table or images.
pub fn parquet(bytes: &[u8]) -> Outcome {
    Scratch::with(|scratch| {
        let path = scratch.write("table.parquet", bytes);
        let _ = open(&path, &ReadOptions { label: Some("kind".into()), skip_bad_rows: true, ..ReadOptions::default() });
        open(&path, &ReadOptions::default())
    })
}

/// A PNG or JPEG file, brought to a model's shape in one of the ways, which the file's length chooses.
pub fn image(bytes: &[u8]) -> Outcome {
    const WAYS: [(usize, Fit, Invert); 3] =
        [(1, Fit::Mnist, Invert::LightBorder), (1, Fit::Stretch, Invert::Yes), (3, Fit::Pad, Invert::LightBorder)];
    let image = decode(bytes)?;
    assert_eq!(image.pixels.len(), image.height * image.width * image.channels);
    let (channels, fit, invert) = WAYS[bytes.len() % WAYS.len()];
    let shaper = Shaper { height: 5, width: 7, channels, fit, invert };
    let pixels = shaper.shape(image)?;
    assert_eq!(pixels.len(), shaper.len());
    Ok(())
}

fn open(path: &Path, options: &ReadOptions) -> Outcome {
    let name = path.to_str().ok_or("the scratch folder is not UTF-8")?;
    let source = Catalog::from_environment().open(name, options).map_err(|error| error.to_string())?;
    for rows in [Some(&source.train), source.test.as_ref()].into_iter().flatten() {
        assert_eq!(rows.len() * rows.num_features(), rows.features().len());
        assert!(rows.labels().iter().all(|label| (*label as usize) < source.classes.len()));
    }
    Ok(())
}

fn predict(path: &Path, format: &RowFormat) -> Outcome {
    let mut inputs = Inputs::find(&[path.to_owned()], format.clone()).map_err(|error| error.to_string())?;
    while let Some(rows) = inputs.next(64).map_err(|error| error.to_string())? {
        assert_eq!(rows.features.len(), rows.origins.len() * format.num_features());
    }
    Ok(())
}

fn row_format(example_shape: &[usize], feature_names: &[&str]) -> RowFormat {
    RowFormat {
        example_shape: example_shape.to_vec(),
        full_scale: None,
        feature_names: feature_names.iter().map(ToString::to_string).collect(),
        classes: vec!["apple".into(), "pear".into()],
        fit: Fit::Pad,
        invert: Invert::No,
        options: ReadOptions { skip_bad_rows: true, ..ReadOptions::default() },
    }
}
