//! The keys of every stored item. This is their one home: a builder and a parser for each, and what the item is for.
//!
//! | table | partition key | sort key | item | written by | deleted by |
//! | --- | --- | --- | --- | --- | --- |
//! | jobs | `<job type>#<cadence>#<phase>#<shard>` | job | [`JobRow`](crate::row::JobRow): one job, for as long as it is registered | completion, control | control (unregister); a move deletes the old one in its transaction |
//! | jobs | `wake#<job type>#<minute of day>#<shard>` | `<epoch minute>#<job>` | [`WakeUp`](crate::row::WakeUp): dispatch it in one minute | completion, control | time to live, a day after its minute |
//! | jobs | `parked#<job type>#<shard>` | job | [`JobRow`](crate::row::JobRow) with reason and time: out of the wheel | completion, control | control (unpark, unregister) |
//! | registrations | account id | `<job type>` or `<job type>#<target>` | [`Registration`](crate::row::Registration): where the row is | with every insert and move | control (unregister) |
//! | credentials | account id | channel | the account's secrets, encrypted; their version; the lease of whoever renews them | control; workers (renewal) | control (unregister) |
//! | credentials | channel | `#application` | the deployment's own secrets and pool of tokens of the channel, likewise | control; workers (renewal) | control |
//! | control | `cursor#<job type>` | | the last minute whose work is durably enqueued | scheduler | nobody |
//! | control | `pause#<channel>` or `pause#<job type>` | | dispatch is paused | control | control |
//! | control | `throttle#<channel>` or `throttle#<job type>` | | an application-wide limit is spent until an instant | completion | time to live |
//! | control | `spend#<scope>#<window>#<slot>` | | units reserved in one slot of a shared limit; the scope as in a throttle's key | workers | time to live, an hour after the slot |
//! | control | `pace#<scope>#<window>` | | how far more is due of a shared limit than fits | scheduler | nobody |
//! | control | `throttle#<channel>#token#<name>` or `throttle#<channel>#host#<host>` | | the same for one token of the application's pool, or one host | completion | time to live |
//!
//! A wake-up's epoch minute has ten digits, so that the minutes of two days, which share a partition, do not mix.
//!
//! `job` as a sort key is the account id, and after a `#` the target when there is one. A `#` or `%` inside an id is
//! escaped as `%23` or `%25`, so distinct ids stay distinct. The names of tokens and hosts in throttles are escaped alike.

use crate::budget::{PaceKey, SpendSlot};
use crate::cadence::Cadence;
use crate::id::{AccountId, ChannelName, JobId, JobTypeId, Target};
use crate::ports::{Holder, QueueName};
use crate::row::Place;
use crate::throttle::ThrottleScope;
use crate::time::EpochMinute;
use crate::wheel::Cohort;

/// A text that is no key of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is not a {what} key")]
pub struct KeyError {
    /// The text.
    pub key: String,
    /// The kind of key expected.
    pub what: &'static str,
}

const SEPARATOR: char = '#';
const WAKE: &str = "wake";
const PARKED: &str = "parked";
const THROTTLE: &str = "throttle";
const TOKEN: &str = "token";
const HOST: &str = "host";
const APPLICATION: &str = "#application";

/// The partition of a row.
#[must_use]
pub fn place_key(job_type: &JobTypeId, place: Place) -> String {
    match place {
        Place::Cohort(cohort) => cohort_key(job_type, cohort),
        Place::Parked { shard } => parked_key(job_type, shard),
    }
}

/// The partition of a cohort.
#[must_use]
pub fn cohort_key(job_type: &JobTypeId, cohort: Cohort) -> String {
    let Cohort { cadence, phase, shard } = cohort;
    format!("{job_type}{SEPARATOR}{cadence}{SEPARATOR}{phase}{SEPARATOR}{shard}")
}

