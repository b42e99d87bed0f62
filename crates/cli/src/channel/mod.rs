//! `pollwheel channel ...`: to write a channel file, and to know what it does before anybody is polled with it.

mod args;
mod check;
mod diff;
mod live;
mod new;
mod record;
mod replay;
mod score;
mod test;
mod try_once;

use std::path::{Path, PathBuf};

use pollwheel_connector::{ChannelSet, Problem};
use serde_json::{Value, json};

pub(crate) use args::ChannelCommand;

use crate::exit::Failure;
use crate::output::Output;
use crate::screen::Screen;

/// Runs one of the commands.
pub(crate) fn run(command: &ChannelCommand, screen: &Screen) -> Result<(), Failure> {
    match command {
        ChannelCommand::Check(args) => check::check(args),
        ChannelCommand::Schema(_) => schema(),
        ChannelCommand::Test(args) => test::test(args, diff::Ink::of(screen)),
        ChannelCommand::New(args) => new::new(args),
        ChannelCommand::Try(args) => try_once::try_once(args),
        ChannelCommand::Record(args) => record::record(args, diff::Ink::of(screen)),
        ChannelCommand::Score(args) => score::score(args, diff::Ink::of(screen)),
        ChannelCommand::Replay(args) => replay::replay(args, diff::Ink::of(screen)),
    }
}

/// Prints the schema: checked in, and tested to be that of the code.
fn schema() -> Result<(), Failure> {
    let mut output = Output::new();
    output.bytes(include_bytes!("../../../../docs/channel.schema.json"))?;
    output.finish()
}

/// The channels of a folder, or everything that is wrong with them.
fn load(path: &Path) -> Result<(PathBuf, ChannelSet), Failure> {
    let folder = folder(path)?;
    let channels = ChannelSet::load(&folder).map_err(|errors| Failure::Input(errors.to_string()))?;
    Ok((folder, channels))
}

/// The folder that a path means: itself, or the one that a channel file is in.
pub(crate) fn folder(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_file() {
        return Ok(path.to_owned());
    }
    let parent = path.parent().filter(|_| path.file_name() == Some("channel.yml".as_ref()));
    match parent {
        Some(parent) if parent.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        Some(parent) => Ok(parent.to_owned()),
        None => Err(Failure::Input(format!(
            "`{}` is not a `channel.yml`: name one, or a folder of channels",
            path.display()
        ))),
    }
}

fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "message": problem.message,
    })
}

/// `1 case`, `2 cases`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
