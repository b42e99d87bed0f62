//! What a job's cadence follows from: how much its source brings, what a poll costs, and what kept the job from the cadence that
//! this is worth. In sentences, and as fields.

use pollwheel_core::activity::Middle;
use pollwheel_core::cadence::CadenceRange;
use pollwheel_core::decide::{Clamp, Terms};
use pollwheel_core::row::JobRow;
use pollwheel_core::time::EpochMinute;
use serde::Serialize;

/// The terms of a job's cadence.
#[derive(Debug, Serialize)]
pub(super) struct Activity {
    /// Estimated for now, or as of the last decision where the range of cadences is not known.
    items_a_day: f64,
    /// Since something new came, or since it was registered.
    quiet_minutes: u32,
    /// Against the usual, as of the last decision that was written.
    price: f64,
    /// What the rate is worth at the price, of any length.
    asked_minutes: f64,
    /// What it was given, within its range.
    cadence_minutes: u16,
    clamp: Option<Clamp>,
    decided: EpochMinute,
}

impl Activity {
    /// Of a row; none when no decision was written yet, or only by a build that kept no terms of activity.
    pub(super) fn of(row: &JobRow, range: Option<CadenceRange>, now: EpochMinute) -> Option<Self> {
        let terms = row.terms.filter(|terms| terms.asked_seconds > 0)?;
        let Terms { at, activity, rate, price, asked_seconds, clamp, .. } = terms;
        let quiet_minutes = now.since(row.last_active);
        let estimated = row.range.or(range).map(|range| {
            let middle = Middle::of(range);
            let rate = row.activity.unwrap_or_default().rate(quiet_minutes, middle);
            (rate.a_day_thousandths(), rate.asks_for(price, middle).seconds())
        });
        let (rate, asked_seconds) = estimated.unwrap_or((rate, asked_seconds));
        Some(Self {
            items_a_day: f64::from(rate) / 1000.0,
            quiet_minutes,
            price: f64::from(price.thousandths()) / 1000.0,
            asked_minutes: f64::from(asked_seconds) / 60.0,
            cadence_minutes: activity.minutes(),
            clamp,
            decided: at,
        })
    }

    /// The terms as lines: a name and a sentence.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let Self { items_a_day, price, asked_minutes, cadence_minutes, decided, .. } = self;
        let quiet = span(f64::from(self.quiet_minutes));
        let asked = span(*asked_minutes);
        let price = if (*price - 1.0).abs() < 0.0005 {
            "at the usual price of a poll".to_owned()
        } else {
            format!("at {price:.2} times the usual price of a poll, since others share its limit")
        };
        vec![
            ("activity", format!("about {items_a_day:.2} items a day; nothing new for {quiet}")),
            ("worth", format!("a poll every {asked} {price} (square root of price over rate)")),
            ("cadence", format!("every {cadence_minutes} min, decided {decided}: {}", self.because())),
        ]
    }

    fn because(&self) -> String {
        let is_slower = self.asked_minutes > f64::from(self.cadence_minutes);
        let no = if is_slower { "slower" } else { "faster" };
        match self.clamp {
            Some(Clamp::Level) => format!("its level allows no {no}"),
            Some(Clamp::Account) => format!("its own range allows no {no}"),
            Some(Clamp::Staleness) => "its level's maximum staleness allows no slower".to_owned(),
            Some(Clamp::Floor) => "the server asks for more time between polls".to_owned(),
            Some(Clamp::Burst) => "a burst came: as fast as it may, for ten minutes or two turns".to_owned(),
            None => {
                "the nearest that there is, or the one it had while no other is clearly nearer".to_owned()
            }
        }
    }
}

/// A time in the unit that reads best.
fn span(minutes: f64) -> String {
    match minutes {
        days if days >= 2.0 * 1440.0 => format!("{:.1} days", days / 1440.0),
        hours if hours >= 180.0 => format!("{:.1} h", hours / 60.0),
        minutes => format!("{minutes:.0} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use pollwheel_core::activity::Price;
    use pollwheel_core::cadence::Cadence;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
    use pollwheel_core::row::{Place, Revision, Subject};
    use pollwheel_core::wheel::Cohort;

    use super::*;

    const NOW: EpochMinute = EpochMinute::new(29_000_000);

    fn row(clamp: Option<Clamp>) -> JobRow {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let cadence = Cadence::new(60).unwrap();
        let place = Place::Cohort(Cohort::of(&job, cadence, NonZeroU16::MIN));
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        let level = ServiceLevel::new("free").unwrap();
        let mut row = JobRow::new(job, place, subject, level, Revision(1), NOW.minus(300));
        row.terms = Some(Terms {
            at: NOW.minus(200),
            activity: cadence,
            rate: 12_340,
            price: Price::of_thousandths(1500),
            asked_seconds: 9000,
            clamp,
            floor_seconds: None,
            hold: None,
            jitter_minutes: 0,
            wake: None,
        });
        row
    }

    #[test]
    fn the_terms_read_as_sentences() {
        let lines = Activity::of(&row(Some(Clamp::Level)), None, NOW).unwrap().lines();
        let text: Vec<String> = lines.into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
        assert_eq!(
            text,
            [
                "activity: about 12.34 items a day; nothing new for 5.0 h",
                "worth: a poll every 150 min at 1.50 times the usual price of a poll, since others share its limit (square root of price over rate)",
                "cadence: every 60 min, decided 2025-02-19T18:00Z: its level allows no slower",
            ]
        );
    }

    #[test]
    fn what_is_known_of_the_range_brings_the_estimate_up_to_date() {
        let range = CadenceRange::new(Cadence::new(15).unwrap(), Cadence::SLOWEST).ok();
        let now = Activity::of(&row(None), range, NOW).unwrap();
        assert!(
            (now.items_a_day - 0.81).abs() < 0.01,
            "half an item in 588 and 300 minutes: {}",
            now.items_a_day
        );
        assert!((now.asked_minutes - 221.2).abs() < 0.5, "{}", now.asked_minutes);
        let later = Activity::of(&row(None), range, NOW.plus(1440)).unwrap();
        assert!(later.items_a_day < now.items_a_day && later.asked_minutes > now.asked_minutes);
    }

    #[test]
    fn rows_without_terms_have_none() {
        let mut old = row(None);
        old.terms = old.terms.map(|terms| Terms { asked_seconds: 0, rate: 0, ..terms });
        assert!(Activity::of(&old, None, NOW).is_none(), "an older build decided");
        old.terms = None;
        assert!(Activity::of(&old, None, NOW).is_none());
    }
}
