//! From a channel file as it is written to a channel that can be polled. Collects every problem on the way.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use pollwheel_core::id::{ChannelName, JobTypeId, ServiceLevel};
use pollwheel_core::outcome::Scope;
use pollwheel_core::policy::Policy;
use serde_saphyr::{Location, Spanned};

use super::file::{
    ChannelFile, ErrorRuleFile, FirstPoll, FollowFile, ItemsFile, JobTypeFile, LimitFile, PagesFile,
    PerAccount, RequestFile, ScopeFile,
};
use super::problem::{Problem, Problems};
use super::{Channel, ErrorRule, Follow, ItemRules, JobType, Limit, Pages, levels};
use crate::base_url::BaseUrl;
use crate::pick::Names;
use crate::request::Endpoint;
use crate::select::{List, Selector};
use crate::template::{Template, Variable, percent_encode};
use crate::wait::FloorSource;

/// Largest channel file, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// Pages in one poll, unless the channel says otherwise.
const DEFAULT_PAGE_LIMIT: u32 = 5;
/// Most pages in one poll that a channel may ask for.
const MAX_PAGE_LIMIT: u32 = 50;
/// Most items of a first poll.
const MAX_PUBLISHED_FIRST: u32 = 1_000;

/// Loads one file.
pub(super) fn load(path: &Path) -> Result<Channel, Vec<Problem>> {
    let mut problems = Problems::of(path);
    let channel = read(path, &mut problems).and_then(|text| parse(&text, &mut problems)).and_then(|file| {
        check_name(path, &file, &mut problems);
        compile(&file, &mut problems)
    });
    match channel {
        Some(channel) if problems.is_empty() => Ok(channel),
        _ => Err(problems.into_sorted()),
    }
}

fn read(path: &Path, problems: &mut Problems) -> Option<String> {
    let size = std::fs::metadata(path).map(|metadata| metadata.len());
    if size.as_ref().is_ok_and(|&bytes| bytes > MAX_FILE_BYTES) {
        problems.whole(format!("is larger than {MAX_FILE_BYTES} bytes"));
        return None;
    }
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|error| problems.whole(format!("cannot be read: {error}"))).ok()?;
    if text.lines().map(str::trim_start).all(|line| line.is_empty() || line.starts_with('#')) {
        problems.whole("is empty: a channel needs `channel`, `about`, `service_levels` and `job_types`");
        return None;
    }
    Some(text)
}

fn parse(text: &str, problems: &mut Problems) -> Option<ChannelFile> {
    let mut track = serde_path_to_error::Track::new();
    let parsed = serde_saphyr::with_deserializer_from_str(text, |yaml| {
        serde::Deserialize::deserialize(serde_path_to_error::Deserializer::new(yaml, &mut track))
    });
    let error = match parsed {
        Ok(file) => return Some(file),
        Err(error) => error,
    };
    // A located value reads as a map with the member `value`, which is no field of the file.
    let path = track.path().to_string();
    let mut field: Vec<_> = path.split('.').filter(|part| !matches!(*part, "value" | "?" | "")).collect();
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error.without_snippet() {
        // It is found before the key's value is entered.
        field.push(key);
    }
    problems.at(error.location().unwrap_or(Location::UNKNOWN), field.join("."), message(&error));
    None
}

