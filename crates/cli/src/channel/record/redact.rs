//! Takes out of bodies, headers and URLs what belongs to somebody. First everything is looked at, then everything is
//! rewritten: a name that is found in one place is replaced in all.

use std::collections::BTreeMap;

use pollwheel_connector::recording::Tree;

use super::markup::{self, Piece};
use super::names::{Means, is_the_apis};
use super::patterns;
use super::pseudonym::Pseudonyms;
use crate::channel::live::{Secrets, decoded, is_secret_parameter, percent};

/// Characters of a number that is replaced wherever it is found.
const SHORTEST_NUMBER: usize = 4;
/// Longer texts are prose and not somebody's name with an address.
const MAX_NAME_BYTES: usize = 200;
/// Names of parameters that say too little of their values, in a URL.
const VAGUE: [&str; 3] = ["by", "from", "name"];
/// Ends of a part of a URL that are not of the name in it: `@ada`, `ada.json`.
const AROUND_NAMES: [char; 10] = ['@', '~', '.', ':', ',', ';', '!', '*', '(', ')'];

/// What is taken out, and what stands for it.
#[derive(Debug)]
pub(super) struct Redactor {
    secrets: Secrets,
    /// Member names that the caller wants redacted.
    more: Vec<String>,
    pseudonyms: Pseudonyms,
    /// How often each rule found something.
    counts: BTreeMap<String, usize>,
}

impl Redactor {
    pub(super) fn new(secrets: &Secrets, more: &[String]) -> Self {
        let mut redactor = Self {
            secrets: secrets.clone(),
            more: more.to_vec(),
            pseudonyms: Pseudonyms::default(),
            counts: BTreeMap::new(),
        };
        for (name, secret) in secrets.iter() {
            let stand_in = stand_in(name);
            redactor.pseudonyms.set(&percent(secret), stand_in.clone());
            redactor.pseudonyms.set(secret, stand_in);
            redactor.count(if name.starts_with("application_") {
                "secret of the application"
            } else {
                "secret of the account"
            });
        }
        redactor
    }

    /// What stands for a secret: the same in the case's credentials as in what was sent.
    pub(super) fn stand_in(&self, name: &str, secret: &str) -> String {
        self.pseudonyms.get(secret).map_or_else(|| stand_in(name), ToOwned::to_owned)
    }

    /// A text that is somebody's, wherever it is found.
    pub(super) fn know(&mut self, text: &str, rule: &str) -> String {
        self.count(rule);
        self.pseudonyms.of_value(text)
    }

    /// A text that stands for another one, wherever it is found.
    pub(super) fn replace(&mut self, text: &str, with: &str, rule: &str) {
        self.count(rule);
        self.pseudonyms.set(text, with.to_owned());
    }

    /// Looks through a body.
    pub(super) fn learn(&mut self, tree: &Tree) {
        self.learn_as(tree, Means::Nothing, "");
    }

    fn learn_as(&mut self, tree: &Tree, means: Means, name: &str) {
        match tree {
            Tree::Map(members) => {
                for (name, value) in members {
                    self.learn_text(name);
                    self.learn_as(value, means.within(Means::of(name, &self.more)), name);
                }
            }
            Tree::List(elements) => {
                for element in elements {
                    self.learn_as(element, means, name);
                }
            }
            Tree::Text(text) => self.learn_value(text, means, name),
            // A number may be a telephone's, or a place.
            Tree::Atom(raw) if is_number(raw) && matches!(means, Means::Personal | Means::Secret) => {
                self.learn_value(raw, means, name);
            }
            Tree::Atom(_) => {}
        }
    }

    fn learn_value(&mut self, text: &str, means: Means, name: &str) {
        if text.is_empty() {
            return;
        }
        match means {
            Means::Nothing => self.learn_text(text),
            Means::Person if is_the_apis(name, text) => self.learn_text(text),
            Means::Personal | Means::Person => {
                if !self.learn_named_address(text, name) {
                    self.know(text, &format!("`{name}`"));
                }
            }
            Means::Secret => self.know_secret(text, name, &format!("`{name}`")),
        }
    }

