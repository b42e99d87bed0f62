//! How the events of one recorded poll change.

use pollwheel_connector::recording::{Deviation, Difference, Played, Tree, differences};
use serde_json::{Value, json};

use crate::channel::count;
use crate::channel::diff::{self, Ink};
use crate::exit::Failure;
use crate::output::Output;

/// What a changed channel file changes in one case.
#[derive(Debug)]
pub(super) struct Change {
    case: String,
    /// Ids of events that come.
    added: Vec<Tree>,
    /// Ids of events that no longer come.
    removed: Vec<Tree>,
    /// The same event under another id: what it was, what it is, and why.
    renamed: Vec<(Tree, Tree, &'static str)>,
    /// Fields of events that stay.
    changed: Vec<Difference>,
    /// Outcome and hints.
    around: Vec<Difference>,
    /// Requests that are not the recorded ones. Their answers were taken all the same.
    asked: Vec<Deviation>,
    /// The case cannot be run any more.
    lost: Option<String>,
}

impl Change {
    /// From what a poll came to, to what it comes to.
    pub(super) fn between(case: &str, old: &Played, new: Played) -> Self {
        let none = Tree::List(Vec::new());
        let items = |played: &Played| played.comes_to.get("items").unwrap_or(&none).clone();
        let (olds, news) = (items(old), items(&new));
        let mut change = Self::empty(case);
        let without = |list: &Tree, other: &Tree| -> Vec<Tree> {
            let known = |item: &Tree| other.elements().iter().any(|known| known.get("id") == item.get("id"));
            list.elements().iter().filter(|item| !known(item)).cloned().collect()
        };
        change.removed = without(&olds, &news);
        change.added = without(&news, &olds);
        change.pair();
        for difference in differences(&old.comes_to, &new.comes_to) {
            if !difference.field.starts_with("items") {
                change.around.push(difference);
            } else if difference.field.contains("].")
                || (difference.old.is_some() && difference.new.is_some())
            {
                change.changed.push(difference);
            }
        }
        change.versions(&olds, &news);
        change.asked = new.deviations.into_iter().filter(|asked| !old.deviations.contains(asked)).collect();
        change
    }

    /// A case that the changed file has no job type for.
    pub(super) fn lost(case: &str, old: &Played, reason: String) -> Self {
        let mut change = Self::empty(case);
        change.removed = old.comes_to.get("items").map(|items| items.elements().to_vec()).unwrap_or_default();
        change.lost = Some(reason);
        change
    }

    fn empty(case: &str) -> Self {
        Self {
            case: case.to_owned(),
            added: Vec::new(),
            removed: Vec::new(),
            renamed: Vec::new(),
            changed: Vec::new(),
            around: Vec::new(),
            asked: Vec::new(),
            lost: None,
        }
    }

    /// Events that come and go with the same data and time are the same under another id.
    fn pair(&mut self) {
        let mut left = Vec::new();
        for old in std::mem::take(&mut self.removed) {
            let same = |new: &Tree| new.get("data") == old.get("data") && new.get("time") == old.get("time");
            match self.added.iter().position(same) {
                Some(at) => {
                    let new = self.added.remove(at);
                    self.renamed.push((old, new, "its item id"));
                }
                None => left.push(old),
            }
        }
        self.removed = left;
    }

    /// The version is part of the event's id.
    fn versions(&mut self, olds: &Tree, news: &Tree) {
        for old in olds.elements() {
            let new = news.elements().iter().find(|new| new.get("id") == old.get("id"));
            let version = |item: &Tree| item.get("dedupe_version").cloned();
            if let Some(new) = new.filter(|new| version(new) != version(old)) {
                self.renamed.push((old.clone(), new.clone(), "its `dedupe_version`"));
            }
        }
    }

    /// Whether nothing changed.
    pub(super) fn is_none(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.renamed.is_empty()
            && self.changed.is_empty()
            && self.around.is_empty()
            && self.asked.is_empty()
            && self.lost.is_none()
    }

    /// Whether consumers get something again that they have.
    pub(super) fn is_seen_anew(&self) -> bool {
        !self.renamed.is_empty()
    }

    pub(super) fn show(&self, ink: Ink, output: &mut Output) -> Result<(), Failure> {
        if self.is_none() {
            return output.line(format_args!("  {} {}", ink.good("same"), self.case));
        }
        output.line(format_args!("  {} {}: {}", ink.bad("other"), self.case, self.summary()))?;
        if let Some(reason) = &self.lost {
            output.line(format_args!("    {reason}"))?;
        }
        for item in &self.removed {
            output.line(format_args!("    {}", ink.minus(&name(item))))?;
        }
        for item in &self.added {
            output.line(format_args!("    {}", ink.plus(&name(item))))?;
        }
        for (old, new, why) in &self.renamed {
            output.line(format_args!("    {} gets another event id by {why}", name(old)))?;
            if old.get("id") != new.get("id") {
                output.line(format_args!("      {}", ink.minus(&id(old))))?;
                output.line(format_args!("      {}", ink.plus(&id(new))))?;
            }
        }
        for difference in self.changed.iter().chain(&self.around) {
            diff::show(output, ink, 4, difference)?;
        }
        for deviation in &self.asked {
            diff::show_deviation(output, ink, 4, deviation)?;
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let mut parts = Vec::new();
        if self.lost.is_some() {
            parts.push("it cannot be run with the changed file".to_owned());
        }
        for (list, word) in [(self.added.len(), "added"), (self.removed.len(), "removed")] {
            if list > 0 {
                parts.push(format!("{} {word}", count(list, "event")));
            }
        }
        if !self.renamed.is_empty() {
            parts.push(format!("{} under another id", count(self.renamed.len(), "event")));
        }
        if !self.changed.is_empty() {
            parts.push(format!("{} changed", count(self.changed.len(), "field")));
        }
        if !self.around.is_empty() {
            parts.push("another outcome".to_owned());
        }
        if !self.asked.is_empty() {
            parts.push("other requests (the recorded answers were taken)".to_owned());
        }
        parts.join(", ")
    }

    pub(super) fn json(&self) -> Value {
        let ids = |items: &[Tree]| items.iter().map(id).collect::<Vec<_>>();
        let renamed =
            |(old, new, why): &(Tree, Tree, &str)| json!({"old": id(old), "new": id(new), "by": why});
        json!({
            "case": self.case,
            "same": self.is_none(),
            "added": ids(&self.added),
            "removed": ids(&self.removed),
            "other_ids": self.renamed.iter().map(renamed).collect::<Vec<_>>(),
            "changed": self.changed.iter().map(diff::json).collect::<Vec<_>>(),
            "outcome": self.around.iter().map(diff::json).collect::<Vec<_>>(),
            "requests": self.asked.iter().map(diff::deviation_json).collect::<Vec<_>>(),
            "lost": self.lost,
        })
    }
}

fn id(item: &Tree) -> String {
    diff::shown(item.get("id").and_then(Tree::as_str).unwrap_or_default())
}

/// An event, in short: its type and the item's id.
fn name(item: &Tree) -> String {
    let kind = item.get("type").and_then(Tree::as_str).unwrap_or_default();
    format!("{} {}", diff::shown(kind), id(item))
}