/// The error's text without its place, which a [`Problem`] has of its own.
fn message(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let Some(plain) = super::problem::plain(error) {
        return plain;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let end = first.find(" at line ").unwrap_or(first.len());
    first[..end].to_owned()
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
    let headers = headers(&file.headers, problems);
    let limits =
        compiled(&file.limits, |limit, index, problems| self::limit(file, limit, index, problems), problems);
    let rules = compiled(&file.errors, error_rule, problems);
    let name = name?;
    let mut job_types = BTreeMap::new();
    for (key, job) in &file.job_types.value {
        let field = format!("job_types.{key}");
        let id = problems.take(job, &field, JobTypeId::of(&name, key));
        let compiled = job_type(id, &job.value, &field, &policies, problems);
        job_types.extend(compiled.map(|job_type| (job_type.spec.id.clone(), job_type)));
    }
    Some(Channel {
        name,
        about: file.about.value.clone(),
        docs: file.docs.as_ref().map(|docs| docs.value.clone()),
        base_url,
        per_account: file.base_url_per_account,
        auth: file.auth,
        headers,
        limits,
        rules,
        job_types,
    })
}

fn compiled<S, T>(
    list: &[Spanned<S>],
    mut compile: impl FnMut(&Spanned<S>, usize, &mut Problems) -> Option<T>,
    problems: &mut Problems,
) -> Vec<T> {
    list.iter().enumerate().filter_map(|(index, entry)| compile(entry, index, problems)).collect()
}

fn base_url(file: &ChannelFile, problems: &mut Problems) -> Option<BaseUrl> {
    match (&file.base_url, file.base_url_per_account) {
        (Some(url), PerAccount::Required) => {
            problems.with(
                url,
                "base_url",
                "is never used when `base_url_per_account` is `required`: remove one",
            );
            None
        }
        (Some(url), PerAccount::Refused | PerAccount::Allowed) => {
            problems.take(url, "base_url", BaseUrl::parse(&url.value))
        }
        (None, PerAccount::Required) => None,
        (None, PerAccount::Refused | PerAccount::Allowed) => {
            problems.with(
                &file.channel,
                "base_url",
                "is missing: give one, or `base_url_per_account: required` when every account has its own",
            );
            None
        }
    }
}

/// Headers that the connector sets itself, or that would change what a request is.
const RESERVED: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

fn headers(declared: &BTreeMap<String, Spanned<String>>, problems: &mut Problems) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in declared {
        let field = format!("headers.{name}");
        let parsed = header_name(value, &field, name, problems);
        if parsed.as_ref().is_some_and(|name| RESERVED.contains(name)) {
            problems.with(value, &field, "is set by the connector itself: remove it");
        }
        if value.value.contains("{{") {
            problems.with(value, &field, "has a template: headers take none");
        }
        let checked =
            HeaderValue::from_str(&value.value).map_err(|_| "has a character that no header may have");
        if let (Some(name), Some(value)) = (parsed, problems.take(value, &field, checked)) {
            headers.insert(name, value);
        }
    }
    headers
}

fn header_name<T>(at: &Spanned<T>, field: &str, name: &str, problems: &mut Problems) -> Option<HeaderName> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    problems.take(at, field, parsed.map_err(|_| format!("`{name}` is not the name of a header")))
}

const fn scope(scope: ScopeFile) -> Scope {
    match scope {
        ScopeFile::Account => Scope::Account,
        ScopeFile::Application => Scope::Application,
    }
}

fn limit(
    file: &ChannelFile,
    limit: &Spanned<LimitFile>,
    index: usize,
    problems: &mut Problems,
) -> Option<Limit> {
    let field = format!("limits[{index}]");
    let LimitFile { scope: declared, scope_without_token, headers, cushion } = &limit.value;
    let without = scope_without_token.unwrap_or(*declared);
    if file.base_url_per_account == PerAccount::Required
        && [*declared, without].contains(&ScopeFile::Application)
    {
        // Any host could say that its window is spent, and stop the channel for everyone.
        problems.with(
            limit,
            format!("{field}.scope"),
            "`application` cannot be the scope where every account has a host of its own",
        );
    }
    let remaining = headers.remaining.value.as_str();
    let reset = headers.reset.name.value.as_str();
    let remaining =
        header_name(&headers.remaining, &format!("{field}.headers.remaining"), remaining, problems);
    let reset = header_name(&headers.reset.name, &format!("{field}.headers.reset.name"), reset, problems);
    Some(Limit {
        scope: scope(*declared),
        scope_without_token: scope(without),
        remaining: remaining?,
        reset: reset?,
        format: headers.reset.format,
        cushion: *cushion,
    })
}

fn error_rule(rule: &Spanned<ErrorRuleFile>, index: usize, problems: &mut Problems) -> Option<ErrorRule> {
    let field = format!("errors[{index}]");
    let ErrorRuleFile { status, header, body_contains, outcome } = &rule.value;
    let code = match status.value {
        400..=599 => StatusCode::from_u16(status.value).ok(),
        other => {
            problems.with(status, format!("{field}.status"), format!("`{other}` is not between 400 and 599"));
            None
        }
    };
    let name = match header {
        Some(name) => Some(header_name(name, &format!("{field}.header"), &name.value, problems)?),
        None => None,
    };
    let body_contains = body_contains.as_ref().map(|text| text.value.clone());
    Some(ErrorRule { status: code?, header: name, body_contains, outcome: *outcome })
}

