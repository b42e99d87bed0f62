//! `pollwheel channel record`: one live poll becomes a recorded case, with nothing in it that belongs to somebody.

mod case;
mod markup;
mod names;
mod patterns;
mod pseudonym;
mod redact;

use std::fs;

use anyhow::Context;
use pollwheel_connector::recording::{Case, CaseFiles, Deviation, Played, folder_of, play};
use serde_json::json;

use self::redact::Redactor;
use super::args::RecordArgs;
use super::diff::{self, Ink};
use super::live::{Live, Poll};
use super::test::write;
use super::{count, folder};
use crate::exit::Failure;
use crate::output::Output;

/// Polls, redacts, writes, and replays what was written.
pub(crate) fn record(args: &RecordArgs, ink: Ink) -> Result<(), Failure> {
    let live = Live::new(&args.live)?;
    let name = args.live.name.as_str();
    let files = CaseFiles::of(&folder_of(&folder(&args.live.channels)?, name), &args.case);
    if !args.overwrite {
        for file in [&files.recorded, &files.expected] {
            if file.exists() {
                let message = "is there already: choose another `--case`, or `--overwrite` it";
                return Err(Failure::Input(format!("{}: {message}", file.display())));
            }
        }
    }
    let poll = live.poll(live.chosen.row.clone())?;
    if poll.exchanges.is_empty() {
        let reason = poll.polled.outcome.error().unwrap_or_default();
        let outcome = poll.polled.outcome.name();
        return Err(Failure::Input(live.secrets.hide(&format!(
            "nothing was asked, and nothing was written: the poll came to `{outcome}` {reason}"
        ))));
    }
    let mut redactor = Redactor::new(&live.secrets, &args.redact);
    let case = case::of(&poll, &live, args.about.as_deref(), &mut redactor)?;
    let text = case.to_text().context("cannot write the case as JSON")?;
    if let Some(what) = redactor.left_in(&text) {
        return Err(anyhow::anyhow!("nothing was written: the redacted case still has {what} in it").into());
    }
    let case = Case::parse(&files.recorded, &text).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let channel = live.channels().get(name).context("the channel has gone")?;
    let played = play(live.channels(), channel, &case).map_err(anyhow::Error::new)?;
    save(&files, &text, &played)?;
    let differs = differs(&poll, &played);
    let mut output = Output::new();
    if args.live.json {
        output.json(&json!({
            "recorded": files.recorded,
            "expected": files.expected,
            "outcome": played.polled.outcome.name(),
            "items": played.polled.items.len(),
            "redacted": redactor.report(),
            "replays": differs.is_none() && played.deviations.is_empty(),
            "difference": differs,
            "requests": played.deviations.iter().map(diff::deviation_json).collect::<Vec<_>>(),
        }))?;
    } else {
        show(&files, &poll, &played, &redactor, &mut output)?;
        replayed(differs.as_deref(), &played.deviations, ink, &mut output)?;
    }
    output.finish()?;
    if differs.is_none() && played.deviations.is_empty() { Ok(()) } else { Err(Failure::Verdict) }
}

fn save(files: &CaseFiles, text: &str, played: &Played) -> Result<(), Failure> {
    let cannot = || format!("cannot write `{}`", files.recorded.display());
    if let Some(folder) = files.recorded.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(&files.recorded, text).with_context(cannot)?;
    write(&files.expected, &played.comes_to)
}

/// How the replay of the case ended otherwise than the poll did.
fn differs(poll: &Poll, played: &Played) -> Option<String> {
    let (live, again) = (&poll.polled, &played.polled);
    if live.outcome.name() != again.outcome.name() {
        let reason = again.outcome.error().unwrap_or_default();
        return Some(format!(
            "the poll came to `{}`, the case comes to `{}` {reason}",
            live.outcome.name(),
            again.outcome.name()
        ));
    }
    (live.items.len() != again.items.len()).then(|| {
        format!("the poll brought {}, the case brings {}", count(live.items.len(), "item"), again.items.len())
    })
}

fn show(
    files: &CaseFiles,
    poll: &Poll,
    played: &Played,
    redactor: &Redactor,
    output: &mut Output,
) -> Result<(), Failure> {
    output.line(format_args!(
        "recorded {}: {}, {}, {}",
        files.name,
        played.polled.outcome.name(),
        count(poll.exchanges.len(), "exchange"),
        count(played.polled.items.len(), "item")
    ))?;
    if let Some(reason) = played.polled.outcome.error() {
        output.line(format_args!("  {}", diff::shown(&reason)))?;
    }
    output.line(format_args!("  {}", files.recorded.display()))?;
    output.line(format_args!("  {}", files.expected.display()))?;
    output.line("redacted:")?;
    for (what, times) in redactor.report() {
        output.line(format_args!("  {times:>5} {what}"))?;
    }
    output.line(
        "Read both files before you commit them: rules find what they know, and free text may say anything.",
    )
}

fn replayed(
    differs: Option<&str>,
    deviations: &[Deviation],
    ink: Ink,
    output: &mut Output,
) -> Result<(), Failure> {
    if differs.is_none() && deviations.is_empty() {
        return output.line("The case replays as the poll went.");
    }
    output.line(
        ink.bad("The case does not replay as the poll went: mend it by hand, or record it with fewer rules."),
    )?;
    if let Some(differs) = differs {
        output.line(format_args!("  {differs}"))?;
    }
    for deviation in deviations {
        diff::show_deviation(output, ink, 2, deviation)?;
    }
    Ok(())
}
