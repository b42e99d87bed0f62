//! `request.body`.

use std::collections::BTreeMap;

use crate::channel::file::{At, BodyFile, GraphqlFile, Text, Tree as TreeFile};
use crate::channel::problem::Problems;
use crate::request::{Body, Tree, quoted};
use crate::template::{Template, percent_encode};

/// Deepest body.
const MAX_BODY_DEPTH: usize = 32;

pub(super) fn body(file: &BodyFile, field: &str, problems: &mut Problems) -> Option<Body> {
    match file {
        BodyFile::Json(value) => tree(value, &format!("{field}.json"), 0, problems).map(Body::Json),
        BodyFile::Form(fields) => Some(Body::Form(form(fields, &format!("{field}.form"), problems))),
        BodyFile::Graphql(graphql) => Some(Body::Json(query(graphql, &format!("{field}.graphql"), problems))),
    }
}

fn form(fields: &BTreeMap<String, Text>, field: &str, problems: &mut Problems) -> Vec<(String, Template)> {
    let mut compiled = Vec::new();
    for (name, value) in fields {
        let template = problems.take(value, format!("{field}.{name}"), Template::parse(&value.value));
        let mut encoded = String::new();
        percent_encode(name, &mut encoded);
        compiled.extend(template.map(|template| (encoded, template)));
    }
    compiled
}

fn query(file: &GraphqlFile, field: &str, problems: &mut Problems) -> Tree {
    if file.query.value.trim().is_empty() {
        problems.with(&file.query, format!("{field}.query"), "is empty");
    }
    if file.query.value.contains("{{") {
        let message = "has a template: values go to `variables`, where they cannot change what is asked";
        problems.with(&file.query, format!("{field}.query"), message);
    }
    let members = file.variables.iter().filter_map(|(name, value)| {
        let field = format!("{field}.variables.{name}");
        Some((quoted(name).into(), tree(value, &field, 0, problems)?))
    });
    let variables = Tree::Object(members.collect());
    let query = Tree::Fixed(quoted(&file.query.value).into());
    Tree::Object(vec![("\"query\"".into(), query), ("\"variables\"".into(), variables)])
}

fn tree(file: &At<TreeFile>, field: &str, depth: usize, problems: &mut Problems) -> Option<Tree> {
    if depth > MAX_BODY_DEPTH {
        problems.with(file, field, format!("is more than {MAX_BODY_DEPTH} levels deep"));
        return None;
    }
    Some(match &file.value {
        TreeFile::Null => Tree::Fixed("null".into()),
        TreeFile::Bool(truth) => Tree::Fixed(truth.to_string().into()),
        TreeFile::Number(number) => Tree::Fixed(number.to_string().into()),
        TreeFile::Text(text) if text.contains("{{") => {
            Tree::Text(problems.take(file, field, Template::parse(text))?)
        }
        TreeFile::Text(text) => Tree::Fixed(quoted(text).into()),
        TreeFile::List(elements) => {
            let elements = elements.iter().enumerate().filter_map(|(index, element)| {
                tree(element, &format!("{field}[{index}]"), depth + 1, problems)
            });
            Tree::List(elements.collect())
        }
        TreeFile::Map(members) => {
            let members = members.iter().filter_map(|(name, member)| {
                let member = tree(member, &format!("{field}.{name}"), depth + 1, problems)?;
                Some((quoted(name).into(), member))
            });
            Tree::Object(members.collect())
        }
    })
}
