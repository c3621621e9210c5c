//! One reader a format: bytes in, nothing or the user's error out. Tests and fuzz targets call the same ones.

pub mod data;
#[cfg(feature = "runner")]
pub mod runs;

/// What a reader says of bytes that it refuses.
pub type Outcome = Result<(), String>;
