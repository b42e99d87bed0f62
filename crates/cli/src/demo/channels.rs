//! The channels that the demo polls, compiled in, so that the binary runs it from anywhere.

use std::fs;

use anyhow::Context;
use pollwheel_connector::ChannelSet;

use crate::exit::Failure;

const FILES: [(&str, &str); 2] = [
    ("mastodon", include_str!("../../../../channels/mastodon/channel.yml")),
    ("github", include_str!("../../../../channels/github/channel.yml")),
];

/// Loads them, by way of a folder that is gone again afterwards.
pub(super) fn load() -> Result<ChannelSet, Failure> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder for the demo's channels")?;
    for (name, text) in FILES {
        let channel = folder.path().join(name);
        let written = fs::create_dir(&channel).and_then(|()| fs::write(channel.join("channel.yml"), text));
        written.context("cannot write the demo's channels")?;
    }
    ChannelSet::load(folder.path()).map_err(|errors| Failure::Input(errors.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_channels_are_compiled_in() {
        let channels = load().unwrap();
        let names: Vec<_> = channels.iter().map(|channel| channel.name().to_string()).collect();
        assert_eq!(names, ["github", "mastodon"]);
    }
}
