//! Ids that are remembered by 48 bits of their hash, as a text of eight characters each: a row is read at every dispatch,
//! and 500 ids are 4 KB.
//!
//! Two ids that share a hash would hide one item in 10^11 pages. No defence against anyone: who makes two of their own
//! items collide hides one of them.

use xxhash_rust::xxh3::xxh3_64;

/// Of an id, 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct IdHash(u64);

/// Characters of a hash: six bits each.
const HASH_CHARS: usize = 8;
/// Characters of a time: 36 bits of seconds.
const TIME_CHARS: usize = 6;
const MAX_SECONDS: u64 = (1 << (6 * TIME_CHARS)) - 1;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl IdHash {
    /// The hash of an id.
    pub(crate) fn of(id: &str) -> Self {
        Self(xxh3_64(id.as_bytes()) >> 16)
    }

    /// As a number.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// Writes hashes one after the other.
pub(crate) fn write(hashes: impl IntoIterator<Item = IdHash>) -> String {
    let mut text = String::new();
    for hash in hashes {
        push(hash.0, HASH_CHARS, &mut text);
    }
    text
}

/// Reads what [`write()`] wrote; none when it is something else.
pub(crate) fn read(text: &str) -> Option<Vec<IdHash>> {
    let chunks = text.as_bytes().chunks_exact(HASH_CHARS);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks.map(|chunk| number(chunk).map(IdHash)).collect()
}

/// Writes hashes with their times, each in whole seconds after `base`.
pub(crate) fn write_timed(entries: impl IntoIterator<Item = (IdHash, i64)>, base: i64) -> String {
    let mut text = String::new();
    for (hash, seconds) in entries {
        push(hash.0, HASH_CHARS, &mut text);
        let after = u64::try_from(seconds.saturating_sub(base)).unwrap_or(0);
        push(after.min(MAX_SECONDS), TIME_CHARS, &mut text);
    }
    text
}

/// Reads what [`write_timed`] wrote; none when it is something else.
pub(crate) fn read_timed(text: &str, base: i64) -> Option<Vec<(IdHash, i64)>> {
    let chunks = text.as_bytes().chunks_exact(HASH_CHARS + TIME_CHARS);
    if !chunks.remainder().is_empty() {
        return None;
    }
    let entries = chunks.map(|chunk| {
        let (hash, after) = chunk.split_at(HASH_CHARS);
        let after = i64::try_from(number(after)?).ok()?;
        Some((IdHash(number(hash)?), base.saturating_add(after)))
    });
    entries.collect()
}

fn push(number: u64, chars: usize, text: &mut String) {
    for place in (0..chars).rev() {
        let digit = (number >> (6 * place)) & 63;
        text.push(usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).map_or('A', |&c| c.into()));
    }
}

fn number(chars: &[u8]) -> Option<u64> {
    chars.iter().try_fold(0_u64, |number, &c| {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        Some((number << 6) | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_hundred_ids_are_four_kilobytes() {
        let text = write((0..500).map(|n| IdHash::of(&format!("https://example.com/posts/{n}"))));
        assert_eq!(text.len(), 4_000);
        let distinct: std::collections::HashSet<_> = read(&text).unwrap().into_iter().collect();
        assert_eq!(distinct.len(), 500);
    }

    #[test]
    fn what_is_not_ours_is_none() {
        for bad in ["A", "AAAAAAA", "AAAAAAAAA", "AAAA AAA", "ÄÄÄÄ", "AAAAAA==", "AAAAAAA\""] {
            assert_eq!(read(bad), None, "{bad}");
            assert_eq!(read_timed(&format!("{bad}AAAAAA"), 0), None, "{bad}");
        }
        assert_eq!((read("").unwrap().len(), read_timed("", 9).unwrap().len()), (0, 0));
    }

    proptest! {
        #[test]
        fn hashes_and_times_round_trip(
            ids in prop::collection::vec(".{0,20}", 0..50),
            base in -9_000_000_000_i64..9_000_000_000,
            after in 0_i64..60_000_000_000,
        ) {
            let hashes: Vec<_> = ids.iter().map(|id| IdHash::of(id)).collect();
            prop_assert_eq!(read(&write(hashes.clone())), Some(hashes.clone()));
            let timed: Vec<_> = hashes.into_iter().map(|hash| (hash, base + after)).collect();
            prop_assert_eq!(read_timed(&write_timed(timed.clone(), base), base), Some(timed));
        }
    }
}
