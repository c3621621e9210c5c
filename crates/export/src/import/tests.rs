use super::*;
use relumine_model::ModelConfig;
use safetensors::tensor::Dtype;

fn architecture(settings: &str) -> Architecture {
    serde_json::from_str::<ModelConfig>(settings).unwrap().architecture(3, 2).unwrap()
}

/// A name and a shape.
type Named<'a> = (&'a str, &'a [usize]);

/// A file of f32 tensors, each filled with its position in the list.
fn file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().enumerate().map(|(position, (_, shape))| (position as f32).to_le_bytes().repeat(shape.iter().product())).collect();
    let views =
        tensors.iter().zip(&bytes).map(|((name, shape), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn first(imported: &Imported, name: &str) -> f32 {
    imported.tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
}

#[test]
fn our_own_names_are_taken_by_name() {
    let two = architecture(r#"{"hidden": [4]}"#);
    let names: [(&str, &[usize]); 4] =
        [("layers.1.bias", &[2]), ("layers.0.weight", &[4, 3]), ("layers.0.bias", &[4]), ("layers.1.weight", &[2, 4])];
    let imported = from_safetensors(&file(&names), &two).unwrap();
    assert!(imported.renamed.is_empty() && imported.converted.is_empty());
    assert_eq!((first(&imported, "layers.1.bias"), first(&imported, "layers.1.weight")), (0.0, 3.0));
}

/// As `torch.nn.Sequential(Linear, BatchNorm1d, ReLU, Dropout, Linear, .., Linear)` names them, with two layers of one shape and a number
/// of two digits.
#[test]
fn a_sequential_of_pytorch_is_taken_in_order() {
    let three = architecture(r#"{"hidden": [4, 4, 4], "norm": "batch"}"#);
    let mut names: Vec<(String, Vec<usize>)> = Vec::new();
    for (position, width) in [(0, 3), (4, 4), (8, 4)] {
        names.push((format!("{position}.weight"), vec![4, width]));
        names.push((format!("{position}.bias"), vec![4]));
        names.extend(["weight", "bias", "running_mean", "running_var"].map(|part| (format!("{}.{part}", position + 1), vec![4])));
        names.push((format!("{}.{BATCH_COUNT}", position + 1), vec![]));
    }
    names.push(("12.weight".into(), vec![2, 4]));
    names.push(("12.bias".into(), vec![2]));
    let names: Vec<(&str, &[usize])> = names.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    let imported = from_safetensors(&file(&names), &three).unwrap();
    let expected = |name: &str| names.iter().position(|(other, _)| *other == name).unwrap() as f32;
    for (ours, theirs) in [
        ("layers.0.weight", "0.weight"),
        ("layers.0.norm.running_var", "1.running_var"),
        ("layers.2.weight", "8.weight"),
        ("layers.2.norm.bias", "9.bias"),
        ("layers.3.weight", "12.weight"),
    ] {
        assert_eq!(first(&imported, ours), expected(theirs), "{ours}");
        assert!(imported.renamed.contains(&(theirs.into(), ours.into())));
    }
}

/// The alphabet has every `bn` before every `fc`.
#[test]
fn matrices_and_normalisations_are_matched_each_for_themselves() {
    let model = architecture(r#"{"hidden": [4], "norm": "layer"}"#);
    let names: [(&str, &[usize]); 6] = [
        ("bn1.weight", &[4]),
        ("bn1.bias", &[4]),
        ("fc1.weight", &[4, 3]),
        ("fc1.bias", &[4]),
        ("fc2.weight", &[2, 4]),
        ("fc2.bias", &[2]),
    ];
    let imported = from_safetensors(&file(&names), &model).unwrap();
    assert_eq!((first(&imported, "layers.0.norm.bias"), first(&imported, "layers.1.weight")), (1.0, 4.0));
}

#[test]
fn what_does_not_fit_is_named_with_its_shapes() {
    let two = architecture(r#"{"hidden": [4]}"#);
    let cases: [(&[Named<'_>], &[&str]); 4] = [
        (&[("0.weight", &[4, 3]), ("0.bias", &[4])], &["missing: `layers.0.weight` [4, 3]", "extra: `0.bias` [4], `0.weight` [4, 3]"]),
        (
            &[("0.weight", &[5, 3]), ("0.bias", &[5]), ("2.weight", &[2, 5]), ("2.bias", &[2])],
            &["of another shape: `0.weight` [5, 3] and not [4, 3], for `layers.0.weight`", "`2.weight` [2, 5] and not [2, 4]"],
        ),
        (
            &[("layers.0.weight", &[3, 4]), ("layers.0.bias", &[4]), ("layers.1.weight", &[2, 4]), ("layers.1.bias", &[2])],
            &["of another shape: `layers.0.weight` [3, 4] and not [4, 3]"],
        ),
        (&[("0.weight", &[4, 3]), ("0.kernel", &[4]), ("2.weight", &[2, 4]), ("2.bias", &[2])], &["missing", "`0.kernel` [4]"]),
    ];
    for (names, expected) in cases {
        let message = from_safetensors(&file(names), &two).unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "{part:?} should be in: {message}");
        }
    }
}

#[test]
fn layers_whose_order_cannot_be_told_are_refused() {
    let three = architecture(r#"{"hidden": [3, 3]}"#);
    let names: [(&str, &[usize]); 6] =
        [("a.weight", &[3, 3]), ("a.bias", &[3]), ("b.weight", &[3, 3]), ("b.bias", &[3]), ("c.weight", &[2, 3]), ("c.bias", &[2])];
    let message = from_safetensors(&file(&names), &three).unwrap_err().to_string();
    assert!(message.contains("which of `a` and `b`, of the same shape, comes first"), "{message}");
}

/// 1.5 in each format; then what no weight may be.
#[test]
fn other_floats_are_converted_and_all_else_is_refused() {
    let one = architecture(r#"{"hidden": []}"#);
    let with_bias = |dtype, bytes: &[u8]| {
        let weight = 1_f32.to_le_bytes().repeat(6);
        let bias = bytes.repeat(2);
        let views = [
            ("layers.0.weight", TensorView::new(Dtype::F32, vec![2, 3], &weight).unwrap()),
            ("layers.0.bias", TensorView::new(dtype, vec![2], &bias).unwrap()),
        ];
        from_safetensors(&safetensors::serialize(views, None).unwrap(), &one)
    };
    for (dtype, bytes) in
        [(Dtype::F64, &1.5_f64.to_le_bytes()[..]), (Dtype::F16, &0x3e00_u16.to_le_bytes()), (Dtype::BF16, &0x3fc0_u16.to_le_bytes())]
    {
        let imported = with_bias(dtype, bytes).unwrap();
        assert_eq!(first(&imported, "layers.0.bias"), 1.5);
        assert_eq!(imported.converted, BTreeMap::from([(format!("{dtype:?}"), 1)]));
    }
    for (dtype, bytes, expected) in [
        (Dtype::F32, &f32::NAN.to_le_bytes()[..], "`layers.0.bias` holds NaN at position 0"),
        (Dtype::F64, &1e300_f64.to_le_bytes(), "`layers.0.bias` holds inf"),
        (Dtype::I64, &1_i64.to_le_bytes(), "`layers.0.bias` holds I64, and weights are f32"),
        (Dtype::BOOL, &[1], "`layers.0.bias` holds BOOL"),
    ] {
        let message = with_bias(dtype, bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let message = from_safetensors(b"no safetensors at all", &one).unwrap_err().to_string();
    assert!(message.contains("not a whole safetensors file"), "{message}");
}
