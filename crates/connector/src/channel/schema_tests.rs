//! `docs/channel.schema.json`: derived from the structs that read channel files, checked in for editors.

use std::path::{Path, PathBuf};

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::ChannelFile;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Value {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<ChannelFile>();
    let mut schema = schema.to_value();
    schema["title"] = "A channel of Pollwheel".into();
    schema
}

#[test]
fn the_schema_that_is_checked_in_is_that_of_the_code() {
    let file = repository().join("docs/channel.schema.json");
    let fresh = format!("{:#}\n", schema());
    if std::env::var_os("POLLWHEEL_BLESS").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == fresh,
        "docs/channel.schema.json is stale: POLLWHEEL_BLESS=1 cargo nextest run -p pollwheel-connector schema"
    );
}

#[test]
fn every_channel_file_is_valid_by_the_schema() {
    let schema = schema();
    let folders = std::fs::read_dir(repository().join("channels")).unwrap();
    let files: Vec<PathBuf> = folders
        .map(|entry| entry.unwrap().path().join("channel.yml"))
        .filter(|file| file.is_file())
        .collect();
    assert!(files.len() >= 2);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let found = faults(&schema, &schema, &value, "");
        assert!(found.is_empty(), "{}: {found:#?}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let schema = schema();
    let good = std::fs::read_to_string(repository().join("channels/mastodon/channel.yml")).unwrap();
    for (from, to, field) in [
        ("about:", "abuot:", "abuot"),
        ("scope: account", "scope: acount", "limits"),
        ("fastest: 1,", "fastest: soon,", "service_levels"),
        ("greatest_id: numeric", "order: numeric", "cursor"),
        ("conditional: true", "conditional: 7", "conditional"),
    ] {
        let bad =
            good.replace("    request:\n", "    conditional: true\n    request:\n").replacen(from, to, 1);
        assert!(bad.contains(to), "{from} is not in the file");
        let value: Value = serde_saphyr::from_str(&bad).unwrap();
        let found = faults(&schema, &schema, &value, "");
        assert!(found.iter().any(|fault| fault.contains(field)), "{to}: {found:#?}");
    }
}

#[test]
fn the_reference_names_every_field() {
    let reference = std::fs::read_to_string(repository().join("docs/channels.md")).unwrap();
    let schema = schema();
    let mut names = Vec::new();
    collect_names(&schema, &mut names);
    names.sort_unstable();
    names.dedup();
    let is_named =
        |name: &str| {
            reference.split('`').skip(1).step_by(2).any(|code| {
                code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
            })
        };
    let missing: Vec<_> = names.into_iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "docs/channels.md says nothing of {missing:?}");
}

#[test]
fn the_tutorials_file_loads_without_a_warning() {
    let tutorial = std::fs::read_to_string(repository().join("docs/channels.md")).unwrap();
    let text = tutorial.split("```yaml\n").find(|block| block.contains("channel: acme")).unwrap();
    let text = text.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    std::fs::write(folder.path().join("acme/channel.yml"), text).unwrap();
    let channels = super::ChannelSet::load(folder.path()).unwrap();
    let warnings: Vec<_> = channels.warnings().map(ToString::to_string).collect();
    assert_eq!(warnings, Vec::<String>::new());
}

/// The names of all fields, and the words that have a meaning.
fn collect_names<'s>(schema: &'s Value, names: &mut Vec<&'s str>) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(Value::as_object) {
                names.extend(properties.keys().map(String::as_str));
            }
            if let Some(words) = members.get("enum").and_then(Value::as_array) {
                names.extend(words.iter().filter_map(Value::as_str));
            }
            names.extend(members.get("const").and_then(Value::as_str));
            members.values().for_each(|member| collect_names(member, names));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_names(element, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What of `value` a schema does not allow. Knows the keywords that ours has, and fails on any other.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let Some(rules) = schema.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for (keyword, rule) in rules {
        let fault = || vec![format!("{path}: {keyword} {rule}")];
        found.extend(match keyword.as_str() {
            "$schema" | "definitions" | "title" | "description" | "default" | "format" | "writeOnly" => {
                Vec::new()
            }
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                faults(root, target, value, path)
            }
            "type" => {
                if is_type(rule, value) {
                    Vec::new()
                } else {
                    fault()
                }
            }
            "const" => {
                if rule == value {
                    Vec::new()
                } else {
                    fault()
                }
            }
            "enum" => {
                if rule.as_array().unwrap().contains(value) {
                    Vec::new()
                } else {
                    fault()
                }
            }
            "minimum" => {
                if value.as_f64() < rule.as_f64() && value.is_number() {
                    fault()
                } else {
                    Vec::new()
                }
            }
            "maximum" => {
                if value.as_f64() > rule.as_f64() {
                    fault()
                } else {
                    Vec::new()
                }
            }
            "required" => {
                let names = rule.as_array().unwrap().iter().filter_map(Value::as_str);
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                missing.map(|name| format!("{path}.{name}: is missing")).collect()
            }
            "properties" => {
                let declared = rule.as_object().unwrap().iter();
                let pairs = declared.filter_map(|(name, rule)| Some((name, rule, value.get(name)?)));
                pairs
                    .flat_map(|(name, rule, value)| faults(root, rule, value, &format!("{path}.{name}")))
                    .collect()
            }
            "additionalProperties" => {
                let members = value.as_object().into_iter().flatten();
                let declared = rules.get("properties");
                let others =
                    members.filter(|(name, _)| declared.is_none_or(|declared| declared.get(name).is_none()));
                let check = |(name, value): (&String, &Value)| {
                    if rule == &Value::Bool(false) {
                        vec![format!("{path}.{name}: unknown")]
                    } else {
                        faults(root, rule, value, &format!("{path}.{name}"))
                    }
                };
                others.flat_map(check).collect()
            }
            "items" => {
                let elements = value.as_array().into_iter().flatten().enumerate();
                elements
                    .flat_map(|(index, value)| faults(root, rule, value, &format!("{path}[{index}]")))
                    .collect()
            }
            "allOf" => {
                rule.as_array().unwrap().iter().flat_map(|rule| faults(root, rule, value, path)).collect()
            }
            "anyOf" | "oneOf" => {
                let ways = rule.as_array().unwrap().iter();
                let tried: Vec<_> = ways.map(|rule| faults(root, rule, value, path)).collect();
                if tried.iter().any(Vec::is_empty) { Vec::new() } else { tried.concat() }
            }
            other => panic!("the schema has a keyword that is not checked here: {other}"),
        });
    }
    found
}

fn is_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    let names = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
    names.iter().filter_map(Value::as_str).any(is)
}
