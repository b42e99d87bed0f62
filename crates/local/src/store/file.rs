//! The file behind the store: opened safely, and opened again after a failure.
//!
//! A state folder holds `pollwheel.redb` and `pollwheel.lock`. The lock is taken first and held to the end, so that two
//! processes never even look at one file. A new store is made under another name and renamed when it is whole: an empty
//! or short `pollwheel.redb` is therefore damage, and is never taken for a store still to be made.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::error::{Failure, StoreError};
use super::layout;

/// The file of the store in its state folder.
pub const STORE_FILE: &str = "pollwheel.redb";
const UNFINISHED: &str = "pollwheel.redb.new";
const LOCK: &str = "pollwheel.lock";
/// Pages kept in memory, in bytes. The system's own page cache does the rest.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// Where the pages are.
enum Origin {
    Memory,
    File {
        path: PathBuf,
        /// Held for as long as the store lives.
        _lock: File,
    },
}

pub(super) struct Backing {
    origin: Origin,
    /// None after a failure, until it is opened again.
    database: RefCell<Option<Database>>,
}

impl Backing {
    pub(super) fn in_memory() -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let database = contained(path, || builder().create_with_backend(InMemoryBackend::new()))?;
        make_tables(&database).map_err(|failure| refused(path, failure))?;
        Ok(Self { origin: Origin::Memory, database: RefCell::new(Some(database)) })
    }

    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder).map_err(|source| StoreError::Io { path: folder.to_owned(), source })?;
        let lock = lock(folder)?;
        let path = folder.join(STORE_FILE);
        let database = match path.try_exists() {
            Ok(true) => open_existing(&path)?,
            Ok(false) => create(folder, &path)?,
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        Ok(Self { origin: Origin::File { path, _lock: lock }, database: RefCell::new(Some(database)) })
    }

    /// Reads from one snapshot.
    pub(super) fn read<T>(
        &self,
        act: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with(|database| act(&database.begin_read()?))
    }

    /// Writes in one transaction. It is committed when `act` says so, and has happened when this returns.
    pub(super) fn write<T>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<(T, Ending), Failure>,
    ) -> Result<T, Failure> {
        self.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_two_phase_commit(true);
            let (answer, ending) = act(&transaction)?;
            match ending {
                Ending::Commit => transaction.commit()?,
                Ending::Abort => transaction.abort()?,
            }
            Ok(answer)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut slot = self.database.borrow_mut();
        let database = match slot.take() {
            Some(database) => database,
            None => self.reopen().map_err(Failure::Reopening)?,
        };
        let result = catch_unwind(AssertUnwindSafe(|| act(&database)))
            .unwrap_or_else(|payload| Err(Failure::Panicked(panic_text(&*payload))));
        let goes_on = match &result {
            Ok(_) | Err(Failure::Reopening(_)) => true,
            Err(Failure::Storage(_)) => answers(&database),
            Err(Failure::Panicked(_)) => false,
        };
        match &self.origin {
            // What is committed is in the file: the next operation opens it again.
            Origin::File { .. } if !goes_on => drop(database),
            Origin::File { .. } | Origin::Memory => *slot = Some(database),
        }
        result
    }

    fn reopen(&self) -> Result<Database, StoreError> {
        match &self.origin {
            Origin::File { path, .. } => open_existing(path),
            Origin::Memory => Err(StoreError::Damaged {
                file: PathBuf::from(":memory:"),
                reason: "it was lost with its memory".to_owned(),
            }),
        }
    }
}

/// Whether redb still answers: after a failed write or sync it refuses everything until the file is opened again.
fn answers(database: &Database) -> bool {
    database.begin_write().is_ok_and(|transaction| transaction.abort().is_ok())
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Durably.
    Commit,
    /// There was nothing to write.
    Abort,
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut maker = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.recursive(true).create(folder)
}

/// For the owner alone: the store names accounts.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.read(true).write(true)
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let failed = |source| StoreError::Io { path: path.clone(), source };
    let mut file = private(OpenOptions::new().create(true).truncate(false)).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::InUse { folder: folder.to_owned(), process });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Only for the message to a second process: a full disk must not keep anyone from reading.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

fn create(folder: &Path, path: &Path) -> Result<Database, StoreError> {
    let unfinished = folder.join(UNFINISHED);
    let failed = |source| StoreError::Io { path: path.to_owned(), source };
    private(OpenOptions::new().create(true).truncate(true)).open(&unfinished).map_err(failed)?;
    let database = contained(path, || builder().create(&unfinished))?;
    make_tables(&database).map_err(|failure| refused(path, failure))?;
    fs::rename(&unfinished, path).map_err(failed)?;
    // The name is durable when the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(database)
}

/// Makes every table, so that no reader ever meets a missing one.
fn make_tables(database: &Database) -> Result<(), Failure> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.open_table(layout::ROWS)?;
    transaction.open_table(layout::REGISTRATIONS)?;
    transaction.open_table(layout::WAKES)?;
    transaction.open_table(layout::CONTROL)?;
    transaction.open_table(layout::META)?.insert(layout::FORMAT_KEY, layout::FORMAT)?;
    Ok(transaction.commit()?)
}

fn open_existing(path: &Path) -> Result<Database, StoreError> {
    let database = contained(path, || builder().open(path))?;
    check_format(&database, path)?;
    Ok(database)
}

fn check_format(database: &Database, path: &Path) -> Result<(), StoreError> {
    let found = read_format(database).map_err(|failure| StoreError::Damaged {
        file: path.to_owned(),
        reason: format!("its format cannot be read: {failure}"),
    })?;
    match found {
        Some(layout::FORMAT) => Ok(()),
        Some(found) if found > layout::FORMAT => Err(StoreError::Newer { file: path.to_owned(), found }),
        Some(_) | None => Err(StoreError::Damaged {
            file: path.to_owned(),
            reason: "it is a redb file, but not of Pollwheel".to_owned(),
        }),
    }
}

fn read_format(database: &Database) -> Result<Option<u64>, Failure> {
    let table = database.begin_read()?.open_table(layout::META)?;
    Ok(table.get(layout::FORMAT_KEY)?.map(|format| format.value()))
}

/// Opens, whatever redb does about a damaged file: errors are sorted, panics become one.
fn contained(
    path: &Path,
    open: impl FnOnce() -> Result<Database, DatabaseError>,
) -> Result<Database, StoreError> {
    let damaged = |reason: String| StoreError::Damaged { file: path.to_owned(), reason };
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(error)) => Err(sort(path, error)),
        Err(payload) => Err(damaged(panic_text(&*payload))),
    }
}

fn sort(path: &Path, error: DatabaseError) -> StoreError {
    let damaged = |reason: String| StoreError::Damaged { file: path.to_owned(), reason };
    let error = redb::Error::from(error);
    let is_damage = if let redb::Error::Io(error) = &error {
        is_damage(error)
    } else {
        matches!(error, redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_))
    };
    if is_damage { damaged(error.to_string()) } else { refused(path, Failure::Storage(error)) }
}

/// How redb says "not a database" and "shorter than it should be".
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn refused(path: &Path, failure: Failure) -> StoreError {
    match failure {
        Failure::Storage(redb::Error::Io(source)) => StoreError::Io { path: path.to_owned(), source },
        Failure::Storage(error) => StoreError::Refused { path: path.to_owned(), source: Box::new(error) },
        Failure::Reopening(error) => error,
        Failure::Panicked(reason) => StoreError::Damaged { file: path.to_owned(), reason },
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("its pages contradict each other: {}", text.unwrap_or("no reason given"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
