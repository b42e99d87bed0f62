//! `--channels`: the connector's own decisions about a folder of channels, against the third parties of `pollwheel-upstream`,
//! in this process and under virtual time.
//!
//! Requests and answers are whole HTTP messages; only the network between them is left out. The third parties say what
//! was posted, and which calls went past their limits.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use pollwheel_connector::members::Flaw;
use pollwheel_connector::{Answered, Asked, ChannelSet, Replayer, accounts, applications};
use pollwheel_core::budget::Spend;
use pollwheel_core::event::Event;
use pollwheel_core::id::{ChannelName, JobId};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Clock, Polled, Poller, Refresh, Refreshed, Renewal, Request};
use pollwheel_core::row::JobRow;
use pollwheel_core::time::Timestamp;
use pollwheel_local::clock::WheelClock;
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::sim::{
    Deployed, Posted, Seeds, Setup, SimError, Upstream, Verdict, first_event_number, run_deployed,
    run_seeds_by, under_virtual_time,
};
use pollwheel_upstream::{Auth, Channel, Config, Growth, InProcess, roster};

use crate::channel;
use crate::exit::Failure;

/// Where the third parties pretend to be.
const BASE_URL: &str = "https://upstream.example";
/// Items of an account in an hour, on average: few enough that the shortest feeds keep them over the longest hold.
const ITEMS_PER_HOUR: f64 = 0.2;
/// Items of an account before the run begins.
const HISTORY: u32 = 10;
/// How long an access token is good for.
const TOKEN_TTL: Duration = Duration::from_secs(2 * 3600);

/// Runs the seeds.
pub(super) fn run(folder: &Path, setup: &Setup, seeds: Seeds) -> Result<Vec<Verdict>, Failure> {
    let channels =
        ChannelSet::load(&channel::folder(folder)?).map_err(|errors| Failure::Input(errors.to_string()))?;
    let played = played(&channels)?;
    let verdicts = run_seeds_by(setup, seeds, |setup, seed| {
        let make = |clock| deployed(&channels, &played, setup, seed, clock);
        under_virtual_time(run_deployed(setup, seed, make))?
    });
    Ok(verdicts.context("the simulation could not be run")?)
}

/// The third parties of a folder's channels. Each must be one that can be played.
fn played(channels: &ChannelSet) -> Result<Vec<Channel>, Failure> {
    let known = || Channel::ALL.map(Channel::name).join(", ");
    let find = |name: &ChannelName| {
        name.as_str().parse::<Channel>().map_err(|_| {
            Failure::Input(format!(
                "no third party is there to simulate the channel `{name}` with: there are {}",
                known()
            ))
        })
    };
    let played: Vec<Channel> =
        channels.iter().map(|channel| find(channel.name())).collect::<Result<_, _>>()?;
    if played.is_empty() { Err(Failure::Input("the folder has no channels".to_owned())) } else { Ok(played) }
}

fn deployed<'c>(
    channels: &'c ChannelSet,
    played: &[Channel],
    setup: &Setup,
    seed: u64,
    clock: WheelClock,
) -> Result<Deployed<Third<'c>>, SimError> {
    let refused = |reason: String| SimError::Deployment { reason };
    let flaws =
        |flaws: Vec<Flaw>| refused(flaws.into_iter().map(|flaw| flaw.message).collect::<Vec<_>>().join("; "));
    let world =
        InProcess::new(config(seed), clock.now().millis()).map_err(|error| refused(error.to_string()))?;
    let mut third = Third { channels, world, clock, subjects: HashMap::new() };
    let (mut jobs, mut credentials) = (Vec::new(), MemoryCredentials::default());
    for &channel in played {
        if let Some(line) = roster::application(channel) {
            let (name, application) = applications::parse(&line.to_string(), channels).map_err(flaws)?;
            credentials.insert_application(name, application);
        }
    }
    for (number, &channel) in (0..setup.accounts.get()).zip(played.iter().cycle()) {
        let line = roster::account(channel, number, BASE_URL);
        let account = accounts::parse(&line.to_string(), channels).map_err(flaws)?;
        if let Some(secrets) = account.credentials {
            credentials.insert(account.channel, account.account, secrets);
        }
        for job in account.jobs {
            third.subjects.insert(job.job.clone(), (channel, upstream_id(channel, &job.subject.external_id)));
            jobs.push(job);
        }
    }
    Ok(Deployed { catalog: channels.catalog(), jobs, credentials, upstream: third })
}

