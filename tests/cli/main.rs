//! The program as a user runs it: commands, exit codes, messages, files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod determinism;
mod interrupt;
mod mnist;
mod runs;
mod stopping;
mod support;
