//! SIGINT and SIGTERM: the first asks a run to stop, the second ends the process.
//!
//! They are waited for in a thread of their own, so that the second works while the engine is stuck in a write to a pipe
//! that nobody reads.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// As a shell reports a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Asks a run to stop. Clones ask the same run.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn ask(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when somebody has asked.
    pub(crate) fn asked(&self) -> impl Future<Output = ()> + use<> {
        let mut receiver = self.0.subscribe();
        async move {
            // The sender outlives the run, and its end would mean a stop as well.
            let _ = receiver.wait_for(|asked| *asked).await;
        }
    }
}

/// Listens for signals from now on.
///
/// # Errors
/// When the system refuses.
pub(crate) fn listen(stop: Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let wait = async move {
        for count in 1.. {
            tokio::select! {
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
            }
            if count > 1 {
                std::process::exit(INTERRUPTED);
            }
            stop.ask();
            // In a thread of its own: whoever reads standard error may have stalled, and the second signal must be heard.
            tokio::task::spawn_blocking(|| {
                tracing::info!("stopping: what is under way is finished; a second signal ends at once");
            });
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(wait))?;
    Ok(())
}
