//! The pause that a response asks for between two polls.

use super::Reader;
use crate::answer::Answer;
use crate::body_filter::BodyFilter;
use crate::wait::{FloorSource, number};

impl Reader<'_> {
    /// Seconds of the wheel that a response asks to leave between two polls.
    pub(crate) fn floor(&self, answer: &Answer<'_>) -> Option<u64> {
        let clock = self.clock(answer);
        let floors = self.job.floor.iter().filter_map(|source| match source {
            FloorSource::CacheControl | FloorSource::Expires | FloorSource::Seconds(_) => clock.floor(source),
            FloorSource::Body(filter) => in_body(filter, answer),
        });
        floors.max().map(|seconds| self.scale.wheel_seconds(seconds))
    }
}

/// A body that says nothing asks for nothing.
fn in_body(filter: &BodyFilter, answer: &Answer<'_>) -> Option<u64> {
    number(&filter.scalar(answer.body().ok()?).ok()??)
}
