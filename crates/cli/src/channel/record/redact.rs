//! Takes out of bodies, headers and URLs what belongs to somebody. First everything is looked at, then everything is
//! rewritten: a name that is found in one place is replaced in all.

use std::collections::BTreeMap;

use pollwheel_connector::recording::Tree;

use super::names::Means;
use super::patterns::{self, Kind};
use super::pseudonym::Pseudonyms;
use crate::channel::live::{Secrets, is_secret_parameter, percent};

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
            redactor.count("secret of the account");
        }
        redactor
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
                    let own = Means::of(name, &self.more);
                    self.learn_as(value, inherited(means, own), name);
                }
            }
            Tree::List(elements) => {
                for element in elements {
                    self.learn_as(element, means, name);
                }
            }
            Tree::Text(text) => self.learn_value(text, means, name),
            // A number may be a telephone's, or a place.
            Tree::Atom(raw) if raw.starts_with(|char: char| char.is_ascii_digit() || char == '-') => {
                if matches!(means, Means::Personal | Means::Secret) {
                    self.learn_value(raw, means, name);
                }
            }
            Tree::Atom(_) => {}
        }
    }

    fn learn_value(&mut self, text: &str, means: Means, name: &str) {
        match means {
            Means::Nothing => self.learn_text(text),
            Means::Personal | Means::Person if text.is_empty() => {}
            Means::Personal | Means::Person => _ = self.know(text, &format!("`{name}`")),
            Means::Secret if text.is_empty() => {}
            Means::Secret => {
                self.secrets.add(name, text);
                _ = self.know(text, &format!("`{name}`"));
            }
        }
    }

    /// Looks through a text: a header's value, a URL, a body that is no JSON.
    pub(super) fn learn_text(&mut self, text: &str) {
        for (range, kind) in patterns::find(text) {
            let Some(found) = text.get(range) else { continue };
            self.count(match kind {
                Kind::Mail => "mail address",
                Kind::Phone => "telephone number",
                Kind::Ip => "network address",
            });
            self.pseudonyms.of_pattern(found, kind);
        }
        self.learn_parameters(text);
    }

    /// Secrets in the query of a URL, by the names of their parameters.
    fn learn_parameters(&mut self, text: &str) {
        for pair in text.split(['?', '&', '<', '>', ' ', '"', ',', ';', '#']) {
            if let Some((name, value)) = pair.split_once('=')
                && is_secret_parameter(name)
                && !value.is_empty()
            {
                self.secrets.add(name, value);
                self.know(value, &format!("parameter `{name}`"));
            }
        }
    }

    /// Elements of markup with somebody's name, by their tags: `<name>Ada</name>`.
    pub(super) fn learn_markup(&mut self, text: &str) {
        for piece in text.split('<').skip(1) {
            let Some((tag, content)) = piece.split_once('>') else { continue };
            let tag = tag.split([' ', '/']).next().unwrap_or_default();
            let local = tag.rsplit(':').next().unwrap_or_default();
            let content = content.trim();
            if !content.is_empty() && Means::of(local, &self.more) != Means::Nothing {
                self.know(content, &format!("`<{tag}>`"));
            }
        }
        self.learn_text(text);
    }

    /// A body without it all.
    pub(super) fn rewrite(&self, tree: &Tree) -> Tree {
        match tree {
            Tree::Map(members) => {
                let member = |(name, value): &(String, Tree)| (name.clone(), self.rewrite(value));
                Tree::Map(members.iter().map(member).collect())
            }
            Tree::List(elements) => {
                Tree::List(elements.iter().map(|element| self.rewrite(element)).collect())
            }
            Tree::Text(text) => Tree::Text(self.rewrite_text(text)),
            Tree::Atom(raw) => Tree::Atom(self.pseudonyms.get(raw).unwrap_or(raw).into()),
        }
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
                Some(known) => rewritten.push_str(&percent(known)),
                None => rewritten.push_str(&self.without_secrets(part)),
            }
            rewritten.push_str(separator);
        }
        rewritten
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
        let secret = self.secrets.iter().find(|(_, secret)| text.contains(*secret));
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

/// What stands for a secret of the account.
pub(super) fn stand_in(name: &str) -> String {
    format!("redacted-{}", name.replace('_', "-"))
}

/// A name within a person's object may add to what is known of it, and never takes it away.
const fn inherited(outer: Means, own: Means) -> Means {
    match (outer, own) {
        (Means::Secret, _) => Means::Secret,
        (Means::Personal, Means::Secret) => Means::Secret,
        (Means::Personal, _) => Means::Personal,
        (Means::Nothing | Means::Person, own) => own,
    }
}

fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let mut secrets = Secrets::default();
        secrets.add("token", "t0p/secret");
        Redactor::new(&secrets, &["quirk".to_owned()])
    }

    #[test]
    fn r28_what_belongs_to_somebody_is_replaced_in_every_place() {
        let body = Tree::parse(
            r#"{"id": "1002", "author": "ada_l", "user": {"id": 7, "display_name": "Ada Lovelace", "mobile": 491701234567},
               "text": "Ada Lovelace wrote to bob@mail.example from 10.0.0.9, says t0p/secret", "quirk": "odd value",
               "next": "https://x.example/users/ada_l/posts?access_token=t0p%2Fsecret&page=2"}"#,
        )
        .unwrap();
        let mut redactor = redactor();
        redactor.learn(&body);
        let text = redactor.rewrite(&body).compact();
        for planted in ["ada_l", "Lovelace", "491701234567", "bob@", "10.0.0.9", "t0p", "odd value"] {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
        assert!(text.contains(r#""id":"1002""#) && text.contains(r#""id":7"#), "ids stay: {text}");
        let again = redactor.rewrite_target("/users/ada_l/posts?access_token=t0p%2Fsecret&page=2");
        assert!(text.contains(&format!("https://x.example{again}")), "{again} is not the link in {text}");
        assert_eq!(redactor.left_in(&text), None);
        assert_eq!(redactor.left_in("x t0p/secret"), Some("the secret `token`".to_owned()));
        assert_eq!(redactor.report().get("`author`"), Some(&1));
    }

    #[test]
    fn r28_markup_and_cookies_are_looked_through() {
        let mut redactor = redactor();
        let feed = "<feed><author><name>Ada Lovelace</name></author><title>By Ada Lovelace</title></feed>";
        redactor.learn_markup(feed);
        let text = redactor.rewrite_text(feed);
        assert!(!text.contains("Lovelace") && text.starts_with("<feed><author><name>"), "{text}");
        redactor.learn_text("https://x.example/feed?sig=abcdef123");
        assert!(redactor.rewrite_target("/feed?sig=abcdef123").starts_with("/feed?sig="));
        assert!(!redactor.rewrite_target("/feed?sig=abcdef123").contains("abcdef123"));
    }
}
