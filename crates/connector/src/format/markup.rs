//! RSS and Atom: one pass over the markup, from the elements that matter to the document.

use quick_xml::events::BytesStart;

use super::feed::{Document, Enclosure, Kind, Parts, instant, tidy, whole_number};
use super::vocabulary::{Field, Prefixes, Space, field};
use super::xml::{Node, Xml, attribute, declared_prefixes};
use super::{Format, FormatError};

/// Reads a feed.
pub(super) fn read(text: &str) -> Result<Document, FormatError> {
    let mut xml = Xml::new(text);
    let root = loop {
        match xml.next()? {
            Some(Node::Open(start)) => break start,
            Some(Node::Close | Node::Text(_)) => {}
            None => return Err(FormatError::Other(Format::Feed.name())),
        }
    };
    let prefixes = Prefixes::new(declared_prefixes(&root));
    let kind = match prefixes.resolve(root.name().as_ref()) {
        (Space::Own, "feed") => Kind::Atom,
        (Space::Own, "rss") | (_, "RDF") => Kind::Rss,
        (_, name) if name.eq_ignore_ascii_case("html") => return Err(FormatError::WebPage),
        (_, _) => return Err(FormatError::Other(Format::Feed.name())),
    };
    let place = if kind == Kind::Atom { Place::Feed } else { Place::Root };
    let mut reading = Reading {
        xml,
        prefixes,
        document: Document::new(kind),
        places: vec![place],
        leaf: None,
        feed: Draft::default(),
        entry: Draft::default(),
        pace: Pace::default(),
    };
    while let Some(node) = reading.xml.next()? {
        match node {
            Node::Open(start) => reading.open(&start),
            Node::Text(text) => reading.text(&text),
            Node::Close => reading.close()?,
        }
    }
    Ok(reading.finish())
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// `rss` or `rdf:RDF`, which holds what Atom's root is itself.
    Root,
    Feed,
    Entry,
    /// Atom's `author`.
    Person,
    /// `media:group`.
    Media,
    /// Whatever else, with all that is in it.
    Ignored,
}

struct Reading<'t> {
    xml: Xml<'t>,
    prefixes: Prefixes,
    document: Document,
    /// Of the open elements outside of a leaf.
    places: Vec<Place>,
    leaf: Option<Leaf>,
    feed: Draft,
    entry: Draft,
    pace: Pace,
}

/// An element whose content is wanted.
struct Leaf {
    field: Field,
    /// Its own depth.
    depth: usize,
    text: String,
    /// Where its content begins.
    from: usize,
    /// Elements directly in it: markup that was not escaped, which is kept as it is written.
    children: usize,
    /// The content of the first of them.
    inner: (usize, usize),
    /// `type="xhtml"`: the `div` around the content is none of it. RFC 4287, section 3.1.1.3.
    is_xhtml: bool,
}

/// A feed or entry on its way.
#[derive(Default)]
struct Draft {
    id: Option<String>,
    /// `isPermaLink="false"`: the id is no URL, whatever it looks like.
    id_is_no_url: bool,
    parts: Parts,
    other_summary: Option<String>,
    other_author: Option<String>,
    other_published: Option<String>,
    language: Option<String>,
}

/// What a feed says of how often it changes.
#[derive(Default)]
struct Pace {
    ttl_minutes: Option<u64>,
    period_seconds: Option<u64>,
    frequency: Option<u64>,
}

