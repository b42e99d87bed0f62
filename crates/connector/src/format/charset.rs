//! The text of a feed, whatever its encoding.
//!
//! A byte order mark decides. Without one the encodings are tried that the `Content-Type` and the XML declaration name,
//! in this order, which is that of RFC 7303, section 3; and UTF-8 at last, because servers name `ISO-8859-1` by default
//! more often than files are in it, and the other way round.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::FormatError;

/// How far a declaration is looked for, in bytes.
const DECLARATION_BYTES: usize = 256;

/// The body as text.
pub(super) fn decode<'b>(content_type: Option<&str>, body: &'b [u8]) -> Result<Cow<'b, str>, FormatError> {
    if let Some((encoding, bytes)) = Encoding::for_bom(body) {
        let body = body.get(bytes..).unwrap_or_default();
        return decode_as(encoding, body).ok_or(FormatError::Encoding);
    }
    // Bytes that are UTF-8 beyond ASCII are hardly ever meant as anything else.
    if let Ok(text) = std::str::from_utf8(body)
        && !(body.contains(&0))
    {
        return Ok(text.into());
    }
    let named = [content_type.and_then(charset), declared(body)];
    let mut encodings = named.into_iter().flatten();
    encodings.find_map(|encoding| decode_as(encoding, body)).ok_or(FormatError::Encoding)
}

fn decode_as<'b>(encoding: &'static Encoding, body: &'b [u8]) -> Option<Cow<'b, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(body)
}

/// `charset` of a `Content-Type`.
fn charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

/// `encoding` of an XML declaration. One in UTF-16 without a mark is not understood: the specification asks for the mark.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let start = body.get(..body.len().min(DECLARATION_BYTES))?;
    let start = String::from_utf8_lossy(start);
    let declaration = start.trim_ascii_start().strip_prefix("<?xml")?.split("?>").next()?;
    let label =
        declaration.split("encoding").nth(1)?.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = label.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let encoding = Encoding::for_label(label.get(1..)?.split(quote).next()?.as_bytes())?;
    // What is read as ASCII here is not UTF-16.
    Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content_type: Option<&str>, body: &[u8]) -> Result<String, FormatError> {
        decode(content_type, body).map(Cow::into_owned)
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn r26_encodings_are_those_that_are_declared() {
        assert_eq!(text(None, b"\xEF\xBB\xBF<a>\xC3\xA9").unwrap(), "<a>é");
        assert_eq!(text(None, &utf16("<a>é😀", u16::to_le_bytes)).unwrap(), "<a>é😀");
        assert_eq!(text(None, &utf16("<a>é😀", u16::to_be_bytes)).unwrap(), "<a>é😀");
        let latin = b"<?xml version='1.0' encoding = \"ISO-8859-1\"?><a>\xE9\x80";
        assert!(text(None, latin).unwrap().ends_with("<a>é€"));
        assert_eq!(text(Some("text/xml; Charset=\"windows-1251\""), b"\xE9").unwrap(), "й");
        // The header comes before the declaration.
        assert!(text(Some("text/xml; charset=windows-1251"), latin).unwrap().ends_with("йЂ"));
        // A label that is wrong is not believed when the bytes are UTF-8.
        assert_eq!(text(Some("text/xml; charset=iso-8859-1"), "é".as_bytes()).unwrap(), "é");
    }

    #[test]
    fn r26_what_is_in_no_encoding_is_refused() {
        for (content_type, body) in [
            (None, &b"<a>\xE9"[..]),
            (Some("text/xml; charset=utf-8"), b"<a>\xE9"),
            (Some("text/xml; charset=klingon"), b"<a>\xE9"),
            (None, b"<?xml encoding=\"utf-16\"?>\xE9"),
            (None, b"\xFF\xFE\x00\xD8<\x00"),
        ] {
            assert_eq!(text(content_type, body), Err(FormatError::Encoding));
        }
    }
}
