//! A job type under virtual time, against answers that are made up from a recorded one.

use std::time::{Duration, SystemTime};

use pollwheel_connector::recording::{Answer, Asking, Case, CaseFiles, Stage, Suite, play};
use pollwheel_connector::{Channel, ChannelSet, JobType};
use pollwheel_core::context::Context;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::Polled;
use pollwheel_core::row::{JobRow, Place};
use pollwheel_core::wheel::Cohort;

use crate::channel::live::{Follows, timestamp};
use crate::exit::Failure;

/// A job type of a channel, with the recordings of it.
pub(super) struct Rig<'c> {
    pub(super) channels: &'c ChannelSet,
    pub(super) channel: &'c Channel,
    pub(super) job_type: &'c JobType,
    pub(super) cases: Vec<Case>,
    /// A recorded poll that worked, and its first answer.
    good: Option<(usize, Answer)>,
}

/// A poll in virtual time.
pub(super) struct Turn {
    pub(super) asked: Vec<Asking>,
    pub(super) polled: Polled,
    pub(super) follows: Follows,
}

impl<'c> Rig<'c> {
    pub(super) fn of(
        channels: &'c ChannelSet,
        channel: &'c Channel,
        job_type: &'c JobType,
        suite: &Suite,
    ) -> Result<Self, Failure> {
        let mut cases = Vec::new();
        for CaseFiles { recorded, .. } in &suite.cases {
            let case = Case::read(recorded).map_err(|problem| Failure::Input(problem.to_string()))?;
            if case.job_type == job_type.spec().id.name() {
                cases.push(case);
            }
        }
        let mut rig = Self { channels, channel, job_type, cases, good: None };
        rig.good = rig.find_good();
        Ok(rig)
    }

    /// The recorded poll with most in its first answer: a page of items tells more than an empty one. A poll of one request
    /// where there is one: a page that says that there are more would be the first of as many as are asked for.
    fn find_good(&self) -> Option<(usize, Answer)> {
        let good = |(index, case): (usize, &Case)| {
            let played = play(self.channels, self.channel, case).ok()?;
            let works = matches!(
                played.polled.outcome,
                Outcome::Unchanged { .. } | Outcome::Seeded { .. } | Outcome::New { .. }
            );
            let page = case.exchanges.iter().find(|exchange| exchange.response.status == 200)?;
            works.then(|| (index, page.response.clone()))
        };
        let size = |(index, answer): &(usize, Answer)| {
            let is_one = self.cases.get(*index).is_some_and(|case| case.exchanges.len() == 1);
            let body = answer.body.as_ref().map_or(0, |body| body.compact().len());
            (is_one, body + answer.text.as_ref().map_or(0, String::len))
        };
        self.cases.iter().enumerate().filter_map(good).max_by_key(size)
    }

    /// The answer that others are made from.
    pub(super) fn page(&self) -> Option<&Answer> {
        self.good.as_ref().map(|(_, answer)| answer)
    }

    /// The job of the recorded poll that worked, at its fastest service level, as if it had never been polled.
    pub(super) fn stage(&self) -> Option<(Stage<'c>, JobRow, SystemTime)> {
        let case = self.cases.get(self.good.as_ref()?.0)?;
        let stage = Stage::of(self.channels, self.channel, case).ok()?;
        let mut row = self.at_fastest(stage.row().clone());
        row.context = Context::default();
        let now: jiff::Timestamp = case.now.parse().ok()?;
        Some((stage, row, now.into()))
    }

    /// The job of a recorded poll that brought new items, and its first page.
    pub(super) fn burst(&self) -> Option<(Stage<'c>, JobRow, SystemTime, Answer)> {
        self.cases.iter().find_map(|case| {
            let played = play(self.channels, self.channel, case).ok()?;
            let is_new = matches!(played.polled.outcome, Outcome::New { .. });
            let page = case.exchanges.iter().find(|exchange| exchange.response.status == 200)?;
            let stage = Stage::of(self.channels, self.channel, case).ok().filter(|_| is_new)?;
            let row = self.at_fastest(stage.row().clone());
            let now: jiff::Timestamp = case.now.parse().ok()?;
            Some((stage, row, now.into(), page.response.clone()))
        })
    }

    /// A row in the cohort in which its fastest level begins.
    pub(super) fn at_fastest(&self, mut row: JobRow) -> JobRow {
        let spec = self.job_type.spec();
        let fastest = spec.levels.iter().min_by_key(|(_, policy)| policy.range.fastest().minutes());
        if let Some((level, policy)) = fastest {
            row.level = level.clone();
            row.place = Place::Cohort(Cohort::of(&row.job, policy.range.fastest(), spec.shards));
        }
        row
    }

    /// Polls once, and decides.
    pub(super) fn turn(
        &self,
        stage: &Stage<'_>,
        row: &JobRow,
        now: SystemTime,
        mut script: impl FnMut(&Asking) -> Answer,
    ) -> Turn {
        let mut asked = Vec::new();
        let polled = stage.poll(row, now, |asking| {
            asked.push(asking.clone());
            script(asking)
        });
        let follows = Follows::of(row, &polled, self.job_type.spec(), timestamp(now));
        Turn { asked, polled, follows }
    }

    /// Seconds that the decision leaves after one answer, from a job that was polled before. None when it is parked.
    pub(super) fn wait_after(&self, answer: &Answer) -> Option<Option<u64>> {
        let (stage, row, now) = self.stage()?;
        let page = self.page()?;
        let first = self.turn(&stage, &row, now, |_| page.clone());
        let now = after(now, &first)?;
        let turn = self.turn(&stage, &first.follows.row, now, |_| answer.clone());
        Some(turn.follows.wait_seconds())
    }

    /// Whether a recorded answer has a header, with something in it that counts.
    pub(super) fn gives(&self, name: &str, counts: impl Fn(&str) -> bool) -> bool {
        let mut headers = self
            .cases
            .iter()
            .flat_map(|case| &case.exchanges)
            .flat_map(|exchange| &exchange.response.headers);
        headers.any(|(known, value)| known.eq_ignore_ascii_case(name) && counts(value))
    }
}

/// The moment of the poll after one: when the decision says. None when there is none.
pub(super) fn after(now: SystemTime, turn: &Turn) -> Option<SystemTime> {
    Some(now + Duration::from_secs(turn.follows.wait_seconds()?))
}

/// An answer with other headers.
pub(super) fn with(answer: &Answer, headers: &[(&str, &str)]) -> Answer {
    let mut answer = answer.clone();
    for (name, value) in headers {
        answer.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        answer.headers.insert((*name).to_owned(), (*value).to_owned());
    }
    answer
}

/// An answer without some headers.
pub(super) fn without(answer: &Answer, names: &[&str]) -> Answer {
    let mut answer = answer.clone();
    answer.headers.retain(|known, _| names.iter().all(|name| !known.eq_ignore_ascii_case(name)));
    answer
}

/// An answer with nothing in it.
pub(super) fn empty(status: u16, headers: &[(&str, &str)]) -> Answer {
    let nothing =
        Answer { status, headers: std::collections::BTreeMap::new(), body: None, text: Some(String::new()) };
    with(&nothing, headers)
}
