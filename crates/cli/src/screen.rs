//! The terminal, shared by three writers: log lines, events, and a status line that is rewritten in place.
//!
//! Whoever writes a line takes the status line away first and puts it back after, so that nothing is torn. Where standard
//! error is no terminal there is no status line, and this is a plain lock around two streams.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Back to the first column, and the line cleared.
const CLEAR: &[u8] = b"\r\x1b[2K";
/// A status line longer than the terminal is wide is cut, not wrapped: a wrapped one could not be cleared.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Standard output and standard error.
#[derive(Debug)]
pub(crate) struct Screen {
    live: bool,
    stdout_is_terminal: bool,
    status: Mutex<String>,
}

impl Screen {
    pub(crate) fn new() -> Arc<Self> {
        let stdout_is_terminal = io::stdout().is_terminal();
        Arc::new(Self { live: io::stderr().is_terminal(), stdout_is_terminal, status: Mutex::default() })
    }

    /// Whether a person reads standard error.
    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether a person reads standard output.
    pub(crate) const fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Shows a status line in place of the one before; an empty one takes it away.
    pub(crate) fn status(&self, line: String) {
        if self.live {
            let mut status = self.lock();
            hide(&status);
            *status = line;
            show(&status);
        }
    }

    /// Writes whole lines to standard error. Nobody can be told when that fails.
    pub(crate) fn log(&self, lines: &[u8]) {
        let status = self.lock();
        hide(&status);
        let _ = io::stderr().write_all(lines);
        show(&status);
    }

    /// Writes whole lines to standard output, at once.
    pub(crate) fn print(&self, lines: &[u8]) -> io::Result<()> {
        if !self.stdout_is_terminal {
            // Without the lock: a pipe that nobody reads must not keep others from logging.
            return write(lines);
        }
        let status = self.lock();
        hide(&status);
        let written = write(lines);
        show(&status);
        written
    }

    /// A panic elsewhere leaves a status line that is out of date at worst.
    fn lock(&self) -> MutexGuard<'_, String> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines).and_then(|()| stdout.flush())
}

fn hide(status: &str) {
    if !status.is_empty() {
        let _ = io::stderr().write_all(CLEAR);
    }
}

fn show(status: &str) {
    if !status.is_empty() {
        let _ = io::stderr().write_all(format!("{NO_WRAP}{status}{WRAP}").as_bytes());
    }
}

/// Standard error, for whoever writes a whole line in one call.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter(pub(crate) Arc<Screen>);

impl Write for LogWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.log(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
