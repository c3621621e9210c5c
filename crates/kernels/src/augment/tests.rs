use super::*;

fn image(height: usize, width: usize, channels: usize) -> Image {
    Image { height, width, channels }
}

/// Every size around those of registers, one to three channels.
const IMAGES: [(usize, usize, usize); 9] =
    [(1, 1, 1), (1, 9, 1), (9, 1, 1), (28, 28, 1), (5, 17, 3), (32, 32, 3), (7, 16, 2), (40, 33, 1), (3, 70, 1)];

fn pixels(image: Image, rows: usize) -> Vec<u8> {
    (0..rows * image.features()).map(|i| if i * 7 % 5 < 2 { 0 } else { (i * 37 % 256) as u8 }).collect()
}

fn all() -> Settings {
    Settings { shift: 2.0, rotation: 15.0, scale: 0.2, elastic: Some(Elastic { alpha: 34.0, sigma: 4.0 }), fill: 0.0 }
}

fn augmented(settings: Settings, image: Image, rows: &[u32], place: Place, threads: usize) -> Vec<f32> {
    let bytes = pixels(image, 20);
    let mut out = vec![f32::NAN; rows.len() * image.features()];
    Augmenter::new(settings, image, 5, threads).rows(&mut Team::new(threads), Source::U8(&bytes), rows, place, &mut out);
    out
}

#[test]
fn nothing_drawn_leaves_every_image_as_it_is() {
    for (height, width, channels) in IMAGES {
        let image = image(height, width, channels);
        let rows: Vec<u32> = (0..20).rev().collect();
        let expected: Vec<f32> = rows
            .iter()
            .flat_map(|row| pixels(image, 20)[*row as usize * image.features()..][..image.features()].to_vec())
            .map(f32::from)
            .collect();
        for fill in [0.0, 7.0] {
            let still = Settings { fill, ..Settings::default() };
            let elastic = Settings { elastic: Some(Elastic { alpha: 0.0, sigma: 2.0 }), ..still };
            for settings in [still, elastic] {
                assert_eq!(augmented(settings, image, &rows, Place::default(), 2), expected, "{image:?}, {settings:?}");
            }
        }
    }
}

/// Neither the division of a batch, nor the threads, nor the form of the features.
#[test]
fn an_augmented_row_depends_on_seed_step_and_position_alone() {
    for (height, width, channels) in IMAGES {
        let image = image(height, width, channels);
        let rows: Vec<u32> = (0..40).map(|i| i * 7 % 20).collect();
        let at = |first_row| Place { step: 3, first_row };
        let whole = augmented(all(), image, &rows, at(0), 1);
        for threads in [2, 3, 4] {
            assert_eq!(augmented(all(), image, &rows, at(0), threads), whole, "{image:?}, {threads} threads");
        }
        let parts = [(0, 13), (13, 40)].map(|(from, to)| augmented(all(), image, &rows[from..to], at(from as u32), 2));
        assert_eq!(parts.concat(), whole, "{image:?}");
        let floats: Vec<f32> = pixels(image, 20).into_iter().map(f32::from).collect();
        let mut out = vec![f32::NAN; whole.len()];
        Augmenter::new(all(), image, 5, 2).rows(&mut Team::new(2), Source::F32(&floats), &rows, at(0), &mut out);
        assert_eq!(out, whole, "{image:?}");
        if image.features() > 1 {
            assert_ne!(augmented(all(), image, &rows, Place { step: 4, first_row: 0 }, 1), whole, "{image:?}");
        }
    }
}

#[test]
fn gathered_rows_are_the_augmented_ones_scaled() {
    for (height, width, channels) in IMAGES {
        let image = image(height, width, channels);
        let features = image.features();
        let (bytes, rows, place) = (pixels(image, 20), [3, 19, 0, 3, 7, 8, 1, 2, 11], Place { step: 8, first_row: 90 });
        let whole = augmented(all(), image, &rows, place, 1);
        let each: Vec<f32> = (0..features).map(|i| i as f32 + 0.5).collect();
        for (offset, divisor) in [(vec![0.0], vec![255.0]), (each.clone(), each)] {
            let scaling = Scaling::new(offset.clone(), divisor.clone());
            let mut out = Panels::zeros(11, features);
            Augmenter::new(all(), image, 5, 2).gather(&mut Team::new(2), (Source::U8(&bytes), &scaling), &rows, place, &mut out);
            let constant = |values: &[f32], i: usize| values[(i % features) % values.len()];
            let expected: Vec<f32> =
                whole.iter().enumerate().map(|(i, value)| (value - constant(&offset, i)) / constant(&divisor, i)).collect();
            assert_eq!(out.to_rows(rows.len()), expected, "{image:?}");
            assert!(out.to_rows(11)[rows.len() * features..].iter().all(|value| *value == 0.0), "rows beyond the last stay as they are");
        }
    }
}

/// The output's bounds leave out no pixel that sees one of the image: the same bits as with a field of nothing, where all are computed.
#[test]
fn pixels_that_are_left_out_are_background() {
    let wild = Settings { shift: 9.0, rotation: 180.0, scale: 0.7, elastic: None, fill: 0.0 };
    for (height, width, channels) in IMAGES {
        let image = image(height, width, channels);
        let mut bytes = vec![0; image.features()];
        for lit in [0, image.features() / 2, image.features() - 1] {
            bytes[lit] = 200;
        }
        for fill in [0.0, 5.0] {
            let bounded = Augmenter::new(Settings { fill, ..wild }, image, 1, 1);
            let whole = Augmenter::new(Settings { fill, elastic: Some(Elastic { alpha: 0.0, sigma: 1.0 }), ..wild }, image, 1, 1);
            let [ours, all] = [bounded, whole].map(|augmenter| {
                let mut out = vec![f32::NAN; 200 * image.features()];
                augmenter.rows(&mut Team::new(1), Source::U8(&bytes), &[0; 200], Place::default(), &mut out);
                out
            });
            assert_eq!(ours, all, "{image:?}, background {fill}");
        }
    }
}

