//! Putting a graph together, node by node.

use super::proto::{AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use super::proto::{Dimension, Size, TensorShapeProto, TensorType, TypeProto};
use crate::trained::little_endian;

/// A graph in the making. A value is known by its name.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

/// What an operation is given besides its inputs.
pub(super) enum Attribute {
    Float(&'static str, f32),
    Int(&'static str, i64),
    Ints(&'static str, Vec<i64>),
}

impl Graph {
    /// A constant called `name`.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.tensor(name, shape, DataType::Float, little_endian(values))
    }

    /// A number called `name`.
    pub(super) fn number(&mut self, name: &str, value: f64) -> String {
        self.constant(name, &[], &[value as f32])
    }

    /// Whole numbers called `name`, such as a shape.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.tensor(name, &[values.len()], DataType::Int64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn tensor(&mut self, name: &str, shape: &[usize], data_type: DataType, bytes: Vec<u8>) -> String {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|size| *size as i64).collect(),
            data_type: Some(data_type.into()),
            name: Some(name.into()),
            raw_data: Some(bytes),
        });
        name.into()
    }

    /// Applies `operator` and calls the result `name`, which is also the node's name.
    pub(super) fn apply(&mut self, name: &str, operator: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().copied().map(Into::into).collect(),
            output: vec![name.into()],
            name: Some(name.into()),
            op_type: Some(operator.into()),
            attribute: attributes.iter().map(Attribute::to_proto).collect(),
        });
        name.into()
    }

    /// The whole graph, from `input` to `output`.
    pub(super) fn finish(self, name: &str, input: ValueInfoProto, output: ValueInfoProto) -> GraphProto {
        GraphProto { node: self.nodes, name: Some(name.into()), initializer: self.constants, input: vec![input], output: vec![output] }
    }
}

impl Attribute {
    fn to_proto(&self) -> AttributeProto {
        let of = |name: &str, kind: AttributeType| AttributeProto {
            name: Some(name.into()),
            kind: Some(kind.into()),
            ..AttributeProto::default()
        };
        match self {
            Self::Float(name, value) => AttributeProto { f: Some(*value), ..of(name, AttributeType::Float) },
            Self::Int(name, value) => AttributeProto { i: Some(*value), ..of(name, AttributeType::Int) },
            Self::Ints(name, values) => AttributeProto { ints: values.clone(), ..of(name, AttributeType::Ints) },
        }
    }
}

/// A value of f32 numbers, `[batch, example_shape..]`, that a graph takes or gives.
pub(super) fn value(name: &str, meaning: &str, example_shape: &[usize]) -> ValueInfoProto {
    let batch = Size::Named("batch".into());
    let sizes = std::iter::once(batch).chain(example_shape.iter().map(|size| Size::Known(*size as i64)));
    let shape = TensorShapeProto { dim: sizes.map(|size| Dimension { size: Some(size) }).collect() };
    let tensor_type = TensorType { elem_type: Some(DataType::Float.into()), shape: Some(shape) };
    ValueInfoProto { name: Some(name.into()), kind: Some(TypeProto { tensor_type: Some(tensor_type) }), doc_string: Some(meaning.into()) }
}
