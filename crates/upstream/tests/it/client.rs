//! A server with a clock that stands still, and an HTTP client that hides nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use pollwheel_upstream::{Clock, Config, Running, Stats, Upstream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// When every test starts: 2026-01-01T00:00:00Z. A multiple of every window in use.
pub(crate) const START_MS: u64 = 1_767_225_600_000;
/// Nothing here takes a second; this is for a machine that is very busy.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) clock: Clock,
}

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Site {
    pub(crate) async fn start(config: Config) -> Self {
        let clock = Clock::manual(START_MS);
        let running = Upstream::start(Config { clock: clock.clone(), ..config }).await.unwrap();
        Self { running, clock }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> = [("User-Agent", "test")].iter().chain(headers).copied().collect();
        request(self.running.addr(), "GET", path, &headers).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        request(self.running.addr(), "POST", path, &[("Content-Length", "0")]).await.unwrap()
    }

    /// A request for a token, introduced as the client `app`.
    pub(crate) async fn token(&self, path: &str, form: &str) -> Answer {
        self.token_with(path, form, &[("Authorization", "Basic YXBwOnNlY3JldA==")]).await
    }

    pub(crate) async fn token_with(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let length = form.len().to_string();
        let own =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", length.as_str())];
        let headers: Vec<_> = own.iter().chain(headers).copied().collect();
        request_with(self.running.addr(), "POST", path, &headers, form).await.unwrap()
    }

    /// A page as the ids on it.
    pub(crate) async fn page(&self, path: &str) -> Vec<u64> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        ids(&answer.json())
    }

    /// The whole timeline of an account, newest first as the APIs have it.
    pub(crate) async fn timeline(&self, channel: &str, id: &str) -> Vec<u64> {
        self.item_ids(channel, id).await.iter().map(|id| id.parse().unwrap()).collect()
    }

    /// The same, with ids as the API writes them.
    pub(crate) async fn item_ids(&self, channel: &str, id: &str) -> Vec<String> {
        let answer = self.get(&format!("/_accounts/{channel}/{id}/ids")).await.json();
        let mut ids = strings(&answer["ids"], "");
        ids.reverse();
        ids
    }

    /// The counts, as the control path tells them.
    pub(crate) async fn stats(&self) -> Stats {
        serde_json::from_str(&self.get("/_stats").await.body).unwrap()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", self.headers))
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.header(name).parse().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// Path and query of one of the `Link`s.
    pub(crate) fn link(&self, rel: &str) -> Option<String> {
        let links = self.headers.get("link")?;
        let link = links.split(", ").find(|link| link.ends_with(&format!("rel=\"{rel}\"")))?;
        let url = link.strip_prefix('<')?.split_once('>')?.0;
        Some(format!("/{}", url.strip_prefix("http://")?.split_once('/')?.1))
    }
}

/// A member of each element of an array (a JSON pointer; empty for the elements themselves), as text.
pub(crate) fn strings(items: &Value, pointer: &str) -> Vec<String> {
    let text = |item: &Value| item.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    items.as_array().unwrap().iter().map(text).collect()
}

/// The ids of a JSON array of items.
pub(crate) fn ids(items: &Value) -> Vec<u64> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// One request on a connection of its own.
pub(crate) async fn request(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Answer> {
    request_with(addr, method, path, headers, "").await
}

/// The same, with a body.
async fn request_with(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let mut stream = send(addr, method, path, headers).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut raw = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut raw)).await??;
    parse(&raw).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is not whole"))
}

/// Sends a request, and leaves the answer to be read.
pub(crate) async fn send(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).await?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    Ok(stream)
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(raw).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let whole = headers.get("content-length").is_none_or(|length| length.parse() == Ok(body.len()));
    whole.then(|| Answer { status, headers, body: body.to_owned() })
}
