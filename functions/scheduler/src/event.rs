//! What the scheduler is invoked with.

use std::time::Duration;

use pollwheel_aws::lambda::QueueBatch;
use pollwheel_core::time::{EpochMinute, Timestamp};
use serde_json::{Map, Value};

/// How far ahead of our clock a tick may be. The scheduler is never early; two clocks may differ by this much at most.
const MOST_AHEAD: Duration = Duration::from_secs(120);

/// One invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A minute has come.
    Tick(TickTime),
    /// Partitions to dispatch.
    Drains(QueueBatch),
}

/// The time that a tick says it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TickTime {
    /// This one.
    At(Timestamp),
    /// None that can be used, and why.
    Unusable(&'static str),
}

impl TickTime {
    /// The minute of the tick: its own, unless that cannot be used. Then it is the clock's, and why.
    pub(crate) fn minute(&self, now: Timestamp) -> (EpochMinute, Option<&'static str>) {
        match self {
            Self::At(time) if *time > now.plus(MOST_AHEAD) => {
                (now.minute(), Some("it is more than two minutes in the future"))
            }
            Self::At(time) => (time.minute(), None),
            Self::Unusable(why) => (now.minute(), Some(why)),
        }
    }
}

/// Why an event is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Neither a tick nor messages.
    #[error("the event is no tick and not of a queue: send `{{\"time\": \"<RFC 3339>\"}}`")]
    Unknown,
    /// Messages that cannot be handled.
    #[error(transparent)]
    Queue(#[from] pollwheel_aws::lambda::EventError),
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// [`EventError`]: the invocation must fail with it.
    pub fn read(text: &str) -> Result<Self, EventError> {
        let Ok(members) = serde_json::from_str::<Map<String, Value>>(text) else {
            return Err(EventError::Unknown);
        };
        if members.contains_key("Records") {
            return Ok(Self::Drains(QueueBatch::read(text)?));
        }
        match members.get("time") {
            Some(time) => Ok(Self::Tick(read_time(time))),
            None if members.is_empty() || is_scheduled(&members) => {
                Ok(Self::Tick(TickTime::Unusable("it is missing")))
            }
            None => Err(EventError::Unknown),
        }
    }
}

/// A scheduled event of EventBridge, whose `time` somebody's input transformer left out.
fn is_scheduled(members: &Map<String, Value>) -> bool {
    let source = members.get("source").and_then(Value::as_str);
    matches!(source, Some("aws.events" | "aws.scheduler"))
}

fn read_time(time: &Value) -> TickTime {
    let Some(text) = time.as_str() else { return TickTime::Unusable("it is not a text") };
    if text.starts_with('<') {
        return TickTime::Unusable("it is a placeholder that the scheduler did not replace");
    }
    let millis = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    match millis.ok().and_then(|millis| u64::try_from(millis).ok()) {
        Some(millis) => TickTime::At(Timestamp::from_millis(millis)),
        None => TickTime::Unusable("it is not a time of RFC 3339"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_419_862_000);

    fn tick(text: &str) -> TickTime {
        match Event::read(text) {
            Ok(Event::Tick(time)) => time,
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn a_tick_is_for_the_minute_of_its_own_time() {
        let scheduler = tick(r#"{"time":"2026-11-23T07:44:00Z"}"#);
        let classic = tick(include_str!("../tests/events/classic_rule.json"));
        for (time, minute) in [(scheduler, "2026-11-23T07:44Z"), (classic, "2026-11-23T07:43Z")] {
            let (found, fallback) = time.minute(NOW);
            assert_eq!((found.to_string().as_str(), fallback), (minute, None));
        }
    }

    #[test]
    fn a_time_that_cannot_be_used_falls_back_to_the_clock_and_says_why() {
        for (event, why) in [
            (r#"{"time":"<aws.scheduler.scheduled-time>"}"#, "placeholder"),
            (r#"{"time":"yesterday"}"#, "RFC 3339"),
            (r#"{"time":"1969-12-31T23:59:59Z"}"#, "RFC 3339"),
            (r#"{"time":""}"#, "RFC 3339"),
            (r#"{"time":1795419862}"#, "not a text"),
            (r#"{"time":null}"#, "not a text"),
            (r#"{}"#, "missing"),
            (r#"{"source":"aws.events","detail-type":"Scheduled Event"}"#, "missing"),
            (r#"{"time":"2026-11-23T07:47:01Z"}"#, "two minutes in the future"),
            (r#"{"time":"9999-12-30T00:00:00Z"}"#, "two minutes in the future"),
        ] {
            let (minute, fallback) = tick(event).minute(Timestamp::from_millis(1_795_419_900_000));
            assert_eq!(minute.to_string(), "2026-11-23T07:45Z", "{event}");
            assert!(fallback.is_some_and(|said| said.contains(why)), "{event}: {fallback:?}");
        }
    }

    #[test]
    fn what_is_neither_tick_nor_messages_is_an_error() {
        for event in ["null", "[]", "\"tick\"", "not JSON", r#"{"detail":{"token":"planted-s3cret"}}"#] {
            assert_eq!(Event::read(event), Err(EventError::Unknown), "{event}");
        }
        assert!(matches!(Event::read(r#"{"Records":[{}]}"#), Err(EventError::Queue(_))));
    }
}
