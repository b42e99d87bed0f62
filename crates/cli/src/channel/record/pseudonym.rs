//! What stands in a recording for what belongs to somebody: the same for the same, of the same shape, and not to be
//! turned back.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use super::patterns::Kind;

/// A shorter text is only replaced where it stands alone.
const SHORTEST_WITHIN: usize = 4;

/// Texts and what stands for them.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    /// A new one each time: names are few, and could be guessed and tried otherwise.
    seed: RandomState,
    known: BTreeMap<String, String>,
    /// Those that are replaced within texts, by their first characters, the longest first.
    within: BTreeMap<char, Vec<Within>>,
    counts: BTreeMap<Kind, usize>,
}

/// A text that is replaced within others.
#[derive(Debug)]
struct Within {
    text: String,
    place: Place,
}

/// Where a text is replaced within others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    /// Where no letter and no digit stands next to it.
    Alone,
    /// Where it is no part of a longer number, date or path either.
    AloneAsNumber,
}

impl Place {
    fn of(text: &str) -> Option<Self> {
        let is_number = text.chars().all(|char| char.is_ascii_digit() || ".-+".contains(char));
        let length = text.chars().count();
        match (is_number, length) {
            // Digits are found within other ids, where they mean nothing.
            (true, SHORTEST_WITHIN..) => Some(Self::AloneAsNumber),
            (true, _) | (false, 0 | 1) => None,
            (false, SHORTEST_WITHIN..) => Some(Self::Anywhere),
            (false, _) => text.chars().any(char::is_alphabetic).then_some(Self::Alone),
        }
    }

    /// Whether a text may be replaced between these two.
    fn is_between(self, before: &str, after: &str) -> bool {
        let (left, right) = (before.chars().next_back(), after.chars().next());
        let is_word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        let binds = |char: Option<char>| char.is_some_and(|char| "-/%+".contains(char));
        // `12:2026` and `1.2026` are one number; `pin: 2026.` is not.
        let goes_on = |char: Option<char>, next: Option<char>| {
            char.is_some_and(|char| ".:,".contains(char)) && is_digit(next)
        };
        match self {
            Self::Anywhere => true,
            Self::Alone => !is_word(left) && !is_word(right),
            Self::AloneAsNumber => {
                let (second_left, second_right) = (before.chars().rev().nth(1), after.chars().nth(1));
                let is_bound = |near: Option<char>, next: Option<char>| {
                    is_word(near) || binds(near) || goes_on(near, next)
                };
                !is_bound(left, second_left) && !is_bound(right, second_right)
            }
        }
    }
}

impl Pseudonyms {
    /// What stands for a text.
    pub(super) fn get(&self, text: &str) -> Option<&str> {
        self.known.get(text).map(String::as_str)
    }

    /// Decides what stands for a text.
    pub(super) fn set(&mut self, text: &str, pseudonym: String) {
        if text.is_empty() || self.known.contains_key(text) {
            return;
        }
        self.known.insert(text.to_owned(), pseudonym);
        let (Some(place), Some(first)) = (Place::of(text), text.chars().next()) else { return };
        let alike = self.within.entry(first).or_default();
        alike.push(Within { text: text.to_owned(), place });
        alike.sort_by_key(|known| std::cmp::Reverse(known.text.len()));
    }

    /// What stands for a value that a name says is somebody's.
    pub(super) fn of_value(&mut self, text: &str) -> String {
        if let Some(known) = self.get(text) {
            return known.to_owned();
        }
        let kind = super::patterns::find(text).into_iter().find(|(range, _)| range.len() == text.len());
        if let Some((_, kind)) = kind {
            return self.of_pattern(text, kind);
        }
        let pseudonym = if text.starts_with("http://") || text.starts_with("https://") {
            format!("https://example.com/{}", self.shaped(&"x".repeat(8), text))
        } else {
            self.shaped(text, text)
        };
        self.set(text, pseudonym.clone());
        pseudonym
    }

