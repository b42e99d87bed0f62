//! Logs, on standard error: for people on a terminal, as JSON lines otherwise.
//!
//! Never logged: tokens, headers, bodies, URLs with queries. Other crates say some of these at their finer levels, so of
//! theirs only warnings and errors are let through, whatever the filter asks for.

use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::exit::Failure;
use crate::screen::{LogWriter, Screen};

const DEFAULT: &str = "info";

/// Starts logging. `--log` goes before `RUST_LOG`.
pub(crate) fn start(level: Option<&str>, screen: &Arc<Screen>) -> Result<(), Failure> {
    let from_environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let wanted = level.or(from_environment.as_deref()).unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        Failure::Input(format!(
            "`{wanted}` is not a log filter ({error}): use `error`, `warn`, `info`, `debug`, `trace`, or `pollwheel_connector=debug`"
        ))
    })?;
    let writer = LogWriter(Arc::clone(screen));
    let lines = fmt::layer().with_writer(move || writer.clone());
    let lines = if screen.is_live() {
        lines.with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    let lines = lines.with_filter(filter_fn(may_be_shown)).with_filter(filter);
    // Fails only when another subscriber is set, which logs as well.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    Ok(())
}

fn may_be_shown(event: &Metadata<'_>) -> bool {
    event.target().starts_with("pollwheel") || *event.level() <= Level::WARN
}
