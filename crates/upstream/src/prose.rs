//! Sentences that look like somebody wrote them, from a small vocabulary. Safe in JSON strings, in HTML and in XML.

use crate::draw::Draws;

pub(crate) const WORDS: [&str; 48] = [
    "after",
    "again",
    "almost",
    "another",
    "because",
    "before",
    "bicycle",
    "bread",
    "build",
    "coffee",
    "compiler",
    "corner",
    "early",
    "evening",
    "every",
    "finally",
    "first",
    "garden",
    "harbour",
    "kitchen",
    "lantern",
    "later",
    "letter",
    "library",
    "little",
    "morning",
    "mountain",
    "neighbour",
    "number",
    "paper",
    "platform",
    "quiet",
    "rain",
    "release",
    "river",
    "road",
    "server",
    "small",
    "station",
    "story",
    "street",
    "summer",
    "table",
    "tomorrow",
    "train",
    "window",
    "winter",
    "yesterday",
];

/// A sentence of `words` words.
pub(crate) fn write_sentence(out: &mut String, draws: &mut Draws, words: u64) {
    for position in 0..words {
        let word = draws.pick(&WORDS);
        if position == 0 {
            let mut letters = word.chars();
            out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            out.push_str(letters.as_str());
        } else {
            out.push(' ');
            out.push_str(word);
        }
    }
    out.push('.');
}

/// A sentence of `at_least` words, and fewer than `spread` more.
pub(crate) fn sentence(draws: &mut Draws, at_least: u64, spread: u64) -> String {
    let mut out = String::new();
    let words = at_least + draws.below(spread);
    write_sentence(&mut out, draws, words);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_its_words() {
        let mut out = String::new();
        write_sentence(&mut out, &mut Draws::new(1, 1), 5);
        assert_eq!(out.split(' ').count(), 5);
        assert!(out.starts_with(|c: char| c.is_ascii_uppercase()) && out.ends_with('.'));
    }
}
