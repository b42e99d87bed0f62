use std::fs;
use std::path::PathBuf;

use super::*;

/// Every file below a folder.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(path) } else { vec![path] }).collect()
}

fn corpus(name: &str, enter: fn(&[u8])) {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let own = files(crate_folder.join("fuzz/corpus").join(name));
    assert!(own.len() >= 5, "{name} has {} files", own.len());
    for file in own.into_iter().chain(files(crate_folder.join("../../channels"))) {
        enter(&fs::read(file).unwrap());
    }
}

#[test]
fn the_corpus_of_headers_holds() {
    corpus("header", header);
}

#[test]
fn the_corpus_of_bodies_holds() {
    corpus("body", body);
}

#[test]
fn the_corpus_of_templates_holds() {
    corpus("template", template);
}

#[test]
fn the_corpus_of_cursors_holds() {
    corpus("cursor", cursor);
}

#[test]
fn the_corpus_of_channel_files_holds() {
    corpus("channel_file", channel_file);
}
