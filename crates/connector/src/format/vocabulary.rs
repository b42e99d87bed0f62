//! The names in RSS and Atom feeds, and what they mean.
//!
//! A prefix means what the root element says, or else what it means everywhere: feeds that forget to declare `media:` are
//! as common as feeds that call it otherwise are rare.

/// A namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS without a prefix, or Atom, with one or without.
    Own,
    /// `content:encoded` of RSS.
    Content,
    /// Dublin Core.
    DublinCore,
    /// Media RSS.
    Media,
    Itunes,
    /// `sy:updatePeriod` of RSS.
    Syndication,
    Foreign,
}

/// What an element that is read holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Title,
    Link,
    Summary,
    /// A summary that counts when there is no other.
    OtherSummary,
    Content,
    Author,
    /// An author who counts when there is no other.
    OtherAuthor,
    Published,
    /// A date that counts when there is no other.
    OtherPublished,
    Updated,
    Category,
    Language,
    /// Minutes.
    Ttl,
    UpdatePeriod,
    UpdateFrequency,
}

/// The prefixes of one document.
#[derive(Debug, Default)]
pub(super) struct Prefixes(Vec<(String, Space)>);

impl Prefixes {
    pub(super) fn new(declared: Vec<(String, String)>) -> Self {
        let known = declared.into_iter().filter_map(|(prefix, name)| Some((prefix, by_name(&name)?)));
        Self(known.collect())
    }

    /// The namespace and the name without its prefix.
    pub(super) fn resolve<'n>(&self, name: &'n str) -> (Space, &'n str) {
        let Some((prefix, local)) = name.split_once(':') else { return (Space::Own, name) };
        let declared = self.0.iter().find(|(own, _)| own == prefix).map(|(_, space)| *space);
        (declared.unwrap_or_else(|| by_prefix(prefix)), local)
    }
}

fn by_name(name: &str) -> Option<Space> {
    Some(match name.trim_end_matches(['/', '#']) {
        "http://www.w3.org/2005/Atom" | "http://purl.org/rss/1.0" => Space::Own,
        "http://purl.org/rss/1.0/modules/content" => Space::Content,
        "http://purl.org/dc/elements/1.1" | "http://purl.org/dc/terms" => Space::DublinCore,
        "http://search.yahoo.com/mrss" => Space::Media,
        "http://www.itunes.com/dtds/podcast-1.0.dtd" => Space::Itunes,
        "http://purl.org/rss/1.0/modules/syndication" => Space::Syndication,
        _ => return None,
    })
}

fn by_prefix(prefix: &str) -> Space {
    match prefix {
        "atom" | "rss" | "rdf" => Space::Own,
        "content" => Space::Content,
        "dc" | "dcterms" => Space::DublinCore,
        "media" => Space::Media,
        "itunes" => Space::Itunes,
        "sy" => Space::Syndication,
        _ => Space::Foreign,
    }
}

/// What an element directly in a feed or entry holds; none for one that is not read as text.
pub(super) fn field(space: Space, name: &str) -> Option<Field> {
    Some(match (space, name) {
        (Space::Own, "guid" | "id") => Field::Id,
        (Space::Own, "title") => Field::Title,
        (Space::Own, "link") => Field::Link,
        (Space::Own, "description" | "summary" | "subtitle") => Field::Summary,
        (Space::Media, "description") | (Space::Itunes, "summary") => Field::OtherSummary,
        (Space::Content, "encoded") | (Space::Own, "content") => Field::Content,
        (Space::DublinCore, "creator") | (Space::Itunes, "author") => Field::OtherAuthor,
        (Space::Own, "pubDate" | "published") => Field::Published,
        (Space::DublinCore, "date" | "created") => Field::OtherPublished,
        (Space::Own, "updated" | "lastBuildDate") | (Space::DublinCore, "modified") => Field::Updated,
        (Space::Own, "category") | (Space::DublinCore, "subject") => Field::Category,
        (Space::Own, "language") | (Space::DublinCore, "language") => Field::Language,
        (Space::Own, "ttl") => Field::Ttl,
        (Space::Syndication, "updatePeriod") => Field::UpdatePeriod,
        (Space::Syndication, "updateFrequency") => Field::UpdateFrequency,
        (_, _) => return None,
    })
}
