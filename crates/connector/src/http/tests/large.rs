//! Many large bodies at once.
#![cfg(target_os = "linux")]

use flate2::{Compression, write::GzEncoder};

use super::super::body::MAX_DECODED_BYTES;
use super::super::room::LARGE_BODIES;
use super::*;

/// As many as a worker polls at a time.
const POLLS: usize = 100;

/// A server of its own for each poll would be another host; one is enough when its cap is not the limit.
const NO_CAP: NonZeroU16 = NonZeroU16::MAX;

/// A few kilobytes that become as much as is allowed.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; MAX_DECODED_BYTES]).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

fn fetches(
    http: &Http,
    server: &Server,
    budget: Duration,
) -> tokio::task::JoinSet<Result<Response, FetchError>> {
    let deadline = Instant::now() + budget;
    let mut fetches = tokio::task::JoinSet::new();
    for _ in 0..POLLS {
        let (http, outbound) = (http.clone(), get(&server.url()));
        fetches.spawn(async move { http.fetch(outbound, NO_CAP, deadline, None).await });
    }
    fetches
}

/// Bodies that may be held at once: 24 of 8 MB and 76 of half a megabyte; and for each poll a connection, a decoder, and
/// the thread that serves it.
const MOST_BYTES: usize = 260 * 1024 * 1024;

/// The most memory that the process has had since [`forget_peak`], in bytes. It is the test's own, as nextest runs it.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap()
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html>
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

#[tokio::test]
async fn r24_a_hundred_bombs_at_once_hold_no_more_than_there_is_room_for_and_wait_no_longer_than_their_budget()
 {
    let server = Server::saying(bomb());
    let http = Http::new(PrivateAddresses::Allowed, POLLS).unwrap();
    assert_eq!(fetch(&http, get(&server.url())).await.unwrap().body.len(), MAX_DECODED_BYTES);
    forget_peak();
    let before = peak_bytes();
    // Whoever reads them takes longer than the polls have.
    let answers = fetches(&http, &server, Duration::from_secs(5)).join_all().await;
    let held: Vec<usize> = answers.iter().flatten().map(|response| response.body.len()).collect();
    assert_eq!(held, [MAX_DECODED_BYTES; LARGE_BODIES]);
    let late = answers.iter().filter(|answer| matches!(answer, Err(FetchError::Timeout))).count();
    assert_eq!(late, POLLS - LARGE_BODIES, "the others were never whole");
    let grown = peak_bytes() - before;
    assert!(grown <= MOST_BYTES, "{} MB", grown / 1024 / 1024);
    // Small ones never wait.
    let small = Server::saying(json("200 OK", "", "[]"));
    assert_eq!(fetch(&http, get(&small.url())).await.unwrap().status, 200);
    // And the room is free when they are dropped, whatever copies there were.
    drop(answers);
    assert_eq!(fetch(&http, get(&server.url())).await.unwrap().body.len(), MAX_DECODED_BYTES);
}

#[tokio::test]
async fn r24_large_bodies_that_are_read_and_dropped_come_one_after_the_other() {
    let server = Server::saying(bomb());
    let http = Http::new(PrivateAddresses::Allowed, POLLS).unwrap();
    let mut fetches = fetches(&http, &server, Duration::from_secs(60));
    let mut whole = 0;
    while let Some(answer) = fetches.join_next().await {
        assert_eq!(answer.unwrap().unwrap().body.len(), MAX_DECODED_BYTES);
        whole += 1;
    }
    assert_eq!(whole, POLLS);
}
