//! Pictures: decoding, bringing them to a model's shape, and folders of them as data.
//!
//! ```text
//! bytes ──decode──> DecodedImage ──Shaper (channels, inversion, size)──> bytes of the model's shape
//! ```

mod color;
mod decode;
mod folder;
mod framing;
mod jpeg;
mod pool;
mod read;
mod shaper;
#[cfg(test)]
mod tests;

#[cfg(feature = "hub")]
pub(crate) use color::to_channels;
pub use decode::{DecodedImage, decode};
pub(crate) use folder::{entries, is_hidden, is_picture};
pub(crate) use pool::{Pictures, fill};
pub(crate) use read::{check_settings, close_gaps, is_image_folder, read_image_folder, read_picture};
pub use shaper::{Fit, Invert, Shaper};
