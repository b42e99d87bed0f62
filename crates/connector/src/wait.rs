//! Numbers and dates from outside that say how long to wait.
//!
//! All of it is hostile: nothing here fails, overflows or panics. What cannot be understood is no answer; what lies in
//! the past is zero; what is too large is as large as it gets. Everything is in the server's seconds until [`Scale`] turns
//! it into seconds of the wheel.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::body_filter::BodyFilter;
use crate::channel::ResetFormat;

/// Seconds of the wheel in a second of the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale(f64);

impl Scale {
    /// A scale; 1 when `factor` is not a positive number.
    pub(crate) fn new(factor: f64) -> Self {
        Self(if factor.is_finite() && factor > 0.0 { factor } else { 1.0 })
    }

    /// The server's `seconds` in seconds of the wheel: never fewer than asked.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and a wait so long that it loses precision is capped"
    )]
    pub(crate) fn wheel_seconds(self, seconds: u64) -> u64 {
        if self.0 == 1.0 { seconds } else { (seconds as f64 * self.0).ceil() as u64 }
    }
}

/// A whole number that is not negative: `-1` is 0, `2^64` is the largest, `1e9` is a billion, `NaN` is none.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| !number.is_nan())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    Some(number.ceil() as u64)
}

/// A response's idea of now: its `Date`, or our clock when it has none. Dates in a response are compared with it, so that
/// a server's wrong clock cancels out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerClock<'h> {
    headers: &'h HeaderMap,
    ours: SystemTime,
}

impl<'h> ServerClock<'h> {
    pub(crate) const fn new(headers: &'h HeaderMap, ours: SystemTime) -> Self {
        Self { headers, ours }
    }

    fn now(self) -> SystemTime {
        self.headers.get(header::DATE).and_then(http_date).unwrap_or(self.ours)
    }

    /// Seconds until `instant`, rounded up; 0 when it is past.
    fn seconds_until(self, instant: SystemTime) -> u64 {
        let wait = instant.duration_since(self.now()).unwrap_or(Duration::ZERO);
        wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
    }

    /// `Retry-After`: seconds or a date. <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
    pub(crate) fn retry_after(self) -> Option<u64> {
        self.seconds_or_date(self.headers.get(header::RETRY_AFTER)?)
    }

    fn seconds_or_date(self, value: &HeaderValue) -> Option<u64> {
        let text = value.to_str().ok()?;
        number(text).or_else(|| http_date(value).map(|date| self.seconds_until(date)))
    }

    /// Seconds until a limit's window resets.
    pub(crate) fn reset(self, text: &str, format: ResetFormat) -> Option<u64> {
        match format {
            ResetFormat::DeltaSeconds => number(text),
            ResetFormat::EpochSeconds => Some(self.until_epoch(Duration::from_secs(number(text)?))),
            ResetFormat::EpochMillis => Some(self.until_epoch(Duration::from_millis(number(text)?))),
            ResetFormat::Iso8601 => {
                let instant: jiff::Timestamp = text.trim().parse().ok()?;
                Some(self.seconds_until(SystemTime::from(instant)))
            }
        }
    }

    fn until_epoch(self, since_epoch: Duration) -> u64 {
        // An instant that the clock cannot hold is as far away as it gets.
        UNIX_EPOCH.checked_add(since_epoch).map_or(u64::MAX, |instant| self.seconds_until(instant))
    }

    /// Seconds that a header asks to leave between two polls.
    pub(crate) fn floor(self, source: &FloorSource) -> Option<u64> {
        match source {
            FloorSource::CacheControl => self.max_age(),
            FloorSource::Expires => {
                // An invalid date, `0` above all, means already expired.
                // <https://www.rfc-editor.org/rfc/rfc9111#section-5.3>
                http_date(self.headers.get(header::EXPIRES)?).map(|date| self.seconds_until(date))
            }
            FloorSource::Seconds(name) => number(self.headers.get(name)?.to_str().ok()?),
            // Not in the headers.
            FloorSource::Body(_) => None,
        }
    }

    fn max_age(self) -> Option<u64> {
        let lists =
            self.headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let ages = lists.flat_map(|list| list.split(',')).filter_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            name.trim().eq_ignore_ascii_case("max-age").then(|| number(value.trim().trim_matches('"')))?
        });
        ages.max()
    }
}

/// A header that says how long to leave between two polls.
#[derive(Debug)]
pub(crate) enum FloorSource {
    /// The `max-age` of `Cache-Control`.
    CacheControl,
    /// A date.
    Expires,
    /// A number of seconds.
    Seconds(HeaderName),
    /// A number of seconds in the body. `feed_ttl` is one: the `.ttl_seconds` of a feed.
    Body(BodyFilter),
}

impl FloorSource {
    pub(crate) fn of(name: HeaderName) -> Self {
        match name {
            header::CACHE_CONTROL => Self::CacheControl,
            header::EXPIRES => Self::Expires,
            name => Self::Seconds(name),
        }
    }
}

