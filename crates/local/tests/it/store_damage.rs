//! A damaged file: it opens with the right data, or it is refused by name. Never anything else, never a panic.

use std::fs;
use std::path::Path;

use pollwheel_core::ports::{Change, ControlStore};
use pollwheel_core::row::{JobRow, Revision};
use pollwheel_local::store::{Store, StoreError};

use crate::fixture::{NOW, Random, all_rows, apply, cursor, insert, job_type, place, row, wait};

/// Bytes of the file's header: the magic number, flags, the layout and two commits.
const HEADER: usize = 320;

/// A closed store with a history, as bytes, and what is in it.
fn store_bytes() -> (Vec<u8>, Vec<JobRow>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..60 {
        insert(&store, row(&format!("job-{number:03}"), place(number % 3), 1));
    }
    for number in 0..30 {
        let new = Box::new(row(&format!("job-{number:03}"), place(number % 3), 2));
        apply(&store, Change::Update { row: new, expected: Revision(1) }).unwrap();
    }
    assert!(wait(store.move_cursor(&job_type(), None, NOW)).unwrap());
    let rows = all_rows(&store);
    drop(store);
    (fs::read(folder.path().join("pollwheel.redb")).unwrap(), rows)
}

/// Opens a store of these bytes: right, or refused by name.
fn open(folder: &Path, bytes: &[u8], rows: &[JobRow], context: &str) -> Result<(), StoreError> {
    let file = folder.join("pollwheel.redb");
    fs::write(&file, bytes).unwrap();
    match Store::open(folder) {
        Ok(store) => {
            assert_eq!(all_rows(&store), rows, "{context}: it opened with other rows");
            assert_eq!(cursor(&store), Some(NOW), "{context}: it opened with another cursor");
            Ok(())
        }
        Err(error) => {
            assert!(matches!(error, StoreError::Damaged { .. }), "{context}: {error:?}");
            let text = error.to_string();
            assert!(text.contains("pollwheel.redb") && text.contains("is damaged"), "{context}: {text}");
            Err(error)
        }
    }
}

#[test]
fn r33_a_truncated_file_is_refused_by_name() {
    let (bytes, rows) = store_bytes();
    let folder = tempfile::tempdir().unwrap();
    let mut lengths: Vec<usize> = vec![0, 1, 8, 9, 63, 64, HEADER, 511, 512, 4095, 4096, 4097, 8192];
    lengths.extend((1..16).map(|part| bytes.len() * part / 16));
    lengths.push(bytes.len() - 1);
    for length in lengths {
        let result = open(folder.path(), &bytes[..length], &rows, &format!("{length} bytes"));
        assert!(result.is_err(), "{length} of {} bytes were taken for a store", bytes.len());
    }
    open(folder.path(), &bytes, &rows, "whole").unwrap();
}

#[test]
fn r33_garbage_is_refused_by_name() {
    let (mut bytes, rows) = store_bytes();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(7);
    assert!(open(folder.path(), b"not a store at all", &rows, "text").is_err());
    assert!(open(folder.path(), &vec![0; bytes.len()], &rows, "zeros").is_err());
    bytes[..HEADER].fill_with(|| u8::try_from(random.below(256)).unwrap());
    assert!(open(folder.path(), &bytes, &rows, "header").is_err());
}

#[test]
fn r33_a_flipped_bit_of_the_header_is_harmless_or_named() {
    let (bytes, rows) = store_bytes();
    let seed = Random::fresh_seed();
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    // Every bit of the flags and the layout, which no checksum covers, and one of each byte of the two commits.
    let layout = (0..64).flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
    let commits: Vec<(usize, usize)> = (64..HEADER).map(|byte| (byte, random.below(8))).collect();
    for (byte, bit) in layout.chain(commits) {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << bit;
        let context = format!("bit {bit} of byte {byte}, repeat with POLLWHEEL_TEST_SEED={seed}");
        let _ = open(folder.path(), &flipped, &rows, &context);
    }
}

#[test]
fn r33_flipped_bits_anywhere_are_harmless_or_named() {
    let (bytes, rows) = store_bytes();
    let seed = Random::fresh_seed();
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut refused = 0;
    for round in 0..100 {
        let mut flipped = bytes.clone();
        for _ in 0..=random.below(8) {
            // Where something was ever written: most of a new file is empty.
            let byte = loop {
                let byte = random.below(flipped.len());
                if bytes[byte] != 0 {
                    break byte;
                }
            };
            flipped[byte] ^= 1 << random.below(8);
        }
        let context = format!("round {round}, repeat with POLLWHEEL_TEST_SEED={seed}");
        refused += usize::from(open(folder.path(), &flipped, &rows, &context).is_err());
    }
    assert!(refused > 10, "some of the damage was where it matters: {refused}");
}
