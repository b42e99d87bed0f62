//! XML as a stream, under limits.
//!
//! Nothing is kept of what was read, and nothing recurses: depth, attributes and elements are counted, and a document
//! that declares entities of its own is refused before any of them could be expanded.

use std::borrow::Cow;

use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// Deepest nesting. Feeds have about five, the markup inside them some more.
const MAX_DEPTH: usize = 64;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Most elements of a document.
const MAX_ELEMENTS: usize = 200_000;

/// Why a text is not read as XML. The messages carry no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("it is not XML: it breaks off or is not well-formed at byte {0}")]
    Syntax(u64),
    #[error("it is XML nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("it has an element with more than {MAX_ATTRIBUTES} attributes")]
    ManyAttributes,
    #[error("it has more than {MAX_ELEMENTS} elements")]
    ManyElements,
    #[error("it declares entities of its own (a DTD with an internal subset), which is not allowed")]
    Entities,
}

/// A piece of a document.
pub(super) enum Node<'t> {
    /// An element begins. An empty one ends with the next node.
    Open(BytesStart<'t>),
    /// The innermost open element ends.
    Close,
    /// Text with its references resolved; comes in pieces.
    Text(Cow<'t, str>),
}

/// A document on its way.
pub(super) struct Xml<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    depth: usize,
    elements: usize,
    /// Where the latest node begins.
    start: u64,
}

impl<'t> Xml<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // Feeds are written by programs that know no better, and `AT&T` has one meaning.
        config.allow_dangling_amp = true;
        Self { text, reader, depth: 0, elements: 0, start: 0 }
    }

    /// The next piece; none at the end of the root element. What follows it is not looked at.
    pub(super) fn next(&mut self) -> Result<Option<Node<'t>>, XmlError> {
        loop {
            if self.elements > 0 && self.depth == 0 {
                return Ok(None);
            }
            self.start = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|_| XmlError::Syntax(self.start))?;
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.open(&start)?;
                    return Ok(Some(Node::Open(start)));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Node::Close));
                }
                Event::Text(text) => return Ok(Some(Node::Text(text.xml10_content()))),
                Event::CData(text) => return Ok(Some(Node::Text(text.xml10_content()))),
                Event::GeneralRef(reference) => return Ok(Some(Node::Text(resolved(&reference)))),
                // `<!DOCTYPE rss PUBLIC "..." "...">` declares nothing that would be read.
                Event::DocType(declaration) if declaration.contains('[') => return Err(XmlError::Entities),
                Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return Err(XmlError::Syntax(self.start)),
            }
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.elements > MAX_ELEMENTS {
            return Err(XmlError::ManyElements);
        }
        // The check for names that come twice takes the square of their number.
        if start.html_attributes().with_checks(false).nth(MAX_ATTRIBUTES).is_some() {
            return Err(XmlError::ManyAttributes);
        }
        Ok(())
    }

    /// How many elements are open.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Where the latest node begins, as an index into the text.
    pub(super) fn node_start(&self) -> usize {
        usize::try_from(self.start).unwrap_or(self.text.len())
    }

    /// Where the latest node ends.
    pub(super) fn node_end(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    /// A part of the document as it is written.
    pub(super) fn source(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }
}

/// What a reference stands for; the reference itself when it is unknown.
fn resolved<'t>(reference: &BytesRef<'t>) -> Cow<'t, str> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string().into();
    }
    match resolve_html5_entity(reference) {
        Some(text) => text.into(),
        None => format!("&{};", &**reference).into(),
    }
}

/// The value of an attribute by its name as it is written, prefix included. References in it are resolved as far as they
/// are known.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.html_attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
    let resolved = quick_xml::escape::unescape_with(&found.value, resolve_html5_entity);
    Some(resolved.map_or_else(|_| found.value.clone().into_owned(), Cow::into_owned))
}

/// The attributes that declare prefixes: prefix and name of the namespace.
pub(super) fn declared_prefixes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut attributes = start.html_attributes();
    let declared = attributes.with_checks(false).flatten().filter_map(|attribute| {
        let prefix = attribute.key.as_ref().strip_prefix("xmlns:")?;
        Some((prefix.to_owned(), attribute.value.clone().into_owned()))
    });
    declared.collect()
}