impl Reading<'_> {
    fn open(&mut self, start: &BytesStart<'_>) {
        if let Some(leaf) = &mut self.leaf {
            if self.xml.depth() == leaf.depth + 1 {
                leaf.children += 1;
                if leaf.children == 1 {
                    leaf.inner = (self.xml.node_end(), self.xml.node_end());
                }
            }
            return;
        }
        let parent = self.places.last().copied().unwrap_or(Place::Ignored);
        let name = start.name();
        let (space, local) = self.prefixes.resolve(name.as_ref());
        let is_prefixed = local.len() < name.as_ref().len();
        let place = match (parent, space, local) {
            (Place::Root, Space::Own, "channel") => Place::Feed,
            (Place::Root | Place::Feed, Space::Own, "item" | "entry") => {
                // RSS 1.0 names its items by an attribute.
                self.entry = Draft { id: attribute(start, "rdf:about"), ..Draft::default() };
                Place::Entry
            }
            (Place::Feed | Place::Entry, Space::Own, "author")
                if is_prefixed || self.document.feed.format == Kind::Atom =>
            {
                Place::Person
            }
            (Place::Entry, Space::Media, "group") => Place::Media,
            (Place::Person, Space::Own, "name") => self.begin(Field::Author, start),
            (Place::Feed | Place::Entry, Space::Own, "author") => self.begin(Field::Author, start),
            (Place::Feed | Place::Entry | Place::Media, _, _) => {
                if !self.attributes(parent, space, local, start)
                    && let Some(field) = field(space, local)
                {
                    self.begin(field, start);
                }
                Place::Ignored
            }
            (Place::Root | Place::Person | Place::Ignored, _, _) => Place::Ignored,
        };
        self.places.push(place);
    }

    /// Takes what an element says in its attributes; whether that is all it says.
    fn attributes(&mut self, place: Place, space: Space, local: &str, start: &BytesStart<'_>) -> bool {
        let url = |name| attribute(start, name).and_then(|url| tidy(&url));
        let draft = if place == Place::Feed { &mut self.feed } else { &mut self.entry };
        let parts = &mut draft.parts;
        match (space, local) {
            (Space::Own, "link") => {
                let Some(target) = url("href") else { return false };
                match attribute(start, "rel").as_deref() {
                    None | Some("" | "alternate") => keep(&mut parts.url, Some(target)),
                    Some("enclosure") => parts.enclosures.push(enclosure(target, start, "length")),
                    Some(_) => {}
                }
            }
            (Space::Own, "enclosure") | (Space::Media, "content") => {
                let length = if space == Space::Own { "length" } else { "fileSize" };
                parts.enclosures.extend(url("url").map(|target| enclosure(target, start, length)));
            }
            (Space::Media, "thumbnail") => keep(&mut parts.image, url("url")),
            (Space::Itunes, "image") => keep(&mut parts.image, url("href")),
            (Space::Own, "category") => {
                let Some(term) = url("term") else { return false };
                parts.categories.push(term);
            }
            (Space::Own, "guid") => {
                draft.id_is_no_url = attribute(start, "isPermaLink").is_some_and(|is| is != "true");
                return false;
            }
            (_, _) => return false,
        }
        true
    }

    fn begin(&mut self, field: Field, start: &BytesStart<'_>) -> Place {
        let from = self.xml.node_end();
        self.leaf = Some(Leaf {
            field,
            depth: self.xml.depth(),
            text: String::new(),
            from,
            children: 0,
            inner: (from, from),
            is_xhtml: attribute(start, "type").is_some_and(|kind| kind == "xhtml"),
        });
        Place::Ignored
    }

    fn text(&mut self, text: &str) {
        if let Some(leaf) = &mut self.leaf {
            leaf.text.push_str(text);
        }
    }

    fn close(&mut self) -> Result<(), FormatError> {
        let depth = self.xml.depth();
        if let Some(leaf) = self.leaf.take_if(|leaf| depth < leaf.depth) {
            let parent = self.places.iter().rev().copied().find(|place| *place != Place::Ignored);
            self.take(parent.unwrap_or(Place::Ignored), &leaf);
        } else if let Some(leaf) = &mut self.leaf {
            if depth == leaf.depth && leaf.children == 1 {
                leaf.inner.1 = self.xml.node_start();
            }
            return Ok(());
        }
        match self.places.pop() {
            Some(Place::Entry) => {
                let (id, parts) = std::mem::take(&mut self.entry).finish();
                self.document.push(id, parts)
            }
            Some(Place::Root | Place::Feed | Place::Person | Place::Media | Place::Ignored) | None => Ok(()),
        }
    }

    /// Takes the content of an element whose parent is at `place`.
    fn take(&mut self, place: Place, leaf: &Leaf) {
        let content = match leaf.children {
            0 => leaf.text.as_str(),
            1 if leaf.is_xhtml => self.xml.source(leaf.inner.0, leaf.inner.1),
            _ => self.xml.source(leaf.from, self.xml.node_start()),
        };
        let in_feed = self.places.contains(&Place::Feed) && !self.places.contains(&Place::Entry);
        if place == Place::Feed {
            self.pace.take(leaf.field, content);
        }
        let draft = if in_feed { &mut self.feed } else { &mut self.entry };
        draft.take(leaf.field, content);
    }

    fn finish(mut self) -> Document {
        let language = self.feed.language.take();
        let (id, parts) = self.feed.finish();
        let feed = &mut self.document.feed;
        (feed.id, feed.language) = (id, language);
        (feed.title, feed.url, feed.description) = (parts.title, parts.url, parts.summary);
        (feed.author, feed.updated) = (parts.author, parts.updated.or(parts.published));
        self.document.ttl_seconds = self.pace.seconds();
        self.document
    }
}

