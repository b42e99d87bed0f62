//! A job type.

use std::collections::BTreeMap;

use pollwheel_core::id::{JobTypeId, ServiceLevel};
use pollwheel_core::policy::Policy;

use super::cursor::HasTime;
use super::headers::{Declared, header_name};
use super::{absent, body_filter, errors, fit, limits, request};
use crate::body_filter::BodyFilter;
use crate::channel::auth::Auth;
use crate::channel::file::{At, ChannelFile, FirstPoll, FloorFile, JobTypeFile, Need, TextOr};
use crate::channel::problem::Problems;
use crate::channel::{JobType, levels};
use crate::format::Format;
use crate::wait::FloorSource;

/// Most items of a first poll.
const MAX_PUBLISHED_FIRST: u32 = 1_000;

/// What the channel says around a job type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) file: &'a ChannelFile,
    pub(super) auth: Option<&'a Auth>,
    pub(super) headers: &'a [Declared],
    pub(super) policies: &'a BTreeMap<ServiceLevel, Policy>,
}

pub(super) fn job_type(
    id: Option<JobTypeId>,
    at: &At<JobTypeFile>,
    field: &str,
    channel: Surroundings<'_>,
    problems: &mut Problems,
) -> Option<JobType> {
    let Surroundings { file: channel_file, auth, headers, policies } = channel;
    let file = &at.value;
    let per_account = channel_file.base_url_per_account;
    let own = levels::policies(&file.service_levels, &format!("{field}.service_levels"), problems);
    let around = request::Around { file: channel_file, auth, headers };
    let endpoint =
        request::endpoint(&file.request, &file.items.id, &format!("{field}.request"), around, problems);
    let has_time = if file.items.time.is_some() { HasTime::Yes } else { HasTime::No };
    let items = super::items::items(&file.items, &format!("{field}.items"), problems);
    let cursor = super::cursor::cursor(&file.cursor, has_time, &format!("{field}.cursor"), problems);
    let pages = match &file.pages {
        Some(pages) => super::pages::pages(pages, &format!("{field}.pages"), problems).map(Some),
        None => absent(),
    };
    let floors = file.floor.iter().enumerate();
    let floor = floors.filter_map(|(index, floor)| {
        self::floor(floor, file.items.format, &format!("{field}.floor[{index}]"), problems)
    });
    let floor = floor.collect();
    let limits = limits::limits(&file.limits, &format!("{field}.limits"), per_account, problems);
    let rules = errors::rules(&file.errors, &format!("{field}.errors"), per_account, problems);
    let (endpoint, cursor, pages) = (endpoint?, cursor?, pages?);
    fit::check(file, (&cursor, pages.as_ref(), &endpoint), field, problems);
    Some(JobType {
        spec: levels::spec(id?, policies, own)?,
        need: need(file, auth, field, problems),
        oauth_scopes: file.oauth_scopes.iter().map(|scope| scope.value.clone()).collect(),
        conditional: conditional(file, field, problems),
        endpoint,
        items: items?,
        cursor,
        pages,
        first_poll: first_poll(file.first_poll.as_ref(), field, problems),
        floor,
        limits,
        rules,
    })
}

/// Whether there must be a token.
fn need(file: &JobTypeFile, auth: Option<&Auth>, field: &str, problems: &mut Problems) -> Need {
    match (auth, &file.auth) {
        (Some(Auth::None), Some(need)) => {
            problems.with(need, format!("{field}.auth"), "has no use where the channel says `auth: none`");
            Need::Optional
        }
        (_, Some(need)) => need.value,
        (Some(Auth::By(rules)), None) => rules.need,
        (Some(Auth::None) | None, None) => Need::Optional,
    }
}

/// A POST has no validators.
fn conditional(file: &JobTypeFile, field: &str, problems: &mut Problems) -> bool {
    use crate::channel::file::MethodFile;
    match (file.request.method, &file.conditional) {
        (MethodFile::Get, declared) => declared.as_ref().is_none_or(|declared| declared.value),
        (MethodFile::Post, declared) => {
            if let Some(declared) = declared.as_ref().filter(|declared| declared.value) {
                problems.with(declared, format!("{field}.conditional"), "cannot be `true` for a POST");
            }
            false
        }
    }
}

fn first_poll(file: Option<&At<FirstPoll>>, field: &str, problems: &mut Problems) -> FirstPoll {
    let Some(first_poll) = file else { return FirstPoll::default() };
    match first_poll.value {
        FirstPoll::Publish(n) if !(1..=MAX_PUBLISHED_FIRST).contains(&n) => {
            let message =
                format!("`{n}` is not between 1 and {MAX_PUBLISHED_FIRST}: to publish none, say `seed`");
            problems.with(first_poll, format!("{field}.first_poll.publish"), message);
        }
        FirstPoll::Publish(_) | FirstPoll::Seed => {}
    }
    first_poll.value
}

fn floor(file: &At<FloorFile>, format: Format, field: &str, problems: &mut Problems) -> Option<FloorSource> {
    match &file.value {
        TextOr::Text(word) if word == "feed_ttl" => {
            if !format.is_feed() {
                problems.with(file, field, "has a use with a feed only: `items.format: feed`");
            }
            BodyFilter::compile(".ttl_seconds").ok().map(FloorSource::Body)
        }
        TextOr::Text(name) => header_name(file, field, name, problems).map(FloorSource::of),
        TextOr::Map(fields) => {
            body_filter(&fields.body, format!("{field}.body"), problems).map(FloorSource::Body)
        }
    }
}
