//! `numericFilters`, as far as they speak of time: `created_at_i>X,created_at_i<Y`.

use crate::timeline::first_id;

/// Seconds since 1970, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    first: u64,
    last: u64,
}

impl Times {
    /// All conditions hold together. Other fields than the time are the same for every hit, and pass.
    pub(super) fn read(filters: &str) -> Option<Self> {
        let mut times = Self { first: 0, last: u64::MAX };
        for filter in filters.split(',').map(str::trim).filter(|filter| !filter.is_empty()) {
            let (field, condition) = filter.split_at(filter.find(['<', '>', '='])?);
            let digits = condition.find(|c: char| c.is_ascii_digit())?;
            let (operator, seconds) = condition.split_at(digits);
            let seconds: u64 = seconds.trim().parse().ok()?;
            if field.trim() != "created_at_i" {
                continue;
            }
            match operator.trim() {
                ">" => times.first = times.first.max(seconds.saturating_add(1)),
                ">=" => times.first = times.first.max(seconds),
                "<" => times.last = times.last.min(seconds.saturating_sub(1)),
                "<=" => times.last = times.last.min(seconds),
                "=" => times = Self { first: seconds, last: seconds },
                _ => return None,
            }
        }
        Some(times)
    }

    /// Every id of these times is higher.
    pub(super) fn above(self) -> u64 {
        first_id(self.first.saturating_mul(1_000).min(1 << 47)).saturating_sub(1)
    }

    /// Every id of these times is lower.
    pub(super) fn below(self) -> u64 {
        first_id(self.last.saturating_add(1).saturating_mul(1_000).min(1 << 47))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_together() {
        let read = |filters| Times::read(filters).map(|times| (times.first, times.last));
        assert_eq!(read(""), Some((0, u64::MAX)));
        assert_eq!(read("created_at_i>5"), Some((6, u64::MAX)));
        assert_eq!(read("created_at_i>=5, created_at_i<10"), Some((5, 9)));
        assert_eq!(read("points>3,created_at_i<=10"), Some((0, 10)));
        for wrong in ["created_at_i", "created_at_i>", "created_at_i!5", "created_at_i=>5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
