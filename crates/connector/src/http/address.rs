//! Which addresses a third party may have.
//!
//! Anything that is not plainly on the public Internet is refused: an account's `base_url`, a redirect or a DNS record
//! could otherwise lead requests into the network that this process runs in. The ranges are IANA's special-purpose
//! registries: <https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The rule that an address breaks; none for a public one.
pub(super) fn broken_rule(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => broken_rule_v4(address),
        IpAddr::V6(address) => broken_rule_v6(address),
    }
}

/// The rule that a base URL's host breaks where private addresses are refused, as far as its text tells: an address, or a
/// name of this very machine. None for any other name, and for a text that is no URL: a name's addresses are checked at
/// every connection.
#[must_use]
pub fn special_host(base_url: &str) -> Option<&'static str> {
    let url = Url::parse(base_url).ok()?;
    match url.host()? {
        Host::Ipv4(address) => broken_rule_v4(address),
        Host::Ipv6(address) => broken_rule_v6(address),
        Host::Domain(name) => {
            let last = name.trim_end_matches('.').rsplit('.').next();
            // RFC 6761, section 6.3.
            last.is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
                .then_some("loopback name (localhost)")
        }
    }
}

fn broken_rule_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        (0, ..) => "unspecified address (0.0.0.0/8)",
        (10, ..) => "private address (10.0.0.0/8)",
        (100, 64..=127, _) => "carrier-grade NAT address (100.64.0.0/10)",
        (127, ..) => "loopback address (127.0.0.0/8)",
        // Where clouds keep their instance metadata.
        (169, 254, _) => "link-local address (169.254.0.0/16)",
        (172, 16..=31, _) => "private address (172.16.0.0/12)",
        (192, 0, 0) => "protocol assignment (192.0.0.0/24)",
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => "documentation address",
        (192, 88, 99) => "6to4 relay (192.88.99.0/24)",
        (192, 168, _) => "private address (192.168.0.0/16)",
        (198, 18..=19, _) => "benchmarking address (198.18.0.0/15)",
        (224..=239, ..) => "multicast address (224.0.0.0/4)",
        (240..=255, ..) => "reserved address (240.0.0.0/4)",
        _ => return None,
    })
}

fn broken_rule_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified address (::)",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback address (::1)",
        [0, 0, 0, 0, 0, 0xFFFF, ..] => "IPv4-mapped address (::ffff:0:0/96)",
        [0, 0, 0, 0, 0xFFFF, 0, ..] => "IPv4-translated address (::ffff:0:0:0/96)",
        [0, 0, 0, 0, 0, 0, ..] => "IPv4-compatible address (::/96)",
        [0x64, 0xFF9B, ..] => "NAT64 address (64:ff9b::/32)",
        [0x2001, 0xDB8, ..] | [0x3FFF, 0..=0xFFF, ..] => "documentation address",
        [0x2001, 0..=0x1FF, ..] => "protocol assignment or Teredo (2001::/23)",
        [0x2002, ..] => "6to4 address (2002::/16)",
        [0xFC00..=0xFDFF, ..] => "private address (fc00::/7)",
        [0xFE80..=0xFEBF, ..] => "link-local address (fe80::/10)",
        [0xFEC0..=0xFEFF, ..] => "site-local address (fec0::/10)",
        [0xFF00..=0xFFFF, ..] => "multicast address (ff00::/8)",
        [0x2000..=0x3FFF, ..] => return None,
        _ => "address outside the public range (2000::/3)",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_special_addresses_are_refused_by_name() {
        for (special, rule) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "carrier-grade"),
            ("100.127.255.255", "carrier-grade"),
            ("127.0.0.1", "loopback"),
            ("127.255.0.1", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "protocol"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("::ffff:0:7f00:1", "IPv4-translated"),
            ("::7f00:1", "IPv4-compatible"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "outside"),
            ("2001::1", "Teredo"),
            ("2001:db8::1", "documentation"),
            ("3fff::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("4000::1", "outside"),
            ("fc00::1", "private"),
            ("fd12:3456::1", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            let broken = broken_rule(special.parse().unwrap());
            assert!(broken.is_some_and(|broken| broken.contains(rule)), "{special}: {broken:?}");
        }
    }

    #[test]
    fn r22_a_special_host_is_known_by_its_text() {
        for (url, rule) in [
            ("http://127.0.0.1:8080/api", "loopback"),
            ("https://0x7f.1", "loopback"),
            ("https://10.0.0.1", "private"),
            ("https://[fd12::1]", "private"),
            ("http://LOCALHOST", "loopback"),
            ("http://api.localhost.:80", "loopback"),
        ] {
            assert!(special_host(url).is_some_and(|broken| broken.contains(rule)), "{url}");
        }
        for public in ["https://api.example.com", "https://1.1.1.1", "https://localhost.example", "no URL"] {
            assert_eq!(special_host(public), None, "{public}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860::8888",
            "2a00::1",
        ] {
            assert_eq!(broken_rule(public.parse().unwrap()), None, "{public}");
        }
    }
}
