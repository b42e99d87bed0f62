//! Exchanges with a token endpoint over the wire.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pollwheel_connector::{ChannelSet, Connector, ConnectorOptions, PrivateAddresses};
use pollwheel_core::id::ChannelName;
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Application, Credentials, Grant, Poller, Refresh, Refreshed, Secret, Secrets};

use crate::server::{Server, json};

const SECRETS: [&str; 2] = ["planted-refresh", "planted-client"];

fn connector(token_url: &str, private_addresses: PrivateAddresses) -> Connector {
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "channel: toy\nabout: A toy.\nbase_url: https://toy.example\nauth:\n  oauth2:\n    grant: refresh_token\n    \
         token_url: {token_url}\nservice_levels: {{free: {{fastest: 1, slowest: 60}}}}\njob_types:\n  posts:\n    \
         request: {{path: /posts}}\n    items: {{list: ., id: .id, type: toy.post, data: .}}\n    \
         cursor: {{greatest_id: numeric}}\n"
    );
    let own = folder.path().join("toy");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("channel.yml"), yaml).unwrap();
    let channels = ChannelSet::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    let options = ConnectorOptions { private_addresses, ..ConnectorOptions::default() };
    Connector::new(channels, &options).unwrap()
}

async fn exchange(connector: &Connector) -> Refreshed {
    let [refresh, client] = SECRETS;
    let secrets = Secrets::from([(Credentials::REFRESH_TOKEN.into(), Secret::new(refresh))]);
    let credentials = Credentials { secrets, ..Credentials::default() };
    let secrets = [("client_id", "id"), ("client_secret", client)];
    let secrets = secrets.map(|(name, secret)| (name.into(), Secret::new(secret))).into();
    let application =
        Application { credentials: Credentials { secrets, ..Credentials::default() }, tokens: vec![] };
    let channel = ChannelName::new("toy").unwrap();
    let grant = connector.renewal(&channel).map(|renewal| renewal.grant);
    assert_eq!(grant, Some(Grant::RefreshToken));
    let (credentials, application) = (&credentials, Some(&application));
    let budget = Duration::from_secs(10);
    let refreshed = connector.refresh(Refresh { channel: &channel, credentials, application, budget }).await;
    let shown = format!("{refreshed:?}");
    assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "r28: {shown}");
    refreshed
}

/// The body of a request whose head was read.
fn body(head: &str, stream: &mut TcpStream) -> String {
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_refresh_token_is_posted_once_and_what_comes_back_is_read() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let server = Server::start(move |head, stream| {
        seen.lock().unwrap().push(body(head, stream));
        let answer = r#"{"access_token":"new","token_type":"bearer","expires_in":60,"refresh_token":"next"}"#;
        let _ = stream.write_all(json("200 OK", "", answer).as_bytes());
    });
    let connector = connector(&format!("{}/token", server.url()), PrivateAddresses::Allowed);
    let Refreshed::Renewed { secrets, expires_in_seconds } = exchange(&connector).await else { panic!() };
    let secret = |name: &str| secrets.get(name).map(|secret| secret.expose().to_owned());
    assert_eq!((secret("token"), secret("refresh_token")), (Some("new".to_owned()), Some("next".to_owned())));
    assert_eq!(expires_in_seconds, Some(60));
    assert_eq!(*bodies.lock().unwrap(), ["grant_type=refresh_token&refresh_token=planted-refresh"]);
    let head = server.requests()[0].to_lowercase();
    assert!(head.starts_with("post /token http/1.1") && head.contains("user-agent: pollwheel/"), "{head}");
}

#[tokio::test]
async fn r22_r23_a_token_endpoint_obeys_the_rules_of_addresses_and_its_redirects_are_not_followed() {
    let server = Server::start(|head, stream| {
        body(head, stream);
        let _ = stream.write_all(json("200 OK", "", r#"{"access_token":"new"}"#).as_bytes());
    });
    let url = format!("{}/token", server.url());
    let refused = exchange(&connector(&url, PrivateAddresses::Refused)).await;
    assert!(matches!(refused, Refreshed::Failed(Outcome::BadResponse { .. })), "no https: {refused:?}");
    let secure = format!("https://127.0.0.1:{}/token", server.port());
    let private = exchange(&connector(&secure, PrivateAddresses::Refused)).await;
    assert!(matches!(private, Refreshed::Failed(Outcome::Network { .. })), "loopback: {private:?}");
    assert_eq!(server.connections(), 0);

    let other = Server::saying(json("200 OK", "", r#"{"access_token":"new"}"#));
    let location = format!("location: {}/token\r\n", other.url());
    let redirecting = Server::start(move |head, stream| {
        body(head, stream);
        let _ = stream.write_all(json("307 Temporary Redirect", &location, "{}").as_bytes());
    });
    let url = format!("{}/token", redirecting.url());
    let redirected = exchange(&connector(&url, PrivateAddresses::Allowed)).await;
    assert!(matches!(redirected, Refreshed::Failed(Outcome::BadResponse { .. })), "{redirected:?}");
    assert_eq!(other.connections(), 0, "nothing was sent on");
}