fn config(seed: u64) -> Config {
    let growth = Growth { items_per_hour: ITEMS_PER_HOUR, burst_rate: 0.0, burst_size: 1, history: HISTORY };
    Config { seed, growth, auth: Auth::Required, token_ttl: Some(TOKEN_TTL), ..Config::default() }
}

/// An account's id as its third party has it: a feed's is in its address.
fn upstream_id(channel: Channel, external_id: &str) -> String {
    let feed = || external_id.rsplit_once('/')?.1.rsplit_once('.').map(|(name, _)| name);
    match channel {
        Channel::Feed => feed().unwrap_or(external_id).to_owned(),
        Channel::Mastodon
        | Channel::Github
        | Channel::Bluesky
        | Channel::X
        | Channel::Facebook
        | Channel::Reddit
        | Channel::Youtube
        | Channel::Hackernews => external_id.to_owned(),
    }
}

/// Whether the items of a job are those of its account's timeline, one by one. GitHub's notifications are threads of it, of
/// which the newest state alone is there to be polled.
fn is_timeline(job_type: &str) -> bool {
    !job_type.ends_with("github/notifications")
}

/// The third parties of a run, behind the connector.
struct Third<'c> {
    channels: &'c ChannelSet,
    world: InProcess,
    clock: WheelClock,
    /// Whose items a job polls.
    subjects: HashMap<JobId, (Channel, String)>,
}

impl Third<'_> {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now().millis())
    }

    fn answer(&self, asked: &Asked) -> Option<Answered> {
        self.world.answer(asked, self.clock.now().millis())
    }
}

impl Poller for Third<'_> {
    async fn poll(&self, request: Request<'_>) -> Polled {
        Replayer::new(self.channels, &|| self.now(), &|asked| self.answer(asked)).poll(request).await
    }

    fn renewal(&self, channel: &ChannelName) -> Option<Renewal> {
        Replayer::new(self.channels, &|| self.now(), &|_| None).renewal(channel)
    }

    fn uses_application(&self, channel: &ChannelName) -> bool {
        Replayer::new(self.channels, &|| self.now(), &|_| None).uses_application(channel)
    }

    fn limited_host(&self, row: &JobRow) -> Option<Box<str>> {
        Replayer::new(self.channels, &|| self.now(), &|_| None).limited_host(row)
    }

    fn spends(&self, request: &Request<'_>, spec: &JobTypeSpec) -> Vec<Spend> {
        Replayer::new(self.channels, &|| self.now(), &|_| None).spends(request, spec)
    }

    async fn refresh(&self, refresh: Refresh<'_>) -> Refreshed {
        Replayer::new(self.channels, &|| self.now(), &|asked| self.answer(asked)).refresh(refresh).await
    }
}

impl Upstream for Third<'_> {
    fn posted(&self, job: &JobId, by: Timestamp) -> Vec<Posted> {
        let Some((channel, account)) = self.subjects.get(job) else { return Vec::new() };
        if !is_timeline(job.job_type.as_str()) {
            return Vec::new();
        }
        let items = self.world.posted(*channel, account, 0, by.millis());
        let posted = |item: pollwheel_upstream::Posted| Posted {
            event: first_event_number(job, &item.id),
            item: item.id,
            at: Timestamp::from_millis(item.at_ms),
        };
        items.into_iter().map(posted).collect()
    }

    fn judges(&self, event: &Event) -> bool {
        is_timeline(&event.source)
    }

    fn created(&self, event: &Event) -> Option<Timestamp> {
        let time: jiff::Timestamp = event.time.as_ref()?.parse().ok()?;
        u64::try_from(time.as_millisecond()).ok().map(Timestamp::from_millis)
    }

    fn violations(&self) -> u64 {
        self.world.violations()
    }
}
