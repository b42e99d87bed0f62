//! Every recorded poll of every shipped channel comes to what is expected of it, and so does every one of a channel that
//! is data alone. `pollwheel channel test` says more when one does not, and writes the expected files.

use std::path::{Path, PathBuf};

use pollwheel_connector::ChannelSet;
use pollwheel_connector::recording::{Case, FEW, Suite, Tree, differences, folder_of, play};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Plays the recordings of every channel in a folder. How many there are of each.
fn play_all(folder: &Path) -> Vec<(String, usize)> {
    let channels = ChannelSet::load(folder).unwrap_or_else(|errors| panic!("{errors}"));
    let mut counts = Vec::new();
    for channel in channels.iter() {
        let suite = Suite::of(&folder_of(folder, channel.name().as_str()));
        assert_eq!(suite.problems, [], "{}", channel.name());
        assert!(suite.cases.len() >= FEW, "{} has few recordings", channel.name());
        for files in &suite.cases {
            let case = Case::read(&files.recorded).unwrap_or_else(|problem| panic!("{problem}"));
            let played = play(&channels, channel, &case).unwrap();
            assert_eq!(played.deviations, [], "{}", files.recorded.display());
            let expected = std::fs::read_to_string(&files.expected).unwrap_or_default();
            let expected = Tree::parse(&expected).unwrap().sorted();
            assert_eq!(differences(&expected, &played.comes_to), [], "{}", files.expected.display());
        }
        counts.push((channel.name().to_string(), suite.cases.len()));
    }
    counts
}

#[test]
fn every_recorded_poll_comes_to_what_is_expected() {
    let counts = play_all(&folder("../../channels"));
    let names: Vec<&str> = counts.iter().map(|(name, _)| name.as_str()).collect();
    let shipped =
        ["bluesky", "facebook", "feed", "github", "hackernews", "mastodon", "reddit", "x", "youtube"];
    assert_eq!(names, shipped);
}

/// Pages by a cursor in the body, a quota in the body, and a refresh that replaces the refresh token.
#[test]
fn a_channel_is_added_by_its_file_and_its_responses_alone() {
    assert_eq!(play_all(&folder("tests/channels")), [("acme".to_owned(), 8)]);
}