fn job_type(
    id: Option<JobTypeId>,
    file: &JobTypeFile,
    field: &str,
    channel_levels: &BTreeMap<ServiceLevel, Policy>,
    problems: &mut Problems,
) -> Option<JobType> {
    let own = levels::policies(&file.service_levels, &format!("{field}.service_levels"), problems);
    let endpoint = endpoint(&file.request, &format!("{field}.request"), problems);
    let items = items(&file.items, &format!("{field}.items"), problems);
    let pages = file.pages.as_ref().map(|pages| self::pages(pages, &format!("{field}.pages"), problems));
    let first_poll = first_poll(file.first_poll.as_ref(), field, problems);
    let floors = file.floor.iter().enumerate().filter_map(|(index, name)| {
        header_name(name, &format!("{field}.floor[{index}]"), &name.value, problems).map(FloorSource::of)
    });
    let floor = floors.collect();
    Some(JobType {
        spec: levels::spec(id?, channel_levels, own)?,
        endpoint: endpoint?,
        conditional: file.conditional,
        items: items?,
        order: file.cursor.order,
        pages: match pages {
            Some(pages) => Some(pages?),
            None => None,
        },
        first_poll,
        floor,
    })
}

fn first_poll(file: Option<&Spanned<FirstPoll>>, field: &str, problems: &mut Problems) -> FirstPoll {
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

fn endpoint(file: &RequestFile, field: &str, problems: &mut Problems) -> Option<Endpoint> {
    let at_path = format!("{field}.path");
    let path = problems.take(&file.path, &at_path, Template::parse(&file.path.value));
    if let Some(path) = &path {
        check_path(&file.path, &at_path, path, problems);
    }
    let mut query = Vec::new();
    for (name, value) in &file.query {
        let template = problems.take(value, format!("{field}.query.{name}"), Template::parse(&value.value));
        let mut encoded = String::new();
        percent_encode(name, &mut encoded);
        query.extend(template.map(|template| (encoded, template)));
    }
    Some(Endpoint::new(path?, query))
}

fn check_path(at: &Spanned<String>, field: &str, path: &Template, problems: &mut Problems) {
    if !at.value.starts_with('/') {
        problems.with(at, field, "does not start with `/`");
    }
    if path.variables().any(|variable| *variable == Variable::Cursor) {
        problems.with(at, field, "names `cursor`, which the first poll does not have: use it in the query");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    if let Some(bad) = path.texts().flat_map(str::chars).find(|&c| !allowed(c)) {
        let message = match bad {
            '?' => "has a `?`: parameters go to `query`".to_owned(),
            bad => format!("has the character {bad:?}, which a path cannot hold: percent-encode it"),
        };
        problems.with(at, field, message);
    }
}

fn items(file: &ItemsFile, field: &str, problems: &mut Problems) -> Option<ItemRules> {
    let mut names = Names::default();
    let list = List::compile(&file.list.value);
    let list = problems.take(&file.list, format!("{field}.list"), list.map_err(not_jq));
    let mut select = |name: &str, code: &Spanned<String>| {
        let compiled = Selector::compile(&code.value, &mut names);
        problems.take(code, format!("{field}.{name}"), compiled.map_err(not_jq))
    };
    let id = select("id", &file.id);
    let data = select("data", &file.data);
    let time = file.time.as_ref().map(|time| select("time", time));
    let kind = file.kind.value.as_str();
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        let message =
            format!("`{}` is not an event type: use letters, digits, `.`, `_` and `-`", kind.escape_debug());
        problems.with(&file.kind, format!("{field}.type"), message);
    }
    Some(ItemRules {
        list: list?,
        id: id?,
        time: match time {
            Some(time) => Some(time?),
            None => None,
        },
        kind: kind.to_owned(),
        data: data?,
        dedupe_version: file.dedupe_version,
        names,
    })
}

fn not_jq(error: String) -> String {
    format!("is not a jq filter: {error}")
}

fn pages(file: &PagesFile, field: &str, problems: &mut Problems) -> Option<Pages> {
    let follow = match &file.follow {
        FollowFile::LinkHeader => Follow::LinkHeader,
        FollowFile::MaxId(parameter) => {
            let mut encoded = String::new();
            percent_encode(&parameter.value, &mut encoded);
            if encoded.is_empty() {
                problems.with(
                    parameter,
                    format!("{field}.follow.max_id"),
                    "is empty: name the query parameter",
                );
            }
            Follow::MaxId(encoded)
        }
    };
    let mut within = |name: &str, number: &Option<Spanned<u32>>, limit: u32| {
        let number = number.as_ref()?;
        if !(1..=limit).contains(&number.value) {
            problems.with(
                number,
                format!("{field}.{name}"),
                format!("`{}` is not between 1 and {limit}", number.value),
            );
        }
        Some(number.value)
    };
    let size = within("size", &file.size, 10_000).and_then(|size| usize::try_from(size).ok());
    let limit = within("limit", &file.limit, MAX_PAGE_LIMIT).unwrap_or(DEFAULT_PAGE_LIMIT);
    Some(Pages { follow, size, limit })
}
