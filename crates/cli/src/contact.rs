//! Whom the operator of an API can ask about our requests: a URL or a mail address, sent in the User-Agent.

/// Longest contact, in bytes: it goes with every request.
const MAX_BYTES: usize = 200;

/// Reads a contact.
///
/// # Errors
/// What it must be, when it is neither a URL nor a mail address.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let is_plain = |char: char| char.is_ascii_graphic() && !"()<>\"\\,".contains(char);
    let is_good = text.len() <= MAX_BYTES && text.chars().all(is_plain) && (is_url(text) || is_mail(text));
    let wrong =
        "is neither an http(s) URL nor a mail address: write `https://example.com/bot` or `bot@example.com`";
    if is_good { Ok(text.to_owned()) } else { Err(wrong.to_owned()) }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        is_host(host)
    })
}

fn is_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, host)| {
        let is_local = |char: char| char.is_ascii_alphanumeric() || ".!#$%&'*+-=?^_`{|}~".contains(char);
        !local.is_empty() && local.chars().all(is_local) && is_host(host)
    })
}

/// A name with a dot in it: nobody outside can reach any other.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
    };
    host.contains('.') && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_one_that_can_be_written_to() {
        for good in [
            "https://example.com/bot?x=1",
            "http://a.example",
            "https://a.example:8443/",
            "bot+poll@mail.example.com",
        ] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "foo",
            "https://",
            "https://localhost",
            "ftp://a.example",
            "@a.example",
            "a@b",
            "a@b.example c",
            "https://a.example/(x)",
            "a@b@c.example",
            "https://a..example",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
