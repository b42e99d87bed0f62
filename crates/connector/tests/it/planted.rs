//! A token that must not be found: not in what a poll gives, and not in what any library logs on the way.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pollwheel_connector::PrivateAddresses;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::server::{Server, json};
use crate::setup::{TOKEN, connector, poll_with, row};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn r28_a_planted_token_is_in_no_log_and_no_outcome() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    // For every thread: connections are driven by tasks of their own.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing::info!("the log is written to");
    let echo = format!("{{\"you sent\": \"{TOKEN}\"}}");
    let page = format!("[{{\"id\": \"{TOKEN}\"}}]");
    let servers = [
        Server::saying(json("200 OK", "", "[]")),
        Server::saying(json("200 OK", "", &page)),
        Server::saying(json("200 OK", &format!("x-ratelimit-remaining: {TOKEN}\r\n"), &echo)),
        Server::saying(json("401 Unauthorized", &format!("www-authenticate: {TOKEN}\r\n"), &echo)),
        Server::saying(json("429 Too Many Requests", &format!("retry-after: {TOKEN}\r\n"), &echo)),
        Server::saying(json("302 Found", &format!("location: ftp://{TOKEN}\r\n"), &echo)),
        Server::saying(json(
            "200 OK",
            &format!("link: <http://{TOKEN}/>; rel=\"next\"\r\n"),
            r#"[{"id":2}]"#,
        )),
        Server::closing_after(format!("HTTP/1.1 200 {TOKEN}\r\n{TOKEN}\r\n\r\n")),
        Server::closing_after(TOKEN),
    ];
    let connector = connector(PrivateAddresses::Allowed);
    for server in &servers {
        let mut row = row(&server.url());
        row.subject.external_id = TOKEN.to_owned();
        // Looks into the outcome itself.
        poll_with(&connector, &row, Duration::from_secs(20)).await;
        assert!(server.requests().iter().all(|request| request.contains(TOKEN)));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the log is written to"));
    let found = log.lines().find(|line| line.contains(TOKEN));
    assert_eq!(found, None);
}
