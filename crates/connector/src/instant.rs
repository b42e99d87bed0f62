//! Times as APIs write them: RFC 3339 and ISO 8601 with an offset, RFC 2822, and numbers of seconds or milliseconds.
//!
//! All of it is hostile. What is no time, or none that a calendar has, is refused; nothing here panics.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::rfc2822;
use jiff::tz::Offset;

use crate::json;

/// From here on a number counts milliseconds: as seconds it would be the year 5138.
const LEAST_MILLISECONDS: i128 = 100_000_000_000;
/// Digits of a fraction that count: nanoseconds.
const FRACTION_DIGITS: usize = 9;
/// Longest text of a time, in bytes.
const MAX_BYTES: usize = 128;

/// Why a value is no time. Holds no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTime {
    #[error("it is neither a string nor a number")]
    Kind,
    #[error("it is not a time like `2026-11-23T07:45:00Z`, `Mon, 23 Nov 2026 07:45:00 GMT` or 1795419900")]
    Form,
}

/// The time that a JSON string or number means.
pub(crate) fn of(value: &str) -> Result<Timestamp, NoTime> {
    let text = json::scalar(value).ok_or(NoTime::Kind)?;
    parse(&text).ok_or(NoTime::Form)
}

/// The time that a text means.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES {
        return None;
    }
    if let Some(time) = usual(text) {
        return Some(time);
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic() || c.is_ascii_digit()) && text.contains(' ') {
        let date = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text);
        return date.ok();
    }
    epoch(text)
}

/// The form that nearly all have: `2026-11-23T07:45:00.000Z`. It is read for each element, and a parser of every form takes
/// several times as long.
fn usual(text: &str) -> Option<Timestamp> {
    let (seconds, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let fraction = match rest.strip_suffix(b"Z")? {
        [] => 0,
        [b'.', digits @ ..] if (1..=FRACTION_DIGITS).contains(&digits.len()) => {
            let missing = u32::try_from(FRACTION_DIGITS - digits.len()).ok()?;
            number(digits)? * 10_i32.pow(missing)
        }
        _ => return None,
    };
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = *seconds
    else {
        return None;
    };
    let two = |tens, ones| i8::try_from(number(&[tens, ones])?).ok();
    let year = i16::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = Date::new(year, two(m1, m2)?, two(d1, d2)?).ok()?;
    let time = Time::new(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?, fraction).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// At most nine digits.
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0_i32, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'))
    })
}

/// A number of seconds, or of milliseconds when it is that large: digits, a fraction, an exponent.
fn epoch(text: &str) -> Option<Timestamp> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || !(-30..=30).contains(&exponent) {
        return None;
    }
    // All in 10^-9 of the unit, exactly: floats lose the order of neighbours.
    let places = i32::try_from(FRACTION_DIGITS).ok()? + exponent;
    let all = format!("{whole}{fraction}");
    let cut = i32::try_from(whole.len()).ok()? + places;
    let mut nanos = String::with_capacity(64);
    for index in 0..cut.clamp(0, 64) {
        nanos.push(
            usize::try_from(index).ok().and_then(|at| all.as_bytes().get(at)).map_or('0', |&b| b.into()),
        );
    }
    let units: i128 = if nanos.is_empty() { 0 } else { nanos.trim_start_matches('0').parse().unwrap_or(0) };
    // 64 digits and more are no time, whatever the first ones are.
    if cut > 30 {
        return None;
    }
    let seconds = units / 1_000_000_000;
    let nanos = if seconds >= LEAST_MILLISECONDS { units / 1_000 } else { units };
    Timestamp::from_nanosecond(if negative { -nanos } else { nanos }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(json: &str) -> Result<String, NoTime> {
        of(json).map(|time| time.to_string())
    }

    #[test]
    fn every_form_that_apis_use_is_read() {
        for (form, time) in [
            (r#""2026-11-23T07:45:00Z""#, "2026-11-23T07:45:00Z"),
            (r#""2026-11-23T08:45:00.250+01:00""#, "2026-11-23T07:45:00.25Z"),
            (r#""2026-11-23T07:45:00+0000""#, "2026-11-23T07:45:00Z"),
            (r#""2026-11-23 07:45:00+00:00""#, "2026-11-23T07:45:00Z"),
            (r#""20261123T074500Z""#, "2026-11-23T07:45:00Z"),
            (r#""Mon, 23 Nov 2026 07:45:00 GMT""#, "2026-11-23T07:45:00Z"),
            (r#""23 Nov 2026 07:45:00 -0500""#, "2026-11-23T12:45:00Z"),
            (r#""Mon, 23 Nov 2026 07:45:00 EST""#, "2026-11-23T12:45:00Z"),
            // A weekday that is wrong does not make the date wrong.
            (r#""Tue, 23 Nov 2026 07:45:00 +0000""#, "2026-11-23T07:45:00Z"),
            ("1795419900", "2026-11-23T07:45:00Z"),
            ("1795419900.5", "2026-11-23T07:45:00.5Z"),
            ("1.7954199e9", "2026-11-23T07:45:00Z"),
            (r#""1795419900.000005""#, "2026-11-23T07:45:00.000005Z"),
            ("1795419900250", "2026-11-23T07:45:00.25Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("-1.5", "1969-12-31T23:59:58.5Z"),
        ] {
            assert_eq!(shown(form).as_deref(), Ok(time), "{form}");
        }
    }

    #[test]
    fn r16_what_is_no_time_is_refused() {
        for bad in [
            r#""never""#,
            r#""2026-11-23""#,
            r#""2026-11-23T07:45:00""#,
            r#""2026-13-23T07:45:00Z""#,
            r#""NaN""#,
            r#""Infinity""#,
            r#""""#,
            "1e400",
            "1e30",
            "99999999999999999999999999999999999999999999",
            "-99999999999999999999",
            r#""0x7f""#,
            r#""1.2.3""#,
            r#""--1""#,
        ] {
            assert_eq!(shown(bad), Err(NoTime::Form), "{bad}");
        }
        for kind in ["true", "[1]", "{}"] {
            assert_eq!(shown(kind), Err(NoTime::Kind), "{kind}");
        }
        assert_eq!(shown("1e-40"), Err(NoTime::Form));
        assert_eq!(shown("1e-20").unwrap(), "1970-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn r16_any_text_is_survived(text in "[-+0-9a-zA-Z:., ]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn the_usual_form_is_read_as_every_form_is(
            text in "[0-9]{4}-(0[0-9]|1[0-3])-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|)",
        ) {
            let time: Option<Timestamp> = text.parse().ok();
            prop_assert!(usual(&text).is_none() || usual(&text) == time, "{}", text);
            // A leap second is left to the parser.
            let is_usual = text.ends_with('Z') && !text.contains(":60") && !text.contains(".Z");
            prop_assert!(time.is_none() || !is_usual || usual(&text).is_some(), "{}", text);
        }

        #[test]
        fn seconds_keep_their_order(a in 0_u64..90_000_000_000, b in 0_u64..90_000_000_000, f in 0_u32..999_999) {
            let time = |seconds: u64| parse(&format!("{seconds}.{f:06}")).unwrap();
            prop_assert_eq!(time(a).cmp(&time(b)), a.cmp(&b));
        }
    }
}
