//! The values as they stand in the file. Numbers are for ever: a member that goes leaves its number unused.

use minicbor::{Decode, Encode};
use pollwheel_core::activity::{self, Price};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::decide;
use pollwheel_core::row::{self, HoldCause, JobRow, ParkReason, Subject};
use pollwheel_core::time::EpochMinute;

use super::ValueError;

/// A row without what its key says. A count of zero is left out.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Row<'b> {
    #[n(0)]
    pub(super) rev: u64,
    #[n(1)]
    pub(super) context_rev: u64,
    #[b(2)]
    pub(super) external_id: &'b str,
    #[b(3)]
    pub(super) base_url: Option<&'b str>,
    #[b(4)]
    pub(super) level: &'b str,
    /// JSON, as the channel wrote it.
    #[b(5)]
    pub(super) context: Option<&'b str>,
    #[n(6)]
    pub(super) hold: Option<Hold>,
    #[n(7)]
    pub(super) failures: Option<u32>,
    #[n(8)]
    pub(super) gone: Option<u32>,
    #[n(9)]
    pub(super) crashes: Option<u32>,
    #[n(10)]
    pub(super) backoff_minutes: Option<u32>,
    #[n(11)]
    pub(super) last_active: u32,
    #[n(12)]
    pub(super) applied: Option<u32>,
    #[n(13)]
    pub(super) terms: Option<Terms>,
    #[n(14)]
    pub(super) parked: Option<Parked>,
    #[b(15)]
    pub(super) error: Option<&'b str>,
    #[n(16)]
    pub(super) range: Option<Range>,
    #[n(17)]
    pub(super) activity: Option<Activity>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Range {
    #[n(0)]
    fastest_minutes: u16,
    #[n(1)]
    slowest_minutes: u16,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Activity {
    #[n(0)]
    items_thousandths: u32,
    #[n(1)]
    exposure_seconds: u32,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Registration<'b> {
    /// The partition key of the place.
    #[b(0)]
    pub(super) place: &'b str,
    #[b(1)]
    pub(super) level: &'b str,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct WakeUp<'b> {
    /// The partition key of the place.
    #[b(0)]
    pub(super) place: &'b str,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Hold {
    #[n(0)]
    until: u32,
    #[n(1)]
    cause: Cause,
}

#[derive(Debug, Encode, Decode)]
#[cbor(index_only)]
enum Cause {
    #[n(0)]
    RateLimit,
    #[n(1)]
    Hint,
    #[n(2)]
    Backoff,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Terms {
    #[n(0)]
    at: u32,
    #[n(1)]
    activity_minutes: u16,
    #[n(2)]
    floor_seconds: Option<u32>,
    #[n(3)]
    hold: Option<Hold>,
    #[n(4)]
    jitter_minutes: Option<u32>,
    #[n(5)]
    wake: Option<u32>,
    #[n(6)]
    rate: Option<u32>,
    #[n(7)]
    price_thousandths: Option<u32>,
    #[n(8)]
    asked_seconds: Option<u32>,
    #[n(9)]
    clamp: Option<Clamp>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(index_only)]
enum Clamp {
    #[n(0)]
    Level,
    #[n(1)]
    Account,
    #[n(2)]
    Staleness,
    #[n(3)]
    Floor,
    #[n(4)]
    Burst,
}

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct Parked {
    #[n(0)]
    reason: Reason,
    #[n(1)]
    since: u32,
}

#[derive(Debug, Encode, Decode)]
#[cbor(index_only)]
enum Reason {
    #[n(0)]
    Unauthorized,
    #[n(1)]
    Gone,
    #[n(2)]
    Quarantined,
    #[n(3)]
    Withdrawn,
    #[n(4)]
    Paused,
}

const fn counted(number: u32) -> Option<u32> {
    if number == 0 { None } else { Some(number) }
}

impl<'b> From<&'b JobRow> for Row<'b> {
    fn from(row: &'b JobRow) -> Self {
        // Named one by one, so that a new member of the row cannot be forgotten here.
        let JobRow {
            job: _,
            place: _,
            rev,
            context_rev,
            subject: Subject { external_id, base_url },
            level,
            range,
            context,
            hold,
            failures,
            gone,
            crashes,
            backoff_minutes,
            last_active,
            activity,
            applied,
            terms,
            parked,
            error,
        } = row;
        Self {
            rev: rev.0,
            context_rev: context_rev.0,
            external_id,
            base_url: base_url.as_deref(),
            level: level.as_str(),
            context: Some(context.as_json()).filter(|json| *json != "{}"),
            hold: hold.map(Into::into),
            failures: counted(*failures),
            gone: counted(*gone),
            crashes: counted(*crashes),
            backoff_minutes: counted(*backoff_minutes),
            last_active: last_active.get(),
            applied: applied.map(EpochMinute::get),
            terms: terms.map(Into::into),
            parked: parked.map(Into::into),
            error: error.as_deref(),
            range: range.map(Into::into),
            activity: activity.map(Into::into),
        }
    }
}

impl From<row::Hold> for Hold {
    fn from(row::Hold { until, cause }: row::Hold) -> Self {
        let cause = match cause {
            HoldCause::RateLimit => Cause::RateLimit,
            HoldCause::Hint => Cause::Hint,
            HoldCause::Backoff => Cause::Backoff,
        };
        Self { until: until.get(), cause }
    }
}

impl From<Hold> for row::Hold {
    fn from(Hold { until, cause }: Hold) -> Self {
        let cause = match cause {
            Cause::RateLimit => HoldCause::RateLimit,
            Cause::Hint => HoldCause::Hint,
            Cause::Backoff => HoldCause::Backoff,
        };
        Self { until: EpochMinute::new(until), cause }
    }
}

impl From<decide::Terms> for Terms {
    fn from(terms: decide::Terms) -> Self {
        let decide::Terms {
            at,
            activity,
            rate,
            price,
            asked_seconds,
            clamp,
            floor_seconds,
            hold,
            jitter_minutes,
            wake,
        } = terms;
        Self {
            at: at.get(),
            activity_minutes: activity.minutes(),
            floor_seconds,
            hold: hold.map(Into::into),
            jitter_minutes: counted(jitter_minutes),
            wake: wake.map(EpochMinute::get),
            rate: counted(rate),
            price_thousandths: Some(price.thousandths()).filter(|_| !price.is_usual()),
            asked_seconds: counted(asked_seconds),
            clamp: clamp.map(Into::into),
        }
    }
}

impl TryFrom<Terms> for decide::Terms {
    type Error = ValueError;
    fn try_from(terms: Terms) -> Result<Self, ValueError> {
        let Terms {
            at,
            activity_minutes,
            floor_seconds,
            hold,
            jitter_minutes,
            wake,
            rate,
            price_thousandths,
            asked_seconds,
            clamp,
        } = terms;
        Ok(Self {
            at: EpochMinute::new(at),
            activity: Cadence::new(activity_minutes).map_err(|_| ValueError::Damaged)?,
            rate: rate.unwrap_or(0),
            price: price_thousandths.map_or(Price::USUAL, Price::of_thousandths),
            asked_seconds: asked_seconds.unwrap_or(0),
            clamp: clamp.map(Into::into),
            floor_seconds,
            hold: hold.map(Into::into),
            jitter_minutes: jitter_minutes.unwrap_or(0),
            wake: wake.map(EpochMinute::new),
        })
    }
}

impl From<CadenceRange> for Range {
    fn from(range: CadenceRange) -> Self {
        Self { fastest_minutes: range.fastest().minutes(), slowest_minutes: range.slowest().minutes() }
    }
}

impl TryFrom<Range> for CadenceRange {
    type Error = ValueError;
    fn try_from(Range { fastest_minutes, slowest_minutes }: Range) -> Result<Self, ValueError> {
        let cadence = |minutes| Cadence::new(minutes).map_err(|_| ValueError::Damaged);
        Self::new(cadence(fastest_minutes)?, cadence(slowest_minutes)?).map_err(|_| ValueError::Damaged)
    }
}

impl From<activity::Activity> for Activity {
    fn from(activity: activity::Activity) -> Self {
        let activity::Activity { items_thousandths, exposure_seconds } = activity;
        Self { items_thousandths, exposure_seconds }
    }
}

impl From<Activity> for activity::Activity {
    fn from(Activity { items_thousandths, exposure_seconds }: Activity) -> Self {
        Self { items_thousandths, exposure_seconds }
    }
}

impl From<decide::Clamp> for Clamp {
    fn from(clamp: decide::Clamp) -> Self {
        match clamp {
            decide::Clamp::Level => Self::Level,
            decide::Clamp::Account => Self::Account,
            decide::Clamp::Staleness => Self::Staleness,
            decide::Clamp::Floor => Self::Floor,
            decide::Clamp::Burst => Self::Burst,
        }
    }
}

impl From<Clamp> for decide::Clamp {
    fn from(clamp: Clamp) -> Self {
        match clamp {
            Clamp::Level => Self::Level,
            Clamp::Account => Self::Account,
            Clamp::Staleness => Self::Staleness,
            Clamp::Floor => Self::Floor,
            Clamp::Burst => Self::Burst,
        }
    }
}

impl From<row::Parked> for Parked {
    fn from(row::Parked { reason, since }: row::Parked) -> Self {
        let reason = match reason {
            ParkReason::Unauthorized => Reason::Unauthorized,
            ParkReason::Gone => Reason::Gone,
            ParkReason::Quarantined => Reason::Quarantined,
            ParkReason::Withdrawn => Reason::Withdrawn,
            ParkReason::Paused => Reason::Paused,
        };
        Self { reason, since: since.get() }
    }
}

impl From<Parked> for row::Parked {
    fn from(Parked { reason, since }: Parked) -> Self {
        let reason = match reason {
            Reason::Unauthorized => ParkReason::Unauthorized,
            Reason::Gone => ParkReason::Gone,
            Reason::Quarantined => ParkReason::Quarantined,
            Reason::Withdrawn => ParkReason::Withdrawn,
            Reason::Paused => ParkReason::Paused,
        };
        Self { reason, since: EpochMinute::new(since) }
    }
}
