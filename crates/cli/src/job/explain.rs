//! `pollwheel job explain`: why a job's next poll is when it is.

use pollwheel_connector::ChannelSet;
use pollwheel_core::budget::PaceKey;
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{ControlStore, Gate};
use pollwheel_core::row::{JobRow, Place};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;
use pollwheel_local::store::Store;
use serde::Serialize;

use super::activity::Activity;
use super::list::cause;
use super::moment::Moments;
use super::{failed, find, open, wait};
use crate::args::JobExplainArgs;
use crate::exit::Failure;
use crate::output::Output;

/// Explains the jobs that the arguments name.
pub(crate) fn explain(args: &JobExplainArgs) -> Result<(), Failure> {
    let catalog = match &args.channels {
        Some(folder) => {
            ChannelSet::load(folder).map_err(|errors| Failure::Input(errors.to_string()))?.catalog()
        }
        None => Catalog::default(),
    };
    let store = open(&args.state.folder)?;
    wait(async {
        let mut moments = Moments::new(&store);
        let mut output = Output::new();
        for row in find(&store, &args.job).await? {
            let explanation = Explanation::of(row, &store, &mut moments, &catalog).await?;
            if args.state.json { output.json(&explanation)? } else { explanation.write(&mut output)? }
        }
        output.finish()
    })
}

/// A row, and what its next poll follows from.
#[derive(Debug, Serialize)]
struct Explanation {
    job: String,
    next_poll: Option<EpochMinute>,
    next_poll_at: Option<String>,
    /// From the first minute that a tick is still to come for.
    in_minutes: Option<u32>,
    because: String,
    fastest_minutes: Option<u16>,
    slowest_minutes: Option<u16>,
    /// What its cadence follows from; none before the first decision.
    activity: Option<Activity>,
    wake_ups: Vec<EpochMinute>,
    cursor: Option<EpochMinute>,
    paused: bool,
    throttled_until: Option<String>,
    /// Shared limits that are asked for more than they bear.
    overdrawn: Vec<Overdrawn>,
    row: JobRow,
    #[serde(skip)]
    now: EpochMinute,
}

impl Explanation {
    async fn of(
        row: JobRow,
        store: &Store,
        moments: &mut Moments<'_>,
        catalog: &Catalog,
    ) -> Result<Self, Failure> {
        let Gate { cursor, paused, throttled_until } = moments.gate(&row.job.job_type).await?;
        let now = moments.next(&row.job.job_type).await?;
        let wakes = store.wakes_of(&row.job).map_err(|error| failed(&error))?;
        let wake_ups: Vec<_> =
            wakes.into_iter().map(|wake| wake.minute).filter(|minute| *minute >= now).collect();
        let (next_poll, because) = next(&row, now, &wake_ups);
        let policy = catalog.get(&row.job.job_type).map(|spec| spec.policy(&row.level).range);
        let range = row.range.or(policy);
        Ok(Self {
            job: row.job.to_string(),
            next_poll,
            next_poll_at: next_poll.map(|minute| minute.to_string()),
            in_minutes: next_poll.map(|minute| minute.since(now)),
            because,
            fastest_minutes: range.map(|range| range.fastest().minutes()),
            slowest_minutes: range.map(|range| range.slowest().minutes()),
            activity: Activity::of(&row, range, now),
            wake_ups,
            cursor,
            paused,
            throttled_until: throttled_until
                .filter(|until| *until > now.start())
                .map(|until| until.to_rfc3339()),
            overdrawn: overdrawn(&row, store, catalog).await?,
            row,
            now,
        })
    }

    fn write(&self, output: &mut Output) -> Result<(), Failure> {
        let row = &self.row;
        output.line(&self.job)?;
        let mut term = |name: &str, text: String| output.line(format_args!("  {name:<10} {text}"));
        term("next poll", self.next_poll_text())?;
        match row.place {
            Place::Cohort(cohort) => term("cohort", cohort_text(cohort, self.now))?,
            Place::Parked { shard } => term("parked", format!("{}, shard {shard}", parked_text(row)))?,
        }
        term("level", self.level_text())?;
        for (name, text) in self.activity.iter().flat_map(Activity::lines) {
            term(name, text)?;
        }
        if let Some(seconds) = row.terms.and_then(|terms| terms.floor_seconds) {
            term("floor", format!("the server asks for {seconds} s between polls"))?;
        }
        if let Some(hold) = row.hold {
            let jitter = row.terms.map_or(0, |terms| terms.jitter_minutes);
            term("hold", format!("until {} ({}), {jitter} min of it jitter", hold.until, cause(hold.cause)))?;
        }
        if row.failures > 0 {
            let counts = format!("{} in a row ({} gone, {} crashes)", row.failures, row.gone, row.crashes);
            term("failures", format!("{counts}, last backoff {} min", row.backoff_minutes))?;
            if let Some(error) = &row.error {
                term("error", error.to_string())?;
            }
        }
        for Overdrawn { scope, turns } in &self.overdrawn {
            term(
                "stretched",
                format!(
                    "the limit of {scope} bears less than is due: dispatched in one of {turns:.1} turns, fewer if its account has more than one job due in a minute"
                ),
            )?;
        }
        for minute in &self.wake_ups {
            term("wake-up", minute.to_string())?;
        }
        term("news", format!("last on {}", row.last_active))?;
        let applied =
            row.applied.map_or("nothing was written since it was registered".to_owned(), |minute| {
                format!("last for the dispatch of {minute}")
            });
        term("written", format!("{applied}, revision {}", row.rev.0))?;
        let cursor =
            self.cursor.map_or("no tick yet".to_owned(), |minute| format!("ticks are done up to {minute}"));
        term("wheel", cursor)
    }

