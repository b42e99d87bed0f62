//! Numbers as people read them.

/// Dollars: to the cent, and above a thousand to the dollar.
pub(super) fn usd(amount: f64) -> String {
    let rounded = if amount >= 1000.0 { format!("{amount:.0}") } else { format!("{amount:.2}") };
    let (whole, cents) =
        rounded.split_once('.').map_or((rounded.as_str(), ""), |(whole, cents)| (whole, cents));
    let point = if cents.is_empty() { "" } else { "." };
    format!("${}{point}{cents}", grouped(whole))
}

/// A count, with commas.
pub(super) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_cents_until_they_are_many() {
        for (amount, text) in [
            (0.0, "$0.00"),
            (0.004, "$0.00"),
            (3.456, "$3.46"),
            (999.99, "$999.99"),
            (26_728.4, "$26,728"),
            (1_234_567.0, "$1,234,567"),
        ] {
            assert_eq!(usd(amount), text);
        }
        assert_eq!(count(720_000_000), "720,000,000");
    }
}
