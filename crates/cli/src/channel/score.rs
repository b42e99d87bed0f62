//! `pollwheel channel score`: how politely a channel polls, measured.
//!
//! Each job type runs under virtual time against answers made up from its recordings, through the code that polls and the
//! core's decision. What an API never does costs no points; what it does and the channel ignores does.

mod rig;
mod rules;
mod verdict;

use pollwheel_connector::recording::{Suite, folder_of};
use pollwheel_connector::{Connector, ConnectorOptions};
use serde_json::{Value, json};

use self::rig::Rig;
use self::verdict::{Verdict, percent};
use super::args::ScoreArgs;
use super::diff::Ink;
use super::load;
use crate::exit::Failure;
use crate::output::Output;

/// Whom to ask, in the requests that are measured.
const CONTACT: &str = "https://example.com/contact";

/// Scores the channels of a folder.
pub(crate) fn score(args: &ScoreArgs, ink: Ink) -> Result<(), Failure> {
    let (folder, channels) = load(&args.folder)?;
    // As a deployment would: with its User-Agent.
    let options = ConnectorOptions { contact: Some(CONTACT.to_owned()), ..ConnectorOptions::default() };
    let connector =
        Connector::new(channels, &options).map_err(|error| Failure::Run(anyhow::Error::new(error)))?;
    let channels = connector.channels();
    let mut scores = Vec::new();
    for channel in channels.iter() {
        let suite = Suite::of(&folder_of(&folder, channel.name().as_str()));
        let rigs: Result<Vec<Rig<'_>>, Failure> =
            channel.job_types().map(|job_type| Rig::of(channels, channel, job_type, &suite)).collect();
        scores.push((channel.name().to_string(), rules::measure(&rigs?)));
    }
    let mut output = Output::new();
    if args.json {
        let channels: Vec<Value> = scores.iter().map(answer).collect();
        output.json(
            &json!({ "minimum": args.min, "ok": is_enough(&scores, args.min), "channels": channels }),
        )?;
    } else {
        for (name, verdicts) in &scores {
            show(name, verdicts, args, ink, &mut output)?;
        }
    }
    output.finish()?;
    if is_enough(&scores, args.min) { Ok(()) } else { Err(Failure::Verdict) }
}

fn is_enough(scores: &[(String, Vec<Verdict>)], min: Option<u32>) -> bool {
    scores.iter().all(|(_, verdicts)| min.is_none_or(|min| percent(verdicts) >= min))
}

fn answer((name, verdicts): &(String, Vec<Verdict>)) -> Value {
    json!({ "channel": name, "score": percent(verdicts), "rules": verdicts })
}

fn show(
    name: &str,
    verdicts: &[Verdict],
    args: &ScoreArgs,
    ink: Ink,
    output: &mut Output,
) -> Result<(), Failure> {
    let score = percent(verdicts);
    let is_low = args.min.is_some_and(|min| score < min);
    let shown = format!("{score} of 100");
    output.line(format_args!("{name}: {}", if is_low { ink.bad(&shown) } else { shown }))?;
    for Verdict { rule: _, means, points, of, because } in verdicts {
        let mark = if *of == 0 { "  -  ".to_owned() } else { format!("{points:>2}/{of:<2}") };
        let is_whole = points == of;
        output.line(format_args!("  {} {means}", if is_whole { mark } else { ink.bad(&mark) }))?;
        if !is_whole || *of == 0 || args.verbose {
            for reason in because {
                output.line(format_args!("          {reason}"))?;
            }
        }
    }
    Ok(())
}
