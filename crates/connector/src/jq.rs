//! jq filters: compiled once, run on one element at a time.
//!
//! A filter sees its input and nothing else: `env`, `now`, `input` and the like do not exist, so the same response always
//! gives the same items, and no secret of the process can end up in one.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Compiler, Ctx, Vars, data, load, unwrap_valr};
use jaq_json::{Num, Val};
use serde_json::value::RawValue;

use crate::json::{self, JsonError, MAX_DEPTH};

type Data = data::JustLut<Val>;

/// A compiled filter.
pub(crate) struct Filter(jaq_core::Filter<Data>);

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filter")
    }
}

/// Why a filter gave no usable value. The messages carry no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Input(#[from] JsonError),
    // jq's own message quotes the values at fault.
    #[error("the filter fails on it")]
    Failed,
    #[error("the filter gives {0} values for it instead of one")]
    NotOne(&'static str),
    #[error("the filter's result cannot be written as JSON")]
    NotJson,
}

/// What jq reads: an element, parsed.
pub(crate) struct Input(Val);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

impl Input {
    /// Parses valid JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, RunError> {
        json::check_depth(text)?;
        let value = jaq_json::read::parse_single(text.as_bytes());
        value.map(Self).map_err(|_| RunError::Input(JsonError::Syntax("bad escape in a string".to_owned())))
    }
}

impl Filter {
    /// Compiles `code`.
    ///
    /// # Errors
    /// What jq does not understand of it, and where.
    pub(crate) fn compile(code: &str) -> Result<Self, String> {
        let defs =
            jaq_core::defs().chain(jaq_std::defs().filter(|def| is_pure(def.name))).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs().filter(|fun| is_pure(fun.0))).chain(json_funs());
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { code, path: () })
            .map_err(|errors| load_message(code, errors))?;
        let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
            let undefined = errors.iter().flat_map(|(_, errors)| errors);
            let named = undefined.map(|(name, kind)| format!("undefined {} `{name}`", kind.as_str()));
            named.collect::<Vec<_>>().join(", ")
        })?;
        Ok(Self(filter))
    }

    /// The filter's one value for `input`, as JSON.
    pub(crate) fn run(&self, input: &Input) -> Result<Box<RawValue>, RunError> {
        let ctx = Ctx::<Data>::new(&self.0.lut, Vars::new([]));
        let mut values = self.0.id.run((ctx, input.0.clone())).map(unwrap_valr);
        let value = match values.next() {
            None => return Err(RunError::NotOne("no")),
            Some(value) => value.map_err(|_| RunError::Failed)?,
        };
        if values.next().is_some() {
            return Err(RunError::NotOne("several"));
        }
        let mut text = Vec::with_capacity(256);
        write(&value, 0, &mut text).ok_or(RunError::NotJson)?;
        let text = String::from_utf8(text).map_err(|_| RunError::NotJson)?;
        RawValue::from_string(text).map_err(|_| RunError::NotJson)
    }
}

/// Whether a filter of the standard library depends on nothing but its input, and has no effect but its output.
fn is_pure(name: &str) -> bool {
    !matches!(
        name,
        "env"
            | "now"
            | "localtime"
            | "mktime"
            | "strflocaltime"
            | "input"
            | "inputs"
            | "debug"
            | "debug_empty"
            | "stderr"
            | "stderr_empty"
            | "halt"
            | "halt_error"
            | "input_line_number"
            | "$__loc__"
    )
}

/// jq's JSON filters, with a `fromjson` that does not recurse as deep as a hostile string asks.
fn json_funs() -> impl Iterator<Item = Fun<Data>> {
    let own = run::<Data>(("fromjson", v(0), |cv| {
        bome(cv.1.try_as_utf8_bytes_owned().and_then(|text| {
            let parsed = std::str::from_utf8(&text).ok().and_then(|text| {
                serde_json::from_str::<&RawValue>(text).ok()?;
                Input::parse(text).ok()
            });
            parsed.map(|input| input.0).ok_or_else(|| jaq_core::Error::str("not JSON"))
        }))
    }));
    jaq_json::funs().filter(|fun| fun.0 != "fromjson").chain([own])
}

