//! Checkpoints that are never lost: whatever moment the process is killed at, a whole set of files is on the disk.
//!
//! A set is a [`Manifest`] and the files whose checksums it holds. A new set is written whole into `checkpoints/next/`, its manifest last; then
//! the set before it gets a second home in `checkpoints/previous/`, and the new files take the names of the run directory's contract. A reader
//! takes the newest manifest whose files are all there, and looks for each in all three folders: so a set stays whole while it moves. What
//! does not match its checksum is passed over with a warning, or refused where there is nothing older.

mod checksum;
mod manifest;
mod operation;
mod read;
mod search;
mod store;

pub use checksum::sha256;
pub use manifest::{FileRecord, Manifest, RunIdentity};
pub use read::{read_manifest, read_tensors, tensors_of, to_safetensors, verify};
pub use search::{Found, Place};
pub use store::Store;

pub(crate) use operation::sync_folder;
pub(crate) use store::{WRITING, no_room, remove_unfinished};
