//! The files that a run writes: checked before anything starts, so that a run does not end with a report it cannot write.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use pollwheel_local::store::STORE_FILE;

use crate::args::RunArgs;
use crate::exit::Failure;
use crate::report::Report;
use crate::screen::Screen;

const CHANNEL_FILE: &str = "channel.yml";

/// Where events go.
#[derive(Debug)]
pub(super) enum EventsTo {
    Stdout,
    File(PathBuf),
}

/// Where the output goes.
#[derive(Debug)]
pub(super) struct Outputs {
    events: EventsTo,
    report: Option<PathBuf>,
}

/// Refuses to write events or the report over what the run reads or keeps, however the paths are spelled.
pub(crate) fn keep_apart(args: &RunArgs) -> Result<(), Failure> {
    let mut taken: Vec<(PathBuf, &str)> = Vec::new();
    taken.extend(args.accounts.iter().map(|file| (place(file), "the accounts file")));
    taken.extend(args.applications.iter().map(|file| (place(file), "the applications file")));
    taken.extend(args.secrets.iter().map(|file| (place(file), "the file of secrets")));
    if let Some(folder) = &args.channels {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.map(|entry| entry.path()).chain([folder.clone()]);
        taken.extend(folders.map(|folder| (place(&folder.join(CHANNEL_FILE)), "a channel file")));
    }
    if !args.memory && !args.demo {
        let names = [STORE_FILE, "pollwheel.lock"];
        taken.extend(names.map(|name| (place(&args.state.join(name)), "a file of the state folder")));
    }
    let events = (args.events != Path::new("-")).then_some(("--events", &args.events));
    for (option, file) in events.into_iter().chain(args.report.iter().map(|file| ("--report", file))) {
        let own = place(file);
        if let Some((_, what)) = taken.iter().find(|(other, _)| *other == own) {
            let message = format!("`{option}`: `{}` is {what}: name another file", file.display());
            return Err(Failure::Input(message));
        }
        taken.push((own, "where the events go"));
    }
    Ok(())
}

/// A path that two spellings of the same file have in common, also of a file that is yet to be made.
fn place(file: &Path) -> PathBuf {
    let made = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    fs::canonicalize(file).ok().or_else(|| made(file)).unwrap_or_else(|| file.to_owned())
}

impl Outputs {
    /// Takes the outputs that the arguments name, if they can be written. Leaves nothing behind.
    pub(super) fn check(args: &RunArgs) -> Result<Self, Failure> {
        let events = if args.events == Path::new("-") {
            EventsTo::Stdout
        } else {
            EventsTo::File(args.events.clone())
        };
        if let EventsTo::File(file) = &events {
            writable(file).with_context(|| format!("cannot write events to `{}`", file.display()))?;
        }
        if let Some(file) = &args.report {
            writable(file).with_context(|| format!("cannot write the report to `{}`", file.display()))?;
        }
        Ok(Self { events, report: args.report.clone() })
    }

    pub(super) const fn events(&self) -> &EventsTo {
        &self.events
    }

    /// Writes the report into its file, if it has one.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        if let Some(file) = &self.report {
            let text = serde_json::to_string_pretty(report).context("cannot write the report as JSON")?;
            fs::write(file, text + "\n")
                .with_context(|| format!("cannot write the report to `{}`", file.display()))?;
        }
        Ok(())
    }
}

/// Shows the report: for people on standard error; with `--json` as JSON on standard output, or, when the events go
/// there, on standard error in place of the text.
pub(crate) fn show(report: &Report, args: &RunArgs, more: &str, screen: &Screen) -> Result<(), Failure> {
    let json = serde_json::to_string(report).context("cannot write the report as JSON")? + "\n";
    let events_on_stdout = args.events == Path::new("-");
    if args.json && events_on_stdout {
        screen.log(more.as_bytes());
        screen.log(json.as_bytes());
        return Ok(());
    }
    screen.log(format!("{report}\n{more}").as_bytes());
    if args.json {
        screen.print(json.as_bytes()).context("cannot write the report to standard output")?;
    }
    Ok(())
}

/// Whether a file can be appended to. Makes none. A pipe or a device is left alone: to open it may be all there is to it.
fn writable(file: &Path) -> anyhow::Result<()> {
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => Err(anyhow!("it is a folder")),
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => Ok(OpenOptions::new().append(true).open(file).map(drop)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().append(true).create_new(true).open(file)?;
            Ok(fs::remove_file(file)?)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.ndjson");
        writable(&file).unwrap();
        assert!(!file.exists());
        fs::write(&file, "x\n").unwrap();
        writable(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "x\n");
        assert_eq!(writable(folder.path()).unwrap_err().to_string(), "it is a folder");
        assert!(writable(&folder.path().join("missing/events.ndjson")).is_err());
        writable(Path::new("/dev/null")).unwrap();
    }
}
