//! The rendered files: what is in them, and whether the ones in the checkout are still the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use pollwheel_connector::ChannelSet;
use serde::Serialize;

use crate::deployment::Deployment;
use crate::limits;
use crate::scale::Scale;
use crate::stack::Stack;
use crate::{sam, serverless};

/// First line of every file whose format has comments.
const NOTICE: &str = "# rendered, do not edit: `just render`\n";

/// A path in the checkout, and the text that belongs there.
#[derive(Debug)]
pub(crate) struct Rendered {
    path: &'static str,
    text: String,
}

/// Renders every file of a checkout.
///
/// # Errors
/// When a channel or the scale is wrong, or AWS would refuse the stack.
pub(crate) fn render(root: &Path) -> Result<Vec<Rendered>> {
    let declared = ChannelSet::load(&root.join("channels"))?.catalog();
    let scale = Scale::load(&root.join("infra/scale.yml"), &declared)?;
    let deployed = scale.applied_to(&declared);
    let stack = Stack::of(&Deployment::plan(&deployed)?, &scale)?;
    let mut catalog = serde_json::to_string_pretty(&deployed)?;
    catalog.push('\n');
    let files = vec![
        Rendered { path: "serverless.yml", text: yaml(&serverless::service(&stack))? },
        Rendered { path: "infra/rendered/template.yaml", text: yaml(&sam::template(&stack))? },
        Rendered { path: "infra/rendered/catalog.json", text: catalog },
    ];
    for file in &files {
        limits::check_size(file.path, &file.text)?;
    }
    Ok(files)
}

fn yaml(value: &impl Serialize) -> Result<String> {
    Ok(format!("{NOTICE}{}", serde_saphyr::to_string(value)?))
}

/// Writes the files.
///
/// # Errors
/// The file that cannot be written.
pub(crate) fn write(root: &Path, files: &[Rendered]) -> Result<()> {
    for file in files {
        let path = root.join(file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        fs::write(&path, &file.text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// The files that are missing or not what they would be now.
pub(crate) fn stale(root: &Path, files: &[Rendered]) -> Vec<&'static str> {
    files
        .iter()
        .filter(|file| fs::read_to_string(root.join(file.path)).ok().as_deref() != Some(file.text.as_str()))
        .map(|file| file.path)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn the_rendered_files_are_up_to_date() {
        let files = render(root()).unwrap();
        assert_eq!(stale(root(), &files), [""; 0], "run `just render`");
    }

    #[test]
    fn a_file_that_differs_or_is_missing_is_stale() {
        let rendered = |path, text: &str| Rendered { path, text: text.to_owned() };
        let files =
            [rendered("infra/rendered/catalog.json", "[]\n"), rendered("infra/rendered/no-such-file", "")];
        assert_eq!(stale(root(), &files), ["infra/rendered/catalog.json", "infra/rendered/no-such-file"]);
    }

    #[test]
    fn texts_hold_pseudo_parameters_only() {
        // The Serverless Framework would take anything else in braces for a variable of its own.
        let own = ["${opt:", "${param:", "${sls:stage}", "${AWS::"];
        for file in render(root()).unwrap() {
            let foreign: BTreeSet<&str> = file
                .text
                .match_indices("${")
                .map(|(at, _)| &file.text[at..])
                .filter(|text| !own.iter().any(|start| text.starts_with(start)))
                .map(|text| text.lines().next().unwrap_or(text))
                .collect();
            assert!(foreign.is_empty(), "{}: {foreign:?}", file.path);
        }
    }
}
