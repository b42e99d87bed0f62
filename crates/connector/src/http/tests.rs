//! The client against hostile servers, with a network that tests write: names that change, and public addresses that are
//! a port of this machine.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Method, header};

use super::*;

mod large;
#[path = "../../tests/it/server.rs"]
mod server;
use server::{Server, json};

const TOKEN: &str = "planted-t0ken";
/// An address outside of every special range. Nothing is ever sent to it.
const PUBLIC: &str = "93.184.215.14";

/// What a test's network is.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What a name resolves to, one time after the other; the last answer stays.
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    /// What is at an address, whatever the port.
    machines: HashMap<IpAddr, SocketAddr>,
}

impl Script {
    /// Where the public address leads to `server`.
    fn public(server: &Server) -> Self {
        let machines = [(PUBLIC.parse().unwrap(), SocketAddr::from(([127, 0, 0, 1], server.port())))];
        Self { names: Mutex::default(), machines: machines.into() }
    }

    fn name(self, name: &str, answers: &[&[&str]]) -> Self {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.names.lock().unwrap().insert(name.to_owned(), answers.iter().map(addresses).collect());
        self
    }

    pub(super) fn lookup(&self, name: &str, port: u16) -> Vec<SocketAddr> {
        let mut names = self.names.lock().unwrap();
        let Some(answers) = names.get_mut(name) else { return Vec::new() };
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.unwrap_or_default().into_iter().map(|address| SocketAddr::new(address, port)).collect()
    }

    pub(super) fn connected(&self, address: SocketAddr) -> SocketAddr {
        self.machines.get(&address.ip()).copied().unwrap_or(address)
    }
}

fn refusing(script: Script) -> Http {
    Http::on(Network::Scripted(Arc::new(script)), PrivateAddresses::Refused, 4).unwrap()
}

fn get(uri: &str) -> Outbound {
    let headers =
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer planted-t0ken"))]);
    Outbound {
        method: Method::GET,
        uri: uri.parse().unwrap(),
        headers,
        body: Bytes::new(),
        secret_parameter: None,
    }
}

async fn fetch(http: &Http, outbound: Outbound) -> Result<Response, FetchError> {
    http.fetch(outbound, CAP, Instant::now() + Duration::from_secs(20), None).await
}

const CAP: NonZeroU16 = NonZeroU16::new(8).unwrap();