    fn next_poll_text(&self) -> String {
        let when = match (self.next_poll, self.in_minutes) {
            (Some(minute), Some(0)) => format!("{minute}, with the next tick"),
            (Some(minute), Some(1)) => format!("{minute}, in 1 minute"),
            (Some(minute), Some(minutes)) => format!("{minute}, in {minutes} minutes"),
            (_, None) | (None, _) => "never".to_owned(),
        };
        let stopped = match (self.paused, &self.throttled_until) {
            (true, _) => "; but the job type is paused".to_owned(),
            (false, Some(until)) => format!("; but the channel's limit is spent until {until}"),
            (false, None) => String::new(),
        };
        format!("{when}: {}{stopped}", self.because)
    }

    fn level_text(&self) -> String {
        match (self.fastest_minutes, self.slowest_minutes) {
            (Some(fastest), Some(slowest)) => {
                let whose = if self.row.range.is_some() { ", of its own" } else { "" };
                format!("{}: every {fastest} to {slowest} min{whose}", self.row.level)
            }
            (Some(_) | None, _) => format!("{} (name `--channels` to see what it allows)", self.row.level),
        }
    }
}

/// A shared limit of a job that is asked for more than it bears.
#[derive(Debug, Serialize)]
struct Overdrawn {
    scope: String,
    /// Turns in one of which a job is dispatched whose account has no other due in the minute.
    turns: f64,
}

async fn overdrawn(row: &JobRow, store: &Store, catalog: &Catalog) -> Result<Vec<Overdrawn>, Failure> {
    let budgets = catalog.get(&row.job.job_type).map_or(&[][..], |spec| &spec.budgets);
    let keys: Vec<PaceKey> = budgets.iter().filter_map(|budget| budget.paced_for(row)).collect();
    let paces = store.paces(&keys).await.map_err(|error| failed(&error))?;
    let overdrawn = keys.iter().zip(paces).filter(|(_, pace)| pace.turns() > 1.0);
    Ok(overdrawn.map(|(key, pace)| Overdrawn { scope: key.scope.to_string(), turns: pace.turns() }).collect())
}

/// The next poll, and why it is then.
pub(crate) fn next(
    row: &JobRow,
    now: EpochMinute,
    wake_ups: &[EpochMinute],
) -> (Option<EpochMinute>, String) {
    let Some(due) = row.next_due(now) else {
        return (None, format!("it is parked: {}", parked_text(row)));
    };
    if let Some(wake) = wake_ups.iter().find(|minute| **minute < due && !row.is_held(**minute)) {
        return (Some(*wake), "a wake-up is set for it".to_owned());
    }
    let because = match row.hold.filter(|_| row.is_held(now)) {
        Some(hold) => format!(
            "it is on hold until {} ({}), and its cohort comes round then",
            hold.until,
            cause(hold.cause)
        ),
        None => "its cohort comes round then".to_owned(),
    };
    (Some(due), because)
}

fn parked_text(row: &JobRow) -> String {
    row.parked.map_or_else(String::new, |parked| format!("{} since {}", parked.reason.as_str(), parked.since))
}

/// The cohort's cadence, and its first minutes from now.
fn cohort_text(cohort: Cohort, now: EpochMinute) -> String {
    let Cohort { cadence, phase, shard } = cohort;
    let first = cohort.next_due(now);
    let minutes: Vec<String> = (0..3)
        .map(|round| first.plus(round * u32::from(cadence.minutes())).to_string())
        .map(|minute| minute.get(11..16).unwrap_or_default().to_owned())
        .collect();
    format!("every {cadence} min, phase {phase}, shard {shard}: {}, ...", minutes.join(", "))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use pollwheel_core::cadence::Cadence;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
    use pollwheel_core::row::{Hold, HoldCause, ParkReason, Parked, Revision, Subject};

    use super::*;

    const NOW: EpochMinute = EpochMinute::new(29_000_000);

    fn row() -> JobRow {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let place = Place::Cohort(Cohort::of(&job, Cadence::new(15).unwrap(), NonZeroU16::MIN));
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        JobRow::new(job, place, subject, ServiceLevel::new("free").unwrap(), Revision(1), NOW)
    }

    #[test]
    fn the_next_poll_is_the_cohorts_unless_a_hold_or_a_wake_up_says_otherwise() {
        let mut row = row();
        let due = row.next_due(NOW).unwrap();
        assert_eq!(next(&row, NOW, &[]), (Some(due), "its cohort comes round then".to_owned()));

        row.hold = Some(Hold { until: due.plus(3), cause: HoldCause::Backoff });
        let (held, because) = next(&row, NOW, &[]);
        assert_eq!(held, Some(due.plus(15)));
        assert!(because.contains("on hold until") && because.contains("polls fail"), "{because}");

        let wakes = [due.plus(1), due.plus(4)];
        assert_eq!(next(&row, NOW, &wakes), (Some(due.plus(4)), "a wake-up is set for it".to_owned()));
    }

    #[test]
    fn a_parked_job_is_never_polled_and_says_why() {
        let mut row = row();
        row.place = Place::Parked { shard: 0 };
        row.parked = Some(Parked { reason: ParkReason::Unauthorized, since: NOW });
        let (next, because) = next(&row, NOW, &[]);
        assert_eq!(next, None);
        assert!(because.starts_with("it is parked: unauthorized since 20"), "{because}");
    }

    #[test]
    fn a_cohort_reads_as_its_next_minutes() {
        let cohort = Cohort { cadence: Cadence::new(15).unwrap(), phase: 5, shard: 0 };
        // Minute 0 of a day.
        let midnight = EpochMinute::new(1440 * 20_000);
        assert_eq!(cohort_text(cohort, midnight), "every 15 min, phase 5, shard 0: 00:05, 00:20, 00:35, ...");
    }
}
