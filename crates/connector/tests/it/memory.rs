//! What hostile bodies cost in memory: measured, in a process of its own (a test each, as nextest runs them).
#![cfg(target_os = "linux")]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use pollwheel_core::outcome::Outcome;

use crate::server::Server;
use crate::setup::poll;

/// The caps of the connector: bytes on the wire, and decoded.
const WIRE_CAP: u64 = 4 * 1024 * 1024;
const DECODED_CAP: u64 = 8 * 1024 * 1024;

/// The most memory that the process has had since [`forget_peak`], in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html>
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

async fn growth(server: &Server) -> (Outcome, u64) {
    // What is allocated once, is.
    poll(&server.url()).await;
    forget_peak();
    let before = peak_bytes();
    let outcome = poll(&server.url()).await.outcome;
    (outcome, peak_bytes().saturating_sub(before))
}

#[tokio::test]
async fn r24_a_thousandfold_bomb_costs_less_than_twice_the_cap() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..128 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() * 1_000 < 128 << 20);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
    let server = Server::saying([head.as_bytes(), &bomb].concat());
    drop((bomb, zeros));
    let (outcome, bytes) = growth(&server).await;
    let reason = "the body is larger than 8388608 bytes decoded".to_owned();
    assert_eq!(outcome, Outcome::BadResponse { reason });
    assert!(bytes < 2 * DECODED_CAP, "{bytes} bytes");
}

#[tokio::test]
async fn r24_an_endless_body_costs_less_than_twice_the_cap() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[");
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    });
    let (outcome, bytes) = growth(&server).await;
    assert!(matches!(outcome, Outcome::BadResponse { .. }), "{outcome:?}");
    assert!(bytes < 2 * WIRE_CAP, "{bytes} bytes");
}
