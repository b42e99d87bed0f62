//! The dates of feeds, which are written in many ways.

use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// Longest date, in bytes. Real ones have about thirty.
const MAX_BYTES: usize = 64;

/// The instant as RFC 3339 in UTC; none when the text is no date. RFC 3339, RFC 2822 with the zone names of RFC 822, and
/// ISO 8601 without an offset, which is taken for UTC: a feed has no other zone to tell of.
pub(super) fn instant(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES {
        return None;
    }
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let timestamp = text
        .parse::<jiff::Timestamp>()
        .or_else(|_| parser.parse_timestamp(text))
        .or_else(|_| text.parse::<DateTime>()?.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()));
    timestamp.ok().map(|timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_kind_become_rfc_3339() {
        for (written, meant) in [
            ("2026-11-23T07:45:00+01:00", "2026-11-23T06:45:00Z"),
            ("2026-11-23T07:45:00.25Z", "2026-11-23T07:45:00.25Z"),
            (" Mon, 23 Nov 2026 07:45:00 +0000\n", "2026-11-23T07:45:00Z"),
            ("Mon, 23 Nov 2026 07:45:00 GMT", "2026-11-23T07:45:00Z"),
            ("Mon, 23 Nov 2026 02:45:00 EST", "2026-11-23T07:45:00Z"),
            // The wrong day of the week, and a year of two digits.
            ("Tue, 23 Nov 26 07:45 UT", "2026-11-23T07:45:00Z"),
            ("2026-11-23T07:45:00", "2026-11-23T07:45:00Z"),
            ("2026-11-23 07:45:00", "2026-11-23T07:45:00Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
        ] {
            assert_eq!(instant(written).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn r16_what_is_no_date_is_none() {
        for no_date in
            ["", "soon", "99999-01-01T00:00:00Z", "2026-02-30", "18446744073709551616", "Mon, 99 Nov"]
        {
            assert_eq!(instant(no_date), None, "{no_date}");
        }
        assert_eq!(instant(&"(".repeat(100_000)), None);
    }
}
