//! Start and end of a server in a process.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pollwheel_upstream::{Config, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Site, send};

#[tokio::test]
async fn only_loopback_is_bound() {
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
    let error = Upstream::start(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "`0.0.0.0:0` is not a loopback address: use 127.0.0.1 or [::1]");
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let site = Site::start(Config::default()).await;
    let error =
        Upstream::start(Config { listen: site.running.addr(), ..Config::default() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn connections_are_kept_for_more_requests() {
    let site = Site::start(Config::default()).await;
    let mut stream = TcpStream::connect(site.running.addr()).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /_stats?accounts=0 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"}}}}") {
            assert_ne!(stream.read_buf(&mut got).await.unwrap(), 0);
        }
        assert!(got.starts_with(b"HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn shutdown_closes_idle_and_hanging_connections_and_the_port() {
    let mut config = Config { timeout: Duration::from_secs(3_600), ..Config::default() };
    config.faults.timeout = 1.0;
    let site = Site::start(config).await;
    let addr = site.running.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    let mut hanging = send(addr, "GET", "/api/v1/accounts/1/statuses", &[]).await.unwrap();
    while site.running.stats().total.requests == 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    site.running.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(30), "it does not wait for the fault to end");
    let mut got = Vec::new();
    assert_eq!(idle.read_to_end(&mut got).await.unwrap(), 0);
    assert_eq!(hanging.read_to_end(&mut got).await.unwrap(), 0);
    assert_eq!(TcpStream::connect(addr).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let site = Site::start(Config::default()).await;
    let addr = site.running.addr();
    drop(site);
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(addr).await.is_ok() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}
