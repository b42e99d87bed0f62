//! The pace at which a late tick makes up for the minutes before its own.
//!
//! A minute of an ordinary day dispatches one phase of each cadence. A late window holds many, and sent at once they would
//! be a burst of up to a whole cadence's jobs on every third party. So a late tick sends its own minute at once and spreads
//! the phases before it, oldest first, one a minute: with the minutes that go on meanwhile that is at most twice the
//! ordinary rate. A phase whose next due minute is less than half a cadence away is left to it, because its turn in the
//! catch-up would hardly be sooner: every job is still polled once. Wake-ups are made up for in the same way, a minute of them
//! a minute: each comes as late as the outage was long, or with its job's own phase where that is sooner.
//!
//! A turn within the hour is a delayed message. One that is further away becomes wake-ups of the jobs.

use super::partitions;
use crate::message::{DrainMessage, Message, Part};
use crate::policy::JobTypeSpec;
use crate::ports::Outgoing;
use crate::wheel::Window;

/// Longest delay of a message on its way to the drains queue, in minutes: SQS's longest.
const MAX_DELAY_MINUTES: u32 = 15;
/// The furthest turn that messages wait for, in minutes: four delays, so three invocations that hand a partition on.
pub(super) const LONGEST_MINUTES: u32 = 4 * MAX_DELAY_MINUTES;

/// A window's partitions: those of now, those of the coming minutes, and those that are left to their next due minute.
pub(super) struct Paced {
    pub(super) now: Vec<DrainMessage>,
    pub(super) later: Vec<DrainMessage>,
    /// Only to be counted, so that it is known of every due minute what became of it.
    pub(super) left: Vec<DrainMessage>,
}

pub(super) fn paced(window: Window, spec: &JobTypeSpec) -> Paced {
    let mut paced = Paced { now: Vec::new(), later: Vec::new(), left: Vec::new() };
    for part in partitions(window, spec) {
        match wait_minutes(window, &part) {
            None => paced.left.extend(left(part).map(|part| drain_message(window, spec, part, 0))),
            Some(0) => paced.now.push(drain_message(window, spec, part, 0)),
            Some(wait) => paced.later.push(drain_message(window, spec, part, wait)),
        }
    }
    paced
}

/// A cohort that is left to its next due minute. Wake-ups are never.
const fn left(part: Part) -> Option<Part> {
    match part {
        Part::Cohort { cohort, due, missed } => Some(Part::Left { cohort, due, missed }),
        Part::Left { .. } | Part::Wakes { .. } => None,
    }
}

/// How many minutes a partition waits for its turn; none when it is left to its next due minute.
pub(super) fn wait_minutes(window: Window, part: &Part) -> Option<u32> {
    let length = window.minutes();
    let back = window.to().since(part.due());
    let oldest = match part {
        Part::Cohort { cohort, .. } | Part::Left { cohort, .. } => {
            (length - 1).min(u32::from(cohort.cadence.minutes()) / 2)
        }
        // A wake-up comes once: none is left to another.
        Part::Wakes { .. } => length - 1,
    };
    if back == 0 { Some(0) } else { oldest.checked_sub(back) }
}

/// Whether the jobs of a partition are to be woken in its turn, because that is further away than messages wait.
pub(super) const fn is_put_off(message: &DrainMessage) -> bool {
    message.wait > LONGEST_MINUTES
}

/// The message that hands a partition out.
pub(super) fn drain_message(window: Window, spec: &JobTypeSpec, part: Part, wait: u32) -> DrainMessage {
    DrainMessage {
        hop: 1,
        wait,
        job_type: spec.id.clone(),
        part,
        minute: window.to().plus(wait),
        after: window.to().minus(window.minutes()),
        from: None,
        only: Vec::new(),
    }
}

