//! Who the demo polls for.

use std::io::Write;

use serde_json::json;

/// Accounts of the demo.
pub(super) const COUNT: usize = 200;

/// An accounts file: half of them on Mastodon, half on GitHub, each with a token of its own.
pub(super) fn accounts(base_url: &str) -> Vec<u8> {
    let mut file = Vec::new();
    for number in 1..=COUNT / 2 {
        let both =
            [("mastodon", "statuses", number.to_string()), ("github", "events", format!("user-{number}"))];
        for (channel, job_type, external_id) in both {
            let line = json!({
                "account_id": format!("{}{number}", &channel[..1]),
                "channel": channel,
                "job_types": [job_type],
                "service_level": "enterprise",
                "external_id": external_id,
                "base_url": base_url,
                "token": format!("demo-{channel}-{number}"),
            });
            // A vector takes everything.
            let _ = writeln!(file, "{line}");
        }
    }
    file
}
