//! The environment.

use pollwheel_aws::lambda::Environment;
use pollwheel_completion::{Settings, seed_of};

#[test]
fn r20_every_missing_variable_is_named_at_once() {
    let error = Settings::read(Environment::new(|_| None)).unwrap_err().to_string();
    for variable in [
        "AWS_REGION",
        "POLLWHEEL_JOBS_TABLE",
        "POLLWHEEL_REGISTRATIONS_TABLE",
        "POLLWHEEL_CONTROL_TABLE",
        "POLLWHEEL_BUS",
        "LAMBDA_TASK_ROOT",
    ] {
        assert!(error.contains(&format!("`{variable}` is missing, it must be ")), "{error}");
    }
}

#[test]
fn the_seed_is_the_deployments_own_and_never_changes() {
    assert_eq!(seed_of("pollwheel-dev-jobs"), seed_of("pollwheel-dev-jobs"));
    assert_ne!(seed_of("pollwheel-dev-jobs"), seed_of("pollwheel-prod-jobs"));
}
