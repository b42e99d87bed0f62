//! Where events go, and how they look there.

use std::io::{self, Write};
use std::ops::Deref;
use std::sync::Arc;

use anyhow::Context;
use pollwheel_local::bus::NdjsonBus;

use crate::demo::readable;
use crate::exit::Failure;
use crate::run::outputs::{EventsTo, Outputs};
use crate::screen::Screen;
use crate::signals::Stop;

/// How events look on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As CloudEvents, one JSON object a line.
    Ndjson,
    /// One line a person can read.
    Readable,
}

/// The bus of a run.
pub(super) struct Events(NdjsonBus);

impl Events {
    /// Opens the file, or standard output.
    pub(super) fn open(
        outputs: &Outputs,
        format: Format,
        screen: &Arc<Screen>,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let bus = match outputs.events() {
            EventsTo::File(path) => NdjsonBus::append_to(path)
                .with_context(|| format!("cannot write events to `{}`", path.display()))?,
            EventsTo::Stdout => {
                let (screen, stop) = (Arc::clone(screen), stop.clone());
                NdjsonBus::stream(Box::new(Stdout { screen, stop, format }))
            }
        };
        Ok(Self(bus))
    }
}

impl Deref for Events {
    type Target = NdjsonBus;
    fn deref(&self) -> &NdjsonBus {
        &self.0
    }
}

/// Standard output. When its reader goes away there is nobody left to poll for.
struct Stdout {
    screen: Arc<Screen>,
    stop: Stop,
    format: Format,
}

impl Write for Stdout {
    /// Takes whole lines, as the bus writes them.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let printed = match self.format {
            Format::Ndjson => self.screen.print(lines),
            Format::Readable => self.screen.print(readable::lines(lines).as_bytes()),
        };
        if printed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.stop.ask();
        }
        printed.map(|()| lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