fn load_message(code: &str, errors: load::Errors<&str, ()>) -> String {
    let at = |rest: &str| (rest.as_ptr() as usize).saturating_sub(code.as_ptr() as usize);
    let found = |rest: &str| match rest.chars().next() {
        None => "the end".to_owned(),
        Some(_) => {
            let shown: String = rest.chars().take(20).collect();
            format!("`{}` at character {}", shown.escape_debug(), at(rest) + 1)
        }
    };
    let described = errors.into_iter().flat_map(|(_, error)| match error {
        load::Error::Io(errors) => {
            errors.into_iter().map(|(path, error)| format!("`{path}`: {error}")).collect()
        }
        load::Error::Lex(errors) => errors
            .into_iter()
            .map(|(expect, rest)| format!("expected a {}, found {}", expect.as_str(), found(rest)))
            .collect::<Vec<_>>(),
        load::Error::Parse(errors) => errors
            .into_iter()
            .map(|(expect, rest)| format!("expected {}, found {}", expect.as_str(), found(rest)))
            .collect(),
    });
    described.collect::<Vec<_>>().join(", ")
}

/// Writes JSON and only JSON: jq also has byte strings, keys that are no strings, and infinity. None where it does not
/// fit, or where a filter built something deeper than [`MAX_DEPTH`].
fn write(value: &Val, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        // As jq does: JSON has no such number.
        Val::Num(Num::Float(number)) if !number.is_finite() => out.extend_from_slice(b"null"),
        Val::Num(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Val::TStr(text) => write_string(text, out)?,
        Val::BStr(_) => return None,
        Val::Arr(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(value, depth + 1, out)?;
            }
            out.push(b']');
        }
        Val::Obj(members) => {
            out.push(b'{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let Val::TStr(key) = key else { return None };
                write_string(key, out)?;
                out.push(b':');
                write(value, depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn write_string(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(out, &String::from_utf8_lossy(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(code: &str, input: &str) -> Result<String, RunError> {
        let value = Filter::compile(code).unwrap().run(&Input::parse(input)?)?;
        Ok(value.get().to_owned())
    }

    #[test]
    fn filters_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Filter>();
    }

    #[test]
    fn r26_numbers_pass_through_exactly() {
        let numbers = "[9007199254740993,18446744073709551617,1.50,-0.0,1e400]";
        assert_eq!(eval(".", numbers).unwrap(), numbers);
        assert_eq!(eval(".[0] | tostring", numbers).unwrap(), "\"9007199254740993\"");
    }

    #[test]
    fn a_mapping_makes_an_object() {
        let data = eval(
            "{id, text: .content, tags: [.tags[].name]}",
            r#"{"id":"1","content":"a\"b","tags":[{"name":"x"}]}"#,
        );
        assert_eq!(data.unwrap(), r#"{"id":"1","text":"a\"b","tags":["x"]}"#);
        assert_eq!(eval(".[]", "[1,2]"), Err(RunError::NotOne("several")));
        assert_eq!(eval("empty", "1"), Err(RunError::NotOne("no")));
        assert_eq!(eval(".a", "1"), Err(RunError::Failed));
        assert_eq!(eval("infinite", "1").unwrap(), "null");
        assert_eq!(eval("tobytes", "\"a\""), Err(RunError::NotJson));
    }

    #[test]
    fn errors_say_what_is_wrong_and_where() {
        let error = |code: &str| Filter::compile(code).unwrap_err();
        assert_eq!(error(".id |"), "expected term, found the end");
        assert_eq!(error("{id: .id"), "expected a closing brace, found the end");
        assert_eq!(error(".id | foo(1)"), "undefined filter `foo`");
        assert_eq!(error("$x"), "undefined variable `$x`");
    }

    #[test]
    fn r28_a_filter_sees_neither_the_environment_nor_the_clock() {
        for code in ["env", "$ENV", "now", "input", "inputs", "halt", "debug"] {
            assert!(Filter::compile(code).is_err(), "`{code}` compiled");
        }
    }

    #[test]
    fn r25_a_deep_text_inside_a_string_is_an_error() {
        let deep = format!("\"{}{}\"", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(eval("fromjson", &deep), Err(RunError::Failed));
        assert_eq!(eval("fromjson", "\"{\\\"a\\\":1}\"").unwrap(), "{\"a\":1}");
        assert_eq!(eval("reduce range(200) as $i (.; [.])", "1"), Err(RunError::NotJson));
    }
}
