//! Differences, for people: a line for the field, one for what it was, one for what it is.

use pollwheel_connector::recording::{Deviation, Difference, Tree};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::Output;
use crate::screen::Screen;

/// Longest value shown, in characters: the field says where to look for the rest.
const MAX_SHOWN_CHARS: usize = 400;

/// Whether differences are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Coloured,
}

impl Ink {
    /// Coloured where a person reads, unless the environment asks for none. <https://no-color.org>
    pub(super) fn of(screen: &Screen) -> Self {
        let is_asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if screen.stdout_is_terminal() && !is_asked_for_none { Self::Coloured } else { Self::Plain }
    }

    pub(super) fn minus(self, text: &str) -> String {
        self.paint("31", &format!("- {text}"))
    }

    pub(super) fn plus(self, text: &str) -> String {
        self.paint("32", &format!("+ {text}"))
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// Shows a difference, `indent` spaces in.
pub(super) fn show(
    output: &mut Output,
    ink: Ink,
    indent: usize,
    difference: &Difference,
) -> Result<(), Failure> {
    let Difference { field, old, new } = difference;
    output.line(format_args!("{:indent$}{field}", ""))?;
    let text = |tree: &Option<Tree>| tree.as_ref().map(|tree| shown(&tree.compact()));
    sides(output, ink, indent + 2, (text(old), text(new)))
}

/// Shows how a request differs from the recorded one.
pub(super) fn show_deviation(
    output: &mut Output,
    ink: Ink,
    indent: usize,
    deviation: &Deviation,
) -> Result<(), Failure> {
    let Deviation { exchange, what, recorded, asked } = deviation;
    let missing = match (recorded, asked) {
        (None, Some(_)) => ": is not recorded",
        (Some(_), None) if what == "request" => ": was not made",
        (None | Some(_), None | Some(_)) => "",
    };
    output.line(format_args!("{:indent$}exchanges[{}].{what}{missing}", "", exchange - 1))?;
    let text = |side: &Option<String>| side.as_deref().map(shown);
    sides(output, ink, indent + 2, (text(recorded), text(asked)))
}

fn sides(
    output: &mut Output,
    ink: Ink,
    indent: usize,
    (old, new): (Option<String>, Option<String>),
) -> Result<(), Failure> {
    if let Some(old) = old {
        output.line(format_args!("{:indent$}{}", "", ink.minus(&old)))?;
    }
    if let Some(new) = new {
        output.line(format_args!("{:indent$}{}", "", ink.plus(&new)))?;
    }
    Ok(())
}

/// What may be shown of a text on one line: no control character reaches a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(MAX_SHOWN_CHARS).flat_map(plain).collect();
    let left = chars.count();
    if left > 0 {
        short.push_str(&format!("... ({left} characters more)"));
    }
    short
}

fn plain(char: char) -> Vec<char> {
    if char.is_control() { char.escape_default().collect() } else { vec![char] }
}

/// A difference as JSON; `old` and `new` are absent where there is none.
pub(super) fn json(difference: &Difference) -> Value {
    let Difference { field, old, new } = difference;
    let mut object = json!({ "field": field });
    for (name, side) in [("old", old), ("new", new)] {
        if let Some(tree) = side {
            object[name] = value(tree);
        }
    }
    object
}

pub(super) fn deviation_json(deviation: &Deviation) -> Value {
    let Deviation { exchange, what, recorded, asked } = deviation;
    json!({ "exchange": exchange, "what": what, "recorded": recorded, "asked": asked })
}

/// Numbers beyond 64 bits lose digits here; the text of the difference keeps them.
fn value(tree: &Tree) -> Value {
    serde_json::from_str(&tree.compact()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_safe_for_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        let long = shown(&"x".repeat(500));
        assert!(long.ends_with("xxx... (100 characters more)"), "{long}");
        assert_eq!(Ink::Plain.minus("x"), "- x");
        assert_eq!(Ink::Coloured.plus("x"), "\u{1b}[32m+ x\u{1b}[0m");
    }
}
