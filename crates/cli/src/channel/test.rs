//! `pollwheel channel test`: recorded polls come to what is expected, or it is shown how they do not.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pollwheel_connector::recording::{
    Case, CaseFiles, Deviation, Difference, FEW, Suite, Tree, differences, folder_of, play,
};
use pollwheel_connector::{Channel, ChannelSet, Problem};
use serde_json::{Value, json};

use super::args::TestArgs;
use super::diff::{self, Ink};
use super::{count, load, problem_json};
use crate::exit::Failure;
use crate::output::Output;

/// Runs the cases of a folder.
pub(crate) fn test(args: &TestArgs, ink: Ink) -> Result<(), Failure> {
    let (folder, channels) = load(&args.folder)?;
    let mut tested = Vec::new();
    for channel in channels.iter() {
        let suite = Suite::of(&folder_of(&folder, channel.name().as_str()));
        tested.push(Tested::of(&channels, channel, suite, args)?);
    }
    if let Some(wanted) = &args.case
        && tested.iter().all(|channel| channel.results.is_empty() && channel.problems.is_empty())
    {
        return Err(Failure::Input(format!("`{}` has no case `{wanted}`", args.folder.display())));
    }
    let mut output = Output::new();
    if args.json {
        output.json(&answer(&tested))?
    } else {
        show(&tested, ink, &mut output)?
    }
    output.finish()?;
    verdict(&tested)
}

/// What came of one channel's cases.
struct Tested {
    channel: String,
    /// Cases that the channel has, run or not.
    cases: usize,
    results: Vec<CaseResult>,
    problems: Vec<Problem>,
}

/// What came of one case.
struct CaseResult {
    name: String,
    recorded: PathBuf,
    expected: PathBuf,
    differences: Vec<Difference>,
    deviations: Vec<Deviation>,
    blessed: Blessed,
}

/// What became of the expected file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blessed {
    /// It was only read.
    No,
    /// It was as it should be.
    Same,
    /// It was there, and differed.
    Changed,
    /// It was not there.
    Written,
}

impl Blessed {
    const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Written => "written",
        }
    }
}

impl CaseResult {
    fn is_good(&self) -> bool {
        let differs = !self.differences.is_empty() && self.blessed == Blessed::No;
        !differs && self.deviations.is_empty()
    }
}

impl Tested {
    fn of(channels: &ChannelSet, channel: &Channel, suite: Suite, args: &TestArgs) -> Result<Self, Failure> {
        let name = channel.name().to_string();
        let mut tested =
            Self { cases: suite.cases.len(), results: Vec::new(), problems: suite.problems, channel: name };
        for files in &suite.cases {
            let is_wanted = args.case.as_ref().is_none_or(|wanted| {
                *wanted == files.name || *wanted == format!("{}/{}", tested.channel, files.name)
            });
            if !is_wanted {
                continue;
            }
            match run(channels, channel, files, args.bless)? {
                Ok(result) => tested.results.push(result),
                Err(problem) => tested.problems.push(problem),
            }
        }
        Ok(tested)
    }

    fn warning(&self) -> Option<String> {
        (self.cases < FEW).then(|| {
            format!(
                "{} recorded: fewer than {FEW} leave a first poll, new items or a refusal untested",
                count(self.cases, "poll")
            )
        })
    }
}

/// Runs one case. The inner error is the input's, the outer one the system's.
fn run(
    channels: &ChannelSet,
    channel: &Channel,
    files: &CaseFiles,
    bless: bool,
) -> Result<Result<CaseResult, Problem>, Failure> {
    let played = Case::read(&files.recorded).and_then(|case| {
        play(channels, channel, &case).map_err(|error| at(&files.recorded, error.field, error.message))
    });
    let played = match played {
        Ok(played) => played,
        Err(problem) => return Ok(Err(problem)),
    };
    let expected = match expected(files, bless) {
        Ok(expected) => expected,
        Err(problem) => return Ok(Err(problem)),
    };
    let found = expected.as_ref().map(|expected| differences(expected, &played.comes_to));
    let blessed = match (bless, &found) {
        (false, _) => Blessed::No,
        (true, None) => Blessed::Written,
        (true, Some(found)) if found.is_empty() => Blessed::Same,
        (true, Some(_)) => Blessed::Changed,
    };
    if matches!(blessed, Blessed::Written | Blessed::Changed) {
        write(&files.expected, &played.comes_to)?;
    }
    Ok(Ok(CaseResult {
        name: files.name.clone(),
        recorded: files.recorded.clone(),
        expected: files.expected.clone(),
        differences: found.unwrap_or_default(),
        deviations: played.deviations,
        blessed,
    }))
}