    /// `Ada <ada@mail.example>`, `ada@mail.example (Ada)`: name and address, each known by itself.
    fn learn_named_address(&mut self, text: &str, name: &str) -> bool {
        let found = patterns::find(text);
        let is_whole = found.iter().any(|(range, _)| range.len() == text.len());
        if found.is_empty() || is_whole || text.len() > MAX_NAME_BYTES {
            return false;
        }
        self.learn_text(text);
        let mut rest = text.to_owned();
        for (range, _) in found.into_iter().rev() {
            rest.replace_range(range, "<>");
        }
        for piece in rest.split(['(', ')', '<', '>', '"', '[', ']', ',']) {
            if piece.chars().any(char::is_alphanumeric) {
                self.know(piece.trim(), &format!("`{name}`"));
            }
        }
        true
    }

    /// Looks through a text: a header's value, a URL, a body that is no JSON.
    pub(super) fn learn_text(&mut self, text: &str) {
        for (range, kind) in patterns::find(text) {
            let Some(found) = text.get(range) else { continue };
            self.count(kind.word());
            self.pseudonyms.of_pattern(found, kind);
        }
        self.learn_parameters(text);
        self.learn_login(text);
        // JSON within a text.
        if text.starts_with(['{', '['])
            && let Ok(tree) = Tree::parse(text)
        {
            self.learn(&tree);
        }
    }