/// A partition's message, delayed as far as one can be; the rest of its wait stands in it. Those that are put off are spread
/// over a few minutes.
pub(super) fn delayed(mut message: DrainMessage) -> Outgoing {
    let minutes = if is_put_off(&message) {
        message.wait % MAX_DELAY_MINUTES
    } else {
        message.wait.min(MAX_DELAY_MINUTES)
    };
    message.wait -= if is_put_off(&message) { 0 } else { minutes };
    let delay_seconds = u16::try_from(minutes * 60).unwrap_or(u16::MAX);
    Outgoing { body: message.encode(), delay_seconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cadence::{Cadence, CadenceRange};
    use crate::id::JobTypeId;
    use crate::time::EpochMinute;

    /// The minutes, counted from the tick's, in which the phases of a cadence are sent; and how many are left.
    fn turns(missing: u32, cadence: u32) -> (Vec<u32>, u64) {
        let to = EpochMinute::new(29_000_000);
        let window = Window::new(Some(to.minus(missing + 1)), to).unwrap();
        let cadence = Cadence::at_least(cadence);
        let range = CadenceRange::new(cadence, cadence).unwrap();
        let spec = JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range);
        let paced = paced(window, &spec);
        let is_ours = |message: &&DrainMessage| matches!(message.part, Part::Cohort { cohort, .. } if cohort.cadence == cadence);
        let mut turns: Vec<u32> =
            paced.now.iter().chain(&paced.later).filter(is_ours).map(|message| message.wait).collect();
        turns.sort_unstable();
        let due = window.due(cadence).count() as u64;
        let is_counted = |message: &&DrainMessage| matches!(message.part, Part::Left { cohort, .. } if cohort.cadence == cadence);
        let left = paced.left.iter().filter(is_counted).count() as u64;
        assert_eq!(left + turns.len() as u64, due, "each phase has its turn, or is left and counted");
        (turns, left)
    }

    #[test]
    fn a_punctual_tick_and_one_that_was_missed_send_at_once() {
        assert_eq!(turns(0, 15), (vec![0], 0));
        assert_eq!(turns(1, 15), (vec![0, 0], 0));
    }

    #[test]
    fn r02_after_an_hour_without_ticks_a_minute_brings_one_phase_more_than_on_an_ordinary_day() {
        // Seven phases in turn, and the seven that come round sooner are left to their own minute.
        assert_eq!(turns(60, 15), (vec![0, 0, 1, 2, 3, 4, 5, 6], 7));
        for cadence in Cadence::ALL {
            let (turns, left) = turns(60, cadence.minutes().into());
            let phases = u64::from(cadence.minutes()).min(61);
            assert_eq!(turns.len() as u64 + left, phases, "each phase once");
            for minute in 1..=60 {
                assert!(turns.iter().filter(|&&turn| turn == minute).count() <= 1, "cadence {cadence}");
            }
            assert!(turns.iter().filter(|&&turn| turn == 0).count() <= 2, "cadence {cadence}");
        }
    }

    #[test]
    fn r02_after_hours_without_ticks_a_minute_still_brings_one_phase_more() {
        for (missing, cadence) in
            [2, 5, 12].into_iter().flat_map(|hours| Cadence::ALL.map(|cadence| (hours * 60, cadence)))
        {
            let (turns, left) = turns(missing, cadence.minutes().into());
            assert_eq!(turns.len() as u64 + left, u64::from(u32::from(cadence.minutes()).min(missing + 1)));
            let in_minute = |minute| turns.iter().filter(|&&turn| turn == minute).count();
            assert!(in_minute(0) <= 2 && (1..1440).all(|minute| in_minute(minute) <= 1), "cadence {cadence}");
        }
        // Half a day of a day's phases: each in its own minute, the last of them half a day later.
        assert_eq!(turns(720, 1440).0.last(), Some(&719));
    }

    #[test]
    fn the_oldest_goes_first_and_comes_as_late_as_the_outage_was_long() {
        let to = EpochMinute::new(29_000_000);
        let window = Window::new(Some(to.minus(300)), to).unwrap();
        let range = CadenceRange::new(Cadence::SLOWEST, Cadence::SLOWEST).unwrap();
        let spec = JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range);
        let paced = paced(window, &spec);
        let mut late = 0;
        for message in paced.now.iter().chain(&paced.later).filter(|message| message.part.due() < to) {
            let lateness = message.minute.since(message.part.due());
            match message.part {
                Part::Cohort { cohort, .. } if cohort.cadence < Cadence::SLOWEST => assert!(lateness < 300),
                Part::Cohort { .. } | Part::Left { .. } | Part::Wakes { .. } => {
                    late += 1;
                    assert_eq!(lateness, 299, "{message:?}");
                }
            }
        }
        assert_eq!(late, 2 * 299, "wake-ups, and the phases of a day's cadence");
    }

    #[test]
    fn a_turn_beyond_the_longest_wait_is_put_off_within_a_quarter_of_an_hour() {
        let to = EpochMinute::new(29_000_000);
        let window = Window::new(Some(to.minus(720)), to).unwrap();
        let range = CadenceRange::new(Cadence::SLOWEST, Cadence::SLOWEST).unwrap();
        let spec = JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range);
        for message in paced(window, &spec).later {
            let (wait, is_put_off) = (message.wait, is_put_off(&message));
            let outgoing = delayed(message);
            let waits = DrainMessage::decode(&outgoing.body).unwrap().wait;
            let delay = u32::from(outgoing.delay_seconds) / 60;
            assert!(is_put_off == (wait > LONGEST_MINUTES) && delay <= MAX_DELAY_MINUTES);
            assert_eq!(waits, if is_put_off { wait } else { wait - delay });
        }
    }

    #[test]
    fn a_wait_longer_than_a_delay_is_handed_on() {
        let to = EpochMinute::new(29_000_000);
        let window = Window::new(Some(to.minus(61)), to).unwrap();
        let range = CadenceRange::new(Cadence::SLOWEST, Cadence::SLOWEST).unwrap();
        let spec = JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range);
        let longest = paced(window, &spec).later.into_iter().max_by_key(|message| message.wait).unwrap();
        let wait = longest.wait;
        assert_eq!((wait, longest.minute), (59, to.plus(59)));
        let outgoing = delayed(longest);
        assert_eq!(outgoing.delay_seconds, 900);
        assert_eq!(DrainMessage::decode(&outgoing.body).unwrap().wait, wait - 15);
    }
}
