//! What a rule came to, and what it is worth.

use serde::Serialize;

/// One rule, measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// `validators`, ...
    pub(super) rule: &'static str,
    /// The rule in words.
    pub(super) means: &'static str,
    /// Points got.
    pub(super) points: u32,
    /// Points to get; 0 when the rule does not apply.
    pub(super) of: u32,
    /// What was measured, or why points are missing.
    pub(super) because: Vec<String>,
}

/// What one measurement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Measured {
    /// As it should be.
    Good(String),
    /// Not so.
    Bad(String),
    /// The API gives nothing that the rule is about.
    Moot(String),
}

impl Verdict {
    /// A rule's points from its measurements: each that applies counts the same.
    pub(super) fn of(
        (rule, means, worth): (&'static str, &'static str, u32),
        measured: impl IntoIterator<Item = Measured>,
    ) -> Self {
        let (mut good, mut bad, mut because, mut moot) = (0_u32, 0_u32, Vec::new(), Vec::new());
        let mut praise = Vec::new();
        for one in measured {
            match one {
                Measured::Good(text) => {
                    good += 1;
                    praise.push(text);
                }
                Measured::Bad(text) => {
                    bad += 1;
                    because.push(text);
                }
                Measured::Moot(text) => moot.push(text),
            }
        }
        let measured = good + bad;
        let points = (worth * good).checked_div(measured).unwrap_or(0);
        if bad == 0 {
            because = if good == 0 { moot } else { praise };
        }
        because.dedup();
        Self { rule, means, points, of: if measured == 0 { 0 } else { worth }, because }
    }
}

/// Points in a hundred.
pub(super) fn percent(verdicts: &[Verdict]) -> u32 {
    let (points, of) = verdicts.iter().fold((0, 0), |(points, of), one| (points + one.points, of + one.of));
    (points * 100).checked_div(of).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_shared_by_what_was_measured_and_what_does_not_apply_costs_nothing() {
        let rule = ("floors", "floors are kept", 10);
        let text = |text: &str| text.to_owned();
        let half = Verdict::of(
            rule,
            [Measured::Good(text("a")), Measured::Bad(text("b")), Measured::Moot(text("c"))],
        );
        assert_eq!((half.points, half.of, half.because.as_slice()), (5, 10, [text("b")].as_slice()));
        let moot = Verdict::of(rule, [Measured::Moot(text("c"))]);
        assert_eq!((moot.points, moot.of, moot.because.as_slice()), (0, 0, [text("c")].as_slice()));
        let whole = Verdict::of(rule, [Measured::Good(text("a"))]);
        assert_eq!(percent(&[half, moot, whole]), 75);
        assert_eq!(percent(&[]), 0);
    }
}
