//! A server with a timeline that grows and shrinks, which pages in every way that channels can declare.

use std::collections::BTreeMap;

use http::header;

use super::server::json;
use crate::exchange::{Outbound, Response};

/// How a server pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// `Link` to a numbered page, which moves as the timeline does.
    NumberedLink,
    /// `Link` to what is below an item.
    Link,
    MaxId,
    /// A cursor in the body: what is below an item.
    Cursor,
    /// A cursor in the body: so many elements from the top, which moves as the timeline does.
    MovingCursor,
    /// A cursor in the body, sent back in a POST.
    PostedCursor,
    /// A URL in the body, with the token in it.
    Url,
    Page,
    Offset,
}

pub(super) const PAGINGS: [Paging; 9] = [
    Paging::NumberedLink,
    Paging::Link,
    Paging::MaxId,
    Paging::Cursor,
    Paging::MovingCursor,
    Paging::PostedCursor,
    Paging::Url,
    Paging::Page,
    Paging::Offset,
];

impl Paging {
    /// Whether pages stay where they are when items are deleted.
    pub(super) const fn is_anchored(self) -> bool {
        match self {
            Self::Link | Self::MaxId | Self::Cursor | Self::PostedCursor | Self::Url => true,
            Self::NumberedLink | Self::MovingCursor | Self::Page | Self::Offset => false,
        }
    }

    /// `pages.follow`.
    pub(super) const fn follow(self) -> &'static str {
        match self {
            Self::NumberedLink | Self::Link => "link_header",
            Self::MaxId => "{max_id: max_id}",
            Self::Cursor | Self::MovingCursor => "{cursor: {from: .next, parameter: after}}",
            Self::PostedCursor => "{cursor: {from: .next}}",
            Self::Url => "{url: .next}",
            Self::Page => "{page: {parameter: page}}",
            Self::Offset => "{offset: {parameter: skip}}",
        }
    }

    pub(super) const fn request(self) -> &'static str {
        match self {
            Self::PostedCursor => "{method: POST, path: /t, body: {json: {n: 1, after: \"{{ page }}\"}}}",
            Self::NumberedLink
            | Self::Link
            | Self::MaxId
            | Self::Cursor
            | Self::MovingCursor
            | Self::Url
            | Self::Page
            | Self::Offset => "{path: /t}",
        }
    }

    pub(super) const fn auth(self) -> &'static str {
        match self {
            Self::Url => "{send: {query: access_token}, need: optional}",
            Self::NumberedLink
            | Self::Link
            | Self::MaxId
            | Self::Cursor
            | Self::MovingCursor
            | Self::PostedCursor
            | Self::Page
            | Self::Offset => "{bearer: optional}",
        }
    }
}

/// How ids look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    Growing,
    Random,
}

/// Numbers that look random and repeat with their seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) serial: u64,
    pub(super) is_deleted: bool,
}

/// A timeline and its server.
pub(super) struct Model {
    pub(super) posts: Vec<Post>,
    pub(super) paging: Paging,
    pub(super) ids: Ids,
    pub(super) page_size: usize,
    /// Cursors are good for one poll only.
    pub(super) forgets: bool,
    /// Counted up with every poll.
    pub(super) generation: u64,
    /// Pages come with validators.
    pub(super) validates: bool,
    pub(super) dice: Dice,
}

impl Model {
    pub(super) fn post(&mut self, count: usize) {
        for _ in 0..count {
            let serial = self.posts.len() as u64 + 1;
            self.posts.push(Post { serial, is_deleted: false });
        }
    }

    pub(super) fn delete(&mut self, count: usize) {
        for _ in 0..count {
            // The newest go most often: they are what a walk meets.
            let back = self.dice.below(self.posts.len()).min(self.dice.below(self.posts.len()));
            let place = self.posts.len() - 1 - back;
            self.posts[place].is_deleted = true;
        }
    }