/// The partition of parked rows.
#[must_use]
pub fn parked_key(job_type: &JobTypeId, shard: u16) -> String {
    format!("{PARKED}{SEPARATOR}{job_type}{SEPARATOR}{shard}")
}

/// The partition of a minute's wake-ups.
#[must_use]
pub fn wake_key(job_type: &JobTypeId, minute_of_day: u16, shard: u16) -> String {
    format!("{WAKE}{SEPARATOR}{job_type}{SEPARATOR}{minute_of_day}{SEPARATOR}{shard}")
}

/// What the sort keys of a minute's wake-ups begin with.
#[must_use]
pub fn wake_sort_prefix(minute: EpochMinute) -> String {
    format!("{:010}{SEPARATOR}", minute.get())
}

/// The sort key of a wake-up within its partition.
#[must_use]
pub fn wake_sort_key(minute: EpochMinute, job: &JobId) -> String {
    wake_sort_prefix(minute) + &sort_key(job)
}

/// The key of a job type's cursor.
#[must_use]
pub fn cursor_key(job_type: &JobTypeId) -> String {
    format!("cursor{SEPARATOR}{job_type}")
}

/// The key of a pause of a channel.
#[must_use]
pub fn channel_pause_key(channel: &ChannelName) -> String {
    format!("pause{SEPARATOR}{channel}")
}

/// The key of a pause of a job type.
#[must_use]
pub fn job_type_pause_key(job_type: &JobTypeId) -> String {
    format!("pause{SEPARATOR}{job_type}")
}

/// The key of a throttle.
#[must_use]
pub fn throttle_key(scope: &ThrottleScope) -> String {
    match scope {
        ThrottleScope::Channel(channel) => format!("{THROTTLE}{SEPARATOR}{channel}"),
        ThrottleScope::JobType(job_type) => format!("{THROTTLE}{SEPARATOR}{job_type}"),
        ThrottleScope::Token(channel, name) => part_key(channel, TOKEN, name),
        ThrottleScope::Host(channel, host) => part_key(channel, HOST, host),
    }
}

fn part_key(channel: &ChannelName, kind: &str, name: &str) -> String {
    format!("{THROTTLE}{SEPARATOR}{channel}{SEPARATOR}{kind}{SEPARATOR}{}", escape(name))
}

/// The key of what the scheduler knows of a shared limit.
#[must_use]
pub fn pace_key(of: &PaceKey) -> String {
    limit_key("pace", of)
}

/// What the keys of a shared limit's counters begin with.
#[must_use]
pub fn spend_prefix(of: &PaceKey) -> String {
    limit_key("spend", of) + "#"
}

/// The key of the counter of a slot: its number has ten digits, so that keys are in the order of time.
#[must_use]
pub fn spend_key(slot: &SpendSlot) -> String {
    format!("{}{:010}", spend_prefix(&slot.of), slot.index)
}

fn limit_key(kind: &str, of: &PaceKey) -> String {
    let throttle = throttle_key(&of.scope);
    let scope = throttle.strip_prefix(THROTTLE).unwrap_or(&throttle);
    format!("{kind}{scope}{SEPARATOR}{}", of.window_seconds)
}

/// Partition and sort key of a holder's credentials. No channel's name begins with a `#`, so an account that is called
/// like a channel does not come to the application's secrets.
#[must_use]
pub fn credentials_key(channel: &ChannelName, holder: &Holder) -> (String, String) {
    match holder {
        Holder::Account(account) => (account.to_string(), channel.to_string()),
        Holder::Application => (channel.to_string(), APPLICATION.to_owned()),
    }
}

/// The name of a queue within a deployment: letters, digits, `-` and `_`, as SQS asks. Two job types may come to the same
/// name (`a-b/c` and `a/b-c`): whoever makes the queues refuses that.
#[must_use]
pub fn queue_name(queue: &QueueName) -> String {
    match queue {
        QueueName::Jobs(job_type) => format!("jobs-{}-{}", job_type.channel(), job_type.name()),
        QueueName::Completed => "completed".to_owned(),
        QueueName::Drains => "drains".to_owned(),
    }
}

