//! Newline-delimited JSON: a value on each line, whatever the line's end. Empty lines are nothing.

use serde::de::IgnoredAny;

use super::FormatError;
use crate::json::{self, JsonError, MAX_ELEMENTS};

/// The array of the lines. Each is checked alone: one that is cut off, or two values on a line, would otherwise shift
/// what the others mean.
pub(super) fn array(text: &str) -> Result<String, FormatError> {
    let mut array = String::with_capacity(text.len() + 2);
    array.push('[');
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_ascii()));
    for (count, (line, value)) in lines.filter(|(_, line)| !line.is_empty()).enumerate() {
        if count == MAX_ELEMENTS {
            let error = JsonError::Shape(format!("expected at most {MAX_ELEMENTS} lines, found more"));
            return Err(error.into());
        }
        if let Err(error) = serde_json::from_str::<IgnoredAny>(value) {
            return Err(FormatError::Line { line, error: json::described(&error) });
        }
        if count > 0 {
            array.push(',');
        }
        array.push_str(value);
    }
    array.push(']');
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_an_array_with_every_digit() {
        assert_eq!(array("").unwrap(), "[]");
        assert_eq!(
            array("{\"id\": 18446744073709551617}\r\n\n  [1]\n\"x\"").unwrap(),
            "[{\"id\": 18446744073709551617},[1],\"x\"]"
        );
    }

    #[test]
    fn r27_a_line_that_is_no_value_refuses_all() {
        for (text, reason) in [
            ("{}\n{\"a\":", "line 2: it is not JSON (it ends early, at line 1 column 5)"),
            ("1, 2", "line 1: it is not JSON (trailing characters at line 1 column 2)"),
            ("1\n2 secret", "line 2: it is not JSON (trailing characters at line 1 column 3)"),
            ("<html>", "line 1: it is not JSON (expected value at line 1 column 1)"),
        ] {
            assert_eq!(array(text).unwrap_err().to_string(), reason);
        }
        assert!(array(&"1\n".repeat(MAX_ELEMENTS)).is_ok());
        assert!(array(&"1\n".repeat(MAX_ELEMENTS + 1)).unwrap_err().to_string().contains("at most 10000"));
    }

    #[test]
    fn r25_a_deep_line_is_read_without_recursion() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(array(&deep).is_ok());
    }
}
