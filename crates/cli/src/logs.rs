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

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts logging. `--log` goes before `RUST_LOG`, and both before what the command usually logs.
pub(crate) fn start(level: Option<&str>, usual: &str, screen: &Arc<Screen>) -> Result<(), Failure> {
    let from_environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let wanted = level.or(from_environment.as_deref()).unwrap_or(usual);
    let filter = filter(wanted)?;
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

/// A level, or directives with a level each. A word that is neither would be taken for a target, and silence the rest.
fn filter(wanted: &str) -> Result<EnvFilter, Failure> {
    let is_level = |part: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(part));
    let is_known = wanted.split(',').map(str::trim).all(|part| part.contains('=') || is_level(part));
    let parsed = if is_known { EnvFilter::try_new(wanted).ok() } else { None };
    parsed.ok_or_else(|| {
        Failure::Input(format!(
            "`{}` is not a log filter: use {}, or a filter such as `info,pollwheel_connector=debug`",
            wanted.escape_debug(),
            LEVELS.map(|level| format!("`{level}`")).join(", ")
        ))
    })
}

fn may_be_shown(event: &Metadata<'_>) -> bool {
    event.target().starts_with("pollwheel") || *event.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_filters_and_other_words_are_not() {
        for good in ["off", "WARN", "trace", "pollwheel_connector=debug", "info,pollwheel_core=trace"] {
            assert!(filter(good).is_ok(), "{good} was refused");
        }
        for bad in ["loud!!", "loud", "info,loud", "loud=very", "", "info,"] {
            assert!(filter(bad).is_err(), "{bad} was accepted");
        }
    }
}
