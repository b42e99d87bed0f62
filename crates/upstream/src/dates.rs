//! The ways in which the APIs and HTTP write a time. All take or give milliseconds since 1970.

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

fn timestamp(ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2019-12-08T03:48:33.901Z`: Mastodon's `created_at`.
pub(crate) fn iso_ms(ms: u64) -> String {
    format!("{:.3}", timestamp(ms))
}

/// `2019-12-08T03:48:33.901000Z`: Mastodon's `X-RateLimit-Reset`.
pub(crate) fn iso_us(ms: u64) -> String {
    format!("{:.6}", timestamp(ms))
}

/// `2019-12-08T03:48:33Z`: GitHub's `created_at`.
pub(crate) fn iso_s(ms: u64) -> String {
    format!("{:.0}", timestamp(ms - ms % 1_000))
}

/// `2019-12-08`: Mastodon's `last_status_at`.
pub(crate) fn day(ms: u64) -> String {
    iso_ms(ms).split('T').next().unwrap_or_default().to_owned()
}

/// `Sun, 08 Dec 2019 03:48:33 GMT`: RFC 9110 section 5.6.7.
pub(crate) fn http(ms: u64) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp(ms)).unwrap_or_default()
}

/// `2019-12-08T03:48:33+00:00`: RFC 3339 as YouTube and most Atom feeds write it.
pub(crate) fn iso_offset(ms: u64) -> String {
    iso_s(ms).replace('Z', "+00:00")
}

/// `2019-12-08T03:48:33+0000`: Facebook's, without a colon in the offset.
pub(crate) fn iso_basic_offset(ms: u64) -> String {
    iso_s(ms).replace('Z', "+0000")
}

/// Reads a date of HTTP.
pub(crate) fn parse_http(text: &str) -> Option<u64> {
    let parsed = DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(parsed.as_millisecond()).ok()
}

/// Reads ISO 8601 with an offset.
pub(crate) fn parse_iso(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_apis_do() {
        let ms = 1_575_776_913_901;
        assert_eq!(iso_ms(ms), "2019-12-08T03:48:33.901Z");
        assert_eq!(iso_ms(1_575_776_913_000), "2019-12-08T03:48:33.000Z");
        assert_eq!(iso_us(ms), "2019-12-08T03:48:33.901000Z");
        assert_eq!(iso_s(ms), "2019-12-08T03:48:33Z");
        assert_eq!(day(ms), "2019-12-08");
        assert_eq!(http(ms), "Sun, 08 Dec 2019 03:48:33 GMT");
        assert_eq!(iso_offset(ms), "2019-12-08T03:48:33+00:00");
        assert_eq!(iso_basic_offset(ms), "2019-12-08T03:48:33+0000");
    }

    #[test]
    fn times_are_read_back() {
        assert_eq!(parse_http("Sun, 08 Dec 2019 03:48:33 GMT"), Some(1_575_776_913_000));
        assert_eq!(parse_iso("2019-12-08T04:48:33+01:00"), Some(1_575_776_913_000));
        assert_eq!((parse_http("yesterday"), parse_iso("2019-12-08")), (None, None));
    }
}
