//! `pollwheel job list`: rows in the order of their place, a page at a time. However many there are, one page is in memory.

use pollwheel_core::keys;
use pollwheel_core::row::{HoldCause, JobRow};
use pollwheel_core::time::EpochMinute;
use serde_json::json;

use super::moment::Moments;
use super::{failed, open, wait};
use crate::args::{Condition, JobListArgs};
use crate::exit::Failure;
use crate::output::Output;

/// Rows read from the store in one go.
const PAGE: usize = 1000;

/// Lists jobs.
pub(crate) fn list(args: &JobListArgs) -> Result<(), Failure> {
    let store = open(&args.state.folder)?;
    let mut moments = Moments::new(&store);
    let mut output = Output::new();
    let mut from = args.after.as_deref().map(to_store).transpose()?;
    let mut left = if args.all { usize::MAX } else { args.limit.get() };
    let mut last: Option<String> = None;
    loop {
        let page = store.rows(from.as_deref(), PAGE).map_err(|error| failed(&error))?;
        if page.unreadable > 0 {
            tracing::warn!(rows = page.unreadable, "rows that this build cannot read are left out");
        }
        for row in &page.items {
            let minute = wait(moments.next(&row.job.job_type))?;
            if !matches(row, args, minute) {
                continue;
            }
            if left == 0 {
                output.finish()?;
                eprintln!("there are more: go on with --after '{}'", last.unwrap_or_default());
                return Ok(());
            }
            left -= 1;
            last = Some(token(row));
            if args.state.json {
                output.json(&as_json(row, minute))?
            } else {
                output.line(line(row, minute))?
            }
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return output.finish(),
        }
    }
}

fn matches(row: &JobRow, args: &JobListArgs, minute: EpochMinute) -> bool {
    let job = &row.job;
    args.channel.as_ref().is_none_or(|channel| job.job_type.channel() == channel.as_str())
        && args.job_type.as_ref().is_none_or(|job_type| job.job_type == *job_type)
        && args.account.as_ref().is_none_or(|account| job.account.as_str() == account)
        && args.only.is_none_or(|only| condition(row, minute) == only)
}

pub(crate) fn condition(row: &JobRow, minute: EpochMinute) -> Condition {
    if row.parked.is_some() {
        Condition::Parked
    } else if row.is_held(minute) {
        Condition::Held
    } else {
        Condition::Active
    }
}

/// What `--after` takes: the row's partition, a colon (which no partition has), and its key in it.
fn token(row: &JobRow) -> String {
    format!("{}:{}", keys::place_key(&row.job.job_type, row.place), keys::sort_key(&row.job))
}

fn to_store(token: &str) -> Result<String, Failure> {
    let wrong = || Failure::Input(format!("`{}` is not what a page ended with", token.escape_debug()));
    let (partition, key) = token.split_once(':').ok_or_else(wrong)?;
    keys::parse_place_key(partition).map_err(|_| wrong())?;
    Ok(format!("{partition}\0{key}"))
}

fn line(row: &JobRow, minute: EpochMinute) -> String {
    let cadence = row.place.cohort().map_or("-".to_owned(), |cohort| format!("{}m", cohort.cadence));
    let due = row.next_due(minute).map_or("-".to_owned(), |due| due.to_string());
    format!("{:<40} {cadence:>5}  {due:<17}  {}", row.job.to_string(), state(row, minute))
}

fn state(row: &JobRow, minute: EpochMinute) -> String {
    match (row.parked, row.hold) {
        (Some(parked), _) => format!("parked: {}", parked.reason.as_str()),
        (None, Some(hold)) if row.is_held(minute) => format!("held: {}", cause(hold.cause)),
        (None, Some(_) | None) => "active".to_owned(),
    }
}

/// A hold's cause, in words.
pub(crate) const fn cause(cause: HoldCause) -> &'static str {
    match cause {
        HoldCause::RateLimit => "a rate limit",
        HoldCause::Hint => "the server asks for more time between polls",
        HoldCause::Backoff => "polls fail",
    }
}

fn as_json(row: &JobRow, minute: EpochMinute) -> serde_json::Value {
    json!({"job": row.job.to_string(), "next_due": row.next_due(minute).map(|due| due.to_string()),
        "state": state(row, minute), "row": row})
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use pollwheel_core::cadence::Cadence;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
    use pollwheel_core::row::{Hold, ParkReason, Parked, Place, Revision, Subject};
    use pollwheel_core::wheel::Cohort;

    use super::*;

    fn row() -> JobRow {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a#1").unwrap(),
            target: None,
        };
        let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        JobRow::new(job, place, subject, ServiceLevel::new("free").unwrap(), Revision(1), EpochMinute::new(9))
    }

    #[test]
    fn a_page_goes_on_after_the_key_it_ended_with() {
        let token = token(&row());
        assert_eq!(token, "mastodon/statuses#1#0#0:a%231");
        assert_eq!(to_store(&token).unwrap(), "mastodon/statuses#1#0#0\0a%231");
        assert!(to_store("a1").is_err() && to_store("x:y").is_err());
    }

    #[test]
    fn a_job_is_active_held_or_parked() {
        let minute = EpochMinute::new(100);
        let mut row = row();
        assert_eq!(condition(&row, minute), Condition::Active);
        row.hold = Some(Hold { until: minute.plus(1), cause: HoldCause::Backoff });
        assert_eq!(
            (condition(&row, minute), state(&row, minute)),
            (Condition::Held, "held: polls fail".to_owned())
        );
        assert_eq!(condition(&row, minute.plus(1)), Condition::Active);
        row.parked = Some(Parked { reason: ParkReason::Gone, since: minute });
        assert_eq!(
            (condition(&row, minute), state(&row, minute)),
            (Condition::Parked, "parked: gone".to_owned())
        );
    }
}
