//! Renewal of tokens by many workers at once, and pools of tokens, under virtual time.

mod cached;
mod vendor;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use pollwheel_core::activity::Price;
use pollwheel_core::batch::Record;
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::complete::{Completion, complete};
use pollwheel_core::id::{AccountId, ChannelName, JobTypeId};
use pollwheel_core::message::{Message, PollMessage};
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::poll::{Limits, PollReport, Worker, poll};
use pollwheel_core::ports::{
    Application, Clock, CredentialStore, Credentials, Grant, Holder, Lease, PoolToken, QueueName, Saved,
    Secret,
};
use pollwheel_local::clock::{REAL_TICK, WheelClock};
use pollwheel_local::credentials::MemoryCredentials;
use pollwheel_local::queue::{LocalQueues, QueueConfig, QueueId};
use pollwheel_local::store::Store;

use crate::fixture::{place, row};
use crate::sim::{MemoryBus, START, under_virtual_time};
use cached::Cached;
use vendor::{Endpoint, LIFETIME, POOL_CALLS, POOL_CUSHION, POOL_WINDOW, Vendor};

const WORKERS: usize = 50;

fn channel() -> ChannelName {
    ChannelName::new("mastodon").unwrap()
}

/// A deployment of many workers.
struct Deployment {
    catalog: Catalog,
    clock: WheelClock,
    vendor: Vendor,
    credentials: MemoryCredentials,
    store: Store,
    queues: LocalQueues,
    bus: MemoryBus,
}

