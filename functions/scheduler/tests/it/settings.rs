//! The environment.

use pollwheel_aws::lambda::Environment;
use pollwheel_scheduler::Settings;

#[test]
fn r20_every_missing_variable_is_named_at_once() {
    let error = Settings::read(Environment::new(|_| None)).unwrap_err().to_string();
    for variable in [
        "AWS_REGION",
        "POLLWHEEL_JOBS_TABLE",
        "POLLWHEEL_REGISTRATIONS_TABLE",
        "POLLWHEEL_CONTROL_TABLE",
        "POLLWHEEL_QUEUE_URL_PREFIX",
        "LAMBDA_TASK_ROOT",
    ] {
        assert!(error.contains(&format!("`{variable}` is missing, it must be ")), "{error}");
    }
}

#[test]
fn a_whole_environment_is_enough() {
    let settings = Settings::read(Environment::new(|name| match name {
        "AWS_SESSION_TOKEN" | "AWS_ENDPOINT_URL" => None,
        "AWS_LAMBDA_FUNCTION_NAME" => Some("pollwheel-dev-scheduler".to_owned()),
        other => Some(other.to_lowercase()),
    }));
    let settings = settings.unwrap();
    assert_eq!(
        (settings.stack.as_str(), settings.jobs_table.as_str()),
        ("pollwheel-dev", "pollwheel_jobs_table")
    );
}
