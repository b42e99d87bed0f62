//! Seeded draws: the same seed and name give the same numbers on every machine and in every release.
//!
//! Only integers, so that no platform's floating point can change a timeline.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of numbers that looks random and is not (`SplitMix64`: tiny, fast, passes the usual tests).
#[derive(Debug, Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The stream of the `index`-th thing that `key` stands for.
    pub(crate) fn new(key: u64, index: u64) -> Self {
        let mut draws = Self(key ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03));
        draws.next();
        draws
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// One of `choices`; the first when the draw falls outside, which it cannot.
    pub(crate) fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(index).copied().unwrap_or_default()
    }
}

/// A chance in parts per billion: exact, and comparable with a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Chance(u64);

const BILLION: u64 = 1_000_000_000;

impl Chance {
    /// `probability` is clamped to 0..=1; not-a-number is 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1e9 just before"
    )]
    pub(crate) fn of(probability: f64) -> Self {
        Self((probability.clamp(0.0, 1.0) * 1e9).round() as u64)
    }

    pub(crate) fn hits(self, draws: &mut Draws) -> bool {
        draws.below(BILLION) < self.0
    }

    /// Parts per billion.
    pub(crate) fn parts(self) -> u64 {
        self.0
    }
}

/// Draws one number in `0..1_000_000_000`, to be compared with sums of [`Chance::parts`].
pub(crate) fn part(draws: &mut Draws) -> u64 {
    draws.below(BILLION)
}

/// The key of a name under a seed.
pub(crate) fn key(seed: u64, name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_for_ever() {
        // Pinned: a change here changes every timeline that a test or a bug report quotes by its seed.
        let mut draws = Draws::new(key(7, "mastodon/42"), 3);
        assert_eq!([draws.next(), draws.next()], [3_520_362_014_454_001_341, 15_080_236_370_634_224_195]);
    }

    #[test]
    fn below_stays_below_and_covers_the_range() {
        let mut draws = Draws::new(1, 1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(draws.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1_150).contains(&n)), "{seen:?}");
        assert_eq!(draws.below(0), 0);
    }

    #[test]
    fn a_chance_is_clamped() {
        assert_eq!(Chance::of(f64::NAN), Chance::of(0.0));
        assert_eq!(Chance::of(7.0), Chance::of(1.0));
        assert!(Chance::of(1.0).hits(&mut Draws::new(1, 1)));
        assert!(!Chance::of(0.0).hits(&mut Draws::new(1, 1)));
    }
}
