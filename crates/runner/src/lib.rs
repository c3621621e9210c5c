//! The trainer: from a recipe and a data set to a trained, validated and tested model in a run directory.
//!
//! ```text
//! command line ──> Recipe ──> Job (data on the device, step) ──> train loop ──(events)──> observers ──> run directory
//! ```
//!
//! The loop is [`pipeline::train`]. Observers read its events and never change what it does.

pub mod checkpoint;
pub mod cli;
pub mod commands;
pub mod device;
pub mod environment;
pub mod failure;
pub mod file_limit;
pub mod instructions;
pub mod interrupt;
pub mod observers;
pub mod pipeline;
pub mod reading;
pub mod recipe;
pub mod run_directory;
pub mod study;
pub mod terminal;
pub mod threads;
