//! The ways in which the two APIs and HTTP write a time. All take milliseconds since 1970.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

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
    }
}
