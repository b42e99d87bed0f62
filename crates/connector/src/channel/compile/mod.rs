//! From a channel file as it is written to a channel that can be polled. Collects every problem on the way.

mod auth;
mod body;
mod cursor;
mod errors;
mod fit;
mod headers;
mod items;
mod job_type;
mod limits;
mod pages;
mod read;
mod request;

use std::collections::BTreeMap;
use std::path::Path;

use pollwheel_core::id::{ChannelName, JobTypeId};

use super::advice::advise;
use super::file::{At, ChannelFile, PerAccount};
use super::problem::{Problem, Problems};
use super::{Channel, levels};
use crate::base_url::BaseUrl;
use crate::body_filter::BodyFilter;

/// Requests under way at once to one host, unless the channel says otherwise.
const DEFAULT_CONCURRENT_PER_HOST: u32 = 8;
/// Most requests under way at once to one host that a channel may ask for.
const MAX_CONCURRENT_PER_HOST: u32 = 256;

/// Loads one file.
pub(super) fn load(path: &Path) -> Result<Channel, Vec<Problem>> {
    let mut problems = Problems::of(path);
    let text = read::read(path, &mut problems);
    of(path, text.as_deref(), problems)
}

/// Loads the text of a file that would stand at `path`.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn of_text(path: &Path, text: &str) -> Result<Channel, Vec<Problem>> {
    of(path, Some(text), Problems::of(path))
}

fn of(path: &Path, text: Option<&str>, mut problems: Problems) -> Result<Channel, Vec<Problem>> {
    let channel = text.and_then(|text| read::parse(text, &mut problems)).and_then(|file| {
        check_name(path, &file, &mut problems);
        let mut channel = compile(&file, &mut problems)?;
        if problems.is_empty() {
            advise(&file, &channel, &mut problems);
            channel.warnings = problems.take_warnings();
        }
        Some(channel)
    });
    match channel {
        Some(channel) if problems.is_empty() => Ok(channel),
        _ => Err(problems.into_sorted()),
    }
}

/// A channel is found by its folder, so the two names agree.
fn check_name(path: &Path, file: &ChannelFile, problems: &mut Problems) {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if let Some(folder) = folder.filter(|folder| *folder != file.channel.value) {
        problems.with(&file.channel, "channel", format!("is not the name of its folder, `{folder}`"));
    }
}

fn compile(file: &ChannelFile, problems: &mut Problems) -> Option<Channel> {
    let name = problems.take(&file.channel, "channel", ChannelName::new(file.channel.value.as_str()));
    if file.about.value.trim().is_empty() {
        problems.with(&file.about, "about", "is empty: say in a sentence what the channel is");
    }
    let policies = levels::policies(&file.service_levels.value, "service_levels", problems);
    if file.service_levels.value.is_empty() {
        problems.with(&file.service_levels, "service_levels", "has no level");
    }
    if file.job_types.value.is_empty() {
        problems.with(&file.job_types, "job_types", "has no job type");
    }
    let base_url = base_url(file, problems);
    let auth = auth::auth(&file.auth, problems);
    let headers = headers::headers(&file.headers, "headers", problems);
    let limits = limits::limits(&file.limits, "limits", file.base_url_per_account, problems);
    let rules = errors::rules(&file.errors, "errors", file.base_url_per_account, problems);
    let max_concurrent_per_host = within(
        file.max_concurrent_per_host.as_ref(),
        "max_concurrent_per_host",
        1..=MAX_CONCURRENT_PER_HOST,
        problems,
    )
    .unwrap_or(DEFAULT_CONCURRENT_PER_HOST);
    let surroundings =
        job_type::Surroundings { file, auth: auth.as_ref(), headers: &headers, policies: &policies };
    let name = name?;
    let mut job_types = BTreeMap::new();
    for (key, job) in &file.job_types.value {
        let field = format!("job_types.{key}");
        let id = problems.take(job, &field, JobTypeId::of(&name, key));
        let compiled = job_type::job_type(id, job, &field, surroundings, problems);
        job_types.extend(compiled.map(|job_type| (job_type.spec.id.clone(), job_type)));
    }
    let mut channel = Channel {
        name,
        about: file.about.value.clone(),
        docs: file.docs.as_ref().map(|docs| docs.value.clone()),
        base_url,
        per_account: file.base_url_per_account,
        auth: auth?,
        max_concurrent_per_host: u16::try_from(max_concurrent_per_host).unwrap_or(u16::MAX),
        limits,
        rules,
        job_types,
        warnings: Vec::new(),
    };
    limits::check_counted_together(file, problems);
    channel.set_budgets();
    Some(channel)
}

fn base_url(file: &ChannelFile, problems: &mut Problems) -> Option<BaseUrl> {
    let needs_one = file.job_types.value.values().any(|job| job.value.request.url.is_none());
    match (&file.base_url, file.base_url_per_account) {
        (Some(url), PerAccount::Required) => {
            let message = "is never used when `base_url_per_account` is `required`: remove one";
            problems.with(url, "base_url", message);
            None
        }
        (Some(url), PerAccount::Refused | PerAccount::Allowed) => {
            problems.take(url, "base_url", BaseUrl::parse(&url.value))
        }
        (None, PerAccount::Refused | PerAccount::Allowed) if needs_one => {
            let message =
                "is missing: give one, or `base_url_per_account: required` when every account has its own";
            problems.with(&file.channel, "base_url", message);
            None
        }
        (None, PerAccount::Refused | PerAccount::Allowed | PerAccount::Required) => None,
    }
}

/// A number that may be left out. One outside its range is a problem.
fn within(
    number: Option<&At<u32>>,
    field: impl Into<String>,
    range: std::ops::RangeInclusive<u32>,
    problems: &mut Problems,
) -> Option<u32> {
    let number = number?;
    if !range.contains(&number.value) {
        let message = format!("`{}` is not between {} and {}", number.value, range.start(), range.end());
        problems.with(number, field, message);
    }
    Some(number.value)
}

/// A filter on the whole body.
fn body_filter(code: &At<String>, field: impl Into<String>, problems: &mut Problems) -> Option<BodyFilter> {
    problems.take(code, field, BodyFilter::compile(&code.value).map_err(not_jq))
}

fn not_jq(error: String) -> String {
    format!("is not a jq filter: {error}")
}

/// What may be left out: none when it was, and none at all when it is wrong.
#[expect(clippy::option_option, reason = "absent is not wrong")]
const fn absent<T>() -> Option<Option<T>> {
    Some(None)
}
