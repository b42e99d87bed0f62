//! Which job to poll: an account out of a file, one of its job types, a context to start from.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use pollwheel_connector::accounts::{self, Account};
use pollwheel_connector::{ChannelSet, PrivateAddresses};
use pollwheel_core::context::Context;
use pollwheel_core::ports::Credentials;
use pollwheel_core::register::NewJob;
use pollwheel_core::row::{JobRow, Place, Revision};
use pollwheel_core::time::Timestamp;
use pollwheel_core::wheel::Cohort;
use serde::Deserialize;

use crate::accounts::Problem;
use crate::channel::args::LiveArgs;
use crate::exit::Failure;

/// Largest file that is read whole, in bytes: a million accounts.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// A job, and what it authenticates with.
pub(in crate::channel) struct Chosen {
    pub(in crate::channel) row: JobRow,
    pub(in crate::channel) credentials: Option<Credentials>,
}

/// As much of a line as tells whose it is.
#[derive(Deserialize)]
struct Whose {
    channel: Option<String>,
    account_id: Option<String>,
}

/// Chooses the job that the arguments name.
pub(super) fn choose(args: &LiveArgs, channels: &ChannelSet) -> Result<Chosen, Failure> {
    let (line, text) = line(args)?;
    let refuse = |flaws: Vec<_>| {
        let problems: Vec<String> =
            flaws.into_iter().map(|flaw| Problem::line(&args.account, line, flaw).to_string()).collect();
        Failure::Input(problems.join("\n"))
    };
    let account = accounts::parse(&text, channels).map_err(refuse)?;
    let private = args.private_addresses();
    accounts::check_address(&account, private, "--allow-private-addresses").map_err(refuse)?;
    let job = job(args, &account, line)?;
    let spec = channels
        .get(account.channel.as_str())
        .and_then(|channel| channel.job_types().find(|known| known.spec().id == job.job.job_type))
        .map(|job_type| job_type.spec())
        .ok_or_else(|| Failure::Input(format!("channel `{}` has lost a job type", account.channel)))?;
    let place = Place::Cohort(Cohort::of(&job.job, spec.first_cadence(&job.level), spec.shards));
    let now = timestamp(SystemTime::now()).minute();
    let mut row = JobRow::new(job.job, place, job.subject, job.level, Revision(1), now);
    row.context = match &args.context {
        Some(text) => context(text)?,
        None => job.context,
    };
    Ok(Chosen { row, credentials: account.credentials })
}

/// An instant as the core counts it.
pub(in crate::channel) fn timestamp(instant: SystemTime) -> Timestamp {
    let since = instant.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The line of the account, and its number: the first of the channel, or the one with the id that was asked for.
fn line(args: &LiveArgs) -> Result<(u32, String), Failure> {
    let file = &args.account;
    let text = read(file, "the accounts file")?;
    let is_wanted = |text: &str| {
        serde_json::from_str::<Whose>(text).is_ok_and(|whose| {
            whose.channel.as_deref() == Some(args.name.as_str())
                && args.id.as_ref().is_none_or(|id| whose.account_id.as_ref() == Some(id))
        })
    };
    // One account may be written over many lines.
    if text.trim_start().starts_with('{') && is_wanted(&text) {
        return Ok((1, text.trim().to_owned()));
    }
    for (number, line) in (1..).zip(text.lines()) {
        if is_wanted(line) {
            return Ok((number, line.trim().to_owned()));
        }
    }
    let which = args.id.as_ref().map_or_else(String::new, |id| format!(" `{id}`"));
    Err(Failure::Input(format!(
        "{}: no line is JSON with an account{which} of channel `{}`: write \
         {{\"account_id\": \"a1\", \"channel\": \"{}\", \"service_level\": ..., \"external_id\": ...}}",
        file.display(),
        args.name,
        args.name
    )))
}

fn read(file: &Path, what: &str) -> Result<String, Failure> {
    let cannot = |reason: String| Failure::Input(format!("{}: {reason}", file.display()));
    let size = fs::metadata(file).map_err(|error| cannot(format!("{what} cannot be read: {error}")))?.len();
    if size > MAX_FILE_BYTES {
        return Err(cannot(format!("{what} is larger than {MAX_FILE_BYTES} bytes")));
    }
    fs::read_to_string(file).map_err(|error| cannot(format!("{what} cannot be read: {error}")))
}

/// The job of the account that the arguments name; its only one when they name none.
fn job(args: &LiveArgs, account: &Account, line: u32) -> Result<NewJob, Failure> {
    let is_type = |job: &&NewJob| {
        args.job_type.as_ref().is_none_or(|wanted| {
            let id = &job.job.job_type;
            wanted == id.name() || wanted == id.as_str()
        })
    };
    let of_type: Vec<&NewJob> = account.jobs.iter().filter(is_type).collect();
    let mut names: Vec<&str> = account.jobs.iter().map(|job| job.job.job_type.name()).collect();
    names.dedup();
    let (file, names) = (args.account.display(), names.join("`, `"));
    let Some(first) = of_type.first() else {
        let wanted = args.job_type.as_deref().unwrap_or_default();
        return Err(Failure::Input(format!(
            "{file}:{line}: the account is not polled by a job type `{wanted}`, but by `{names}`"
        )));
    };
    if of_type.iter().any(|job| job.job.job_type != first.job.job_type) {
        return Err(Failure::Input(format!(
            "{file}:{line}: the account is polled by `{names}`: choose one with `--job-type`"
        )));
    }
    let is_target = |job: &&&NewJob| {
        args.target
            .as_ref()
            .is_none_or(|wanted| job.job.target.as_ref().is_some_and(|target| target.to_string() == *wanted))
    };
    let job = of_type.iter().find(is_target).ok_or_else(|| {
        Failure::Input(format!("{file}:{line}: the account has no such target: see its `targets`"))
    })?;
    Ok((*job).clone())
}

/// A context: JSON, or the name of a file with it.
fn context(text: &str) -> Result<Context, Failure> {
    let (text, place) = if text.trim_start().starts_with('{') {
        (text.to_owned(), String::new())
    } else {
        (read(Path::new(text), "the context")?, format!("{text}: "))
    };
    serde_json::from_str(text.trim())
        .map_err(|error| Failure::Input(format!("`--context`: {place}is no context: {error}")))
}

impl LiveArgs {
    pub(in crate::channel) const fn private_addresses(&self) -> PrivateAddresses {
        if self.allow_private_addresses { PrivateAddresses::Allowed } else { PrivateAddresses::Refused }
    }
}
