//! `items`.

use super::not_jq;
use crate::channel::file::{ItemsFile, Text, TextOr};
use crate::channel::items::{ItemRules, Kind};
use crate::channel::problem::Problems;
use crate::format::Format;
use crate::pick::Names;
use crate::select::{List, Selector};

pub(super) fn items(file: &ItemsFile, field: &str, problems: &mut Problems) -> Option<ItemRules> {
    let list = list(file, &format!("{field}.list"), problems);
    let mut names = Names::default();
    let mut select = |name: &str, code: &Text| {
        let compiled = Selector::compile(&code.value, &mut names);
        problems.take(code, format!("{field}.{name}"), compiled.map_err(not_jq))
    };
    let id = select("id", &file.id);
    let data = select("data", &file.data);
    let keep = file.keep.as_ref().map(|keep| select("keep", keep));
    let time = file.time.as_ref().map(|time| select("time", time));
    let subject = file.subject.as_ref().map(|subject| select("subject", subject));
    let kind = match &file.kind.value {
        TextOr::Text(kind) => Some(Kind::Fixed(kind.clone())),
        TextOr::Map(fields) => select("type.jq", &fields.jq).map(Kind::Selected),
    };
    if let Some(Kind::Fixed(kind)) = &kind
        && (kind.is_empty()
            || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)))
    {
        let message =
            format!("`{}` is not an event type: use letters, digits, `.`, `_` and `-`", kind.escape_debug());
        problems.with(&file.kind, format!("{field}.type"), message);
    }
    Some(ItemRules {
        format: file.format,
        list: list?,
        keep: sound(keep)?,
        id: id?,
        time: sound(time)?,
        kind: kind?,
        subject: sound(subject)?,
        data: data?,
        dedupe_version: file.dedupe_version,
        names,
    })
}

fn list(file: &ItemsFile, field: &str, problems: &mut Problems) -> Option<List> {
    match (&file.list, file.format) {
        (Some(list), _) => problems.take(list, field, List::compile(&list.value).map_err(not_jq)),
        (None, Format::Feed | Format::Rss | Format::Atom | Format::JsonFeed) => {
            List::compile(".entries").ok()
        }
        (None, Format::Json | Format::Ndjson) => {
            problems.with(&file.id, field, "is missing: say where the list is in a response");
            None
        }
    }
}

/// Absent is not wrong.
#[expect(clippy::option_option, reason = "absent is not wrong")]
fn sound<T>(compiled: Option<Option<T>>) -> Option<Option<T>> {
    match compiled {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}