/// The sort key of a job within a partition of its job type.
#[must_use]
pub fn sort_key(job: &JobId) -> String {
    let mut key = escape(job.account.as_str());
    if let Some(target) = &job.target {
        key.push(SEPARATOR);
        key.push_str(&escape(target.as_str()));
    }
    key
}

/// The sort key of a registration within an account.
#[must_use]
pub fn registration_key(job: &JobId) -> String {
    match &job.target {
        Some(target) => format!("{}{SEPARATOR}{}", job.job_type, escape(target.as_str())),
        None => job.job_type.to_string(),
    }
}

/// Reads the partition key of a row.
///
/// # Errors
/// When it is not one.
pub fn parse_place_key(key: &str) -> Result<(JobTypeId, Place), KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "row partition" };
    let parts: Vec<&str> = key.split(SEPARATOR).collect();
    let (job_type, place) = match parts[..] {
        [PARKED, job_type, shard] => (job_type, Place::Parked { shard: number(shard).ok_or_else(error)? }),
        [job_type, cadence, phase, shard] => {
            let cadence = number(cadence).and_then(|minutes| Cadence::new(minutes).ok()).ok_or_else(error)?;
            let phase = number(phase).filter(|&phase| phase < cadence.minutes()).ok_or_else(error)?;
            (job_type, Place::Cohort(Cohort { cadence, phase, shard: number(shard).ok_or_else(error)? }))
        }
        _ => return Err(error()),
    };
    Ok((JobTypeId::new(job_type).map_err(|_| error())?, place))
}

/// Reads the key of a throttle.
///
/// # Errors
/// When it is not one.
pub fn parse_throttle_key(key: &str) -> Result<ThrottleScope, KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "throttle" };
    let parts: Vec<&str> = key.split(SEPARATOR).collect();
    let channel = |text: &str| ChannelName::new(text).map_err(|_| error());
    let name = |text: &str| unescape(text).map(Box::from).ok_or_else(error);
    match parts[..] {
        [THROTTLE, job_type] if job_type.contains('/') => {
            JobTypeId::new(job_type).map(ThrottleScope::JobType).map_err(|_| error())
        }
        [THROTTLE, text] => channel(text).map(ThrottleScope::Channel),
        [THROTTLE, text, TOKEN, token] => Ok(ThrottleScope::Token(channel(text)?, name(token)?)),
        [THROTTLE, text, HOST, host] => Ok(ThrottleScope::Host(channel(text)?, name(host)?)),
        _ => Err(error()),
    }
}

/// Reads the partition key of wake-ups: job type, minute of day, shard.
///
/// # Errors
/// When it is not one.
pub fn parse_wake_key(key: &str) -> Result<(JobTypeId, u16, u16), KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "wake-up partition" };
    let parts: Vec<&str> = key.split(SEPARATOR).collect();
    let [WAKE, job_type, minute, shard] = parts[..] else { return Err(error()) };
    let minute = number(minute).filter(|&minute| minute < crate::time::MINUTES_PER_DAY).ok_or_else(error)?;
    let job_type = JobTypeId::new(job_type).map_err(|_| error())?;
    Ok((job_type, minute, number(shard).ok_or_else(error)?))
}

/// Reads the sort key of a wake-up of a job type.
///
/// # Errors
/// When it is not one.
pub fn parse_wake_sort_key(job_type: &JobTypeId, key: &str) -> Result<(EpochMinute, JobId), KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "wake-up sort" };
    let (minute, job) = key.split_once(SEPARATOR).ok_or_else(error)?;
    let digits = minute.len() == 10 && minute.bytes().all(|byte| byte.is_ascii_digit());
    let minute = minute.parse().ok().filter(|_| digits).ok_or_else(error)?;
    Ok((EpochMinute::new(minute), parse_sort_key(job_type, job)?))
}

