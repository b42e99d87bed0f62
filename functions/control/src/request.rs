//! One invocation: a command, or an event of the bus that stands for one.

use pollwheel_connector::members::{Flaw, Object};

use crate::command::{Command, Declared};

/// Who is told of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody who reads the answer.
    Direct,
    /// The bus, which reads none: a refusal must be a failure there, or the event would be gone.
    Bus,
}

/// Reads an invocation.
pub(crate) fn read(text: &str, declared: Declared<'_>) -> (Caller, Result<Command, Vec<Flaw>>) {
    let mut object = match Object::parse(text) {
        Ok(object) => object,
        Err(_) => {
            let flaw = Flaw::of_line("the event is not a JSON object: send `{\"command\": ...}`");
            return (Caller::Direct, Err(vec![flaw]));
        }
    };
    match object.take("detail-type") {
        Some(kind) => (Caller::Bus, of_event(kind.get(), object, declared)),
        None => (Caller::Direct, Command::read(object, declared)),
    }
}

fn of_event(kind: &str, mut event: Object, declared: Declared<'_>) -> Result<Command, Vec<Flaw>> {
    let name = match kind {
        r#""account.connected""# => "register",
        r#""account.plan_changed""# => "change",
        r#""account.disconnected""# => "remove",
        _ => {
            let message = "is none that this function serves: use `account.connected`, `account.plan_changed` or `account.disconnected`";
            return Err(vec![Flaw::of("detail-type", message)]);
        }
    };
    let Some(detail) = event.take("detail") else {
        return Err(vec![Flaw::of("detail", "is missing: it holds the fields of the command")]);
    };
    let refuse = |_| vec![Flaw::of("detail", "is not a JSON object: it holds the fields of the command")];
    Command::of(name, Object::parse(detail.get()).map_err(refuse)?, declared)
}
