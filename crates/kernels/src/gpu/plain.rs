//! Arrays as bytes, on their way to the device and back.

use super::{Draw, Progress, UpdateConstants};

/// What arrays on the device are made of.
///
/// # Safety
/// Any bytes of it may be read: it has no padding.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: numbers.
unsafe impl Plain for f32 {}
// SAFETY: numbers.
unsafe impl Plain for u32 {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for Progress {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for Draw {}
// SAFETY: numbers, and no padding between them.
unsafe impl Plain for UpdateConstants {}

/// The bytes of an array for the device.
#[must_use]
#[expect(private_bounds, reason = "for the types of this crate alone")]
pub fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: initialised memory without padding, as `Plain` promises.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to overwrite.
#[expect(private_bounds, reason = "for the types of this crate alone")]
pub fn bytes_of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bytes make a number.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}