fn http_date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NOW_EPOCH: u64 = 784_111_777;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn retry_after(value: &str) -> Option<u64> {
        let headers = headers(&[("date", NOW), ("retry-after", value)]);
        ServerClock::new(&headers, UNIX_EPOCH).retry_after()
    }

    #[test]
    fn r16_numbers_saturate_and_never_panic() {
        for (text, value) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("-1", Some(0)),
            ("9999999999", Some(9_999_999_999)),
            ("18446744073709551616", Some(u64::MAX)),
            ("1e9", Some(1_000_000_000)),
            ("0.2", Some(1)),
            ("NaN", None),
            ("inf", Some(u64::MAX)),
            ("-inf", Some(0)),
            ("", None),
            ("soon", None),
            ("１", None),
        ] {
            assert_eq!(number(text), value, "{text}");
            assert_eq!(
                retry_after(if text.is_ascii() { text } else { "soon" }),
                value.filter(|_| text.is_ascii()),
                "{text}"
            );
        }
    }

    #[test]
    fn r16_dates_count_from_the_servers_own_date() {
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(retry_after("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(retry_after("Sat, 05 Nov 1994 08:49:37 GMT"), Some(0));
        assert!(retry_after("Fri, 31 Dec 9999 23:59:59 GMT").unwrap() > 250_000_000_000);
        assert_eq!(retry_after("Fri, 31 Dec 99999 23:59:59 GMT"), None);
    }

    #[test]
    fn r16_resets_in_every_form() {
        let reset = |value: &str, format| {
            let headers = headers(&[("date", NOW)]);
            ServerClock::new(&headers, SystemTime::now()).reset(value, format)
        };
        assert_eq!(reset("60", ResetFormat::DeltaSeconds), Some(60));
        assert_eq!(reset(&(NOW_EPOCH + 60).to_string(), ResetFormat::EpochSeconds), Some(60));
        assert_eq!(reset(&format!("{}001", NOW_EPOCH + 60), ResetFormat::EpochMillis), Some(61));
        assert_eq!(reset("1994-11-06T08:50:37.000000Z", ResetFormat::Iso8601), Some(60));
        assert_eq!(reset("1994-11-06T09:50:37+01:00", ResetFormat::Iso8601), Some(60));
        for past in ["0", "1", "-1"] {
            assert_eq!(reset(past, ResetFormat::EpochSeconds), Some(0));
        }
        assert_eq!(reset("18446744073709551616", ResetFormat::EpochSeconds), Some(u64::MAX));
        assert!(reset("9999999999", ResetFormat::EpochSeconds).unwrap() > 9_000_000_000);
        assert!(reset("9999-12-30T00:00:00Z", ResetFormat::Iso8601).unwrap() > 250_000_000_000);
        assert_eq!(reset("NaN", ResetFormat::EpochSeconds), None);
        assert_eq!(reset("tomorrow", ResetFormat::Iso8601), None);
    }

    #[test]
    fn floors_come_from_max_age_expires_and_intervals() {
        let headers = headers(&[
            ("date", NOW),
            ("cache-control", "private, max-age=60, s-maxage=600"),
            ("expires", "Sun, 06 Nov 1994 08:59:37 GMT"),
            ("x-poll-interval", "90"),
        ]);
        let floor = |name| {
            ServerClock::new(&headers, UNIX_EPOCH).floor(&FloorSource::of(HeaderName::from_static(name)))
        };
        assert_eq!(floor("cache-control"), Some(60));
        assert_eq!(floor("expires"), Some(600));
        assert_eq!(floor("x-poll-interval"), Some(90));
        assert_eq!(floor("x-other"), None);
    }

    #[test]
    fn r16_waits_become_seconds_of_the_wheel() {
        assert_eq!(Scale::new(1.0).wheel_seconds(u64::MAX), u64::MAX);
        assert_eq!(Scale::new(300.0).wheel_seconds(2), 600);
        assert_eq!(Scale::new(300.0).wheel_seconds(u64::MAX), u64::MAX);
        assert_eq!(Scale::new(0.3).wheel_seconds(1), 1);
        assert_eq!(Scale::new(f64::NAN), Scale::new(-1.0));
    }

    proptest! {
        #[test]
        fn r16_any_header_value_is_survived(value in "[ -~]{0,40}", format in 0_usize..4) {
            let format = [ResetFormat::DeltaSeconds, ResetFormat::EpochMillis, ResetFormat::EpochSeconds, ResetFormat::Iso8601][format];
            let headers = headers(&[("date", &value), ("retry-after", &value), ("expires", &value), ("cache-control", &value)]);
            let clock = ServerClock::new(&headers, SystemTime::now());
            let _ = (clock.retry_after(), clock.reset(&value, format));
            let _ = (clock.floor(&FloorSource::Expires), clock.floor(&FloorSource::CacheControl));
        }
    }
}
