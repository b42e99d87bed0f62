//! Mail addresses, telephone and card numbers, network addresses and keys of known forms in free text.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Mail,
    Phone,
    Card,
    Ip,
    Key,
}

impl Kind {
    /// What a report calls it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail address",
            Self::Phone => "telephone number",
            Self::Card => "card number",
            Self::Ip => "network address",
            Self::Key => "key",
        }
    }
}

/// How keys begin that say what they are, and how long they are at least.
const KEYS: [(&str, usize); 14] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 20),
    ("eyJ", 30),
];

/// Everything that looks like one of these, in order, without overlaps.
pub(super) fn find(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    found.extend(mails(text).map(|range| (range, Kind::Mail)));
    found.extend(addresses(text).map(|range| (range, Kind::Ip)));
    found.extend(phones(text));
    found.extend(keys(text).map(|range| (range, Kind::Key)));
    found.extend(pems(text).map(|range| (range, Kind::Key)));
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|(range, _)| {
        let is_free = range.start >= end;
        end = if is_free { range.end } else { end };
        is_free
    });
    found
}

/// Around each `@`: a local part before it and a domain with a dot after it.
fn mails(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let is_local = |char: char| char.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(char);
        let is_domain = |char: char| char.is_alphanumeric() || char == '-' || char == '.';
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        // `=` and `/` may stand in a local part, and do stand before one in URLs.
        let local = before.rsplit(|char| !is_local(char) || "/=&?".contains(char)).next()?;
        let domain = after.split(|char| !is_domain(char)).next()?.trim_end_matches(['.', '-']);
        let is_mail = !local.is_empty() && domain.contains('.') && !domain.starts_with('.');
        is_mail.then(|| at - local.len()..at + 1 + domain.len())
    })
}

fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_part = |char: char| char.is_ascii_hexdigit() || char == '.' || char == ':';
    pieces(text, is_part).filter_map(move |range| {
        let piece = text.get(range.clone())?;
        let trimmed = piece.trim_end_matches(['.', ':']);
        let is_v6 = |text: &str| text.matches(':').count() >= 2 && text.parse::<Ipv6Addr>().is_ok();
        if is_v6(piece) {
            return Some(range);
        }
        if is_v6(trimmed) || trimmed.parse::<Ipv4Addr>().is_ok() {
            return Some(range.start..range.start + trimmed.len());
        }
        // An address and its port.
        let (host, _) = trimmed.split_once(':')?;
        host.parse::<Ipv4Addr>().is_ok().then(|| range.start..range.start + host.len())
    })
}

/// Keys by their beginnings: cloud providers', forges', and signed tokens, which are JSON in base64 and have two dots.
fn keys(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    runs(text, is_part).into_iter().filter_map(|(range, _)| {
        let key = text.get(range.clone())?.trim_end_matches(['.', '-']);
        let is_key = KEYS.iter().any(|(start, length)| key.starts_with(start) && key.len() >= *length);
        let is_token = !key.starts_with("eyJ") || key.matches('.').count() >= 2;
        (is_key && is_token).then(|| range.start..range.start + key.len())
    })
}

/// Private keys in armour. <https://www.rfc-editor.org/rfc/rfc7468>
fn pems(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("-----BEGIN").filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest.find("-----END").map_or(rest.len(), |at| {
            rest.get(at + 8..).and_then(|rest| rest.find("-----")).map_or(rest.len(), |end| at + 8 + end + 5)
        });
        Some(start..start + end)
    })
}

