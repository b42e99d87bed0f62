//! Addresses that requests must not reach.

use std::time::Duration;

use pollwheel_connector::PrivateAddresses;
use pollwheel_core::outcome::Outcome;

use crate::server::Server;
use crate::setup::{connector, poll_with, row};

/// Hosts that mean a special address, in every spelling that a URL parser or resolver may accept.
const HOSTS: [&str; 65] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.1",
    "0x7f.0x0.0x0.0x1",
    "00000177.0.0.1",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "localhost",
    "LOCALHOST",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "000.000.000.000",
    "10.0.0.1",
    "10.1",
    "167772161",
    "0xa.0.0.1",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "2886729729",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "0xc0a80001",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[fc00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
];

#[tokio::test]
async fn r22_every_spelling_of_a_special_address_is_refused_before_connecting() {
    let server = Server::saying("");
    let connector = connector(PrivateAddresses::Refused);
    for host in HOSTS {
        let url = format!("http://{host}:{}", server.port());
        let polled = poll_with(&connector, &row(&url), Duration::from_secs(10)).await;
        let Outcome::Network { reason } = &polled.outcome else { panic!("{host}: {:?}", polled.outcome) };
        assert!(
            reason.starts_with("the host is or resolves to a") && reason.ends_with("which is not allowed"),
            "{host}: {reason}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn r22_other_schemes_and_user_info_are_refused_without_a_request() {
    let connector = connector(PrivateAddresses::Allowed);
    for url in [
        "file:///etc/passwd",
        "ftp://example.com",
        "gopher://127.0.0.1",
        "data:,x",
        "javascript:1",
        "ws://example.com",
        "http://user:pass@example.com",
        "http://example.com@127.0.0.1",
        "http://",
        "//example.com",
        "http:// x",
        "http://[::1",
        "http://example.com:99999",
        "http://127.0.0.1/?x=1",
        "http://127.0.0.1/#x",
        "http://999.1.1.1",
        "http://[fe80::1%25eth0]",
    ] {
        let polled = poll_with(&connector, &row(url), Duration::from_secs(10)).await;
        let Outcome::BadResponse { reason } = &polled.outcome else { panic!("{url}: {:?}", polled.outcome) };
        assert!(reason.starts_with("the account's `base_url`: it"), "{url}: {reason}");
        assert_eq!(polled.requests, 0, "{url}");
    }
}
