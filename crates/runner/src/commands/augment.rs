//! `relumine augment`: a picture of what a recipe makes of its training images.

use super::output_file::OutputFile;
use crate::cli::AugmentArguments;
use crate::failure::Failure;
use crate::pipeline::open;
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use relumine_data::{Dataset, Features};
use relumine_engine::Augmentation;
use relumine_model::ConfigError;

/// Classes of which an image is shown, and how often it is shown changed.
const MOST_ROWS: usize = 10;
const CHANGED: u32 = 8;
/// Screen pixels between two images, and the least width of one.
const GAP: usize = 2;
const LEAST_WIDTH: usize = 84;

/// Writes a grid: in each row an image of another class, as it is and as eight steps of a run would see it.
pub(super) fn run(arguments: &AugmentArguments) -> Result<(), Failure> {
    OutputFile::check(&arguments.out, arguments.force)?;
    let origin = if arguments.target.is_dir() {
        let run = RunDirectory::open(&arguments.target).map_err(Failure::Usage)?;
        Origin::from_file(&run.file(RunDirectory::RECIPE))?
    } else {
        Origin::find(Some(&arguments.target))?
    };
    let recipe = Recipe::load(&origin, &arguments.overrides)?;
    let Some(config) = recipe.augment else {
        let problem = "has no [augment] section: add one, or set a key of it, as in --set augment.shift=2";
        return Err(Failure::usage(anyhow!("{} {problem}", origin.shown)));
    };
    let source = open(&recipe)?;
    let Some(augmentation) = config.for_examples(source.train.example_shape())? else {
        return Err(ConfigError::new("augment", "set to change nothing", "give a bound over 0, as in --set augment.shift=2").into());
    };
    let split = recipe.data.split_spec().split(&source)?;
    let grid = Grid::new(&source.train, &one_of_each_class(&source.train, &split.train), &augmentation, recipe.train.seed)?;
    OutputFile::write_all(&arguments.out, arguments.force, &grid.png()?)?;
    let out = arguments.out.display();
    terminal::print(format_args!("{out}: {} training images, each as it is and as {CHANGED} steps see it: {config}\n", grid.rows))
}

/// The first train row of each of the first classes.
fn one_of_each_class(data: &Dataset, train_rows: &[u32]) -> Vec<u32> {
    let first_of = |class: u32| train_rows.iter().copied().find(|row| data.labels()[*row as usize] == class);
    let last = data.labels().iter().copied().max().unwrap_or_default();
    (0..=last).filter_map(first_of).take(MOST_ROWS).collect()
}

/// A picture of images in rows and columns.
struct Grid {
    /// Rows and columns of images.
    rows: usize,
    columns: usize,
    /// Of one image, in screen pixels.
    height: usize,
    width: usize,
    channels: usize,
    /// `[rows, columns]`, each `[height, width, channels]`.
    images: Vec<Vec<u8>>,
}

impl Grid {
    fn new(data: &Dataset, rows: &[u32], augmentation: &Augmentation, seed: u64) -> Result<Self, Failure> {
        let image = augmentation.image();
        if ![1, 3].contains(&image.channels) {
            let problem = "a picture needs images of 1 or 3 values a pixel";
            return Err(Failure::Run(anyhow!("{problem}, these have {}: such images can be trained on, but not shown", image.channels)));
        }
        let features = image.features();
        let zoom = LEAST_WIDTH.div_ceil(image.width.max(1)).max(1);
        let (black, white) = range(data, rows, features);
        let grey = |value: f32| ((value - black) / (white - black) * 255.0).round().clamp(0.0, 255.0) as u8;
        let mut images = Vec::new();
        for (position, row) in (0..).zip(rows) {
            let first = *row as usize * features;
            let original: Vec<f32> = (first..first + features).map(|index| data.features().get(index)).collect();
            let changed = (0..CHANGED).map(|step| augmentation.changed(&original, seed, step, position));
            images.extend(std::iter::once(original.clone()).chain(changed).map(|pixels| {
                let at = |i: usize| {
                    let (channel, pixel) = (i % image.channels, i / image.channels);
                    let (x, y) = (pixel % (image.width * zoom) / zoom, pixel / (image.width * zoom) / zoom);
                    grey(pixels[(y * image.width + x) * image.channels + channel])
                };
                (0..features * zoom * zoom).map(at).collect()
            }));
        }
        let (height, width) = (image.height * zoom, image.width * zoom);
        Ok(Self { rows: rows.len(), columns: CHANGED as usize + 1, height, width, channels: image.channels, images })
    }

    fn png(&self) -> anyhow::Result<Vec<u8>> {
        let Self { rows, columns, height, width, channels, .. } = *self;
        let (full_width, full_height) = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP);
        let mut pixels = vec![96; full_width * full_height * channels];
        for (number, image) in self.images.iter().enumerate() {
            let (left, top) = (number % columns * (width + GAP) + GAP, number / columns * (height + GAP) + GAP);
            for (y, line) in image.chunks_exact(width * channels).enumerate() {
                pixels[((top + y) * full_width + left) * channels..][..line.len()].copy_from_slice(line);
            }
        }
        let kind = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(&pixels, u32::try_from(full_width)?, u32::try_from(full_height)?, kind)?;
        Ok(bytes)
    }
}

/// What is shown black and white: 0 and the format's white, or the least and the largest value shown.
fn range(data: &Dataset, rows: &[u32], features: usize) -> (f32, f32) {
    if let Features::U8 { full_scale, .. } = data.features() {
        return (0.0, f32::from(*full_scale));
    }
    let values = || rows.iter().flat_map(|row| (0..features).map(|i| data.features().get(*row as usize * features + i)));
    let (low, high) = (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max));
    (low, if high > low { high } else { low + 1.0 })
}
