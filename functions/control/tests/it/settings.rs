//! The environment.

use pollwheel_aws::lambda::Environment;
use pollwheel_control::Settings;

#[test]
fn r20_every_missing_variable_is_named_at_once() {
    let error = Settings::read(Environment::new(|_| None)).unwrap_err().to_string();
    for variable in [
        "AWS_REGION",
        "POLLWHEEL_JOBS_TABLE",
        "POLLWHEEL_REGISTRATIONS_TABLE",
        "POLLWHEEL_CONTROL_TABLE",
        "POLLWHEEL_CREDENTIALS_TABLE",
        "POLLWHEEL_KMS_KEY",
        "LAMBDA_TASK_ROOT",
    ] {
        assert!(error.contains(&format!("`{variable}` is missing, it must be ")), "{error}");
    }
}
