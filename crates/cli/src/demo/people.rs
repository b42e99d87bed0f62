//! Who the demo polls for.

use std::io::Write;

use serde_json::json;

/// Accounts of the demo.
pub(super) const COUNT: usize = 200;

/// An accounts file: half of them on Mastodon, half on GitHub, each with a token of its own.
pub(super) fn accounts(base_url: &str) -> Vec<u8> {
    let mut file = Vec::new();
    for number in 1..=COUNT / 2 {
        for (channel, external_id) in [("mastodon", number.to_string()), ("github", format!("user-{number}"))]
        {
            let line = json!({
                "account_id": format!("{}{number}", &channel[..1]),
                "channel": channel,
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
