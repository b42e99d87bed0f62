//! The parameters of a URL or of a form.

use std::borrow::Cow;

/// Parameters, decoded when they are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(query: Option<&'a str>) -> Self {
        Self(query.unwrap_or_default())
    }

    /// All parameters with a value, in their order.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        form_urlencoded::parse(self.0.as_bytes()).filter(|(_, value)| !value.is_empty())
    }

    /// The value of a parameter; the last one when it is repeated, as Rack does.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.all(name).last()
    }

    /// All values of a parameter.
    pub(crate) fn all(self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.pairs().filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// The value of a parameter as a number; 0 for what is not one, as Ruby's `to_i`.
    pub(crate) fn number(self, name: &str) -> Option<u64> {
        self.get(name).map(|value| value.parse().unwrap_or(0))
    }

    /// A number of items: within its bounds whatever is asked for.
    pub(crate) fn count(self, name: &str, default: u64, most: u64) -> usize {
        usize::try_from(self.number(name).unwrap_or(default).min(most)).unwrap_or(0)
    }

    /// The parameters, written again with some set anew, and those without a value left out.
    pub(crate) fn with(self, changes: &[(&str, Option<&str>)]) -> String {
        let kept = self.pairs().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(kept);
        out.extend_pairs(changes.iter().filter_map(|(name, value)| Some((name, (*value)?))));
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_whole() {
        let query = Query::new(Some("xlimit=1&limit=5&since_id=abc&max_id="));
        assert_eq!(query.number("limit"), Some(5));
        assert_eq!(query.number("since_id"), Some(0));
        assert_eq!(query.number("max_id"), None);
        assert_eq!(query.get("min_id"), None);
        assert_eq!(query.count("limit", 20, 3), 3);
        assert_eq!(query.count("per_page", 20, 30), 20);
    }

    #[test]
    fn values_are_decoded_and_may_be_repeated() {
        let query = Query::new(Some("types[]=a&types%5B%5D=b&numericFilters=created_at_i%3E5"));
        assert_eq!(query.all("types[]").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.get("numericFilters").as_deref(), Some("created_at_i>5"));
    }

    #[test]
    fn a_parameter_can_be_set_anew() {
        let query = Query::new(Some("access_token=t%7C1&limit=5&after=a"));
        assert_eq!(query.with(&[("after", Some("b c"))]), "access_token=t%7C1&limit=5&after=b+c");
        assert_eq!(query.with(&[("access_token", None), ("limit", None)]), "after=a");
    }
}