/// Reads the sort key of a job of a job type.
///
/// # Errors
/// When it is not one.
pub fn parse_sort_key(job_type: &JobTypeId, key: &str) -> Result<JobId, KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "job sort" };
    let (account, target) = match key.split_once(SEPARATOR) {
        Some((account, target)) => (account, Some(target)),
        None => (key, None),
    };
    let account = unescape(account).and_then(|text| AccountId::new(text).ok()).ok_or_else(error)?;
    let target = match target {
        Some(text) => Some(unescape(text).and_then(|text| Target::new(text).ok()).ok_or_else(error)?),
        None => None,
    };
    Ok(JobId { job_type: job_type.clone(), account, target })
}

/// Reads the sort key of a registration of an account.
///
/// # Errors
/// When it is not one.
pub fn parse_registration_key(account: &AccountId, key: &str) -> Result<JobId, KeyError> {
    let error = || KeyError { key: key.escape_debug().to_string(), what: "registration sort" };
    let (job_type, target) = match key.split_once(SEPARATOR) {
        Some((job_type, target)) => {
            let target = unescape(target).and_then(|text| Target::new(text).ok()).ok_or_else(error)?;
            (job_type, Some(target))
        }
        None => (key, None),
    };
    Ok(JobId { job_type: JobTypeId::new(job_type).map_err(|_| error())?, account: account.clone(), target })
}

/// A number in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number: &u16| number.to_string() == text)
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace(SEPARATOR, "%23")
}

