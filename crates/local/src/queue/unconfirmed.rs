//! Which due minutes still have messages under way, by job type.
//!
//! This is the one place where the queues look into a message: at the due minutes, when it is sent. A message that cannot be
//! read counts for no minute.

use std::collections::BTreeMap;

use pollwheel_core::id::JobTypeId;
use pollwheel_core::message::{DrainMessage, Message};
use pollwheel_core::ports::QueueName;
use pollwheel_core::time::EpochMinute;
use serde::Deserialize;

/// The due minutes that a message is under way for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// None that is known.
    Nothing,
    /// One.
    One(JobTypeId, EpochMinute),
    /// Those of a batch of finished polls.
    Many(Box<[(JobTypeId, EpochMinute)]>),
}

impl Due {
    fn each(&self) -> impl Iterator<Item = (&JobTypeId, EpochMinute)> {
        let (one, many): (Option<(&JobTypeId, EpochMinute)>, &[_]) = match self {
            Self::Nothing => (None, &[]),
            Self::One(job_type, minute) => (Some((job_type, *minute)), &[]),
            Self::Many(all) => (None, all),
        };
        one.into_iter().chain(many.iter().map(|(job_type, minute)| (job_type, *minute)))
    }
}

/// How many messages are under way for each due minute.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<JobTypeId, BTreeMap<EpochMinute, u64>>,
}

impl Ledger {
    pub(super) fn add(&mut self, due: &Due) {
        for (job_type, minute) in due.each() {
            match self.open.get_mut(job_type) {
                Some(minutes) => *minutes.entry(minute).or_default() += 1,
                None => {
                    self.open.insert(job_type.clone(), BTreeMap::from([(minute, 1)]));
                }
            }
        }
    }

    /// The message was deleted or given up.
    pub(super) fn settle(&mut self, due: &Due) {
        for (job_type, minute) in due.each() {
            let Some(minutes) = self.open.get_mut(job_type) else { continue };
            if let Some(count) = minutes.get_mut(&minute) {
                *count -= 1;
                if *count == 0 {
                    minutes.remove(&minute);
                }
            }
        }
    }

    pub(super) fn oldest(&self, job_type: &JobTypeId) -> Option<EpochMinute> {
        self.open.get(job_type)?.keys().next().copied()
    }
}

/// The due minutes of a message.
pub(super) fn of(queue: &QueueName, body: &str) -> Due {
    match queue {
        QueueName::Jobs(job_type) => match poll_due(body) {
            Some(minute) => Due::One(job_type.clone(), minute),
            None => Due::Nothing,
        },
        QueueName::Completed => completed_dues(body),
        QueueName::Drains => match DrainMessage::decode(body) {
            Ok(DrainMessage { job_type, part, .. }) => Due::One(job_type, part.due()),
            Err(_) => Due::Nothing,
        },
    }
}

#[derive(Deserialize)]
struct Envelope<M> {
    m: M,
}

#[derive(Deserialize)]
struct Poll {
    due: EpochMinute,
}

#[derive(Deserialize)]
struct Polls {
    polls: Vec<Finished>,
}

#[derive(Deserialize)]
struct Finished {
    due: EpochMinute,
    row: Row,
}

#[derive(Deserialize)]
struct Row {
    job: Job,
}

#[derive(Deserialize)]
struct Job {
    job_type: JobTypeId,
}

/// A million of these are sent in a tick. Our own messages begin with the due minute, so they are not parsed for it.
fn poll_due(body: &str) -> Option<EpochMinute> {
    let after = body.strip_prefix(r#"{"v":1,"m":{"due":"#);
    let digits = after.and_then(|rest| rest.split_once(',')).and_then(|(digits, _)| digits.parse().ok());
    digits.map(EpochMinute::new).or_else(|| {
        let Envelope { m: Poll { due } } = serde_json::from_str(body).ok()?;
        Some(due)
    })
}

fn completed_dues(body: &str) -> Due {
    let Ok(Envelope { m: Polls { polls } }) = serde_json::from_str(body) else { return Due::Nothing };
    Due::Many(polls.into_iter().map(|Finished { due, row }| (row.job.job_type, due)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_type() -> JobTypeId {
        JobTypeId::new("mastodon/statuses").unwrap()
    }

    fn one(minute: u32) -> Due {
        Due::One(job_type(), EpochMinute::new(minute))
    }

    #[test]
    fn the_due_minute_of_a_poll_is_found_wherever_it_stands() {
        let jobs = QueueName::Jobs(job_type());
        assert_eq!(of(&jobs, r#"{"v":1,"m":{"due":29000000,"spread":7}}"#), one(29_000_000));
        assert_eq!(of(&jobs, r#"{"v":2,"m":{"spread":7,"due":29000000}}"#), one(29_000_000));
        assert_eq!(of(&jobs, r#"{"v":1,"m":{"due":7}}"#), one(7));
        for broken in ["", "{}", r#"{"v":1,"m":{"due":-1,"x":0}}"#, r#"{"v":1,"m":{"due":"#] {
            assert_eq!(of(&jobs, broken), Due::Nothing, "{broken}");
        }
    }

    #[test]
    fn a_batch_of_finished_polls_counts_for_each_of_them() {
        let poll = |due: u32| {
            format!(r#"{{"due":{due},"row":{{"job":{{"job_type":"mastodon/statuses","account":"a"}}}}}}"#)
        };
        let body = format!(r#"{{"v":1,"m":{{"hop":2,"polls":[{},{}]}}}}"#, poll(5), poll(3));
        let mut ledger = Ledger::default();
        let due = of(&QueueName::Completed, &body);
        ledger.add(&due);
        assert_eq!(ledger.oldest(&job_type()), Some(EpochMinute::new(3)));
        ledger.settle(&one(3));
        assert_eq!(ledger.oldest(&job_type()), Some(EpochMinute::new(5)));
    }

    #[test]
    fn a_partition_to_dispatch_counts_for_its_minute() {
        let body = r#"{"v":1,"m":{"hop":1,"job_type":"mastodon/statuses","part":{"wakes":{"minute":9,"shard":0}},"minute":10,"after":8}}"#;
        assert_eq!(of(&QueueName::Drains, body), one(9));
    }

    #[test]
    fn the_oldest_minute_is_open_until_its_last_message_is_settled() {
        let mut ledger = Ledger::default();
        for minute in [4, 3, 3] {
            ledger.add(&one(minute));
        }
        ledger.settle(&one(3));
        assert_eq!(ledger.oldest(&job_type()), Some(EpochMinute::new(3)));
        ledger.settle(&one(3));
        assert_eq!(ledger.oldest(&job_type()), Some(EpochMinute::new(4)));
        ledger.settle(&one(4));
        assert_eq!(ledger.oldest(&job_type()), None);
    }
}
