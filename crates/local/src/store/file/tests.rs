use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pollwheel_core::ports::Retry;
use redb::StorageBackend;

use super::*;

const KEY: &str = "throttle#test";

/// The file, on a disk that can be made to fail.
#[derive(Debug)]
struct FailingDisk {
    file: File,
    fails: Arc<AtomicBool>,
}

impl FailingDisk {
    fn check(&self) -> io::Result<()> {
        if self.fails.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for FailingDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write_all_at(data, offset)
    }
}

fn write(backing: &Backing, value: u64) -> Result<(), Failure> {
    backing.write(|transaction| {
        transaction.open_table(layout::CONTROL)?.insert(KEY, value)?;
        Ok(((), Ending::Commit))
    })
}

fn read(backing: &Backing) -> Option<u64> {
    let found = backing.read(|transaction| {
        Ok(transaction.open_table(layout::CONTROL)?.get(KEY)?.map(|value| value.value()))
    });
    found.unwrap()
}

#[test]
fn r33_after_a_failed_write_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let backing = Backing::open(folder.path()).unwrap();
    write(&backing, 1).unwrap();
    drop(backing.database.take());
    let file = File::options().read(true).write(true).open(folder.path().join(STORE_FILE)).unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let disk = FailingDisk { file, fails: Arc::clone(&fails) };
    backing.database.replace(Some(builder().create_with_backend(disk).unwrap()));

    fails.store(true, Ordering::Relaxed);
    let failure = write(&backing, 2).unwrap_err().of("writing");
    assert_eq!(failure.retry, Retry::Transient);
    assert!(failure.chain().contains("free some space"), "{}", failure.chain());
    assert!(backing.database.borrow().is_none(), "redb answers nothing more");
    assert_eq!(read(&backing), Some(1), "what was committed, from the file opened again");
    write(&backing, 3).unwrap();
    assert_eq!(read(&backing), Some(3));
}

#[test]
fn r33_a_panic_of_the_store_is_an_error_and_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let backing = Backing::open(folder.path()).unwrap();
    write(&backing, 1).unwrap();
    let result: Result<(), Failure> = backing.write(|transaction| {
        transaction.open_table(layout::CONTROL)?.insert(KEY, 2)?;
        panic!("a page contradicts itself")
    });
    let failure = result.unwrap_err().of("writing");
    assert_eq!(failure.retry, Retry::Never);
    assert!(failure.chain().contains("a page contradicts itself"), "{}", failure.chain());
    assert_eq!(read(&backing), Some(1));
}

#[test]
fn r33_a_file_that_cannot_be_opened_again_is_named_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let backing = Backing::open(folder.path()).unwrap();
    write(&backing, 1).unwrap();
    drop(backing.database.take());
    let (here, away) = (folder.path().join(STORE_FILE), folder.path().join("away"));
    fs::rename(&here, &away).unwrap();
    let failure = write(&backing, 2).unwrap_err().of("writing");
    assert_eq!(failure.retry, Retry::Transient);
    assert!(failure.chain().contains(STORE_FILE), "{}", failure.chain());
    fs::rename(&away, &here).unwrap();
    assert_eq!(read(&backing), Some(1));
}
