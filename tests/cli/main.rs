//! The program as a user runs it: commands, exit codes, messages, files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod augment;
mod bad_input;
mod compare;
mod data_formats;
mod determinism;
mod devices;
mod edited;
mod export;
mod folds;
mod image_folder;
mod init_from;
mod inspect;
mod interrupt;
mod logs;
mod mnist;
mod predict;
mod probes;
mod report;
mod resume;
mod runs;
mod shells;
mod stopping;
mod study;
mod study_goes_on;
mod support;
mod unfinished;
mod watch;
