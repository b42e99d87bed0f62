//! Every recorded poll of every shipped channel comes to what is expected of it. `pollwheel channel test` says more when
//! one does not, and writes the expected files.

use std::path::Path;

use pollwheel_connector::ChannelSet;
use pollwheel_connector::recording::{Case, FEW, Suite, Tree, differences, folder_of, play};

#[test]
fn every_recorded_poll_comes_to_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../channels");
    let channels = ChannelSet::load(&folder).unwrap_or_else(|errors| panic!("{errors}"));
    for channel in channels.iter() {
        let suite = Suite::of(&folder_of(&folder, channel.name().as_str()));
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
    }
}