/// International numbers, and those that are written in three groups; numbers of cards, in four. A number without any sign
/// of being one is an id.
fn phones(text: &str) -> Vec<(Range<usize>, Kind)> {
    let is_part = |char: char| char.is_ascii_digit() || " -.()+/".contains(char);
    let looks = |piece: &str| {
        let digits = piece.chars().filter(char::is_ascii_digit).count();
        let groups: Vec<usize> = piece
            .split(|char: char| !char.is_ascii_digit())
            .filter(|group| !group.is_empty())
            .map(str::len)
            .collect();
        let is_international = piece.starts_with('+') && (8..=15).contains(&digits);
        if groups == [4, 4, 4, 4] {
            return Some(Kind::Card);
        }
        (is_international || groups == [3, 3, 4] || groups == [1, 3, 3, 4]).then_some(Kind::Phone)
    };
    let trimmed = |range: Range<usize>| {
        let piece = text.get(range.clone())?;
        let body = piece.trim_start_matches([' ', '-', '.', '/', ')']);
        let start = range.end - body.len();
        let body = body.trim_end_matches([' ', '-', '.', '/', '(', '+']);
        let end = start + body.len();
        let is_word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
        let before = text.get(..start)?.chars().next_back();
        let after = text.get(end..)?.chars().next();
        let kind = looks(body)?;
        (!is_word(before) && !is_word(after)).then_some((start..end, kind))
    };
    runs(text, is_part).into_iter().filter_map(|(range, _)| trimmed(range)).collect()
}

/// The longest runs of characters of a kind that stand alone: letters right before or after make it part of a word.
fn pieces(text: &str, is_part: impl Fn(char) -> bool) -> impl Iterator<Item = Range<usize>> {
    runs(text, is_part).into_iter().filter(|(_, is_glued)| !is_glued).map(|(range, _)| range)
}

/// The longest runs of characters of a kind, and whether a letter stands right before or after.
fn runs(text: &str, is_part: impl Fn(char) -> bool) -> Vec<(Range<usize>, bool)> {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let mut runs = Vec::new();
    let mut start = None;
    let mut before = ' ';
    for (at, char) in text.char_indices().chain([(text.len(), '\0')]) {
        match (start, char != '\0' && is_part(char)) {
            (None, true) => start = Some((at, is_word(before))),
            (Some((from, is_glued)), false) => {
                runs.push((from..at, is_glued || is_word(char)));
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        before = char;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Kind)> {
        find(text).into_iter().map(|(range, kind)| (&text[range], kind)).collect()
    }

    #[test]
    fn what_reaches_a_person_or_a_machine_is_found() {
        assert_eq!(
            found(
                "Mail ada.l+x@mail.example.org, or call +49 (30) 1234-5678; from 203.0.113.7:443 and 2001:db8::1."
            ),
            [
                ("ada.l+x@mail.example.org", Kind::Mail),
                ("+49 (30) 1234-5678", Kind::Phone),
                ("203.0.113.7", Kind::Ip),
                ("2001:db8::1", Kind::Ip),
            ]
        );
        assert_eq!(found("pay 4111 1111 1111 1111!"), [("4111 1111 1111 1111", Kind::Card)]);
        assert_eq!(found("id AKIAIOSFODNN7EXAMPLE."), [("AKIAIOSFODNN7EXAMPLE", Kind::Key)]);
        let armoured = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
        assert_eq!(found(&format!("{armoured}\n")), [(armoured, Kind::Key)]);
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
        assert_eq!(found(&format!("Bearer {token}")), [(token, Kind::Key)]);
        assert_eq!(found("tel:555-123-4567"), [("555-123-4567", Kind::Phone)]);
        assert_eq!(found("?mail=ada@example.org&x=1"), [("ada@example.org", Kind::Mail)]);
        assert_eq!(found("@ada@mastodon.example"), [("ada@mastodon.example", Kind::Mail)]);
    }

    #[test]
    fn ids_dates_and_versions_are_left_alone() {
        for text in [
            "115570000000000002",
            "2026-11-23T07:45:00+00:00",
            "2026-11-23 07:45:00",
            "v1.2.3",
            "07:45:00",
            "a@b",
            "@ada",
            "W/\"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
            "deadbeef",
            "1,000,000",
            "10.5",
            "",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
