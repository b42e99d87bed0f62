//! JSON as it came: validated, cut into elements and looked into without building a tree of it.
//!
//! Most elements of most polls are old. They are only asked for their id, so they are never turned into values; and a
//! number taken from the text is exact, whatever its size. What goes on to jq is checked by [`check_depth`] first, because
//! jq's parser recurses.

mod scan;
mod seeds;

use std::borrow::Cow;

use serde_json::error::Category;
use serde_json::value::RawValue;

/// Deepest nesting accepted where a value is built: what serde_json allows itself.
pub(crate) const MAX_DEPTH: usize = 128;
/// Most elements in one list. Real pages have tens, at most hundreds.
pub(crate) const MAX_ELEMENTS: usize = 10_000;
/// Longest number, in characters. jq turns a long one into a big integer in quadratic time.
pub(crate) const MAX_NUMBER_CHARS: usize = 500;

/// Why a text cannot be used. The messages carry no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("it is not JSON ({0})")]
    Syntax(String),
    #[error("{0}")]
    Shape(String),
    #[error("it is not UTF-8")]
    Encoding,
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("it has a number of more than {MAX_NUMBER_CHARS} characters")]
    LongNumber,
}

/// A body as text, without the byte order mark that some servers put before it.
pub(crate) fn text(body: &[u8]) -> Result<&str, JsonError> {
    let text = std::str::from_utf8(body).map_err(|_| JsonError::Encoding)?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// The elements of the array at `path`, each as its text. Reads the whole text, so a cut-off body is found.
pub(crate) fn elements<'de>(text: &'de str, path: &[Box<str>]) -> Result<Vec<&'de RawValue>, JsonError> {
    seeds::elements(text, path)
}

/// The value at `path`, as its text; none when it, or an object on the way, is missing or null.
pub(crate) fn lookup<'de>(text: &'de str, path: &[Box<str>]) -> Result<Option<&'de str>, JsonError> {
    match scan::lookup(text, path) {
        Some(found) => Ok(found),
        None => Ok(seeds::lookup(text, path)?.map(RawValue::get)),
    }
}

/// Members of the elements of the array at `path`, those with these names: one pass over the text.
pub(crate) fn picked_elements<'de>(
    text: &'de str,
    path: &[Box<str>],
    names: &[Box<str>],
) -> Result<Elements<'de>, JsonError> {
    match scan::picked_elements(text, path, names) {
        Some(members) => Ok(Elements::Objects(members)),
        None => seeds::picked_elements(text, path, names).map(Elements::Any),
    }
}

/// The members of elements.
pub(crate) enum Elements<'de> {
    /// Those of one element after the other.
    Objects(Vec<Option<&'de str>>),
    /// None for an element that is no object.
    Any(Vec<Option<Picked<'de>>>),
}

/// Members by the places of their names, as they are written; none for one that is missing or null.
pub(crate) type Picked<'de> = Vec<Option<&'de str>>;

/// The members of an object with these names. Null has members, too, as in jq: none.
pub(crate) fn members<'de>(text: &'de str, names: &[Box<str>]) -> Result<Picked<'de>, JsonError> {
    scan::members(text, names).map_or_else(|| seeds::members(text, names), Ok)
}

/// serde_json quotes what it found where a type is wrong; content does not belong in a message.
pub(crate) fn described(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => JsonError::Syntax(format!("it ends early, at line {line} column {column}")),
        Category::Syntax | Category::Io => JsonError::Syntax(error.to_string()),
        Category::Data => {
            let text = error.to_string();
            let expected = text.split("expected ").nth(1).and_then(|rest| rest.split(" at line ").next());
            JsonError::Shape(format!(
                "expected {}, found something else",
                expected.unwrap_or("another value")
            ))
        }
    }
}

/// The text of a JSON string, or the digits of a number as they are written; none for any other JSON value.
pub(crate) fn scalar(text: &str) -> Option<Cow<'_, str>> {
    match text.as_bytes().first() {
        // What was read as JSON stands between its quotes as it is, but for escapes. A lone surrogate among them is no text.
        Some(b'"') => match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !has_escapes(plain) => Some(plain.into()),
            Some(_) | None => serde_json::from_str::<String>(text).ok().map(Cow::from),
        },
        Some(b'-' | b'0'..=b'9') => Some(text.into()),
        _ => None,
    }
}

