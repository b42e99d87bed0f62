//! The event bus of one process: CloudEvents as NDJSON, into a file, standard output or memory.
//!
//! An event counts as accepted once its line is written whole. A file is also synced before the rows that its events
//! came from advance (see [`NdjsonBus::sync`]), so that a power cut cannot lose an event that a row has moved past.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use pollwheel_core::event::{Event, MAX_EVENT_BYTES};
use pollwheel_core::ports::{Bus, PortError, Retry};

/// Event ids remembered, to count repeated publications: 16 MB at most.
const REMEMBERED_IDS: usize = 500_000;

/// Where events go.
enum Sink {
    File(File),
    Stream(Box<dyn Write>),
}

/// Counts of what was published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Lines written.
    pub events: u64,
    /// Of these, ids that were written before in this run: a poll that ran twice.
    pub repeated: u64,
    /// Events that could not be written.
    pub refused: u64,
}

/// Writes events as lines.
pub struct NdjsonBus {
    sink: RefCell<Sink>,
    published: Cell<Published>,
    seen: RefCell<Recent>,
    unsynced: Cell<bool>,
    broken: Cell<Option<Broken>>,
}

/// Why nothing can be published any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The reader of the stream has gone away.
    ReaderGone,
    /// What was written to the file may not be there: the system said so once, and a second try could not tell.
    /// <https://wiki.postgresql.org/wiki/Fsync_Errors>
    NotDurable,
}

impl NdjsonBus {
    /// Appends to a file, which is created when it is missing; a device or a named pipe is a stream. A last line without its end is ended first, unless it is
    /// the beginning of an event that an earlier run could not write whole: that one was never accepted, is published
    /// again, and is taken off.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            // A device or a pipe has no last line, and nothing of it is kept that could be synced.
            return Ok(Self::stream(Box::new(OpenOptions::new().write(true).open(path)?)));
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let (length, tail) = last_line(&mut file)?;
        if !tail.is_empty() {
            if is_torn_event(&tail) {
                file.set_len(length - tail.len() as u64)?;
            } else {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self::new(Sink::File(file)))
    }

    /// Writes to a stream, such as standard output.
    #[must_use]
    pub fn stream(stream: Box<dyn Write>) -> Self {
        Self::new(Sink::Stream(stream))
    }

    fn new(sink: Sink) -> Self {
        Self {
            sink: RefCell::new(sink),
            published: Cell::default(),
            seen: RefCell::default(),
            unsynced: Cell::new(false),
            broken: Cell::new(None),
        }
    }

    /// What was published so far.
    #[must_use]
    pub fn published(&self) -> Published {
        self.published.get()
    }

    /// Whether, and why, nothing can be published any more.
    #[must_use]
    pub fn broken(&self) -> Option<Broken> {
        self.broken.get()
    }

    /// Makes what was written durable, when it is a file. Cheap when nothing was written since.
    ///
    /// # Errors
    /// When the file cannot be synced, now or once before; the rows must not advance then.
    pub fn sync(&self) -> io::Result<()> {
        if self.broken.get() == Some(Broken::NotDurable) {
            return Err(io::Error::other("they could not be made durable before"));
        }
        if !self.unsynced.get() {
            return Ok(());
        }
        if let Sink::File(file) = &*self.sink.borrow() {
            file.sync_data().inspect_err(|_| self.broken.set(Some(Broken::NotDurable)))?;
        }
        self.unsynced.set(false);
        Ok(())
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        if self.broken.get() == Some(Broken::NotDurable) {
            return Err(io::Error::other("events before these could not be made durable"));
        }
        match &mut *self.sink.borrow_mut() {
            Sink::File(file) => {
                let before = file.metadata()?.len();
                file.write_all(text).inspect_err(|_| {
                    // A torn line would spoil the next one.
                    let _ = file.set_len(before);
                })?;
            }
            Sink::Stream(stream) => {
                stream.write_all(text)?;
                stream.flush()?;
            }
        }
        self.unsynced.set(true);
        Ok(())
    }

    fn remember(&self, ids: impl Iterator<Item = String>) {
        let mut published = self.published.get();
        let mut seen = self.seen.borrow_mut();
        for id in ids {
            published.events += 1;
            published.repeated += u64::from(!seen.insert(&id));
        }
        self.published.set(published);
    }
}