impl Draft {
    fn take(&mut self, field: Field, content: &str) {
        let parts = &mut self.parts;
        match field {
            // A `guid` comes before the name of an RSS 1.0 item.
            Field::Id => self.id = tidy(content).or(self.id.take()),
            Field::Title => keep(&mut parts.title, tidy(content)),
            Field::Link => keep(&mut parts.url, tidy(content)),
            Field::Summary => keep(&mut parts.summary, tidy(content)),
            Field::OtherSummary => keep(&mut self.other_summary, tidy(content)),
            Field::Content => keep(&mut parts.content, tidy(content)),
            Field::Author => keep(&mut parts.author, tidy(content)),
            Field::OtherAuthor => keep(&mut self.other_author, tidy(content)),
            Field::Published => keep(&mut parts.published, instant(content)),
            Field::OtherPublished => keep(&mut self.other_published, instant(content)),
            Field::Updated => keep(&mut parts.updated, instant(content)),
            Field::Category => parts.categories.extend(tidy(content)),
            Field::Language => keep(&mut self.language, tidy(content)),
            Field::Ttl | Field::UpdatePeriod | Field::UpdateFrequency => {}
        }
    }

    fn finish(self) -> (Option<String>, Parts) {
        let mut parts = self.parts;
        keep(&mut parts.summary, self.other_summary);
        keep(&mut parts.author, self.other_author);
        keep(&mut parts.published, self.other_published);
        let is_url = |id: &&String| id.starts_with("https://") || id.starts_with("http://");
        if !self.id_is_no_url {
            keep(&mut parts.url, self.id.as_ref().filter(is_url).cloned());
        }
        (self.id, parts)
    }
}

/// The first one counts.
fn keep(slot: &mut Option<String>, found: Option<String>) {
    if slot.is_none() {
        *slot = found;
    }
}

fn enclosure(url: String, start: &BytesStart<'_>, length: &str) -> Enclosure {
    Enclosure {
        url,
        kind: attribute(start, "type").and_then(|kind| tidy(&kind)),
        length: attribute(start, length).and_then(|length| whole_number(&length)),
    }
}

impl Pace {
    fn take(&mut self, field: Field, content: &str) {
        match field {
            Field::Ttl => self.ttl_minutes = whole_number(content),
            Field::UpdateFrequency => self.frequency = whole_number(content),
            Field::UpdatePeriod => self.period_seconds = period_seconds(content.trim()),
            Field::Id
            | Field::Title
            | Field::Link
            | Field::Summary
            | Field::OtherSummary
            | Field::Content
            | Field::Author
            | Field::OtherAuthor
            | Field::Published
            | Field::OtherPublished
            | Field::Updated
            | Field::Category
            | Field::Language => {}
        }
    }

    /// `ttl` before the syndication module. A frequency alone counts for a day, says the module.
    fn seconds(&self) -> Option<u64> {
        const DAY_SECONDS: u64 = 86_400;
        if let Some(minutes) = self.ttl_minutes {
            return Some(minutes.saturating_mul(60));
        }
        let period = self.period_seconds.or(self.frequency.map(|_| DAY_SECONDS))?;
        Some(period / self.frequency.unwrap_or(1).max(1))
    }
}

/// <https://web.resource.org/rss/1.0/modules/syndication/>
fn period_seconds(word: &str) -> Option<u64> {
    Some(match word {
        "hourly" => 3_600,
        "daily" => 86_400,
        "weekly" => 7 * 86_400,
        "monthly" => 30 * 86_400,
        "yearly" => 365 * 86_400,
        _ => return None,
    })
}
