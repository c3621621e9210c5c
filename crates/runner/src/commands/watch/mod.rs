//! `relumine watch`: how a run goes, by the files of its directory alone.

mod plain;
mod screen;
mod watched;

use crate::cli::WatchArguments;
use crate::failure::Failure;
use crate::interrupt;
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::Context;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use watched::Watched;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// Follows a run until the user quits or, without a terminal, until the run has ended.
pub(super) fn run(arguments: &WatchArguments) -> Result<(), Failure> {
    let run = RunDirectory::open(&arguments.run).map_err(Failure::Usage)?;
    let mut watched = Watched::open(run)?;
    if arguments.once {
        return terminal::print(plain::now(&watched));
    }
    let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
    if is_dumb || !std::io::stdout().is_terminal() {
        return follow(&mut watched);
    }
    let closing = interrupt::closing()?;
    // The terminal is given back before an error is told, and when the process panics.
    let mut screen = ratatui::try_init().context("cannot draw on this terminal: ask for plain text with --once")?;
    let ended = show(&mut screen, &mut watched, &closing);
    let restored = ratatui::try_restore().context("cannot give the terminal back");
    ended?;
    Ok(restored?)
}

/// Draws until the user quits, or a signal asks for the end.
fn show(screen: &mut ratatui::DefaultTerminal, watched: &mut Watched, closing: &AtomicBool) -> anyhow::Result<()> {
    while !closing.load(Ordering::Relaxed) {
        watched.look()?;
        screen.draw(|frame| screen::draw(frame, watched)).context("cannot draw on this terminal")?;
        if event::poll(INTERVAL).context("cannot read the keyboard")?
            && let Event::Key(key) = event::read().context("cannot read the keyboard")?
            && quits(key)
        {
            break;
        }
    }
    Ok(())
}

fn quits(key: KeyEvent) -> bool {
    let is_control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (is_control_c || matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc))
}

/// A line per epoch, as they come.
fn follow(watched: &mut Watched) -> Result<(), Failure> {
    terminal::print(format_args!("{}\n", plain::heading(watched)))?;
    let mut told = 0;
    loop {
        watched.look()?;
        // A resumed run may have gone back to an earlier epoch.
        told = told.min(watched.epochs.len());
        for record in &watched.epochs[told..] {
            terminal::print(format_args!("{}\n", plain::epoch_line(record, watched.planned_epochs)))?;
        }
        told = watched.epochs.len();
        if !watched.is_running() {
            return terminal::print(format_args!("{}\n", plain::state(watched)));
        }
        std::thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_quit_and_other_keys_do_not() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        assert!(quits(key(KeyCode::Char('q'))) && quits(key(KeyCode::Esc)));
        assert!(quits(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!quits(key(KeyCode::Char('c'))) && !quits(key(KeyCode::Enter)));
    }
}
