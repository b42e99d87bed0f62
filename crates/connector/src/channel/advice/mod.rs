//! What is right in a channel file and probably not meant: warnings, which stop nothing.
//!
//! Runs on files without errors. Knows no accounts: what depends on how many there are cannot be told here.

mod auth;
mod cadence;
mod documented;
mod pages;
mod rules;
mod secrets;
#[cfg(test)]
mod tests;
mod unused;

use super::Channel;
use super::file::ChannelFile;
use super::problem::Problems;

/// Adds the warnings of a channel to `problems`.
pub(super) fn advise(file: &ChannelFile, channel: &Channel, problems: &mut Problems) {
    cadence::check(file, channel, problems);
    auth::check(file, channel, problems);
    pages::check(file, problems);
    documented::check(file, channel, problems);
    rules::check(file, channel, problems);
    secrets::check(file, channel, problems);
    unused::check(file, channel, problems);
}