/// What an expected file holds; none when it is missing and about to be written.
fn expected(files: &CaseFiles, bless: bool) -> Result<Option<Tree>, Problem> {
    let text = match std::fs::read_to_string(&files.expected) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && bless => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = "has no expected file: `pollwheel channel test --bless` writes it";
            return Err(at(&files.recorded, "", message.to_owned()));
        }
        Err(error) => return Err(at(&files.expected, "", format!("cannot be read: {error}"))),
    };
    match Tree::parse(&text) {
        Ok(tree) => Ok(Some(tree.sorted())),
        Err(_) if bless => Ok(None),
        Err(error) => Err(Problem {
            file: files.expected.clone(),
            line: error.line() as u64,
            column: error.column() as u64,
            field: String::new(),
            message: "is not JSON: `pollwheel channel test --bless` writes it anew".to_owned(),
        }),
    }
}

fn at(file: &Path, field: &str, message: String) -> Problem {
    Problem { file: file.to_owned(), line: 0, column: 0, field: field.to_owned(), message }
}

/// Writes an expected file.
pub(super) fn write(file: &Path, comes_to: &Tree) -> Result<(), Failure> {
    let cannot = || format!("cannot write `{}`", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    std::fs::write(file, comes_to.pretty() + "\n").with_context(cannot)?;
    Ok(())
}

fn verdict(tested: &[Tested]) -> Result<(), Failure> {
    let problems: Vec<String> =
        tested.iter().flat_map(|channel| &channel.problems).map(ToString::to_string).collect();
    if !problems.is_empty() {
        return Err(Failure::Input(problems.join("\n")));
    }
    if tested.iter().flat_map(|channel| &channel.results).all(CaseResult::is_good) {
        Ok(())
    } else {
        Err(Failure::Verdict)
    }
}

fn show(tested: &[Tested], ink: Ink, output: &mut Output) -> Result<(), Failure> {
    for channel in tested.iter().filter(|channel| !channel.results.is_empty() || channel.cases == 0) {
        output.line(&channel.channel)?;
        for result in &channel.results {
            show_case(result, ink, output)?;
        }
        if let Some(warning) = channel.warning() {
            output.line(format_args!("  note: {warning}"))?;
        }
    }
    let results = || tested.iter().flat_map(|channel| &channel.results);
    let (all, good) = (results().count(), results().filter(|result| result.is_good()).count());
    let total = format!("{} in {}", count(all, "case"), count(tested.len(), "channel"));
    let unusable: usize = tested.iter().map(|channel| channel.problems.len()).sum();
    if unusable > 0 {
        let unusable = ink.bad(&format!("{} with files", count(unusable, "problem")));
        output.line(format_args!("{total} run: {good} as expected, {} not, {unusable}", all - good))
    } else if good == all {
        output.line(format_args!("{total}: all as expected"))
    } else {
        output.line(format_args!("{total}: {good} as expected, {}", ink.bad(&format!("{} not", all - good))))
    }
}

fn show_case(result: &CaseResult, ink: Ink, output: &mut Output) -> Result<(), Failure> {
    let CaseResult { name, recorded, expected, differences, deviations, blessed } = result;
    if result.is_good() {
        match blessed {
            Blessed::No | Blessed::Same => return output.line(format_args!("  {} {name}", ink.good("ok"))),
            Blessed::Written => {
                return output.line(format_args!("  written {name}: {}", expected.display()));
            }
            Blessed::Changed => output.line(format_args!("  changed {name}: {}", expected.display()))?,
        }
    } else {
        output.line(format_args!("  {} {name}: {}", ink.bad("differs"), recorded.display()))?;
    }
    for deviation in deviations {
        diff::show_deviation(output, ink, 4, deviation)?;
    }
    for difference in differences {
        diff::show(output, ink, 4, difference)?;
    }
    Ok(())
}

fn answer(tested: &[Tested]) -> Value {
    let case = |result: &CaseResult| {
        json!({
            "case": result.name,
            "file": result.recorded,
            "expected_file": result.expected,
            "ok": result.is_good(),
            "blessed": result.blessed.word(),
            "differences": result.differences.iter().map(diff::json).collect::<Vec<_>>(),
            "requests": result.deviations.iter().map(diff::deviation_json).collect::<Vec<_>>(),
        })
    };
    let channel = |channel: &Tested| {
        json!({
            "channel": channel.channel,
            "cases": channel.results.iter().map(case).collect::<Vec<_>>(),
            "problems": channel.problems.iter().map(problem_json).collect::<Vec<_>>(),
            "warnings": channel.warning().into_iter().collect::<Vec<_>>(),
        })
    };
    let is_good =
        |channel: &Tested| channel.problems.is_empty() && channel.results.iter().all(CaseResult::is_good);
    json!({
        "ok": tested.iter().all(is_good),
        "channels": tested.iter().map(channel).collect::<Vec<_>>(),
    })
}
