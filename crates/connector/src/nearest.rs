//! "Did you mean": the known word that is nearest to a misspelt one.

/// The nearest of `known`, when it is near enough to be what was meant.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).max(1);
    // Capital letters are no difference: a word that is all of them is still meant.
    let of =
        |candidate: &str| if candidate.eq_ignore_ascii_case(word) { 0 } else { distance(word, candidate) };
    let distances = known.into_iter().map(|candidate| (of(candidate), candidate));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, candidate)| candidate)
}

/// `: did you mean ...?`, or nothing.
#[must_use]
pub fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map(|candidate| format!(": did you mean `{candidate}`?")).unwrap_or_default()
}

/// Letters to insert, delete or replace to get from one to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("mastodn", "mastodon", 1),
            ("ä", "a", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["mastodon", "github"];
        assert_eq!(nearest("mastadon", known), Some("mastodon"));
        assert_eq!(nearest("Github", known), Some("github"));
        assert_eq!(nearest("GITHUB", known), Some("github"));
        assert_eq!(nearest("twitter", known), None);
        assert_eq!(hint("gihub", known), ": did you mean `github`?");
        assert_eq!(hint("feed", known), "");
    }
}
