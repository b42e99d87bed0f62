//! What feeds say of people: by their tags, through CDATA sections and character references. Less strict than the
//! connector's parser: what that refuses is written into a case, too.

use super::names::Means;

/// A text of markup that belongs to somebody.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    /// The tag or attribute, with its prefix.
    pub(super) tag: &'t str,
    pub(super) means: Means,
    /// As it stands in the markup.
    pub(super) raw: &'t str,
    /// What it says.
    pub(super) text: String,
}

/// An element that is open.
struct Open<'t> {
    tag: &'t str,
    means: Means,
}

/// Everything in a text of markup that belongs to somebody; `more` are names that the caller wants redacted.
pub(super) fn pieces<'t>(text: &'t str, more: &[String]) -> Vec<Piece<'t>> {
    let mut pieces = Vec::new();
    let mut open: Vec<Open<'t>> = Vec::new();
    let mut rest = text;
    while let Some((content, after)) = rest.split_once('<') {
        push(&mut pieces, open.last(), content, &unescaped(content));
        rest = after;
        if let Some(section) = rest.strip_prefix("![CDATA[") {
            let (content, after) = section.split_once("]]>").unwrap_or((section, ""));
            push(&mut pieces, open.last(), content, content);
            rest = after;
        } else if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if rest.starts_with(['!', '?']) {
            rest = rest.split_once('>').map_or("", |(_, after)| after);
        } else {
            let (inside, after) = rest.split_at(end_of_tag(rest));
            rest = after.strip_prefix('>').unwrap_or(after);
            tag(inside, more, &mut open, &mut pieces);
        }
    }
    pieces
}

/// Opens or closes an element, and looks at its attributes.
fn tag<'t>(inside: &'t str, more: &[String], open: &mut Vec<Open<'t>>, pieces: &mut Vec<Piece<'t>>) {
    if let Some(closed) = inside.strip_prefix('/') {
        if let Some(at) = open.iter().rposition(|element| element.tag == closed.trim()) {
            open.truncate(at);
        }
        return;
    }
    let tag = inside.split(|char: char| char.is_whitespace() || char == '/').next().unwrap_or_default();
    let outer = open.last().map_or(Means::Nothing, |element| element.means);
    let means = outer.within(Means::of(local(tag), more));
    for (name, raw) in attributes(inside.get(tag.len()..).unwrap_or_default()) {
        if name.starts_with("xmlns") {
            continue;
        }
        // Outside of people, `name` is anything's.
        let own = if name == "name" { Means::Nothing } else { Means::of(local(name), more) };
        let of_attribute = Open { tag: name, means: means.within(own) };
        push(pieces, Some(&of_attribute), raw, &unescaped(raw));
    }
    if !inside.ends_with('/') {
        open.push(Open { tag, means });
    }
}

fn push<'t>(pieces: &mut Vec<Piece<'t>>, within: Option<&Open<'t>>, raw: &'t str, text: &str) {
    let Some(Open { tag, means }) = within.filter(|element| element.means != Means::Nothing) else { return };
    if !text.trim().is_empty() {
        pieces.push(Piece { tag, means: *means, raw: raw.trim(), text: text.trim().to_owned() });
    }
}

/// Names and raw values of attributes.
fn attributes(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim().rsplit(char::is_whitespace).next().unwrap_or_default();
        let after = after.trim_start();
        let Some(quote) = after.chars().next().filter(|char| matches!(char, '"' | '\'')) else {
            rest = after;
            continue;
        };
        let value = after.get(1..).unwrap_or_default();
        let (value, after) = value.split_once(quote).unwrap_or((value, ""));
        found.push((name, value));
        rest = after;
    }
    found
}

/// Where a tag ends: its attributes may hold a `>`.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), char) if open == char => quote = None,
            (None | Some(_), _) => {}
        }
    }
    text.len()
}

/// A name without its prefix.
fn local(tag: &str) -> &str {
    tag.rsplit(':').next().unwrap_or_default()
}

/// A text with its character references resolved.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let resolved = after.split_once(';').and_then(|(name, after)| Some((referred(name)?, after)));
        match resolved {
            Some((char, after)) => {
                plain.push(char);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain + rest
}

fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// A text as it stands in markup.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, String)> {
        pieces(text, &[]).into_iter().map(|piece| (piece.tag, piece.text)).collect()
    }

    #[test]
    fn people_are_found_by_tags_through_sections_references_and_attributes() {
        let feed = "<?xml version='1.0'?><feed><!-- <name>x</name> --><title>By <![CDATA[me]]></title>\
                    <dc:creator><![CDATA[Ada <Lovelace>]]></dc:creator><author><name>A &amp; &#66;</name><bio>b</bio>\
                    <link href='https://x.example/ada?a>b'/></author><entry><id>7</id></entry></feed>";
        assert_eq!(
            found(feed),
            [
                ("dc:creator", "Ada <Lovelace>".to_owned()),
                ("name", "A & B".to_owned()),
                ("bio", "b".to_owned()),
                ("href", "https://x.example/ada?a>b".to_owned()),
            ]
        );
        assert_eq!(found("<webMaster>a@x.example (Ada)</webMaster>")[0].0, "webMaster");
        assert_eq!(found("<author><![CDATA[Ada"), [("author", "Ada".to_owned())]);
        assert_eq!(found("plain < text"), []);
    }
}