fn closing(response: &str) -> Server {
    let response = response.to_owned();
    Server::start(move |_, stream| {
        let _ = stream.write_all(response.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
    })
}

#[tokio::test]
async fn r22_a_name_that_is_rebound_is_refused_when_it_is() {
    let (public, trap) = (closing(&json("200 OK", "", "[]")), Server::saying(""));
    let script = Script::public(&public).name("rebound.example", &[&[PUBLIC], &["127.0.0.1"]]);
    let http = refusing(script);
    let url = format!("http://rebound.example:{}/", trap.port());
    assert_eq!(fetch(&http, get(&url)).await.unwrap().status, 200);
    let error = fetch(&http, get(&url)).await.unwrap_err().to_string();
    assert_eq!(error, "the host is or resolves to a loopback address (127.0.0.0/8), which is not allowed");
    assert_eq!((public.connections(), trap.connections()), (1, 0));
}

#[tokio::test]
async fn r22_a_special_address_among_public_ones_is_enough() {
    let trap = Server::saying("");
    for (address, rule) in [("::1", "loopback"), ("fd00::1", "private"), ("169.254.169.254", "link-local")] {
        let script = Script::default().name("mixed.example", &[&[PUBLIC, address]]);
        let error = fetch(&refusing(script), get(&format!("http://mixed.example:{}/", trap.port()))).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(rule), "{address}: {error}");
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn r22_a_redirect_to_a_special_address_is_not_followed() {
    let trap = Server::saying(json("200 OK", "", "[]"));
    let port = trap.port();
    for (location, rule) in [
        (format!("http://127.0.0.1:{port}/"), "loopback"),
        (format!("http://localhost.example:{port}/"), "loopback"),
        (format!("//0x7f.1:{port}/"), "loopback"),
        (format!("http://2130706433:{port}/"), "loopback"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "IPv4-mapped"),
        (format!("http://[64:ff9b::127.0.0.1]:{port}/"), "NAT64"),
        (format!("http:\\\\127.0.0.1:{port}\\"), "loopback"),
        (format!("\thttp://127.0.0.1:{port}/"), "loopback"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "link-local"),
        (format!("https://10.0.0.1:{port}/"), "private"),
        (format!("http://user@127.0.0.1:{port}/"), "user name"),
        (format!("gopher://127.0.0.1:{port}/_x"), "scheme"),
        ("file:///etc/passwd".to_owned(), "scheme"),
    ] {
        let public = closing(&json("302 Found", &format!("location: {location}\r\n"), "{}"));
        let script = Script::public(&public)
            .name("public.example", &[&[PUBLIC]])
            .name("localhost.example", &[&["127.0.0.1"]]);
        let error = fetch(&refusing(script), get("http://public.example/")).await.unwrap_err().to_string();
        assert!(error.contains(rule) && !error.contains(&port.to_string()), "{location}: {error}");
        assert_eq!(public.connections(), 1);
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn r23_no_secret_of_any_kind_changes_its_origin() {
    let other = Server::saying(json("200 OK", "", "[]"));
    let careless = {
        let to = other.url();
        Server::start(move |head, stream| {
            let path = head.split(' ').nth(1).unwrap();
            let _ =
                stream.write_all(json("302 Found", &format!("location: {to}{path}\r\n"), "{}").as_bytes());
        })
    };
    let http = Http::new(PrivateAddresses::Allowed, 4).unwrap();
    let mut outbound = get(&format!("{}/x?a=1&access_token={TOKEN}", careless.url()));
    let mut key = HeaderValue::from_static(TOKEN);
    key.set_sensitive(true);
    outbound.headers.insert("x-api-key", key);
    outbound.secret_parameter = Some("access_token".to_owned());
    assert_eq!(fetch(&http, outbound).await.unwrap().redirects, 1);
    assert_eq!(careless.requests()[0].matches(TOKEN).count(), 3);
    let request = &other.requests()[0];
    assert!(request.starts_with("GET /x?a=1 HTTP/1.1") && !request.contains(TOKEN), "{request}");
}

#[tokio::test]
async fn r23_a_post_is_followed_within_its_origin_only() {
    let other = Server::saying(json("200 OK", "", "[]"));
    let http = Http::new(PrivateAddresses::Allowed, 4).unwrap();
    let post = |server: &Server| Outbound {
        method: Method::POST,
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]),
        ..get(&format!("{}/first", server.url()))
    };
    for (status, to, reason) in [
        ("307 Temporary Redirect", format!("{}/", other.url()), "a redirect of a POST to another origin"),
        ("302 Found", "/again".to_owned(), "a redirect of a POST to something else than the same POST"),
    ] {
        let server = Server::saying(json(status, &format!("location: {to}\r\n"), "{}"));
        let error = fetch(&http, post(&server)).await.unwrap_err();
        assert_eq!(error, FetchError::Bad(reason.to_owned()));
        assert_eq!(server.requests().len(), 1);
    }
    let moved = Server::start(|head, stream| {
        let again = json("308 Permanent Redirect", "location: /second\r\n", "{}");
        let answer = if head.contains("/second") { json("200 OK", "", "[]") } else { again };
        let _ = stream.write_all(answer.as_bytes());
    });
    assert_eq!(fetch(&http, post(&moved)).await.unwrap().status, 200);
    assert!(moved.requests()[1].starts_with("POST /second "));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn no_more_requests_than_the_cap_are_under_way_to_one_host() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = {
        let (now, most) = (now.clone(), most.clone());
        Server::start(move |_, stream| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::park_timeout(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(json("200 OK", "", "[]").as_bytes());
        })
    };
    let http = Http::new(PrivateAddresses::Allowed, 64).unwrap();
    let (cap, deadline) = (NonZeroU16::new(3).unwrap(), Instant::now() + Duration::from_secs(20));
    let fetches: Vec<_> = (0..30)
        .map(|_| {
            let (http, outbound) = (http.clone(), get(&server.url()));
            tokio::spawn(async move { http.fetch(outbound, cap, deadline, None).await })
        })
        .collect();
    for fetch in fetches {
        assert_eq!(fetch.await.unwrap().unwrap().status, 200);
    }
    let most = most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} at a time");
    assert_eq!(server.requests().len(), 30);
}

#[tokio::test]
async fn r21_waiting_for_a_busy_host_ends_with_the_budget_and_frees_it() {
    let server = Server::start(|head, stream| {
        if !head.contains("/silent") {
            let _ = stream.write_all(json("200 OK", "", "[]").as_bytes());
        }
    });
    let http = Http::new(PrivateAddresses::Allowed, 4).unwrap();
    let cap = NonZeroU16::MIN;
    let within = |milliseconds| Instant::now() + Duration::from_millis(milliseconds);
    let silent = get(&format!("{}/silent", server.url()));
    let waiting = get(&format!("{}/waiting", server.url()));
    let (first, second) = tokio::join!(
        http.fetch(silent, cap, within(1_000), None),
        http.fetch(waiting, cap, within(200), None)
    );
    assert_eq!((first.unwrap_err(), second.unwrap_err()), (FetchError::Timeout, FetchError::Timeout));
    let third = http.fetch(get(&server.url()), cap, within(20_000), None).await;
    assert_eq!(third.unwrap().status, 200);
    assert!(server.requests().iter().all(|request| !request.contains("/waiting")));
}

#[tokio::test]
async fn r28_no_error_and_no_debug_text_has_a_secret_in_it() {
    let http = Http::new(PrivateAddresses::Allowed, 4).unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let echo = |head: &str| Server::closing_after(head.to_owned());
    let servers = [
        echo(""),
        echo(TOKEN),
        echo(&format!("HTTP/1.1 200 {TOKEN}\r\nx: {}\r\n\r\n", TOKEN.repeat(10_000))),
        echo(&format!("HTTP/1.1 302 Found\r\nlocation: ftp://{TOKEN}/\r\n\r\n")),
        echo(&format!("HTTP/1.1 302 Found\r\nlocation: http://{TOKEN}:{TOKEN}@127.0.0.1/\r\n\r\n")),
        echo(&format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:99999/{TOKEN}\r\n\r\n")),
        echo(&format!("HTTP/1.1 200 OK\r\ncontent-encoding: {TOKEN}\r\n\r\n")),
        echo(&format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{TOKEN}")),
        echo(&format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n{TOKEN}")),
        echo(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{TOKEN}\r\n")),
    ];
    let urls = servers.iter().map(Server::url).chain([
        format!("http://{gone}"),
        format!("https://{gone}"),
        format!("http://{TOKEN}.invalid"),
    ]);
    for url in urls {
        let mut outbound = get(&format!("{url}/{TOKEN}?access_token={TOKEN}"));
        outbound.headers.insert("x-api-key", HeaderValue::from_static(TOKEN));
        (outbound.method, outbound.body) = (Method::POST, Bytes::from_static(b"grant=planted-t0ken"));
        assert!(!format!("{outbound:?}").contains(TOKEN), "{outbound:?}");
        let error = fetch(&http, outbound).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
    let answer = fetch(&http, get(&Server::saying(json("200 OK", "", TOKEN)).url())).await.unwrap();
    assert!(!format!("{answer:?}").contains(TOKEN), "{answer:?}");
}
