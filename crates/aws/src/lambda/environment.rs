//! A function's environment variables, read once, with everything that is wrong with them told at once.
//!
//! Values are not repeated in an error: one of them may be a secret in the wrong place.

use std::fmt;
use std::path::PathBuf;

use pollwheel_core::ports::Secret;

use crate::connection::ConnectionSettings;

/// Finds a variable.
type Read<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// The variables that are still to be read, and what was wrong with those that were.
pub struct Environment<'a> {
    read: Read<'a>,
    problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    variable: &'static str,
    wrong: &'static str,
    expected: String,
}

/// Everything that is wrong with the environment. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct EnvironmentError(Vec<Problem>);

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function's environment is not complete: ")?;
        for (index, Problem { variable, wrong, expected }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}`{variable}` {wrong}, it must be {expected}")?;
        }
        Ok(())
    }
}

impl Environment<'static> {
    /// The environment of the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }
}

impl<'a> Environment<'a> {
    /// An environment in which `read` finds the variables.
    pub fn new(read: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { read: Box::new(read), problems: Vec::new() }
    }

    /// A text that must be there, and `expected` says what it is. An empty text stands in for one that is missing, until
    /// [`Environment::finish`] refuses it.
    pub fn required(&mut self, variable: &'static str, expected: &str) -> String {
        match (self.read)(variable) {
            Some(value) if !value.trim().is_empty() => return value,
            Some(_) => self.problem(variable, "is empty", expected),
            None => self.problem(variable, "is missing", expected),
        }
        String::new()
    }

    /// A text that may be left out, or be empty.
    pub fn optional(&mut self, variable: &str) -> Option<String> {
        (self.read)(variable).filter(|value| !value.trim().is_empty())
    }

    /// A value that must be there and that `parse` takes. None until [`Environment::finish`] refuses it.
    pub fn parsed<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(variable, expected);
        if value.is_empty() {
            return None;
        }
        let parsed = parse(&value);
        if parsed.is_none() {
            self.problem(variable, "cannot be read", expected);
        }
        parsed
    }

    /// A value that may be left out, or be empty: `default` stands in then.
    pub fn parsed_or<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        let Some(value) = self.optional(variable) else { return default };
        parse(value.trim()).unwrap_or_else(|| {
            self.problem(variable, "cannot be read", expected);
            default
        })
    }

    /// How to reach AWS: Lambda sets all of it, but for an emulator's endpoint.
    pub fn connection(&mut self) -> ConnectionSettings {
        const KEY: &str = "the key of the function's role, as Lambda sets it";
        ConnectionSettings {
            region: self.required("AWS_REGION", "the region, as Lambda sets it"),
            access_key_id: self.required("AWS_ACCESS_KEY_ID", KEY),
            secret_access_key: Secret::new(self.required("AWS_SECRET_ACCESS_KEY", KEY)),
            session_token: self.optional("AWS_SESSION_TOKEN").map(Secret::new),
            endpoint: self.optional("AWS_ENDPOINT_URL"),
        }
    }

    /// The folder of the function's package: `catalog.json` and `channels/` are in it.
    pub fn task_root(&mut self) -> PathBuf {
        self.required("LAMBDA_TASK_ROOT", "the folder of the function's package, as Lambda sets it").into()
    }

    /// The name of the stack: what the function's name begins with.
    pub fn stack(&mut self, role: &str) -> String {
        let name = self.required("AWS_LAMBDA_FUNCTION_NAME", "the name of the function, as Lambda sets it");
        name.strip_suffix(role).and_then(|name| name.strip_suffix('-')).unwrap_or(&name).to_owned()
    }

    /// What was read, if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish<T>(self, value: T) -> Result<T, EnvironmentError> {
        if self.problems.is_empty() { Ok(value) } else { Err(EnvironmentError(self.problems)) }
    }

    fn problem(&mut self, variable: &'static str, wrong: &'static str, expected: &str) {
        self.problems.push(Problem { variable, wrong, expected: expected.to_owned() });
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("problems", &self.problems).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &'static [(&str, &str)]) -> Environment<'static> {
        Environment::new(move |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn r20_everything_that_is_missing_or_wrong_is_told_at_once_and_no_value_with_it() {
        let mut environment = environment(&[
            ("POLLWHEEL_CONCURRENCY", "s3cret"),
            ("POLLWHEEL_BUS", " "),
            ("POLLWHEEL_CHANNEL", "x"),
        ]);
        let table = environment.required("POLLWHEEL_JOBS_TABLE", "the name of the jobs table");
        let bus = environment.required("POLLWHEEL_BUS", "the name of the bus");
        let concurrency =
            environment.parsed_or("POLLWHEEL_CONCURRENCY", "a number", 32, |text| text.parse().ok());
        let channel = environment.required("POLLWHEEL_CHANNEL", "a channel");
        assert_eq!((table.as_str(), bus.as_str(), concurrency, channel.as_str()), ("", "", 32, "x"));
        let error = environment.finish(()).unwrap_err().to_string();
        assert_eq!(
            error,
            "the function's environment is not complete: \
             `POLLWHEEL_JOBS_TABLE` is missing, it must be the name of the jobs table; \
             `POLLWHEEL_BUS` is empty, it must be the name of the bus; \
             `POLLWHEEL_CONCURRENCY` cannot be read, it must be a number"
        );
    }

    #[test]
    fn the_connection_is_what_lambda_sets() {
        let mut whole = environment(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "planted-s3cret"),
            ("AWS_SESSION_TOKEN", "planted-s3cret"),
        ]);
        let settings = whole.connection();
        assert_eq!((settings.region.as_str(), settings.endpoint.as_deref()), ("eu-west-1", None));
        assert!(!format!("{settings:?} {whole:?}").contains("planted"));
        whole.finish(()).unwrap();

        let mut empty = environment(&[]);
        let _ = empty.connection();
        let error = empty.finish(()).unwrap_err().to_string();
        for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert!(error.contains(variable), "{error}");
        }
    }

    #[test]
    fn the_stack_is_named_by_the_function() {
        let mut environment = environment(&[("AWS_LAMBDA_FUNCTION_NAME", "pollwheel-dev-worker-mastodon")]);
        assert_eq!(environment.stack("worker-mastodon"), "pollwheel-dev");
        assert_eq!(environment.stack("scheduler"), "pollwheel-dev-worker-mastodon");
    }
}
