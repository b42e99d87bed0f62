//! A third party, and the files that make a deployment poll it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pollwheel_upstream::{Channel, Config, Growth, Running, Stats, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::process::{json_lines, pollwheel};

pub(crate) const CHANNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../channels");
/// A secret of every account, with the account's id behind it.
pub(crate) const TOKEN: &str = "planted-s3cret-of";

/// Timelines that hold a history and nothing else, unless a test posts.
pub(crate) fn still() -> Config {
    Config {
        growth: Growth { items_per_hour: 0.0, burst_rate: 0.0, burst_size: 0, history: 30 },
        poll_interval: Duration::from_secs(1),
        ..Config::default()
    }
}

/// A running third party.
pub(crate) struct Site {
    runtime: Runtime,
    running: Option<Running>,
    addr: SocketAddr,
    config: Config,
}

impl Site {
    pub(crate) fn start(config: Config) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.block_on(Upstream::start(config.clone())).unwrap();
        let addr = running.addr();
        Self { runtime, running: Some(running), addr, config: Config { listen: addr, ..config } }
    }

    /// Nobody answers from now on.
    pub(crate) fn go_down(&mut self) {
        self.runtime.block_on(self.running.take().unwrap().shutdown());
    }

    /// The same address answers again.
    pub(crate) fn come_back(&mut self) {
        self.running = Some(self.runtime.block_on(Upstream::start(self.config.clone())).unwrap());
    }

    pub(crate) fn stats(&self) -> Stats {
        self.running.as_ref().unwrap().stats()
    }

    /// Whether every account was asked for at least so many times.
    pub(crate) fn was_polled(&self, accounts: &[Account], times: u64) -> bool {
        let stats = self.stats().accounts.unwrap();
        let requests = |account: &Account| {
            stats.get(account.channel).get(&account.external_id()).map_or(0, |account| account.requests)
        };
        accounts.iter().all(|account| requests(account) >= times)
    }

    /// Posts items for an account, and returns their ids.
    pub(crate) fn post(&self, account: &Account, count: u32) -> Vec<String> {
        let path = format!("/_accounts/{}/{}/post?n={count}", account.channel, account.external_id());
        ids(&self.control("POST", &path)["ids"])
    }

    /// An account's whole timeline, and how many of its items are older than the start.
    pub(crate) fn timeline(&self, account: &Account) -> (usize, Vec<String>) {
        let path = format!("/_accounts/{}/{}/ids", account.channel, account.external_id());
        let answer = self.control("GET", &path);
        (answer["history"].as_u64().unwrap().try_into().unwrap(), ids(&answer["ids"]))
    }

    fn control(&self, method: &str, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            self.addr
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// An account that a test polls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    pub(crate) channel: Channel,
    pub(crate) id: String,
}

impl Account {
    pub(crate) fn new(channel: Channel, id: &str) -> Self {
        Self { channel, id: id.to_owned() }
    }

    fn external_id(&self) -> String {
        format!("{}-there", self.id)
    }

    /// The one that posts of the third party show in.
    fn job_type(&self) -> &'static str {
        if self.channel == Channel::Mastodon { "statuses" } else { "events" }
    }

    fn line(&self, base_url: &str) -> String {
        json!({
            "account_id": self.id, "channel": self.channel.to_string(), "job_types": [self.job_type()],
            "service_level": "enterprise",
            "external_id": self.external_id(), "base_url": base_url, "token": format!("{TOKEN}-{}", self.id),
        })
        .to_string()
    }
}

/// As many accounts on Mastodon as on GitHub.
pub(crate) fn accounts(of_each: u32) -> Vec<Account> {
    let both = |number| {
        [
            Account::new(Channel::Mastodon, &format!("m{number}")),
            Account::new(Channel::Github, &format!("g{number}")),
        ]
    };
    (0..of_each).flat_map(both).collect()
}

/// A folder with an accounts file, a state folder, events and reports.
pub(crate) struct Deployment {
    pub(crate) folder: TempDir,
}

impl Deployment {
    /// Polls `accounts` of `site`.
    pub(crate) fn new(site: &Site, accounts: &[Account]) -> Self {
        let deployment = Self { folder: tempfile::tempdir().unwrap() };
        deployment.set_accounts(site, accounts);
        deployment
    }

    pub(crate) fn set_accounts(&self, site: &Site, accounts: &[Account]) {
        let base_url = format!("http://{}", site.addr);
        let lines: String = accounts.iter().map(|account| account.line(&base_url) + "\n").collect();
        fs::write(self.file("accounts.jsonl"), lines).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// `pollwheel run` on the folder, four ticks a second unless the arguments say otherwise.
    pub(crate) fn run(&self, arguments: &str) -> Command {
        let mut command = pollwheel("run --allow-private-addresses --channels");
        command.arg(CHANNELS).args(arguments.split_whitespace());
        let file = |name| self.file(name).display().to_string();
        let own = [
            ("--tick", "250ms".to_owned()),
            ("--accounts", file("accounts.jsonl")),
            ("--state", file("state")),
            ("--events", file("events.ndjson")),
            ("--report", file("report.json")),
        ];
        for (name, value) in own.iter().filter(|(name, _)| !arguments.contains(&format!("{name} "))) {
            command.args([*name, value]);
        }
        command
    }

    /// `pollwheel job ...` on the state folder.
    pub(crate) fn job(&self, arguments: &str) -> Command {
        let mut command = pollwheel(&format!("job {arguments}"));
        command.arg("--state").arg(self.file("state"));
        command
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.file("report.json")).unwrap()).unwrap()
    }

    /// The events so far: for each account and item, the ids it was published under, repeated ones too.
    pub(crate) fn events(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut events: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for event in json_lines(&self.file("events.ndjson")) {
            let text = |name: &str| {
                event[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {event}")).to_owned()
            };
            events.entry((text("accountid"), text("subject"))).or_default().push(text("id"));
        }
        events
    }

    /// Whether every one of these items was published.
    pub(crate) fn has_published(&self, posted: &BTreeSet<(String, String)>) -> bool {
        let events = self.events();
        posted.iter().all(|item| events.contains_key(item))
    }
}

/// Posts items for every account, and returns account and item of each.
pub(crate) fn post_to_all(site: &Site, accounts: &[Account], count: u32) -> BTreeSet<(String, String)> {
    let post = |account: &Account| {
        let posted = site.post(account, count);
        posted.into_iter().map(|item| (account.id.clone(), item)).collect::<Vec<_>>()
    };
    accounts.iter().flat_map(post).collect()
}
