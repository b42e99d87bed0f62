//! `pollwheel channel new`: a starting point that already passes its own checks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pollwheel_connector::ChannelSet;
use pollwheel_connector::recording::{Case, CaseFiles, play};
use serde_json::json;

use super::args::NewArgs;
use super::test::write;
use crate::exit::Failure;
use crate::output::Output;

/// What stands for the channel's name in the templates.
const NAME: &str = "NAME";
const CHANNEL: &str = include_str!("new/channel.yml");
const README: &str = include_str!("new/README.md");
const FIRST_POLL: &str = include_str!("new/first_poll.json");

/// Writes the files of a new channel.
pub(crate) fn new(args: &NewArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let folder = args.channels.join(name);
    if fs::symlink_metadata(&folder).is_ok() {
        return Err(Failure::Input(format!(
            "`{}` is there already, and nothing is overwritten: choose another name, or delete it",
            folder.display()
        )));
    }
    let files = CaseFiles::of(&folder, "first_poll");
    let texts = [
        (folder.join("channel.yml"), CHANNEL),
        (folder.join("README.md"), README),
        (files.recorded.clone(), FIRST_POLL),
    ];
    for (file, text) in &texts {
        create(file, &text.replace(NAME, name))?;
    }
    expect(&folder, name, &files)?;
    let mut written: Vec<PathBuf> = texts.into_iter().map(|(file, _)| file).collect();
    written.push(files.expected);
    let mut output = Output::new();
    if args.json {
        output.json(&json!({ "channel": name, "folder": folder, "written": written }))?;
    } else {
        for file in &written {
            output.line(file.display())?;
        }
        output.line(next(&folder, &args.channels, name))?;
    }
    output.finish()
}

fn create(file: &Path, text: &str) -> Result<(), Failure> {
    let cannot = || format!("cannot write `{}`", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(file, text).with_context(cannot)?;
    Ok(())
}

/// Writes what the recorded poll comes to: by running it, so that the two agree.
fn expect(folder: &Path, name: &str, files: &CaseFiles) -> Result<(), Failure> {
    let channels = ChannelSet::load(folder).map_err(|errors| Failure::Input(errors.to_string()))?;
    let case = Case::read(&files.recorded).map_err(|problem| Failure::Input(problem.to_string()))?;
    let channel = channels.get(name).context("the new channel has another name")?;
    let played = play(&channels, channel, &case).map_err(anyhow::Error::new)?;
    write(&files.expected, &played.comes_to)
}

fn next(folder: &Path, channels: &Path, name: &str) -> String {
    let (folder, channels) = (folder.display(), channels.display());
    format!(
        "\nNext:\n  \
         1. Edit {folder}/channel.yml: base URL, path, ids, pages, limits. docs/channels.md explains every field.\n  \
         2. pollwheel channel check {folder}\n  \
         3. pollwheel channel try {name} --account account.json --channels {channels}\n  \
         4. pollwheel channel record {name} --account account.json --case new_posts --channels {channels}\n  \
         5. pollwheel channel test {folder}; pollwheel channel score {folder}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starting_point_is_a_channel_without_problems() {
        let folder = tempfile::tempdir().unwrap();
        let args = NewArgs { name: "acme".parse().unwrap(), channels: folder.path().to_owned(), json: false };
        new(&args).unwrap();
        let channels = ChannelSet::load(folder.path()).unwrap();
        assert_eq!(channels.get("acme").unwrap().job_types().count(), 1);
        let refused = new(&args).unwrap_err();
        assert!(matches!(refused, Failure::Input(text) if text.contains("nothing is overwritten")));
    }
}
