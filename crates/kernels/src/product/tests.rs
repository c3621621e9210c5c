use super::*;
use crate::gather::{GatherBytes, Scaling, Source, gather};
use crate::optimizer::{Rule, Update};
use crate::{Bytes, Lit, Panels, Team};

/// Values of both signs, some of them exact zeros.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| {
            let hash = (i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 97) % 1009;
            if hash % 3 == 0 { 0.0 } else { hash as f32 / 500.0 - 1.0 }
        })
        .collect()
}

struct Case {
    rows: usize,
    x: Panels,
    lit: Lit,
    w: Panels,
    bias: Panels,
    dz: Panels,
}

/// Odd sizes, tails of one, panels of every width, batches larger than what is used.
fn cases() -> Vec<Case> {
    let shapes = [(1, 1, 1), (3, 7, 10), (33, 30, 1), (64, 64, 64), (65, 130, 129), (128, 784, 256), (100, 33, 200), (7, 65, 30)];
    let case = |(rows, inputs, outputs): (usize, usize, usize)| {
        let x = Panels::from_rows(rows + 3, inputs, &values((rows + 3) * inputs, 1));
        let mut lit = Lit::new(&x);
        lit.update(&mut Team::new(1), &x, rows);
        Case {
            rows,
            lit,
            w: Panels::from_rows(inputs, outputs, &values(inputs * outputs, 2)),
            bias: Panels::from_rows(1, outputs, &values(outputs, 3)),
            dz: Panels::from_rows(rows + 3, outputs, &values((rows + 3) * outputs, 4)),
            x,
        }
    };
    shapes.into_iter().map(case).collect()
}

fn assert_close(what: &str, ours: f32, exact: f64, terms: usize) {
    let tolerance = 1e-7 * (terms as f64 + 2.0) * (1.0 + exact.abs());
    assert!((f64::from(ours) - exact).abs() <= tolerance, "{what}: {ours}, in 64 bits {exact}");
}

/// To the bit; within rounding where a library adds up the sums that skip nothing.
fn assert_same(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let allowed = if super::LIBRARY.is_some() { 1e-5 * largest } else { 0.0 };
    let differs = ours.iter().zip(theirs).position(|(ours, theirs)| (ours - theirs).abs() > allowed || ours.is_nan() != theirs.is_nan());
    assert!(differs.is_none(), "{what}: element {differs:?} of {} is {:?}", ours.len(), differs.map(|index| (ours[index], theirs[index])));
}

#[test]
fn forward_is_the_product_and_skipping_zeros_changes_no_bit() {
    for Case { rows, x, lit, w, bias, .. } in cases() {
        let run = |lit: Option<&Lit>, threads: usize| {
            let (mut out, mut slopes) = (Panels::zeros(x.rows(), w.columns()), Panels::zeros(x.rows(), w.columns()));
            let finish = |_: usize, _: std::ops::Range<usize>, z: &mut [f32], slopes: &mut [f32]| {
                slopes.copy_from_slice(z);
                z.iter_mut().for_each(|z| *z = -*z);
            };
            let mut team = Team::new(threads);
            if !can_look(rows, &out, threads) {
                forward(&mut team, Inputs::new(&x, lit), rows, (&w, &bias), (&mut out, Some(&mut slopes)), &finish);
            } else {
                let (mut lit_out, mut lit_slopes) = (Lit::new(&out), Lit::new(&out));
                let into = Out { out: &mut out, slopes: Some(&mut slopes), lit: Some(&mut lit_out), lit_slopes: Some(&mut lit_slopes) };
                team.run_together(&[&mut Forward::new(threads, Inputs::new(&x, lit), rows, (&w, &bias), into, &finish)]);
                for (matrix, found) in [(&out, lit_out), (&slopes, lit_slopes)] {
                    let mut expected = Lit::new(matrix);
                    expected.update(&mut team, matrix, rows);
                    assert_eq!(found, expected, "the product's tasks see the zeros that a look at the whole sees");
                }
            }
            (out.to_rows(rows), slopes.to_rows(rows))
        };
        let (out, slopes) = run(None, 1);
        for threads in [1, 2, 3] {
            let (skipping, whole) = (run(Some(&lit), threads), run(None, threads));
            assert_same("skipping", &skipping.0, &out);
            assert_same("slopes", &skipping.1, &slopes);
            assert_same("whole", &whole.0, &out);
        }
        for row in 0..rows {
            for column in 0..w.columns() {
                let terms = (0..x.columns()).map(|k| f64::from(x.get(row, k)) * f64::from(w.get(k, column)));
                let exact = f64::from(bias.get(0, column)) + terms.sum::<f64>();
                assert_close("z", slopes[row * w.columns() + column], exact, x.columns());
                assert_eq!(out[row * w.columns() + column], -slopes[row * w.columns() + column]);
            }
        }
    }
}

/// Weight and bias after an SGD step of 1/2, each tile as soon as its gradient is there.
fn updated(x: &Panels, lit: &Lit, rows: usize, dz: &Panels, (w, bias): (&Panels, &Panels), order: TileOrder) -> [Vec<f32>; 2] {
    let rule = Rule::Sgd { learning_rate: 0.5 };
    let update = Update { rule, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };
    let (mut w, mut bias) = (w.clone(), bias.clone());
    let destination = Destination::Update {
        weight: Target { update, parameter: &mut w, slots: &mut [] },
        bias: Target { update, parameter: &mut bias, slots: &mut [] },
    };
    Team::new(2).run_together(&[&mut WeightGradient::new(2, Inputs::Lit(x, lit), rows, dz, (destination, order))]);
    [w.to_rows(w.rows()), bias.to_rows(1)]
}

