//! The job types of a deployment, as `catalog.json` in the function's package has them: rendered from the channels, so
//! that functions which poll nothing need not compile them.

use std::path::{Path, PathBuf};

use pollwheel_core::policy::Catalog;

/// Its name in the package.
const FILE: &str = "catalog.json";

/// Why there is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not in the package.
    #[error("`{}` cannot be read: package the function with the catalog that is rendered from the channels", file.display())]
    Unreadable {
        /// Where it was looked for.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is not what this build reads.
    #[error("`{}` is not a catalog of this build, render it anew: {source}", file.display())]
    Malformed {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It has no job type: the package is broken, and an idle scheduler would not tell.
    #[error("`{}` has no job type: render it from the channels", file.display())]
    Empty {
        /// Where it is.
        file: PathBuf,
    },
}

/// Reads the catalog of a package.
///
/// # Errors
/// [`CatalogError`].
pub fn load_catalog(task_root: &Path) -> Result<Catalog, CatalogError> {
    let file = task_root.join(FILE);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(source) => return Err(CatalogError::Unreadable { file, source }),
    };
    match serde_json::from_str::<Catalog>(&text) {
        Ok(catalog) if catalog.iter().next().is_none() => Err(CatalogError::Empty { file }),
        Ok(catalog) => Ok(catalog),
        Err(source) => Err(CatalogError::Malformed { file, source }),
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::cadence::{Cadence, CadenceRange};
    use pollwheel_core::id::JobTypeId;
    use pollwheel_core::policy::JobTypeSpec;

    use super::*;

    #[test]
    fn a_catalog_is_read_and_what_is_none_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let missing = load_catalog(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("catalog.json") && missing.contains("cannot be read"), "{missing}");

        let range = CadenceRange::new(Cadence::FASTEST, Cadence::new(60).unwrap()).unwrap();
        let catalog = Catalog::new([JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range)]);
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        write(&serde_json::to_string(&catalog).unwrap());
        assert_eq!(load_catalog(folder.path()).unwrap(), catalog);

        write("[]");
        assert!(load_catalog(folder.path()).unwrap_err().to_string().contains("has no job type"));
        write("{");
        assert!(load_catalog(folder.path()).unwrap_err().to_string().contains("render it anew"));
    }
}
