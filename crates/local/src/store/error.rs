//! What can go wrong with the file: at the opening, and later.

use std::io;
use std::path::PathBuf;

use pollwheel_core::ports::{PortError, Retry};

use super::layout::FORMAT;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "the state folder `{}` is in use{}: stop that one, or choose another folder",
        folder.display(), holder(*.process)
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that has it, when it left its number.
        process: Option<u32>,
    },
    /// The file is not what we wrote.
    #[error(
        "the store `{}` is damaged ({reason}): it was left as it is; restore it from a backup, or move it away to start empty",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A newer build wrote it.
    #[error(
        "the store `{}` has format {found}, this build reads up to {FORMAT}: it was left as it is; use the newer build",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u64,
    },
    /// The system refuses.
    #[error("cannot open the store `{}`: check that the folder can be written and the disk has room", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store refuses for a reason of its own.
    #[error("cannot open the store `{}`", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: Box<redb::Error>,
    },
}

fn holder(process: Option<u32>) -> String {
    process.map_or_else(|| " by another process".to_owned(), |id| format!(" by process {id}"))
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Storage(redb::Error),
    /// redb panicked, which it does on some damage.
    #[error("the store is damaged: {0}")]
    Panicked(String),
    /// After a failure the file is opened again, and that failed too.
    #[error("the store could not be opened again after an earlier failure")]
    Reopening(#[source] StoreError),
}

macro_rules! from_redb {
    ($($error:ident),+) => {
        $(impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                Self::Storage(error.into())
            }
        })+
    };
}
from_redb!(StorageError, TableError, TransactionError, CommitError, SetDurabilityError);

impl Failure {
    fn retry(&self) -> Retry {
        match self {
            Self::Storage(redb::Error::Corrupted(_)) | Self::Panicked(_) => Retry::Never,
            Self::Reopening(StoreError::Damaged { .. } | StoreError::Newer { .. }) => Retry::Never,
            // A full disk may be emptied, and then the same change succeeds.
            Self::Storage(_) | Self::Reopening(_) => Retry::Transient,
        }
    }

    /// Every cause on one line, and what to do where we know.
    fn text(&self) -> String {
        let advice = match self {
            Self::Storage(redb::Error::Io(error)) if is_full(error) => {
                ": free some space, the change is made when it is tried again"
            }
            Self::Storage(_) | Self::Panicked(_) | Self::Reopening(_) => "",
        };
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        format!("{text}{advice}")
    }

    /// The failure of one operation, as the ports show it.
    pub(super) fn of(&self, what: impl Into<String>) -> PortError {
        PortError::new(what, self.retry(), self.text())
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded
    )
}
