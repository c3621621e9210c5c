//! Where predictions go: standard output as they come, or a file that is whole or not there.

use super::super::output_file::OutputFile;
use crate::failure::Failure;
use crate::terminal;
use std::io::IsTerminal;
use std::path::Path;

/// An open destination.
pub(super) enum Destination {
    Standard,
    File(OutputFile),
    /// A file that has its name.
    Done,
}

impl Destination {
    /// Opens it; nothing is visible under the name of `out` before [`finish`](Self::finish).
    pub(super) fn open(out: Option<&Path>, is_forced: bool) -> Result<Self, Failure> {
        out.map_or(Ok(Self::Standard), |path| OutputFile::open(path, is_forced).map(Self::File))
    }

    /// Adds some lines.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.add(text.as_bytes()),
            Self::Standard | Self::Done => terminal::print(text),
        }
    }

    /// Gives a file its name.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match std::mem::replace(self, Self::Done) {
            Self::File(file) => file.finish(),
            other => {
                *self = other;
                Ok(())
            }
        }
    }

    /// Whether a person watches the predictions themselves.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard) && std::io::stdout().is_terminal()
    }

    /// Whether it is a file.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Self::Standard)
    }

    /// What becomes of it where the work is broken off.
    pub(super) fn fate(&self) -> String {
        match self {
            Self::File(file) => format!("; {} was not written", file.path().display()),
            Self::Standard | Self::Done => String::new(),
        }
    }
}
