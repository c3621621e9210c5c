//! The parquet library panics on some damaged files. Here a panic becomes an error like any other.

use crate::DataError;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside [`guarded`], where a panic is somebody's damaged file and not our mistake.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read`; a panic in it is the error that the file at `path` is damaged. Whatever `read` was changing is not to be used then.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    quietly(read).unwrap_or_else(|| Err(DataError::malformed(path, "is a damaged Parquet file", "download or copy it again")))
}

/// What `read` gives; `None` where it panics, of which nothing is printed.
pub(crate) fn quietly<T>(read: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                default(panic);
            }
        }));
    });
    let outer = IS_GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(outer);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_file_s_error_and_the_next_read_is_not_guarded() {
        let result: Result<(), _> = guarded(Path::new("t.parquet"), || panic!("an invariant of the library"));
        assert_eq!(result.unwrap_err().to_string(), "t.parquet is a damaged Parquet file: download or copy it again");
        assert!(!IS_GUARDED.get());
        assert_eq!(guarded(Path::new("t.parquet"), || Ok(3)).unwrap(), 3);
    }
}