    /// What stands for an address or a number.
    pub(super) fn of_pattern(&mut self, text: &str, kind: Kind) -> String {
        if let Some(known) = self.get(text) {
            return known.to_owned();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let count = *count;
        let pseudonym = match kind {
            Kind::Mail => format!("person-{count}@example.com"),
            Kind::Phone | Kind::Card | Kind::Key => self.shaped(text, text),
            // Ranges for documentation: RFC 5737, RFC 3849.
            Kind::Ip if text.contains(':') => format!("2001:db8::{count:x}"),
            Kind::Ip => format!("192.0.2.{}", count % 256),
        };
        self.set(text, pseudonym.clone());
        pseudonym
    }

    /// A text with every known one in it replaced.
    pub(super) fn within(&self, text: &str) -> String {
        if let Some(known) = self.get(text) {
            return known.to_owned();
        }
        // From the left, the longest first, and never within what has been replaced.
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let before = text.get(..text.len() - rest.len()).unwrap_or_default();
            let known = self.within.get(&first).and_then(|alike| {
                alike.iter().find(|known| {
                    let after = rest.strip_prefix(known.text.as_str());
                    after.is_some_and(|after| known.place.is_between(before, after))
                })
            });
            let known = known.and_then(|known| Some((self.get(&known.text)?, known.text.len())));
            let (pseudonym, length) = match known {
                Some((pseudonym, length)) => (pseudonym.to_owned(), length),
                None => (first.to_string(), first.len_utf8()),
            };
            replaced.push_str(&pseudonym);
            rest = rest.get(length..).unwrap_or_default();
        }
        replaced
    }

    /// Every letter another letter, every digit another digit, all else as it is.
    fn shaped(&self, shape: &str, of: &str) -> String {
        let mut round = 0_u32;
        loop {
            let mut first = true;
            let letters = shape.chars().enumerate().map(|(place, char)| {
                let draw = self.seed.hash_one((of, place, round));
                let pick = |from: u8, many: u64| {
                    char::from(from.saturating_add(u8::try_from(draw % many).unwrap_or(0)))
                };
                let is_first = std::mem::replace(&mut first, false);
                match char {
                    // A number does not begin with a zero.
                    '0'..='9' if is_first => pick(b'1', 9),
                    '0'..='9' => pick(b'0', 10),
                    'A'..='Z' => pick(b'A', 26),
                    char if char.is_uppercase() => pick(b'A', 26),
                    char if char.is_alphabetic() => pick(b'a', 26),
                    char => char,
                }
            });
            let shaped: String = letters.collect();
            let is_other = shaped != of || !of.chars().any(char::is_alphanumeric);
            if is_other || round > 100 {
                return shaped;
            }
            round += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_has_the_shape_of_what_it_stands_for_and_is_always_the_same() {
        let mut pseudonyms = Pseudonyms::default();
        let name = pseudonyms.of_value("Ada Lovelace/42");
        assert_ne!(name, "Ada Lovelace/42");
        assert_eq!(name.len(), "Ada Lovelace/42".len());
        assert_eq!((name.chars().nth(3), name.chars().nth(12)), (Some(' '), Some('/')));
        assert_eq!(pseudonyms.of_value("Ada Lovelace/42"), name);
        assert_eq!(pseudonyms.within("by Ada Lovelace/42."), format!("by {name}."));
        assert!(pseudonyms.of_value("https://cdn.example/ada.png").starts_with("https://example.com/"));
        assert_eq!(pseudonyms.of_value("ada@x.example"), "person-1@example.com");
        assert_eq!(pseudonyms.of_value("10.1.2.3"), "192.0.2.1");
        let digit = pseudonyms.of_value("7");
        assert!(digit.len() == 1 && digit != "7" && digit != "0", "{digit}");
    }

    #[test]
    fn numbers_and_short_texts_are_replaced_only_where_they_stand_alone() {
        let mut pseudonyms = Pseudonyms::default();
        let id = pseudonyms.of_value("23634");
        let short = pseudonyms.of_value("Bo");
        assert_eq!(pseudonyms.within("1123634000"), "1123634000");
        assert_eq!(pseudonyms.within("23634"), id);
        assert_eq!(pseudonyms.within("Boat"), "Boat");
        assert_eq!(pseudonyms.within("by Bo."), format!("by {short}."));
        assert_eq!(pseudonyms.within("pin: 23634."), format!("pin: {id}."));
        for time in ["23634-11-23", "1.23634", "07:23634", "/23634"] {
            assert_eq!(pseudonyms.within(time), time);
        }
        assert_eq!(pseudonyms.within("Bo"), short);
    }
}