impl Deployment {
    fn new(grant: Option<Grant>) -> Self {
        let clock = WheelClock::running(START, REAL_TICK);
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).unwrap();
        let queues = LocalQueues::new(Rc::new(clock), 1);
        queues.create(QueueName::Completed, QueueConfig::default());
        Self {
            catalog: Catalog::new([JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range)]),
            clock,
            vendor: Vendor::new(clock, grant),
            credentials: MemoryCredentials::default(),
            store: Store::in_memory().unwrap(),
            queues,
            bus: MemoryBus::default(),
        }
    }

    /// Consent of this many accounts.
    fn with_accounts(mut self, accounts: usize) -> Self {
        for name in names(accounts) {
            let credentials = self.vendor.consent(&name);
            self.credentials.insert(channel(), AccountId::new(name).unwrap(), credentials);
        }
        self
    }

    fn view(&self) -> Cached<'_> {
        Cached { inner: &self.credentials, clock: self.clock, known: RefCell::default() }
    }

    /// One worker polls all these accounts.
    async fn worker(&self, view: &Cached<'_>, accounts: &[String], cut_off: Duration) -> PollReport {
        let due = self.clock.now().minute();
        let message = |account: &String| {
            PollMessage {
                due,
                missed: 0,
                spread: 0,
                hop: 1,
                price: Price::USUAL,
                row: row(account, place(0), 1),
            }
            .encode()
        };
        let records: Vec<Record> =
            accounts.iter().map(|account| Record { id: account.clone(), body: message(account) }).collect();
        let worker = Worker {
            catalog: &self.catalog,
            poller: &self.vendor,
            bus: &self.bus,
            queues: &self.queues,
            control: &self.store,
            credentials: view,
            clock: &self.clock,
            time_left: &|| Duration::from_secs(50),
            limits: Limits { concurrency: 4, ..Limits::default() },
        };
        poll(&records, &worker, tokio::time::sleep(cut_off)).await.1
    }

    /// Every worker polls every account at once, as if each message had come fifty times.
    async fn round(&self, views: &[Cached<'_>], accounts: &[String]) -> BTreeMap<&'static str, u64> {
        let workers = views.iter().map(|view| self.worker(view, accounts, Duration::from_secs(50)));
        let mut outcomes = BTreeMap::new();
        for report in join_all(workers).await {
            for (name, count) in report.outcomes {
                *outcomes.entry(name).or_default() += count;
            }
        }
        outcomes
    }

    /// Lets the completion see what the workers came to.
    async fn complete(&self) {
        let completed = QueueId::Live(QueueName::Completed);
        let records: Vec<Record> = self
            .queues
            .receive(&completed, usize::MAX)
            .into_iter()
            .map(|delivery| {
                self.queues.delete(&completed, delivery.receipt);
                Record { id: delivery.message_id.clone(), body: delivery.body.to_string() }
            })
            .collect();
        let completion = Completion { catalog: &self.catalog, store: &self.store, bus: &self.bus, seed: 1 };
        complete(self.clock.now(), &records, &completion).await;
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("a{number}")).collect()
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[test]
fn fifty_workers_renew_one_at_a_time_and_never_spend_a_refresh_token_twice() {
    under_virtual_time(async {
        let deployment = Deployment::new(Some(Grant::RefreshToken)).with_accounts(1);
        let views: Vec<_> = (0..WORKERS).map(|_| deployment.view()).collect();
        let accounts = names(1);
        let mut outcomes = BTreeMap::<&str, u64>::new();
        // Two hours, in which the token ends twelve times.
        for _ in 0..120 {
            for (name, count) in deployment.round(&views, &accounts).await {
                *outcomes.entry(name).or_default() += count;
            }
            pass(Duration::from_secs(60)).await;
        }
        assert_eq!(deployment.vendor.reused.get(), 0);
        assert_eq!(deployment.vendor.most_under_way.get(), 1, "one refresher at a time");
        assert!(
            (12..=16).contains(&deployment.vendor.exchanges.get()),
            "{}",
            deployment.vendor.exchanges.get()
        );
        assert_eq!(outcomes.get("unauthorized"), None, "{outcomes:?}");
        assert!(outcomes["unchanged"] > 5500, "renewal before the end hardly puts a poll off: {outcomes:?}");
    });
}

#[test]
fn tokens_that_have_ended_are_renewed_once_and_the_others_put_off_or_served() {
    under_virtual_time(async {
        let deployment = Deployment::new(Some(Grant::RefreshToken)).with_accounts(8);
        pass(LIFETIME * 3).await;
        let views: Vec<_> = (0..WORKERS).map(|_| deployment.view()).collect();
        let outcomes = deployment.round(&views, &names(8)).await;
        assert_eq!(outcomes.values().sum::<u64>(), 400);
        assert_eq!((deployment.vendor.exchanges.get(), deployment.vendor.reused.get()), (8, 0));
        assert_eq!(outcomes.get("unauthorized"), None, "{outcomes:?}");
        assert!(outcomes["unchanged"] >= 8 && outcomes.contains_key("deferred"), "{outcomes:?}");
        let later = deployment.round(&views, &names(8)).await;
        assert_eq!(later, BTreeMap::from([("unchanged", 400)]), "and all go on with the new ones");
    });
}

#[test]
fn r20_a_crash_between_exchange_and_save_is_the_only_loss_and_ends_in_a_refusal() {
    under_virtual_time(async {
        let deployment = Deployment::new(Some(Grant::RefreshToken)).with_accounts(1);
        let accounts = names(1);
        let view = deployment.view();
        pass(LIFETIME).await;
        deployment.vendor.endpoint.set(Endpoint::LosesAnswers);
        let report = deployment.worker(&view, &accounts, Duration::from_secs(2)).await;
        assert_eq!((report.cut_off, report.renewed), (1, 0));
        deployment.vendor.endpoint.set(Endpoint::Works);
        let soon = deployment.worker(&view, &accounts, Duration::from_secs(50)).await;
        assert_eq!(soon.outcomes, BTreeMap::from([("deferred", 1)]), "the lease has not ended");
        pass(Duration::from_secs(61)).await;
        let later = deployment.worker(&view, &accounts, Duration::from_secs(50)).await;
        assert_eq!(later.outcomes, BTreeMap::from([("unauthorized", 1)]), "it is parked, with a notice");
        assert_eq!(deployment.vendor.reused.get(), 1, "what was exchanged is not offered again and again");
    });
}

#[test]
fn a_token_endpoint_that_fails_is_asked_once_a_lease_and_good_tokens_are_used_on() {
    under_virtual_time(async {
        let deployment = Deployment::new(Some(Grant::RefreshToken)).with_accounts(1);
        let views: Vec<_> = (0..WORKERS).map(|_| deployment.view()).collect();
        deployment.vendor.endpoint.set(Endpoint::Fails);
        pass(LIFETIME - Duration::from_secs(30)).await;
        let due = deployment.round(&views, &names(1)).await;
        assert_eq!(due, BTreeMap::from([("unchanged", 50)]), "it is good for half a minute yet");
        assert_eq!(deployment.vendor.exchanges.get(), 1);
        pass(Duration::from_secs(60)).await;
        let ended = deployment.round(&views, &names(1)).await;
        assert_eq!(ended, BTreeMap::from([("deferred", 49), ("server_error", 1)]));
        assert_eq!(deployment.vendor.exchanges.get(), 2);
    });
}

#[test]
fn a_token_that_was_replaced_under_a_worker_with_the_old_one_parks_nobody() {
    under_virtual_time(async {
        let mut deployment = Deployment::new(None).with_accounts(1);
        let mut kept = HashMap::new();
        let account = AccountId::new("a0").unwrap();
        let holder = Holder::Account(account.clone());
        let old = deployment.credentials.reread(&channel(), &holder).await.unwrap();
        kept.insert(account, (deployment.clock.now(), old));
        let fresh = deployment.vendor.consent("a0");
        deployment.credentials.insert(channel(), AccountId::new("a0").unwrap(), fresh);
        let view = Cached { known: RefCell::new(kept), ..deployment.view() };
        let report = deployment.worker(&view, &names(1), Duration::from_secs(50)).await;
        assert_eq!(report.outcomes, BTreeMap::from([("unchanged", 1)]));
        assert_eq!(report.requests, 2, "refused once, and polled again with what the store has");
    });
}

#[test]
fn an_applications_token_is_had_once_for_all_accounts() {
    under_virtual_time(async {
        let mut deployment = Deployment::new(Some(Grant::ClientCredentials));
        let credentials = deployment.vendor.consent("application");
        deployment.credentials.insert_application(channel(), Application { credentials, tokens: vec![] });
        pass(LIFETIME * 2).await;
        let views = [deployment.view()];
        let outcomes = deployment.round(&views, &names(40)).await;
        assert_eq!(
            outcomes,
            BTreeMap::from([("unchanged", 40)]),
            "the batch's first renews, the others wait"
        );
        assert_eq!(deployment.vendor.exchanges.get(), 1);
    });
}

fn with_pool(mut deployment: Deployment, names: &[&str]) -> Deployment {
    let token =
        |name: &&str| PoolToken { name: (*name).into(), token: Secret::new(format!("{name}-s3cret")) };
    let tokens = names.iter().map(token).collect();
    let application = Application { credentials: Credentials::default(), tokens };
    deployment.credentials.insert_application(channel(), application);
    deployment
}

#[test]
fn r17_a_pool_uses_all_its_tokens_and_passes_the_limit_of_none() {
    under_virtual_time(async {
        let deployment = with_pool(Deployment::new(None), &["one", "two", "three"]);
        let accounts = names(60);
        let views: Vec<_> = (0..10).map(|_| deployment.view()).collect();
        let mut refused = 0;
        // Three windows, a round a minute: many more polls than the pool allows.
        for _ in 0..3 * POOL_WINDOW / 60 {
            // Ten workers of four: as many calls under way as the cushion holds.
            let shares = accounts.chunks(6).zip(&views);
            let workers = shares.map(|(share, view)| deployment.worker(view, share, Duration::from_secs(50)));
            let reports = join_all(workers).await;
            refused += reports.iter().map(|report| report.throttled).sum::<u64>();
            deployment.complete().await;
            pass(Duration::from_secs(60)).await;
        }
        let calls = deployment.vendor.calls.borrow();
        assert!(calls.values().all(|&made| made <= POOL_CALLS), "{calls:?}");
        let used = calls.values().filter(|&&made| made >= POOL_CALLS - POOL_CUSHION).count();
        assert!(used >= 9, "each token's window was used up to the cushion: {calls:?}");
        assert!(refused > 0, "and then nothing was called");
    });
}

#[test]
fn a_revoked_token_of_a_pool_rests_and_no_account_is_parked_for_it() {
    under_virtual_time(async {
        let deployment = with_pool(Deployment::new(None), &["one", "two"]);
        deployment.vendor.revoked.borrow_mut().push("one".into());
        let view = deployment.view();
        let first = deployment.worker(&view, &names(20), Duration::from_secs(50)).await;
        assert_eq!(first.outcomes, BTreeMap::from([("unchanged", 20)]));
        deployment.complete().await;
        let second = deployment.worker(&view, &names(20), Duration::from_secs(50)).await;
        assert_eq!((second.outcomes["unchanged"], second.requests), (20, 20), "it is not even tried");
        deployment.vendor.revoked.borrow_mut().push("two".into());
        let third = deployment.worker(&view, &names(1), Duration::from_secs(50)).await;
        assert_eq!(third.outcomes, BTreeMap::from([("unauthorized", 1)]), "when none is good, nobody is");
    });
}

#[test]
fn renewed_secrets_survive_a_restart_unless_the_file_of_accounts_was_changed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    let account = AccountId::new("a0").unwrap();
    let holder = Holder::Account(account.clone());
    let of = |token: &str| Credentials::of_token(Secret::new(token));
    let start = |token: &str| {
        let mut store = MemoryCredentials::default();
        store.insert(channel(), account.clone(), of(token));
        store.keep_in(&file).map(|()| store)
    };
    let token = |store: &MemoryCredentials| {
        let kept = crate::fixture::wait(store.reread(&channel(), &holder)).unwrap().unwrap();
        kept.token().unwrap().expose().to_owned()
    };
    let renew = |store: &MemoryCredentials, to: &str| {
        let lease = Lease { id: "any".into() };
        let kept = crate::fixture::wait(store.reread(&channel(), &holder)).unwrap().unwrap();
        let renewed = kept.renewed(of(to).secrets, Some(START));
        crate::fixture::wait(store.save(&channel(), &holder, &lease, &renewed)).unwrap()
    };
    let first = start("old").unwrap();
    assert_eq!([renew(&first, "new"), renew(&first, "newer")], [Saved::Done; 2]);
    assert!(start("old").unwrap_err().to_string().contains("another run"));
    drop(first);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(token(&start("old").unwrap()), "newer");
    assert_eq!(token(&start("replaced").unwrap()), "replaced", "the operator's word is the last");

    // A crash in the middle of a line: it never counted.
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}{}", &whole[..20])).unwrap();
    let again = start("old").unwrap();
    assert_eq!((token(&again), renew(&again, "newest")), ("newer".to_owned(), Saved::Done));
    drop(again);
    assert_eq!(token(&start("old").unwrap()), "newest");

    std::fs::write(&file, "{}\n").unwrap();
    assert!(start("old").unwrap_err().to_string().contains("line 1"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(start("old").unwrap_err().to_string().contains("chmod 600"));
}
