//! `relumine man`.

use crate::cli::{Arguments, ManArguments};
use crate::failure::Failure;
use crate::terminal;
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;

/// Prints the manual page, or writes a page for every command.
pub(super) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    // Gives every command its full name, and the options that all of them have.
    command.build();
    match &arguments.out {
        None => terminal::print(String::from_utf8_lossy(&render(&command)?)),
        Some(folder) => write_all(&command, "relumine", folder).map_err(Failure::Run),
    }
}

/// Writes `{name}.1` and the pages of its commands, `{name}-{command}.1`.
fn write_all(command: &Command, name: &str, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(format!("{name}.1"));
    let cannot_write = || format!("cannot write {}: choose another folder with --out", path.display());
    std::fs::create_dir_all(folder).with_context(cannot_write)?;
    std::fs::write(&path, render(command)?).with_context(cannot_write)?;
    command.get_subcommands().try_for_each(|inner| write_all(inner, &format!("{name}-{}", inner.get_name()), folder))
}

fn render(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).context("cannot make the manual page")?;
    Ok(page)
}