fn unescape(text: &str) -> Option<String> {
    let plain = text.replace("%23", "#").replace("%25", "%");
    // One spelling a key: a text that escapes differently is not ours.
    (escape(&plain) == text).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_job() -> impl Strategy<Value = JobId> {
        // `%23`, `%25` and `#` are likely, so that escaping is put to the test.
        let text = "([a-z0-9#% :/é]|%23|%25|%2523){1,20}";
        ("[a-z][a-z0-9_-]{0,8}/[a-z][a-z0-9_-]{0,8}", text, proptest::option::of(text)).prop_map(
            |(job_type, account, target)| JobId {
                job_type: JobTypeId::new(job_type).unwrap(),
                account: AccountId::new(account).unwrap(),
                target: target.map(|target| Target::new(target).unwrap()),
            },
        )
    }

    fn any_place() -> impl Strategy<Value = Place> {
        let cohort = (proptest::sample::select(Cadence::ALL.to_vec()), any::<u16>(), any::<u16>())
            .prop_map(|(cadence, phase, shard)| Cohort { cadence, phase: phase % cadence.minutes(), shard });
        prop_oneof![cohort.prop_map(Place::Cohort), any::<u16>().prop_map(|shard| Place::Parked { shard })]
    }

    fn any_throttle() -> impl Strategy<Value = ThrottleScope> {
        let channel = "[a-z][a-z0-9_-]{0,8}".prop_map(|name| ChannelName::new(name).unwrap());
        let job_type = "[a-z][a-z0-9_-]{0,8}/[a-z][a-z0-9_-]{0,8}".prop_map(|id| JobTypeId::new(id).unwrap());
        let name = "([a-z0-9#%:.é]|%23|%25){0,20}".prop_map(Box::<str>::from);
        prop_oneof![
            channel.clone().prop_map(ThrottleScope::Channel),
            job_type.prop_map(ThrottleScope::JobType),
            (channel.clone(), name.clone()).prop_map(|(channel, name)| ThrottleScope::Token(channel, name)),
            (channel, name).prop_map(|(channel, name)| ThrottleScope::Host(channel, name)),
        ]
    }

    proptest! {
        #[test]
        fn throttle_keys_round_trip(scope in any_throttle()) {
            prop_assert_eq!(parse_throttle_key(&throttle_key(&scope)), Ok(scope));
        }

        #[test]
        fn keys_round_trip(job in any_job(), place in any_place(), minute in 0_u16..1440, shard in any::<u16>()) {
            let key = place_key(&job.job_type, place);
            prop_assert_eq!(parse_place_key(&key), Ok((job.job_type.clone(), place)));
            prop_assert_eq!(parse_sort_key(&job.job_type, &sort_key(&job)), Ok(job.clone()));
            prop_assert_eq!(parse_registration_key(&job.account, &registration_key(&job)), Ok(job.clone()));
            let woken = EpochMinute::new(u32::from(minute) * 1_000_003);
            prop_assert_eq!(parse_wake_sort_key(&job.job_type, &wake_sort_key(woken, &job)), Ok((woken, job.clone())));
            let key = wake_key(&job.job_type, minute, shard);
            prop_assert_eq!(parse_wake_key(&key), Ok((job.job_type, minute, shard)));
        }

        #[test]
        fn distinct_jobs_have_distinct_keys(one in any_job(), other in any_job()) {
            let key = |job: &JobId| (job.job_type.clone(), sort_key(job));
            prop_assert_eq!(one == other, key(&one) == key(&other));
        }

        #[test]
        fn r32_no_text_makes_a_parser_panic_and_what_parses_is_the_one_spelling(text in ".{0,40}") {
            let job_type = JobTypeId::new("c/j").unwrap();
            if let Ok((job_type, place)) = parse_place_key(&text) {
                prop_assert_eq!(place_key(&job_type, place), text.clone());
            }
            if let Ok(job) = parse_sort_key(&job_type, &text) {
                prop_assert_eq!(sort_key(&job), text.clone());
            }
            if let Ok((minute, job)) = parse_wake_sort_key(&job_type, &text) {
                prop_assert_eq!(wake_sort_key(minute, &job), text.clone());
            }
            if let Ok(scope) = parse_throttle_key(&text) {
                prop_assert_eq!(throttle_key(&scope), text.clone());
            }
            let _ = parse_wake_key(&text);
        }
    }

    #[test]
    fn keys_read_as_the_design_says() {
        let job_type = JobTypeId::new("mastodon/statuses").unwrap();
        let cohort = Cohort { cadence: Cadence::new(5).unwrap(), phase: 2, shard: 0 };
        assert_eq!(cohort_key(&job_type, cohort), "mastodon/statuses#5#2#0");
        assert_eq!(wake_key(&job_type, 465, 0), "wake#mastodon/statuses#465#0");
        assert_eq!(parked_key(&job_type, 3), "parked#mastodon/statuses#3");
        let channel = ChannelName::new("mastodon").unwrap();
        assert_eq!(throttle_key(&ThrottleScope::Channel(channel.clone())), "throttle#mastodon");
        assert_eq!(throttle_key(&ThrottleScope::JobType(job_type)), "throttle#mastodon/statuses");
        let host = ThrottleScope::Host(channel.clone(), "awoo.space:8443".into());
        assert_eq!(throttle_key(&host), "throttle#mastodon#host#awoo.space:8443");
        let of = PaceKey { scope: host, window_seconds: 300 };
        assert_eq!(pace_key(&of), "pace#mastodon#host#awoo.space:8443#300");
        let slot = SpendSlot { of, index: 29_000_000, ends: EpochMinute::new(0).start() };
        assert_eq!(spend_key(&slot), "spend#mastodon#host#awoo.space:8443#300#0029000000");
        let account = Holder::Account(AccountId::new("mastodon").unwrap());
        assert_ne!(credentials_key(&channel, &account), credentials_key(&channel, &Holder::Application));
        for bad in
            ["", "mastodon/statuses#5#5#0", "mastodon/statuses#4#0#0", "mastodon/statuses#5#02#0", "x#5#2#0"]
        {
            assert!(parse_place_key(bad).is_err(), "{bad} was accepted");
        }
    }
}