/// The same from stored gradients.
fn by_gradient(w: &Panels, bias: &Panels, weight: &[f32], sums: &[f32]) -> [Vec<f32>; 2] {
    let step = |values: Vec<f32>, gradient: &[f32]| values.iter().zip(gradient).map(|(value, g)| value - 0.5 * g).collect();
    [step(w.to_rows(w.rows()), weight), step(bias.to_rows(1), sums)]
}

#[test]
fn weight_gradients_are_the_products_and_skipping_zeros_changes_no_bit() {
    for Case { rows, x, lit, w, bias, dz } in cases() {
        let run = |lit: Option<&Lit>, threads: usize, twice: bool| {
            let mut gradient = Gradient { weight: w.clone(), bias: bias.clone() };
            weight_gradient(&mut Team::new(threads), Inputs::new(&x, lit), rows, &dz, Destination::Store(&mut gradient));
            if twice {
                weight_gradient(&mut Team::new(threads), Inputs::new(&x, lit), rows, &dz, Destination::Add(&mut gradient));
            }
            (gradient.weight.to_rows(w.rows()), gradient.bias.to_rows(1))
        };
        let (weight, sums) = run(None, 1, false);
        for threads in [1, 2, 3] {
            for gradient in [run(Some(&lit), threads, false), run(None, threads, false)] {
                assert_same("weights", &gradient.0, &weight);
                assert_same("biases", &gradient.1, &sums);
            }
        }
        let (skipping, whole) = (run(Some(&lit), 2, true), run(None, 1, true));
        assert_same("twice", &skipping.0, &whole.0);
        assert_same("twice", &skipping.1, &whole.1);
        for (by_inputs, backwards) in [(false, false), (false, true), (true, false), (true, true)] {
            let order = TileOrder { by_inputs, backwards };
            let (ours, theirs) = (updated(&x, &lit, rows, &dz, (&w, &bias), order), by_gradient(&w, &bias, &weight, &sums));
            ours.iter().zip(&theirs).for_each(|(ours, theirs)| assert_same("updated", ours, theirs));
        }
        for column in 0..w.columns() {
            assert_close("bias", sums[column], (0..rows).map(|row| f64::from(dz.get(row, column))).sum(), rows);
            for input in 0..w.rows() {
                let exact = (0..rows).map(|row| f64::from(x.get(row, input)) * f64::from(dz.get(row, column))).sum();
                assert_close("dw", weight[input * w.columns() + column], exact, rows);
            }
        }
    }
}

#[test]
fn input_gradients_are_the_products_either_way_at_any_number_of_threads() {
    for Case { rows, x, lit, w, dz, .. } in cases() {
        let run = |skipping: bool, threads: usize| {
            let mut dx = Panels::zeros(x.rows(), x.columns());
            let mut transposed = Panels::zeros(w.columns(), w.rows());
            Team::new(threads).run_together(&[&mut Transpose::new(&w, &mut transposed)]);
            let way = if skipping { Way::Skipping(&lit) } else { Way::Whole(&transposed) };
            input_gradient(&mut Team::new(threads), &dz, rows, &w, &x, &mut dx, way);
            dx.to_rows(rows)
        };
        for skipping in [false, true] {
            let dx = run(skipping, 1);
            assert!([2, 3].iter().all(|threads| run(skipping, *threads) == dx));
            for row in 0..rows {
                for input in 0..x.columns() {
                    let sum = (0..w.columns()).map(|o| f64::from(dz.get(row, o)) * f64::from(w.get(input, o))).sum::<f64>();
                    assert_close("dx", dx[row * x.columns() + input], sum * f64::from(x.get(row, input)), w.columns());
                }
            }
        }
    }
}

#[test]
fn bytes_give_the_bits_of_the_values_that_they_stand_for() {
    for (rows, inputs, outputs) in [(1, 1, 1), (65, 30, 129), (128, 784, 256), (33, 70, 10)] {
        let source: Vec<u8> = (0..(rows + 3) * inputs).map(|i| if i * 7 % 5 < 3 { 0 } else { (i * 37 % 256) as u8 }).collect();
        let scaling = Scaling::new(vec![0.0], vec![255.0]);
        let all: Vec<u32> = (0..rows as u32).rev().collect();
        let mut x = Panels::zeros(rows + 3, inputs);
        let mut team = Team::new(2);
        gather(&mut team, Source::U8(&source), &scaling, &all, &mut x);
        let (mut bytes, mut lit) = (Bytes::zeros(rows + 3, inputs), Lit::new(&x));
        team.run_together(&[&mut GatherBytes::new(2, &source, &scaling, &all, (&mut bytes, &mut lit)).unwrap()]);

        let w = Panels::from_rows(inputs, outputs, &values(inputs * outputs, 2));
        let bias = Panels::from_rows(1, outputs, &values(outputs, 3));
        let dz = Panels::from_rows(rows + 3, outputs, &values((rows + 3) * outputs, 4));
        let mut both = |x: Inputs<'_>| {
            let mut out = Panels::zeros(rows + 3, outputs);
            forward(&mut team, x, rows, (&w, &bias), (&mut out, None), &|_, _, _, _| {});
            let mut gradient = Gradient { weight: w.clone(), bias: bias.clone() };
            weight_gradient(&mut team, x, rows, &dz, Destination::Store(&mut gradient));
            (out.to_rows(rows), gradient.weight.to_rows(inputs))
        };
        let (bytes, whole) = (both(Inputs::Bytes(&bytes, &lit)), both(Inputs::Whole(&x)));
        assert_same(&format!("{rows} x {inputs} -> {outputs}"), &bytes.0, &whole.0);
        assert_same(&format!("{rows} x {inputs} -> {outputs}"), &bytes.1, &whole.1);
    }
}
