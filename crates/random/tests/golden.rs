//! The numbers that `fixtures/golden.py` computes from the definition alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream, mask, variates};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("fixtures/golden.json")).unwrap()
}

fn integers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|item| item.as_u64().unwrap() as u32).collect()
}

fn stream(golden: &Value, purpose: u64, layer: u64) -> Stream {
    use Purpose::{Augment, Biases, Dropout, Noise, Shuffle, Split, Weights};
    let purpose = [Weights, Biases, Shuffle, Dropout, Noise, Split, Augment][purpose as usize - 1];
    Stream::new(golden["seed"].as_u64().unwrap(), purpose, layer as u16)
}

#[test]
fn words_are_the_published_ones() {
    let golden = golden();
    for case in golden["words"].as_array().unwrap() {
        let get = |key: &str| case[key].as_u64().unwrap();
        let word = stream(&golden, get("purpose"), get("layer")).word(get("step") as u32, get("row") as u32, get("index") as u32);
        assert_eq!(u64::from(word), get("word"), "{case}");
    }
}

#[test]
fn permutations_are_the_published_ones() {
    let golden = golden();
    assert_eq!(permutation(&stream(&golden, 3, 0), 3, 10), integers(&golden["shuffle_epoch_3_of_10_rows"]));
    assert_eq!(permutation(&stream(&golden, 6, 0), 0, 10), integers(&golden["split_of_10_rows"]));
}

#[test]
fn a_dropout_mask_is_the_published_one() {
    let golden = golden();
    let mut scales = [0.0; 16];
    mask::fill_scales(&stream(&golden, 4, 1), 9, 5, 16, 0.5, 2.0, &mut scales);
    let kept: Vec<u32> = (0..16).filter(|unit| scales[*unit as usize] == 2.0).collect();
    assert_eq!(kept, integers(&golden["dropout_0.5_kept_units_of_row_5_step_9_layer_1"]));
}

#[test]
fn variates_are_the_published_ones_when_rounded_to_f32() {
    let golden = golden();
    let stream = stream(&golden, 1, 0);
    let limit = (6.0_f64 / 7.0).sqrt();
    for index in 0..12 {
        let word = stream.word(0, 0, index);
        let expected = |key: &str| golden[key][index as usize].as_f64().unwrap() as f32;
        assert_eq!(variates::uniform(word, -limit, limit) as f32, expected("glorot_uniform_weight_3x4_layer_0"));
        assert_eq!(variates::normal(word, 0.0, 0.05) as f32, expected("random_normal_0.05_weight_3x4_layer_0"));
        assert_eq!(variates::truncated_normal(word, 0.0, 0.05) as f32, expected("truncated_normal_0.05_weight_3x4_layer_0"));
    }
}
