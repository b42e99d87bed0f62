//! Logs: one JSON object a line on standard error, which Lambda takes into the function's log group.
//!
//! Never in a log: tokens, headers, bodies, URLs with queries. Our own lines keep to that by what they say; those of
//! libraries are kept out below warnings, because an SDK's details hold all of these.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Whose lines are logged at the level that was asked for.
const OUR_TARGETS: &str = "pollwheel";

/// The runtime logs every failed invocation, after `guard` has.
const REPEATED: &str = "lambda_runtime::layers";

/// What the level variable may be.
pub(super) const LEVELS: &str = "`error`, `warn`, `info`, `debug` or `trace`";
const VARIABLE: &str = "POLLWHEEL_LOG";

/// Starts logging at the level of `POLLWHEEL_LOG`; `info` when it is not set. Before everything else, so that a wrong
/// level is itself logged: it is reported by `environment`, and `info` stands in.
pub(super) fn start(environment: &mut super::Environment<'_>) {
    let level = environment.parsed_or(VARIABLE, LEVELS, Level::INFO, |text| text.parse().ok());
    let lines = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    // A second start in one process (a test) keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter(level))).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // Where, and not what: a panic's text may repeat what it choked on.
        let place = panic.location().map(ToString::to_string);
        tracing::error!(target: OUR_TARGETS, place, "a panic");
    }));
}

fn filter(level: Level) -> Targets {
    let libraries = Targets::new().with_default(Level::WARN.min(level));
    libraries.with_target(OUR_TARGETS, level).with_target(REPEATED, LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_heard_from_warnings_on() {
        let debug = filter(Level::DEBUG);
        assert!(debug.would_enable("pollwheel_worker::handler", &Level::DEBUG));
        assert!(debug.would_enable("aws_smithy_runtime", &Level::WARN));
        assert!(!debug.would_enable("aws_smithy_runtime", &Level::INFO));
        assert!(!debug.would_enable("lambda_runtime::layers::panic", &Level::ERROR));
        let quiet = filter(Level::ERROR);
        assert!(!quiet.would_enable("pollwheel_worker", &Level::WARN));
        assert!(!quiet.would_enable("hyper", &Level::WARN));
    }
}
