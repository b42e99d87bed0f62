//! The politeness rules: each is measured, on each job type, and never guessed.

mod conditional;
mod fleet;
mod limits;
mod waits;

use super::rig::Rig;
use super::verdict::{Measured, Verdict};

type Rule = fn(&Rig<'_>) -> Vec<Measured>;

/// Rule, what it means, what it is worth, how it is measured.
const RULES: [(&str, &str, u32, Rule); 11] = [
    ("validators", "validators are sent back verbatim", 15, conditional::verbatim),
    (
        "no_repeat",
        "what has not changed is never asked for unconditionally again",
        10,
        conditional::no_repeat,
    ),
    ("floors", "pauses that the server asks for are kept", 15, waits::floors),
    ("retry_after", "Retry-After is kept, on 429 and 503", 10, waits::retry_after),
    ("backoff", "failures in a row are asked ever more rarely", 5, waits::backoff),
    ("limits", "with the cushion reached, nothing is asked before the reset", 20, limits::cushion),
    ("undeclared", "every limit that responses tell of is declared", 5, limits::declared),
    (
        "restart",
        "nothing bursts after a restart: jobs are spread over minutes and seconds",
        10,
        fleet::restart,
    ),
    ("user_agent", "the User-Agent tells the truth, and whom to ask", 5, fleet::user_agent),
    ("bounds", "pages of a poll and requests at once to a host are bounded", 10, fleet::bounds),
    ("parking", "who is gone or refused is asked no more", 10, waits::parking),
];

/// Measures every rule on the job types of a channel.
pub(super) fn measure(rigs: &[Rig<'_>]) -> Vec<Verdict> {
    RULES
        .iter()
        .map(|(rule, means, worth, measure)| {
            let measured = rigs.iter().flat_map(|rig| {
                let name = rig.job_type.spec().id.name();
                let told = move |one| named(name, one);
                match rig.page() {
                    Some(_) => measure(rig).into_iter().map(told).collect::<Vec<_>>(),
                    None => vec![told(Measured::Bad(
                        "no recorded poll works, so nothing can be measured".to_owned(),
                    ))],
                }
            });
            Verdict::of((*rule, *means, *worth), measured)
        })
        .collect()
}

fn named(job_type: &str, measured: Measured) -> Measured {
    let name = |text: String| format!("{job_type}: {text}");
    match measured {
        Measured::Good(text) => Measured::Good(name(text)),
        Measured::Bad(text) => Measured::Bad(name(text)),
        Measured::Moot(text) => Measured::Moot(name(text)),
    }
}

/// A measurement from a wait that should be at least so long.
fn at_least(what: &str, wait: Option<Option<u64>>, seconds: u64) -> Measured {
    match wait {
        Some(Some(wait)) if wait >= seconds => {
            Measured::Good(format!("{what}: {seconds} s asked for, {wait} s kept"))
        }
        Some(Some(wait)) => Measured::Bad(format!("{what}: {seconds} s asked for, {wait} s kept")),
        Some(None) => Measured::Good(format!("{what}: never asked again")),
        None => Measured::Bad(format!("{what}: the job cannot be set up")),
    }
}