impl Bus for NdjsonBus {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<(), PortError>> {
        let mut text = Vec::with_capacity(events.len() * 512);
        for event in &events {
            if let Err(error) = serde_json::to_writer(&mut text, event) {
                let refused =
                    |_: &Event| Err(PortError::new("writing an event", Retry::Never, error.to_string()));
                return events.iter().map(refused).collect();
            }
            text.push(b'\n');
        }
        match self.write(&text) {
            Ok(()) => {
                let count = events.len();
                self.remember(events.into_iter().map(|event| event.id));
                (0..count).map(|_| Ok(())).collect()
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::BrokenPipe {
                    self.broken.set(Some(Broken::ReaderGone));
                }
                let mut published = self.published.get();
                published.refused += events.len() as u64;
                self.published.set(published);
                let text = error.to_string();
                let refused = |_| Err(PortError::new("writing events", Retry::Transient, text.clone()));
                (0..events.len()).map(refused).collect()
            }
        }
    }
}

/// The length of a file, and its last line when that has no end.
fn last_line(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_EVENT_BYTES as u64)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let start = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    Ok((length, tail.split_off(start)))
}

/// Whether a line is an event of ours that breaks off. Nothing else is taken off a file: it may not be ours.
fn is_torn_event(line: &[u8]) -> bool {
    line.starts_with(br#"{"specversion":"#) && serde_json::from_slice::<serde_json::Value>(line).is_err()
}

/// The ids seen last, as 64-bit prefixes of their digests.
#[derive(Default)]
struct Recent {
    set: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Whether the id is new.
    fn insert(&mut self, id: &str) -> bool {
        let prefix = id.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default();
        if !self.set.insert(prefix) {
            return false;
        }
        self.order.push_back(prefix);
        if self.order.len() > REMEMBERED_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::event::Item;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId};
    use pollwheel_core::time::Timestamp;

    use super::*;

    fn event(item: &str) -> Event {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("a1").unwrap(),
            target: None,
        };
        let data = serde_json::value::to_raw_value(&serde_json::json!({"text": "hi"})).unwrap();
        let item = Item {
            id: item.to_owned(),
            kind: "mastodon.status".to_owned(),
            time: None,
            subject: None,
            data,
            dedupe_version: 1,
        };
        Event::of_item(&job, item, Timestamp::from_millis(0))
    }

    #[tokio::test]
    async fn a_device_is_a_stream_and_has_nothing_to_sync() {
        let bus = NdjsonBus::append_to(Path::new("/dev/null")).unwrap();
        assert!(bus.publish(vec![event("1")]).await.iter().all(Result::is_ok));
        bus.sync().unwrap();
        assert_eq!(bus.broken(), None);
    }

    #[tokio::test]
    async fn r33_after_one_sync_that_failed_nothing_counts_as_published() {
        // The system refuses to sync a device.
        let device = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let bus = NdjsonBus::new(Sink::File(device));
        assert!(bus.publish(vec![event("1")]).await.iter().all(Result::is_ok));
        assert!(bus.sync().is_err());
        assert_eq!(bus.broken(), Some(Broken::NotDurable));
        assert!(bus.publish(vec![event("2")]).await.iter().all(Result::is_err));
        assert!(bus.sync().is_err(), "a second try would say that all is well");
    }

    #[tokio::test]
    async fn a_file_is_appended_to_whole_lines_and_repeats_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        std::fs::write(&path, "somebody's note").unwrap();
        let bus = NdjsonBus::append_to(&path).unwrap();
        assert!(bus.publish(vec![event("1"), event("2")]).await.iter().all(Result::is_ok));
        assert!(bus.publish(vec![event("2")]).await.iter().all(Result::is_ok));
        bus.sync().unwrap();
        assert_eq!(bus.published(), Published { events: 3, repeated: 1, refused: 0 });
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().skip(1).all(|line| serde_json::from_str::<Event>(line).is_ok()));
    }

    #[tokio::test]
    async fn r33_an_event_that_breaks_off_is_taken_off_and_whole_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        let whole = serde_json::to_string(&event("1")).unwrap();
        let torn = whole.get(..40).unwrap();
        std::fs::write(&path, format!("{whole}\n{torn}")).unwrap();
        let bus = NdjsonBus::append_to(&path).unwrap();
        assert!(bus.publish(vec![event("2")]).await.iter().all(Result::is_ok));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().filter(|line| serde_json::from_str::<Event>(line).is_ok()).count(), 2);
        assert_eq!(text.lines().count(), 2);
    }

    #[tokio::test]
    async fn r15_a_bus_that_cannot_write_accepts_nothing() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bus = NdjsonBus::stream(Box::new(Closed));
        assert!(bus.publish(vec![event("1"), event("2")]).await.iter().all(Result::is_err));
        assert_eq!(bus.broken(), Some(Broken::ReaderGone));
        assert_eq!(bus.published(), Published { events: 0, repeated: 0, refused: 2 });
    }
}
