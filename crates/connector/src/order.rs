//! Which of two ids is newer. Ids are strings, however many digits they have.

use std::cmp::Ordering;

pub(crate) use crate::channel::Order;

impl Order {
    /// Whether the order can place an id: a numeric order wants ASCII digits.
    pub(crate) fn accepts(self, id: &str) -> bool {
        match self {
            Self::Numeric => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Lexicographic => !id.is_empty(),
        }
    }

    /// Compares two ids that the order accepts. Only the same text is equal: `007` and `7` are two ids.
    pub(crate) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            // As nearly all are; several comparisons are made for each element of a page.
            Self::Numeric if ![a, b].iter().any(|id| id.as_bytes().first() == Some(&b'0')) => {
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            Self::Numeric => {
                let (x, y) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then_with(|| a.cmp(b))
            }
            Self::Lexicographic => a.cmp(b),
        }
    }

    /// Whether `a` is newer than `b`.
    pub(crate) fn is_newer(self, a: &str, b: &str) -> bool {
        self.compare(a, b) == Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r26_numeric_ids_compare_beyond_any_machine_number() {
        let newer = |a, b| Order::Numeric.is_newer(a, b);
        assert!(newer("18446744073709551617", "18446744073709551616"));
        assert!(newer("9007199254740993", "9007199254740992"));
        assert!(newer("10", "9") && !Order::Lexicographic.is_newer("10", "9"));
        assert_ne!(Order::Numeric.compare("007", "7"), Ordering::Equal);
        for bad in ["", "-1", "1.5", "1e9", "١"] {
            assert!(!Order::Numeric.accepts(bad), "{bad} was accepted");
        }
    }

    proptest! {
        #[test]
        fn numeric_order_is_that_of_numbers(a: u128, b: u128) {
            prop_assert_eq!(Order::Numeric.compare(&a.to_string(), &b.to_string()), a.cmp(&b));
        }

        #[test]
        fn leading_zeros_count_last(a in 1..u128::MAX, b in 1..u128::MAX) {
            let padded = format!("00{a}");
            prop_assert_eq!(Order::Numeric.compare(&padded, &b.to_string()), a.cmp(&b).then(Ordering::Less));
        }
    }
}
