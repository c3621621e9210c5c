use super::*;

const PLAIN: Update =
    Update { rule: Rule::Sgd { learning_rate: 0.5 }, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };

fn matrix(values: &[f32]) -> Panels {
    Panels::from_rows(1, values.len(), values)
}

#[test]
fn clipping_and_decay_checked_by_hand() {
    let mut parameter = matrix(&[1.0, -2.0]);
    let settings = Update { gradient_scale: 0.5, clip_value: 1.0, coupled_decay: 0.1, shrink: 0.9, ..PLAIN };
    // Gradients 4 and -1: halved 2 and -0.5, clipped 1 and -0.5, with decay 1.1 and -0.7.
    update(&mut Team::new(1), &settings, &mut parameter, &matrix(&[4.0, -1.0]), &mut []);
    let found = parameter.to_rows(1);
    assert!((found[0] - (0.9 - 0.55)).abs() < 1e-6 && (found[1] - (-1.8 + 0.35)).abs() < 1e-6, "{found:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_padding_stays_zero() {
    let values: Vec<f32> = (0..40_001).map(|i| (i % 97) as f32 / 50.0 - 1.0).collect();
    let rules = [
        Rule::Adam { rate: 0.1, betas: [Decay::of(0.9), Decay::of(0.999)], root: 3.0, epsilon: 1e-8 },
        Rule::Adadelta { learning_rate: 1.0, rho: Decay::of(0.9), epsilon: 1e-6 },
        Rule::RmsProp { learning_rate: 0.1, rho: Decay::of(0.9), epsilon: 1e-8, momentum: Some(0.9), centered: true },
        Rule::Lion { learning_rate: 0.1, betas: [Decay::of(0.9), Decay::of(0.99)] },
    ];
    for rule in rules {
        let run = |threads: usize| {
            let mut parameter = matrix(&values);
            let mut slots = vec![matrix(&vec![0.0; values.len()]); 3];
            for _ in 0..3 {
                update(&mut Team::new(threads), &Update { rule, ..PLAIN }, &mut parameter, &matrix(&values), &mut slots);
            }
            let padding = &parameter.values()[values.len()..];
            assert!(padding.iter().all(|value| *value == 0.0), "{rule:?}");
            (parameter.to_rows(1), slots.iter().map(|slot| slot.to_rows(1)).collect::<Vec<_>>())
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn units_over_the_bound_come_down_to_it() {
    // Two units of two inputs: norms 5 and 1.
    let mut weight = Panels::from_rows(2, 2, &[3.0, 0.6, 4.0, 0.8]);
    bound_unit_norms(&mut Team::new(1), 2.0, &mut weight);
    let found = weight.to_rows(2);
    for (found, expected) in found.iter().zip([1.2, 0.6, 1.6, 0.8]) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
}

#[test]
fn penalties_and_squares_checked_by_hand() {
    let mut gradient = matrix(&[0.0, 0.0, 0.0]);
    add_penalties(&mut Team::new(1), (0.1, 0.2), &matrix(&[1.0, -2.0, 0.0]), &mut gradient);
    let found = gradient.to_rows(1);
    assert!((found[0] - 0.5).abs() < 1e-6 && (found[1] + 0.9).abs() < 1e-6 && found[2] == 0.0, "{found:?}");
    assert!((sum_of_squares(&mut Team::new(2), &matrix(&[3.0, 4.0])) - 25.0).abs() < 1e-12);
}