/// A square of ink in a large image: what it does not reach is 0 to the bit, and stays so under any displacement.
#[test]
fn background_stays_zero_to_the_bit() {
    let image = image(64, 64, 1);
    let mut bytes = vec![0; image.features()];
    for y in 28..36 {
        bytes[y * 64 + 28..y * 64 + 36].fill(255);
    }
    let mut out = vec![f32::NAN; image.features()];
    for step in 0..50 {
        Augmenter::new(all(), image, 2, 1).rows(&mut Team::new(1), Source::U8(&bytes), &[0], Place { step, first_row: 0 }, &mut out);
        let lit = out.iter().filter(|value| **value != 0.0).count();
        assert!((20..500).contains(&lit) && out.iter().all(|value| (0.0..=255.0).contains(value)), "{lit} pixels are not background");
        assert!(out[..64].iter().all(|value| value.to_bits() == 0));
    }
}

/// The lanes of every instruction set that this processor has, against the portable ones.
#[test]
fn every_instruction_set_gives_the_same_image() {
    let image = image(28, 28, 1);
    let mut scratch = Scratch::new(image, &all());
    scratch.load_bytes(&pixels(image, 1));
    let augmenter = Augmenter::new(all(), image, 5, 1);
    let map = augmenter.pose(1, 2).map(image);
    field::draw(&Taps::new(4.0), &augmenter.fields, (1, 2), &mut scratch);
    sample(&mut scratch, &map, Some(34.0));
    let fast = scratch.output.to_vec();
    sample::portable(&mut scratch, &map, Some(34.0));
    for y in 0..28 {
        for x in 0..28 {
            let (fast, portable) = (fast[y * scratch.padded + x], scratch.output[y * scratch.padded + x]);
            assert!((fast - portable).abs() < 2e-3, "({x}, {y}): {fast} and {portable}");
        }
    }
}

/// Kolmogorov's statistic of 20,000 draws under its 99.9 % point, and correlations between rows, steps and draws within 4 standard errors.
#[test]
fn poses_are_uniform_and_independent() {
    const DRAWS: u32 = 20_000;
    let augmenter = Augmenter::new(all(), image(28, 28, 1), 11, 1);
    // Each over its range: [0, 1).
    let units = |pose: Pose| [pose.shift[0] / 4.0, pose.shift[1] / 4.0, pose.rotation / 30.0, (pose.scale - 1.0) / 0.4].map(|x| x + 0.5);
    let of_rows: Vec<[f64; 4]> = (0..DRAWS).map(|row| units(augmenter.pose(7, row))).collect();
    let of_steps: Vec<[f64; 4]> = (0..DRAWS).map(|step| units(augmenter.pose(step, 7))).collect();
    let bound = 1.95 / f64::from(DRAWS).sqrt();
    for draws in [&of_rows, &of_steps] {
        for kind in 0..4 {
            let mut values: Vec<f64> = draws.iter().map(|draw| draw[kind]).collect();
            values.sort_by(f64::total_cmp);
            let distance = |(i, value): (usize, &f64)| (value - i as f64 / values.len() as f64).abs();
            let worst = values.iter().enumerate().map(distance).fold(0.0, f64::max);
            assert!(worst < bound, "draw {kind}: {worst} against {bound}");
        }
        for (first, second) in (0..4).flat_map(|first| (0..4).map(move |second| (first, second))) {
            // With itself, the draw of the row or step after.
            let lag = usize::from(first <= second);
            let pairs = draws.iter().zip(&draws[lag..]).map(|(one, other)| (one[first] - 0.5) * (other[second] - 0.5));
            let correlation = pairs.sum::<f64>() * 12.0 / f64::from(DRAWS);
            assert!(correlation.abs() < 4.0 / f64::from(DRAWS).sqrt(), "draws {first} and {second}: {correlation}");
        }
    }
}

/// Far from the edges a displacement's standard deviation is `alpha / (sigma sqrt(12 pi))`, and its axes are independent.
#[test]
fn displacements_have_the_size_that_is_documented() {
    let augmenter = Augmenter::new(all(), image(41, 41, 1), 3, 1);
    let draws: Vec<[f64; 2]> = (0..4000).map(|row| augmenter.displacements(0, row).map(|axis| f64::from(axis[20 * 41 + 20]))).collect();
    let mean_of = |value: &dyn Fn(&[f64; 2]) -> f64| draws.iter().map(value).sum::<f64>() / draws.len() as f64;
    let expected = 34.0 / (4.0 * (12.0 * std::f64::consts::PI).sqrt());
    for axis in 0..2 {
        let deviation = mean_of(&|draw| draw[axis] * draw[axis]).sqrt();
        assert!((deviation / expected - 1.0).abs() < 0.05, "axis {axis}: {deviation}, expected {expected}");
        assert!(mean_of(&|draw| draw[axis]).abs() < 4.0 * expected / 4000_f64.sqrt());
    }
    assert!((mean_of(&|draw| draw[0] * draw[1]) / expected.powi(2)).abs() < 4.0 / 4000_f64.sqrt());
}