    pub(super) fn id(&self, serial: u64) -> String {
        match self.ids {
            Ids::Growing => (1_000_000_000_000_000_000 + serial).to_string(),
            Ids::Random => format!("p{:016x}", serial.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17)),
        }
    }

    pub(super) fn serial(&self, id: &str) -> u64 {
        self.posts.iter().map(|post| post.serial).find(|&serial| self.id(serial) == id).unwrap()
    }

    /// Several posts share a second.
    fn time(serial: u64) -> u64 {
        59_990_000 + serial / 3
    }

    pub(super) fn answer(&mut self, out: &Outbound) -> Response {
        let query = parameters(out);
        let text = |name: &str| query.get(name).map(String::as_str);
        let live: Vec<u64> =
            self.posts.iter().rev().filter(|post| !post.is_deleted).map(|post| post.serial).collect();
        let start = match (self.paging, text("max_id"), text("after"), text("page"), text("skip")) {
            (_, Some(id), ..) => below(&live, self.serial(id)),
            (_, _, Some(after), ..) => {
                let (generation, after) = after.split_once('.').unwrap();
                if self.forgets && generation != self.generation.to_string() {
                    return self.refusal();
                }
                match after.split_at(1) {
                    ("s", serial) => below(&live, serial.parse().unwrap()),
                    (_, offset) => offset.parse().unwrap(),
                }
            }
            (_, _, _, Some(page), _) => (page.parse::<usize>().unwrap() - 1) * self.page_size,
            (_, _, _, _, Some(skip)) => skip.parse().unwrap(),
            _ => 0,
        };
        let mut shown: Vec<u64> = live.iter().copied().skip(start).take(self.page_size).collect();
        let is_last = start + shown.len() >= live.len();
        let bottom = shown.last().copied();
        // The order within a page is nothing to rely on.
        if self.dice.below(3) == 0 {
            let middle = self.dice.below(shown.len());
            shown.rotate_left(middle);
        }
        let next = bottom.filter(|_| !is_last).map(|bottom| self.next(bottom, start, shown.len()));
        self.page(out, &shown, next)
    }

    fn next(&self, bottom: u64, start: usize, shown: usize) -> String {
        let generation = self.generation;
        match self.paging {
            Paging::NumberedLink => format!("/t?page={}", start / self.page_size + 2),
            Paging::Link => format!("/t?after={generation}.s{bottom}"),
            Paging::Url => format!("/t?access_token=s3cret&after={generation}.s{bottom}"),
            Paging::Cursor | Paging::PostedCursor => format!("{generation}.s{bottom}"),
            Paging::MovingCursor => format!("{generation}.o{}", start + shown),
            Paging::MaxId | Paging::Page | Paging::Offset => String::new(),
        }
    }

    fn page(&self, out: &Outbound, shown: &[u64], next: Option<String>) -> Response {
        let items: Vec<_> = shown
            .iter()
            .map(|&serial| serde_json::json!({"id": self.id(serial), "at": Self::time(serial)}))
            .collect();
        let is_link = matches!(self.paging, Paging::Link | Paging::NumberedLink);
        let in_body = next.as_deref().filter(|next| !is_link && !next.is_empty());
        let body = serde_json::json!({"items": items, "next": in_body});
        let mut response = json(200, &body.to_string());
        if let Some(next) = next.filter(|_| is_link) {
            response.headers.insert(header::LINK, format!("<{next}>; rel=\"next\"").parse().unwrap());
        }
        if self.validates && out.method == http::Method::GET {
            let tag = format!("\"{:x}\"", xxhash_rust::xxh3::xxh3_64(body.to_string().as_bytes()));
            if out.headers.get(header::IF_NONE_MATCH).is_some_and(|sent| *sent == *tag) {
                response = json(304, "");
            }
            response.headers.insert(header::ETAG, tag.parse().unwrap());
        }
        response.uri = out.uri.clone();
        response
    }

    /// A cursor that is no more, as servers say it.
    fn refusal(&mut self) -> Response {
        match self.dice.below(4) {
            0 => json(400, r#"{"error":"bad cursor"}"#),
            1 => json(404, ""),
            2 => json(410, ""),
            _ => json(200, r#"{"error":"bad cursor"}"#),
        }
    }
}

fn below(live: &[u64], serial: u64) -> usize {
    live.iter().position(|&other| other < serial).unwrap_or(live.len())
}

/// The query and, of a POST, the body.
fn parameters(out: &Outbound) -> BTreeMap<String, String> {
    let query = out.uri.query().unwrap_or_default();
    let mut all: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if let Ok(serde_json::Value::Object(body)) = serde_json::from_slice(&out.body) {
        all.extend(body.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    }
    all
}