    /// What the query of a URL says, by the names of its parameters.
    fn learn_parameters(&mut self, text: &str) {
        for pair in text.split(['?', '&', '<', '>', ' ', '"', ',', ';', '#']) {
            let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty()) else {
                continue;
            };
            let rule = || format!("parameter `{name}`");
            let plain = decoded(value);
            let means = Means::of(&decoded(name), &self.more);
            if is_secret_parameter(name) || means == Means::Secret {
                self.know_secret(&plain, name, &rule());
            } else if means != Means::Nothing && !VAGUE.contains(&name) && !is_the_apis(name, &plain) {
                self.know(&plain, &rule());
            }
        }
    }

    /// A URL's user and password: `https://ada:secret@x.example/`.
    fn learn_login(&mut self, text: &str) {
        for (at, scheme) in text.match_indices("://") {
            let rest = text.get(at + scheme.len()..).unwrap_or_default();
            let authority = rest.split(['/', '?', '#', ' ', '"', '<', '>']).next().unwrap_or_default();
            let Some((login, _)) = authority.rsplit_once('@') else { continue };
            for part in login.split(':').filter(|part| !part.is_empty()) {
                self.know_secret(&decoded(part), "login", "login in a URL");
            }
        }
    }

    fn know_secret(&mut self, text: &str, name: &str, rule: &str) {
        self.secrets.add(name, text);
        let pseudonym = self.know(text, rule);
        self.pseudonyms.set(&percent(text), percent(&pseudonym));
    }

    /// Looks through markup, by its tags: `<name>Ada</name>`.
    pub(super) fn learn_markup(&mut self, text: &str) {
        for Piece { tag, means, raw, text } in markup::pieces(text, &self.more.clone()) {
            self.learn_value(&text, means, &format!("<{tag}>"));
            // The same text is written in several ways.
            if let Some(pseudonym) = self.pseudonyms.get(&text).map(markup::escaped) {
                self.pseudonyms.set(raw, pseudonym.clone());
                self.pseudonyms.set(&markup::escaped(&text), pseudonym);
            }
        }
        self.learn_text(text);
    }

    /// A body without it all.
    pub(super) fn rewrite(&self, tree: &Tree) -> Tree {
        self.rewrite_as(tree, Means::Nothing)
    }

    fn rewrite_as(&self, tree: &Tree, means: Means) -> Tree {
        match tree {
            Tree::Map(members) => {
                let member = |(name, value): &(String, Tree)| {
                    (
                        self.rewrite_name(name),
                        self.rewrite_as(value, means.within(Means::of(name, &self.more))),
                    )
                };
                Tree::Map(members.iter().map(member).collect())
            }
            Tree::List(elements) => {
                Tree::List(elements.iter().map(|element| self.rewrite_as(element, means)).collect())
            }
            Tree::Text(text) => Tree::Text(self.rewrite_text(text)),
            // A short number that is somebody's is a count elsewhere.
            Tree::Atom(raw)
                if raw.len() >= SHORTEST_NUMBER || matches!(means, Means::Personal | Means::Secret) =>
            {
                Tree::Atom(self.pseudonyms.get(raw).unwrap_or(raw).into())
            }
            Tree::Atom(raw) => Tree::Atom(raw.clone()),
        }
    }

    /// A member's name: an address may be one, and a secret.
    fn rewrite_name(&self, name: &str) -> String {
        let is_telling =
            !patterns::find(name).is_empty() || self.secrets.iter().any(|(_, secret)| name.contains(secret));
        if is_telling { self.rewrite_text(name) } else { name.to_owned() }
    }

    /// A text without it all.
    pub(super) fn rewrite_text(&self, text: &str) -> String {
        self.pseudonyms.within(text)
    }

    /// A URL's path and query without it all. Names are replaced where they are a whole part: one within a part is the
    /// API's own word.
    pub(super) fn rewrite_target(&self, target: &str) -> String {
        let mut rewritten = String::with_capacity(target.len());
        for part in target.split_inclusive(['/', '?', '&', '=']) {
            let end = part.len() - usize::from(part.ends_with(['/', '?', '&', '=']));
            let (part, separator) = part.split_at(end);
            match self.pseudonyms.get(part).or_else(|| self.pseudonyms.get(&decoded(part))) {
                Some(known) => rewritten.push_str(&percent(&decoded(known))),
                None => rewritten.push_str(&self.part(part)),
            }
            rewritten.push_str(separator);
        }
        rewritten
    }

    /// A part of a URL with a name, and a sign or an ending that is not of it.
    fn part(&self, part: &str) -> String {
        let pieces = part.split_inclusive(AROUND_NAMES);
        let piece = |piece: &str| {
            let name = piece.trim_end_matches(AROUND_NAMES);
            let known = self
                .pseudonyms
                .get(name)
                .filter(|_| name.len() >= SHORTEST_NUMBER && name.len() < part.len());
            known.map_or_else(
                || piece.to_owned(),
                |known| format!("{}{}", percent(known), piece.get(name.len()..).unwrap_or_default()),
            )
        };
        self.without_secrets(&pieces.map(piece).collect::<String>())
    }

    fn without_secrets(&self, part: &str) -> String {
        let mut part = part.to_owned();
        for (_, secret) in self.secrets.iter() {
            for form in [secret.to_owned(), percent(secret)] {
                if let Some(known) = self.pseudonyms.get(&form) {
                    part = part.replace(&form, known);
                }
            }
        }
        part
    }

    /// What must not be in a case and is, as a rule's name.
    pub(super) fn left_in(&self, text: &str) -> Option<String> {
        let is_left = |secret: &str| {
            if secret.bytes().all(|byte| byte.is_ascii_digit()) {
                return text.split(|char: char| !char.is_alphanumeric()).any(|word| word == secret);
            }
            // The text is JSON, in which a line break is written.
            let written = serde_json::to_string(secret).unwrap_or_default();
            [secret, written.trim_matches('"'), &percent(secret)].iter().any(|form| text.contains(form))
        };
        let secret = self.secrets.iter().find(|(_, secret)| is_left(secret));
        secret.map(|(name, _)| format!("the secret `{name}`"))
    }

    /// How often each rule found something.
    pub(super) const fn report(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }

    fn count(&mut self, rule: &str) {
        *self.counts.entry(rule.to_owned()).or_default() += 1;
    }
}

/// What stands for a secret of the account or of the application.
fn stand_in(name: &str) -> String {
    format!("redacted-{}", name.replace('_', "-"))
}

fn is_number(raw: &str) -> bool {
    raw.starts_with(|char: char| char.is_ascii_digit() || char == '-')
}

#[cfg(test)]
mod tests;
