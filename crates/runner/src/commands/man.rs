//! `relumine man`.

use super::output_file::OutputFile;
use crate::cli::{Arguments, ManArguments};
use crate::failure::Failure;
use crate::terminal;
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// Prints the manual page, or writes a page for every command.
pub(super) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    // Gives every command its full name, and the options that all of them have.
    command.build();
    let Some(folder) = &arguments.out else {
        return terminal::print(String::from_utf8_lossy(&render(&command)?));
    };
    let mut pages = Vec::new();
    collect(&command, "relumine", folder, &mut pages);
    // All before the first is written: either there are new pages of every command or of none.
    pages.iter().try_for_each(|(path, _)| OutputFile::check(path, arguments.force))?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}: choose another folder with --out", folder.display()))?;
    pages.iter().try_for_each(|(path, command)| OutputFile::write_all(path, arguments.force, &render(command)?))
}

/// Adds `{name}.1` and the pages of its commands, `{name}-{command}.1`.
fn collect<'a>(command: &'a Command, name: &str, folder: &Path, pages: &mut Vec<(PathBuf, &'a Command)>) {
    pages.push((folder.join(format!("{name}.1")), command));
    command.get_subcommands().for_each(|inner| collect(inner, &format!("{name}-{}", inner.get_name()), folder, pages));
}

fn render(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).context("cannot make the manual page")?;
    Ok(page)
}
