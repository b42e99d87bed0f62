//! Addresses that requests must not reach.

use std::time::Duration;

use pollwheel_connector::PrivateAddresses;
use pollwheel_core::outcome::Outcome;

use crate::server::{Server, json};
use crate::setup::{connector, poll_with, row};

/// Hosts that mean a special address, in every spelling that a URL parser or resolver may accept, by the rule they break.
const HOSTS: &[(&str, &[&str])] = &[
    (
        "loopback",
        &[
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "127.255.255.254",
            "2130706433",
            "017700000001",
            "0x7f000001",
            "0X7F000001",
            "0x7f.0.0.1",
            "0x7f.1",
            "0177.0.0.1",
            "0177.1",
            "0x7f.0x0.0x0.0x1",
            "00000177.0.0.1",
            "127.0.0.1.",
            "0x7f.1.",
            "①②⑦.⓪.⓪.①",
            "１２７.0.0.1",
            "0ｘ7f.1",
            "127。0。0。1",
            "127．0.0｡1",
            "%31%32%37.0.0.1",
            "%6cocalhost",
            "localhost",
            "LOCALHOST",
            "ｌｏｃａｌｈｏｓｔ",
            "loc\u{AD}alhost",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
        ],
    ),
    (
        "unspecified",
        &["0", "0.0.0.0", "0x0", "00", "000.000.000.000", "0.1.2.3", "[::]", "[0:0:0:0:0:0:0:0]"],
    ),
    (
        "private",
        &[
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
            "[fc00::1]",
            "[fdff:ffff::1]",
        ],
    ),
    (
        "link-local",
        &[
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[fe80::1]",
            "[febf::1]",
        ],
    ),
    ("carrier-grade", &["100.64.0.1", "100.127.255.255"]),
    ("protocol assignment", &["192.0.0.1", "[2001::1]", "[2001:0:7f00:1::]"]),
    ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]"]),
    ("6to4", &["192.88.99.1", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]"]),
    ("benchmarking", &["198.18.0.1"]),
    ("multicast", &["224.0.0.1", "[ff02::1]"]),
    ("reserved", &["240.0.0.1", "255.255.255.255", "4294967295"]),
    ("IPv4-mapped", &["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:a9fe:a9fe]", "[::ffff:8.8.8.8]"]),
    ("IPv4-translated", &["[::ffff:0:127.0.0.1]"]),
    ("IPv4-compatible", &["[::127.0.0.1]"]),
    ("NAT64", &["[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]"]),
    ("site-local", &["[fec0::1]"]),
    ("outside the public range", &["[100::1]", "[5f00::1]"]),
];

#[tokio::test]
async fn r22_every_spelling_of_a_special_address_is_refused_before_connecting() {
    let server = Server::saying("");
    let connector = connector(PrivateAddresses::Refused);
    let mut spellings = 0;
    for (rule, host) in HOSTS.iter().flat_map(|(rule, hosts)| hosts.iter().map(move |host| (rule, host))) {
        let url = format!("http://{host}:{}", server.port());
        let polled = poll_with(&connector, &row(&url), Duration::from_secs(10)).await;
        let Outcome::Network { reason } = &polled.outcome else { panic!("{host}: {:?}", polled.outcome) };
        assert!(
            reason.starts_with("the host is or resolves to a")
                && reason.contains(rule)
                && reason.ends_with("which is not allowed"),
            "{host}: {reason}"
        );
        spellings += 1;
    }
    assert!(spellings >= 60);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn r22_slashes_spaces_and_line_ends_hide_no_address() {
    let server = Server::saying("");
    let connector = connector(PrivateAddresses::Refused);
    let port = server.port();
    for url in [
        format!("http:\\\\127.0.0.1:{port}"),
        format!("http:/127.0.0.1:{port}"),
        format!("http:127.0.0.1:{port}"),
        format!("http:////127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}\\@example.com"),
        format!(" \thttp://127.0.0.1:{port} "),
        format!("ht\ntp://127.0\r\n.0.1:{port}"),
        format!("HTTP://127.0.0.1:{port}/a/../b"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:00{port}"),
    ] {
        let polled = poll_with(&connector, &row(&url), Duration::from_secs(10)).await;
        let Outcome::Network { reason } = &polled.outcome else { panic!("{url}: {:?}", polled.outcome) };
        assert!(reason.contains("loopback address"), "{url}: {reason}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn r22_a_page_elsewhere_is_not_asked_for() {
    let trap = Server::saying("");
    for link in [trap.url(), format!("//127.0.0.1:{}/", trap.port()), "file:///etc/passwd".to_owned()] {
        let items = r#"[{"id":3},{"id":2}]"#;
        let server = Server::saying(json("200 OK", &format!("link: <{link}>; rel=\"next\"\r\n"), items));
        let polled = poll_with(
            &crate::setup::connector(PrivateAddresses::Allowed),
            &row(&server.url()),
            Duration::from_secs(10),
        )
        .await;
        let Outcome::BadResponse { reason } = &polled.outcome else { panic!("{link}: {:?}", polled.outcome) };
        assert!(polled.items.is_empty() && !reason.contains("127"), "{link}: {reason}");
    }
    assert_eq!(trap.connections(), 0);
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
