//! Integers of either sign as floats and as names.

use super::columns::Meaning;

/// The bits of an integer of `width` bits as the number that they mean.
fn unsigned(value: i64, width: u32) -> u64 {
    if width == 32 { u64::from(value as u32) } else { value as u64 }
}

/// The nearest 32-bit float.
pub(super) fn to_f32(value: i64, meaning: Meaning, width: u32) -> f32 {
    if meaning == Meaning::Unsigned { unsigned(value, width) as f32 } else { value as f32 }
}

/// The number in digits.
pub(super) fn class_of_number(value: i64, meaning: Meaning, width: u32) -> String {
    if meaning == Meaning::Unsigned { unsigned(value, width).to_string() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_sign_are_not_negative() {
        assert_eq!(to_f32(-1, Meaning::Unsigned, 32), 4_294_967_295.0);
        assert_eq!(class_of_number(-1, Meaning::Unsigned, 64), "18446744073709551615");
        assert_eq!((to_f32(-1, Meaning::Plain, 32), class_of_number(-1, Meaning::Plain, 64)), (-1.0, "-1".to_owned()));
    }
}
