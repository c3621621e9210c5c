//! The protocol buffers of event files: of TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and of TensorBoard's
//! `hparams/plugin_data.proto`, the fields that are written here. Members of a `oneof` are options, of which one is set.

use std::collections::BTreeMap;

/// `Event`: one record of the file.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct EventMessage {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(string, optional, tag = "3")]
    pub(super) file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub(super) summary: Option<Summary>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

/// `Summary.Value`: a scalar, a histogram, or a tensor for a plugin.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) simple_value: Option<f32>,
    #[prost(message, optional, tag = "5")]
    pub(super) histo: Option<HistogramMessage>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<TensorMessage>,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
}

/// `HistogramProto`: `bucket[i]` counts up to `bucket_limit[i]`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HistogramMessage {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) num: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub(super) bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) bucket: Vec<f64>,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TensorMessage {
    /// 1: f32, 7: strings.
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<Shape>,
    #[prost(float, repeated, tag = "5")]
    pub(super) float_val: Vec<f32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
}

/// `TensorShapeProto`; that of a scalar has no dimensions.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// `SummaryMetadata`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<PluginData>,
    /// 2: tensors.
    #[prost(int32, tag = "4")]
    pub(super) data_class: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

/// `HParamsPluginData`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HParams {
    #[prost(message, optional, tag = "3")]
    pub(super) session_start_info: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    pub(super) session_end_info: Option<SessionEnd>,
}

/// `SessionStartInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) hparams: BTreeMap<String, Setting>,
    #[prost(double, tag = "5")]
    pub(super) start_time_secs: f64,
}

/// `SessionEndInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionEnd {
    /// 0: unknown, 1: success, 2: failure.
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
    #[prost(double, tag = "2")]
    pub(super) end_time_secs: f64,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Setting {
    #[prost(double, optional, tag = "2")]
    pub(super) number_value: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub(super) string_value: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub(super) bool_value: Option<bool>,
}

/// Tensors rather than scalars or blobs.
const TENSORS: i32 = 2;

impl Value {
    /// A number, in the 32 bits that every reader of event files takes.
    pub(super) fn scalar(tag: &str, value: f64) -> Self {
        Self { tag: tag.into(), simple_value: Some(value as f32), ..Self::default() }
    }

    /// Text, which TensorBoard shows as Markdown.
    pub(super) fn text(tag: &str, text: String) -> Self {
        let tensor =
            TensorMessage { dtype: 7, tensor_shape: Some(Shape::default()), string_val: vec![text.into_bytes()], ..Default::default() };
        Self { tag: tag.into(), tensor: Some(tensor), metadata: Some(Metadata::of("text", Vec::new())), ..Self::default() }
    }

    /// What the hparams plugin reads: it lies in the metadata, and the tensor is empty.
    pub(super) fn hparams(tag: &str, content: &HParams) -> Self {
        let shape = Shape { dim: vec![Dimension { size: 0 }] };
        let tensor = TensorMessage { dtype: 1, tensor_shape: Some(shape), ..Default::default() };
        let metadata = Metadata::of("hparams", prost::Message::encode_to_vec(content));
        Self { tag: tag.into(), tensor: Some(tensor), metadata: Some(metadata), ..Self::default() }
    }
}

impl Metadata {
    fn of(plugin: &str, content: Vec<u8>) -> Self {
        Self { plugin_data: Some(PluginData { plugin_name: plugin.into(), content }), data_class: TENSORS }
    }
}
