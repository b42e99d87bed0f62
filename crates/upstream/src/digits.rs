//! Numbers in the digits of one API or another: base 36, sortable base 32, base 64 of URLs.

/// `0-9a-z`: Reddit's ids, X's page tokens.
pub(crate) const BASE_36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// The digits of a record key: <https://atproto.com/specs/tid>.
pub(crate) const SORTABLE_32: &[u8] = b"234567abcdefghijklmnopqrstuvwxyz";
/// The digits of a video's id.
pub(crate) const URL_64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes a number with at least `width` digits.
pub(crate) fn write(mut number: u64, digits: &[u8], width: usize) -> String {
    let radix = digits.len() as u64;
    let mut reversed = Vec::new();
    while number > 0 || reversed.len() < width.max(1) {
        let digit = usize::try_from(number % radix).unwrap_or(0);
        reversed.push(digits.get(digit).copied().map_or('0', char::from));
        number /= radix;
    }
    reversed.iter().rev().collect()
}

/// Reads what [`write()`] wrote.
pub(crate) fn read(text: &str, digits: &[u8]) -> Option<u64> {
    let add = |number: u64, byte| {
        let digit = digits.iter().position(|&known| known == byte)? as u64;
        number.checked_mul(digits.len() as u64)?.checked_add(digit)
    };
    text.bytes().try_fold(0, add).filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_keep_their_order() {
        for digits in [BASE_36, SORTABLE_32, URL_64] {
            for number in [0, 1, 35, 1_760_000_000_000 << 16, u64::MAX] {
                assert_eq!(read(&write(number, digits, 13), digits), Some(number));
            }
        }
        assert_eq!(write(1_295, BASE_36, 0), "zz");
        assert_eq!(write(u64::MAX, URL_64, 11).len(), 11, "as long as a video's id");
        assert!(write(7, SORTABLE_32, 13) < write(1 << 40, SORTABLE_32, 13));
        assert_eq!(
            (read("", BASE_36), read("A", BASE_36), read("zzzzzzzzzzzzzzz", BASE_36)),
            (None, None, None)
        );
    }
}
