//! Whether an array holds what a model takes.

/// How many examples of `example_shape` an array of `shape` holds: `[N, ..example]` or `[N, features]`, or one example without the first
/// index. Trailing sizes of 1, as the channel of a grey picture, may be left out or added.
pub(super) fn rows_of(shape: &[usize], example_shape: &[usize]) -> Option<usize> {
    let features: usize = example_shape.iter().product();
    let is_example = |shape: &[usize]| without_ones(shape) == without_ones(example_shape) || shape == [features];
    match shape.split_first() {
        Some((rows, rest)) if is_example(rest) && !rest.is_empty() => Some(*rows),
        Some((rows, [])) if features == 1 => Some(*rows),
        Some(_) if is_example(shape) => Some(1),
        _ => None,
    }
}

/// The shapes that fit, for messages.
pub(super) fn expected(example_shape: &[usize]) -> String {
    let features: usize = example_shape.iter().product();
    let sizes: Vec<String> = example_shape.iter().map(ToString::to_string).collect();
    match example_shape {
        [_] => format!("[N, {features}]"),
        _ => format!("[N, {}] or [N, {features}]", sizes.join(", ")),
    }
}

fn without_ones(mut shape: &[usize]) -> &[usize] {
    while let [rest @ .., 1] = shape {
        shape = rest;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_rows_pictures_and_single_examples_fit() {
        for (shape, example, rows) in [
            (vec![7, 28, 28], vec![28, 28, 1], Some(7)),
            (vec![7, 28, 28, 1], vec![28, 28, 1], Some(7)),
            (vec![7, 784], vec![28, 28, 1], Some(7)),
            (vec![28, 28], vec![28, 28, 1], Some(1)),
            (vec![784], vec![28, 28, 1], Some(1)),
            (vec![1, 28, 28], vec![28, 28, 1], Some(1)),
            (vec![0, 784], vec![28, 28, 1], Some(0)),
            (vec![3, 4], vec![4], Some(3)),
            (vec![4], vec![4], Some(1)),
            (vec![5], vec![1], Some(5)),
            (vec![5, 1], vec![1], Some(5)),
            (vec![9, 2, 2, 3], vec![2, 2, 3], Some(9)),
            (vec![7, 28, 27], vec![28, 28, 1], None),
            (vec![784, 7], vec![28, 28, 1], None),
            (vec![9, 2, 3, 2], vec![2, 2, 3], None),
            (vec![5], vec![4], None),
            (vec![], vec![4], None),
        ] {
            assert_eq!(rows_of(&shape, &example), rows, "{shape:?} for {example:?}");
        }
    }

    #[test]
    fn messages_list_what_fits() {
        assert_eq!(expected(&[28, 28, 1]), "[N, 28, 28, 1] or [N, 784]");
        assert_eq!(expected(&[30]), "[N, 30]");
    }
}
