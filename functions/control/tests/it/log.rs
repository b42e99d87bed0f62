//! The log of the process, in memory, from its first line on.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, OnceLock};

use tracing_subscriber::filter::LevelFilter;

static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();

fn log() -> MutexGuard<'static, Vec<u8>> {
    LOG.get_or_init(Mutex::default).lock().unwrap()
}

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        log().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes every line of every level from now on.
pub(crate) fn take() {
    let lines = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE).with_writer(|| Writer);
    // The first test of the process does it for all.
    let _ = tracing::subscriber::set_global_default(lines.finish());
}

/// What was logged so far, by all tests of the process.
pub(crate) fn text() -> String {
    String::from_utf8(log().clone()).unwrap()
}
