//! The environment.

use pollwheel_aws::lambda::Environment;
use pollwheel_connector::PrivateAddresses;
use pollwheel_worker::Settings;

#[test]
fn r20_every_missing_or_wrong_variable_is_named_at_once() {
    let read = |name: &str| match name {
        "POLLWHEEL_CHANNEL" => Some("Mastodon".to_owned()),
        "POLLWHEEL_CONCURRENCY" => Some("0".to_owned()),
        "POLLWHEEL_PRIVATE_ADDRESSES" => Some("yes".to_owned()),
        _ => None,
    };
    let error = Settings::read(Environment::new(read)).unwrap_err().to_string();
    for expected in [
        "`POLLWHEEL_CHANNEL` cannot be read, it must be the name of a channel",
        "`POLLWHEEL_CONCURRENCY` cannot be read, it must be a number of polls from 1 to 500",
        "`POLLWHEEL_PRIVATE_ADDRESSES` cannot be read, it must be `refused` or `allowed`",
        "`POLLWHEEL_CONTROL_TABLE` is missing",
        "`POLLWHEEL_CREDENTIALS_TABLE` is missing",
        "`POLLWHEEL_QUEUE_URL_PREFIX` is missing",
        "`POLLWHEEL_BUS` is missing",
        "`LAMBDA_TASK_ROOT` is missing",
    ] {
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[test]
fn what_may_be_left_out_has_its_usual_value() {
    let read = |name: &str| match name {
        "POLLWHEEL_CHANNEL" => Some("mastodon".to_owned()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some("pollwheel-dev-worker-mastodon".to_owned()),
        "POLLWHEEL_CONTACT" => Some(String::new()),
        "POLLWHEEL_CONCURRENCY" | "POLLWHEEL_PRIVATE_ADDRESSES" => None,
        _ => Some("x".to_owned()),
    };
    let settings = Settings::read(Environment::new(read)).unwrap();
    assert_eq!(
        (settings.concurrency, settings.contact, settings.stack.as_str()),
        (100, None, "pollwheel-dev")
    );
    assert_eq!(settings.private_addresses, PrivateAddresses::Refused);
}
