//! The header of a `.npy` file (NumPy enhancement proposal 1): magic, version, length, and a Python dictionary such as
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (100, 28, 28), }`.
//!
//! Parsed here and not by a crate: those that exist hand the text to a recursive parser of Python, which a hostile header makes overflow
//! the stack.

/// What NumPy reads of a header that it does not trust.
const MOST_HEADER_BYTES: usize = 10_000;
const MAGIC: &[u8] = b"\x93NUMPY";

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// Text of fixed length in 32-bit characters.
    Unicode,
    /// Text of fixed length in bytes.
    Bytes,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Bytes of an element.
    pub(crate) item: usize,
    pub(crate) big_endian: bool,
    /// Whether the first index runs fastest.
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

impl Header {
    /// Reads the header with `read`, which gives the next bytes, fewer at the end. The error is a predicate of the file.
    pub(crate) fn read<E: From<String>>(mut read: impl FnMut(usize) -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let short = || E::from("ends within its .npy header".into());
        let start = read(MAGIC.len() + 2)?;
        if !start.starts_with(MAGIC) {
            return Err(E::from("does not start like a .npy file".into()));
        }
        let length_bytes = match start.get(MAGIC.len()) {
            Some(1) => 2,
            Some(2 | 3) => 4,
            Some(version) => return Err(E::from(format!("has version {version} of the .npy format, which is not known"))),
            None => return Err(short()),
        };
        let length = read(length_bytes)?;
        if length.len() < length_bytes {
            return Err(short());
        }
        let length = length.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        if length > MOST_HEADER_BYTES {
            return Err(E::from(format!("has a header of {length} bytes, more than the {MOST_HEADER_BYTES} that NumPy itself would read")));
        }
        let text = read(length)?;
        if text.len() < length {
            return Err(short());
        }
        Self::parse(&String::from_utf8_lossy(&text)).map_err(E::from)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let broken = || "has a damaged .npy header".to_owned();
        let value = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}':"))?;
            Some(rest.trim_start())
        };
        let descr = value("descr").ok_or_else(broken)?;
        if descr.starts_with('[') {
            return Err("holds records with named fields, where an array of numbers was expected".into());
        }
        let descr = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).ok_or_else(broken)?.0;
        let (kind, item, big_endian) = element(descr)?;
        let fortran_order = match value("fortran_order").ok_or_else(broken)? {
            rest if rest.starts_with("True") => true,
            rest if rest.starts_with("False") => false,
            _ => return Err(broken()),
        };
        let shape = value("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')')).ok_or_else(broken)?.0;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape = sizes.map(|size| size.trim_end_matches('L').parse()).collect::<Result<Vec<_>, _>>().map_err(|_| broken())?;
        Ok(Self { kind, item, big_endian, fortran_order, shape })
    }

    /// How many elements the shape promises; `None` where that is more than can be counted.
    pub(crate) fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size as u64))
    }

    /// The shape as NumPy writes it.
    pub(crate) fn shape_shown(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        format!("[{}]", sizes.join(", "))
    }
}

/// The kind, size and byte order behind a type string such as `<f4`.
fn element(descr: &str) -> Result<(Kind, usize, bool), String> {
    let unknown = || format!("holds elements of type `{}`, which are no numbers, truth values or text", printable(descr));
    let mut characters = descr.chars();
    let (order, letter) = (characters.next().ok_or_else(unknown)?, characters.next().ok_or_else(unknown)?);
    if letter == 'O' {
        let remedy = "which only Python can read; save numbers, with x.astype(numpy.float32), or text, with y.astype(str)";
        return Err(format!("holds pickled Python objects, {remedy}"));
    }
    let size: usize = characters.as_str().parse().map_err(|_| unknown())?;
    let big_endian = order == '>';
    match (letter, size) {
        ('b', 1) => Ok((Kind::Bool, 1, false)),
        ('i', 1 | 2 | 4 | 8) => Ok((Kind::Signed, size, big_endian)),
        ('u', 1 | 2 | 4 | 8) => Ok((Kind::Unsigned, size, big_endian)),
        ('f', 2 | 4 | 8) => Ok((Kind::Float, size, big_endian)),
        ('U', 1..=1024) => Ok((Kind::Unicode, 4 * size, big_endian)),
        ('S', 1..=4096) => Ok((Kind::Bytes, size, false)),
        _ => Err(unknown()),
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, String> {
        Header::parse(text)
    }

    #[test]
    fn headers_as_numpy_writes_them_are_understood() {
        let header = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (100, 28, 28), }   \n").unwrap();
        let expected = Header { kind: Kind::Float, item: 4, big_endian: false, fortran_order: false, shape: vec![100, 28, 28] };
        assert_eq!(header, expected);
        assert_eq!(parse("{'descr': '|u1', 'fortran_order': True, 'shape': (7,), }").unwrap().shape, [7]);
        assert_eq!(parse("{'descr': '>i8', 'fortran_order': True, 'shape': (), }").unwrap().shape, [0_usize; 0]);
        assert_eq!(parse("{'descr': '<U5', 'fortran_order': False, 'shape': (3,), }").unwrap().item, 20);
    }

    #[test]
    fn what_is_no_array_of_numbers_or_text_is_named() {
        for (descr, expected) in [
            ("'|O'", "pickled Python objects"),
            ("[('a', '<f4')]", "records with named fields"),
            ("'<c16'", "type `<c16`"),
            ("'<M8[ns]'", "type `<M8[ns]`"),
            ("'<f16'", "type `<f16`"),
            ("''", "type ``"),
            ("5", "damaged .npy header"),
        ] {
            let message = parse(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,), }}")).unwrap_err();
            assert!(message.contains(expected), "{descr}: {message}");
        }
        for text in ["", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 1, 'shape': (3,)}"] {
            assert_eq!(parse(text).unwrap_err(), "has a damaged .npy header", "{text}");
        }
        for shape in ["(-1,)", "(3", "(99999999999999999999,)", "3", "(a,)"] {
            let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
            assert_eq!(parse(&text).unwrap_err(), "has a damaged .npy header", "{shape}");
        }
    }

    #[test]
    fn a_long_or_short_header_is_refused_unread() {
        let read = |bytes: &[u8]| {
            let mut rest = bytes;
            Header::read::<String>(|count| {
                let (now, later) = rest.split_at(count.min(rest.len()));
                rest = later;
                Ok(now.to_vec())
            })
            .unwrap_err()
        };
        assert!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("has a header of 4294967295 bytes"));
        assert!(read(b"\x93NUMPY\x01\x00\x76\x00{'descr'").contains("ends within"));
        assert!(read(b"\x93NUMPY\x09\x00").contains("version 9"));
        assert!(read(b"PK").contains("does not start like"));
    }
}