/// Whether there is a backslash in a string. Looks at all of it, which is several bytes at a time: most strings are short.
pub(crate) fn has_escapes(string: &str) -> bool {
    string.bytes().fold(false, |found, byte| found | (byte == b'\\'))
}

/// Checks valid JSON for what would hurt where values are built: depth, and numbers as long as a page.
pub(crate) fn check_depth(json: &str) -> Result<(), JsonError> {
    // Whatever is opened is closed.
    if json.len() <= 2 * MAX_DEPTH {
        return Ok(());
    }
    let (mut depth, mut digits, mut at) = (0_usize, 0_usize, 0_usize);
    let bytes = json.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        digits = if matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') { digits + 1 } else { 0 };
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        if digits > MAX_NUMBER_CHARS {
            return Err(JsonError::LongNumber);
        }
        at += 1;
    }
    Ok(())
}

/// The index of the quote that closes the string opened at `open`.
fn end_of_string(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn elements_are_cut_out_as_they_are_written() {
        let found = elements(r#" {"a": {"list": [ {"id": 1e2} , "x",3 ]}} "#, &path(&["a", "list"])).unwrap();
        assert_eq!(found.iter().map(|raw| raw.get()).collect::<Vec<_>>(), [r#"{"id": 1e2}"#, "\"x\"", "3"]);
        assert_eq!(elements("[]", &[]).unwrap().len(), 0);
    }

    #[test]
    fn r27_what_is_not_a_list_says_what_it_is_without_its_content() {
        let error = |body: &str, names: &[&str]| elements(body, &path(names)).unwrap_err().to_string();
        assert_eq!(error("<html>secret", &[]), "it is not JSON (expected value at line 1 column 1)");
        assert_eq!(error("[1, 2", &[]), "it is not JSON (it ends early, at line 1 column 5)");
        assert_eq!(
            error(r#""secret""#, &[]),
            "expected an array of at most 10000 elements, found something else"
        );
        assert!(error(r#"{"error": 1}"#, &["items"]).contains("expected an array, found nothing"));
        assert!(error("[] []", &[]).contains("trailing"));
        assert!(error(&format!("[{}1]", "1,".repeat(MAX_ELEMENTS)), &[]).contains("at most 10000"));
    }

    #[test]
    fn r26_ids_keep_every_digit() {
        for number in ["9007199254740993", "18446744073709551617", "1.50", "-0"] {
            let text = format!(r#"{{"id": {number}}}"#);
            let value = lookup(&text, &path(&["id"])).unwrap().unwrap();
            assert_eq!(scalar(value).unwrap(), number);
        }
    }

    #[test]
    fn r26_duplicate_keys_marks_and_lone_surrogates() {
        assert_eq!(lookup(r#"{"id":1,"id":2}"#, &path(&["id"])).unwrap().unwrap(), "2");
        assert_eq!(text(b"\xEF\xBB\xBF[]").unwrap(), "[]");
        assert_eq!(text(b"\xFF"), Err(JsonError::Encoding));
        assert_eq!(scalar(lookup(r#"{"id":"\ud800"}"#, &path(&["id"])).unwrap().unwrap()), None);
        assert_eq!(scalar(lookup(r#"{"id":"a\u0062"}"#, &path(&["id"])).unwrap().unwrap()).unwrap(), "ab");
        assert_eq!(lookup(r#"{"a":null}"#, &path(&["a", "b"])).unwrap(), None);
    }

    #[test]
    fn r25_depth_is_an_error_and_not_an_overflow() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check_depth(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check_depth(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
        assert_eq!(check_depth(&nested(1_000_000)), Err(JsonError::TooDeep));
        // Cutting and looking do not recurse, however deep it is.
        assert_eq!(elements(&nested(1_000_000), &[]).unwrap().len(), 1);
        assert_eq!(check_depth(r#"["[[[\"[[", "\\"]"#), Ok(()));
        assert_eq!(check_depth(&"1".repeat(MAX_NUMBER_CHARS + 1)), Err(JsonError::LongNumber));
        assert_eq!(check_depth(&format!("[\"{}\"]", "1".repeat(9_999))), Ok(()));
    }
}
