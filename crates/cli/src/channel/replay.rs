//! `pollwheel channel replay`: what a changed channel file would make of recorded answers.

mod events;

use std::fs;
use std::path::Path;

use anyhow::Context;
use pollwheel_connector::recording::{Case, CaseFiles, Played, Suite, folder_of, play};
use pollwheel_connector::{Channel, ChannelErrors, ChannelSet};
use serde_json::json;

use self::events::Change;
use super::args::ReplayArgs;
use super::diff::Ink;
use super::{count, load};
use crate::exit::Failure;
use crate::output::Output;

/// Runs the recordings of a channel through its own and through a changed file.
pub(crate) fn replay(args: &ReplayArgs, ink: Ink) -> Result<(), Failure> {
    let (folder, before) = load(&args.folder)?;
    let (after, name) = changed(&args.with)?;
    let (Some(old), Some(new)) = (before.get(&name), after.get(&name)) else {
        let known: Vec<String> = before.iter().map(|channel| format!("`{}`", channel.name())).collect();
        return Err(Failure::Input(format!(
            "`{}` declares the channel `{name}`, and `{}` has recordings of {}",
            args.with.display(),
            args.folder.display(),
            known.join(", ")
        )));
    };
    let suite = Suite::of(&folder_of(&folder, &name));
    let is_wanted = |files: &&CaseFiles| {
        args.case.as_ref().is_none_or(|case| *case == files.name || *case == format!("{name}/{}", files.name))
    };
    let mut changes = Vec::new();
    for files in suite.cases.iter().filter(is_wanted) {
        changes.push(compare((&before, old), (&after, new), files)?);
    }
    if changes.is_empty() {
        let what = args.case.as_ref().map_or_else(String::new, |case| format!(" `{case}`"));
        return Err(Failure::Input(format!("`{}` has no case{what} of `{name}`", args.folder.display())));
    }
    let mut output = Output::new();
    if args.json {
        let cases: Vec<_> = changes.iter().map(Change::json).collect();
        output.json(&json!({
            "same": changes.iter().all(Change::is_none), "channel": name, "cases": cases,
        }))?;
    } else {
        show(&name, &changes, ink, &mut output)?;
    }
    output.finish()?;
    if changes.iter().all(Change::is_none) { Ok(()) } else { Err(Failure::Verdict) }
}

/// The channel of a file that stands anywhere, under any name.
fn changed(file: &Path) -> Result<(ChannelSet, String), Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Input(format!("{}: cannot be read: {error}", file.display())))?;
    // A channel's file is found by its folder, which has the channel's name.
    let name = text.lines().find_map(|line| line.strip_prefix("channel:")).unwrap_or_default();
    let name = name.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let is_name = pollwheel_core::id::ChannelName::new(name.as_str()).is_ok();
    let own = folder.path().join(if is_name { name.as_str() } else { "changed" });
    fs::create_dir(&own).context("cannot make a temporary folder")?;
    fs::write(own.join("channel.yml"), text).context("cannot write a temporary file")?;
    let loaded = ChannelSet::load(&own).map_err(|ChannelErrors(mut problems)| {
        for problem in &mut problems {
            file.clone_into(&mut problem.file);
        }
        Failure::Input(ChannelErrors(problems).to_string())
    })?;
    Ok((loaded, name))
}

fn compare(
    (before, old): (&ChannelSet, &Channel),
    (after, new): (&ChannelSet, &Channel),
    files: &CaseFiles,
) -> Result<Change, Failure> {
    let case = Case::read(&files.recorded).map_err(|problem| Failure::Input(problem.to_string()))?;
    let run = |channels: &ChannelSet, channel: &Channel| -> Result<Played, String> {
        play(channels, channel, &case).map_err(|error| error.to_string())
    };
    let old =
        run(before, old).map_err(|error| Failure::Input(format!("{}: {error}", files.recorded.display())))?;
    Ok(match run(after, new) {
        Ok(new) => Change::between(&files.name, &old, new),
        Err(reason) => Change::lost(&files.name, &old, reason),
    })
}

fn show(name: &str, changes: &[Change], ink: Ink, output: &mut Output) -> Result<(), Failure> {
    output.line(name)?;
    for change in changes {
        change.show(ink, output)?;
    }
    let changed = changes.iter().filter(|change| !change.is_none()).count();
    let all = count(changes.len(), "case");
    if changed == 0 {
        return output.line(format_args!("{all}: the same events"));
    }
    output.line(format_args!("{all}: {} with another result", ink.bad(&changed.to_string())))?;
    if changes.iter().any(Change::is_seen_anew) {
        output.line(
            "Events with another id are new to consumers: those who know them under the old id get them once more, \
             as soon as they are polled again.",
        )?;
    }
    Ok(())
}
