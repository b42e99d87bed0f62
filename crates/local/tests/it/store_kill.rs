//! `kill -9` of a process that writes: what it was told is durable is there, and nothing is half there.
//!
//! The child is this test binary again. It applies numbered changes and says before and after each call how far it is; the
//! parent kills it after a random number of answers and a random moment more.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pollwheel_core::ports::{Applied, Change, JobStore};
use pollwheel_core::row::{JobRow, Revision};
use pollwheel_local::store::Store;

use crate::fixture::{Random, all_rows, job, place, row, wait};

const FOLDER: &str = "POLLWHEEL_TEST_KILL_FOLDER";
const KILLS: usize = 30;
const JOBS: u64 = 20;
/// Changes of one call: they are there together, or not at all.
const TOGETHER: u64 = 3;

/// Change number `number` makes this row: its revision is the number, its place changes at every other turn.
fn numbered(number: u64) -> JobRow {
    let turn = number / JOBS;
    row(&format!("job-{:02}", number % JOBS), place(u16::from(turn % 4 < 2)), number)
}

fn change(number: u64) -> Change {
    let new = Box::new(numbered(number));
    let Some(before) = number.checked_sub(JOBS) else { return Change::Insert(new) };
    let (from, expected) = (numbered(before).place, Revision(before));
    if from == new.place {
        Change::Update { row: new, expected }
    } else {
        Change::Move { row: new, from, expected }
    }
}

/// The first number that is not in the store.
fn next(store: &Store) -> u64 {
    all_rows(store).iter().map(|row| row.rev.0 + 1).max().unwrap_or(0)
}

#[test]
#[ignore = "it is the child of the test below"]
fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(Path::new(&folder)).unwrap();
    let mut out = std::io::stdout();
    let mut first = next(&store);
    loop {
        writeln!(out, "try {first}").unwrap();
        let answers = wait(store.apply((first..first + TOGETHER).map(change).collect()));
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Applied::Done))), "{answers:?}");
        writeln!(out, "done {first}").unwrap();
        first += TOGETHER;
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_kill::writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child said.
#[derive(Default)]
struct Said {
    tried: Option<u64>,
    done: Option<u64>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("try", number)) => self.tried = number.parse().ok(),
            Some(("done", number)) => self.done = number.parse().ok(),
            _ => {}
        }
    }
}

fn run_and_kill(folder: &Path, random: &mut Random) -> Said {
    let mut child = spawn(folder);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Said::default();
    for line in lines.by_ref().take(4 + random.below(40)) {
        said.hear(&line.unwrap());
    }
    for _ in 0..random.below(2_000_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it still said before it died counts as well.
    for line in lines.map_while(Result::ok) {
        said.hear(&line);
    }
    said
}

#[test]
fn r33_what_was_acknowledged_survives_kill_9_at_any_moment() {
    let seed = Random::fresh_seed();
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let said = run_and_kill(folder.path(), &mut random);
        acknowledged = said.done.map_or(acknowledged, |first| first + TOGETHER);
        let tried = said.tried.map_or(acknowledged, |first| first + TOGETHER);
        check(
            folder.path(),
            acknowledged,
            tried,
            &format!("kill {kill}, repeat with POLLWHEEL_TEST_SEED={seed}"),
        );
    }
    assert!(acknowledged > JOBS * 4, "the children wrote something: {acknowledged}");
}

fn check(folder: &Path, acknowledged: u64, tried: u64, context: &str) {
    let store = Store::open(folder).unwrap_or_else(|error| panic!("{context}: {error}"));
    let next = next(&store);
    assert!(
        (acknowledged..=tried.max(acknowledged)).contains(&next),
        "{context}: {acknowledged} {next} {tried}"
    );
    assert_eq!(next % TOGETHER, 0, "{context}: a call is whole or absent");
    let expected: BTreeMap<String, JobRow> = (next.saturating_sub(JOBS)..next)
        .map(|number| (format!("job-{:02}", number % JOBS), numbered(number)))
        .collect();
    let found: BTreeMap<String, JobRow> =
        all_rows(&store).into_iter().map(|row| (row.job.account.to_string(), row)).collect();
    assert_eq!(found, expected, "{context}: each job has its last row, once");
    for (account, row) in found {
        let registration = wait(store.locate(&job(&account))).unwrap();
        assert_eq!(registration.map(|registration| registration.place), Some(row.place), "{context}");
    }
    let registrations = store.registrations(None, 1000).unwrap().items.len();
    assert_eq!(registrations, expected.len(), "{context}: no registration without its row");
}
