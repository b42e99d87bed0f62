//! The secrets of an account and of the application, and texts without them.

use pollwheel_core::ports::{Application, Credentials};

use super::secret_names::{is_secret_header, is_secret_parameter};

/// What stands for a secret.
pub(in crate::channel) const HIDDEN: &str = "***";
/// A shorter text would be found where it is none.
const SHORTEST: usize = 4;

/// The secrets that one poll authenticates with.
#[derive(Default, Clone)]
pub(in crate::channel) struct Secrets(Vec<(String, String)>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Secrets {
    /// Those of an account and of the application.
    pub(in crate::channel) fn of(
        credentials: Option<&Credentials>,
        application: Option<&Application>,
    ) -> Self {
        let mut secrets = Self::default();
        for (name, secret) in credentials.iter().flat_map(|credentials| &credentials.secrets) {
            secrets.add(name, secret.expose());
        }
        for (name, secret) in application.iter().flat_map(|application| &application.credentials.secrets) {
            secrets.add(&application_name(name), secret.expose());
        }
        // Their own names are the deployment's.
        for (number, token) in (1..).zip(application.iter().flat_map(|application| &application.tokens)) {
            secrets.add(&application_name(&format!("token_{number}")), token.token.expose());
        }
        secrets
    }

    /// One more, under its name.
    pub(in crate::channel) fn add(&mut self, name: &str, secret: &str) {
        if secret.len() >= SHORTEST && self.0.iter().all(|(_, known)| known != secret) {
            self.0.push((name.to_owned(), secret.to_owned()));
            // A secret within another is replaced after it.
            self.0.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
        }
    }

    /// Name and secret of each, the longest first.
    pub(in crate::channel) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret.as_str()))
    }

    /// A text without them, as they are and as they stand in URLs.
    pub(in crate::channel) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, secret) in self.iter() {
            text = text.replace(secret, HIDDEN);
            let encoded = percent(secret);
            if encoded != secret {
                text = text.replace(&encoded, HIDDEN);
            }
        }
        text
    }

    /// A URL without them, and without the values of parameters that hold secrets by their name.
    pub(in crate::channel) fn hide_in_url(&self, url: &str) -> String {
        let hidden = self.hide(url);
        let Some((head, query)) = hidden.split_once('?') else { return hidden };
        let pairs: Vec<String> = query.split('&').map(hide_pair).collect();
        format!("{head}?{}", pairs.join("&"))
    }

    /// A body without them: a form is a query.
    pub(in crate::channel) fn hide_in_body(&self, text: &str) -> String {
        let hidden = self.hide(text);
        if hidden.starts_with(['{', '[']) || !hidden.contains('=') {
            return hidden;
        }
        hidden.split('&').map(hide_pair).collect::<Vec<_>>().join("&")
    }

    /// A header's value without them.
    pub(in crate::channel) fn hide_in_header(&self, name: &str, value: &str) -> String {
        if is_secret_header(name) {
            return HIDDEN.to_owned();
        }
        // `Link` holds URLs.
        if value.contains('?') { self.hide_in_url(value) } else { self.hide(value) }
    }
}

fn hide_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if is_secret_parameter(name) => {
            // Within a header a URL ends before the pair does.
            let end = value.find(['>', ' ', '"', ',', ';']).unwrap_or(value.len());
            format!("{name}={HIDDEN}{}", value.get(end..).unwrap_or_default())
        }
        Some(_) | None => pair.to_owned(),
    }
}

/// What one of the application's secrets is called beside the account's.
pub(in crate::channel) fn application_name(name: &str) -> String {
    format!("application_{name}")
}

/// A text as it stands in a URL.
pub(in crate::channel) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A part of a URL as it was meant.
pub(in crate::channel) fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add("token", "t0p/secret");
        secrets.add("short", "abc");
        secrets
    }

    #[test]
    fn r28_secrets_are_hidden_as_they_are_and_as_they_stand_in_urls() {
        let secrets = secrets();
        assert_eq!(secrets.hide("a t0p/secret b t0p%2Fsecret"), "a *** b ***");
        assert_eq!(
            secrets.hide_in_url("https://x.example/t0p%2Fsecret?api_key=other&limit=5&KEY=1"),
            "https://x.example/***?api_key=***&limit=5&KEY=***"
        );
        assert_eq!(secrets.hide_in_url("https://x.example/abc"), "https://x.example/abc");
        assert_eq!(secrets.hide_in_header("Authorization", "Bearer other"), "***");
        assert_eq!(
            secrets.hide_in_header("link", "<https://x.example/?page=2&access_token=abcd>; rel=\"next\""),
            "<https://x.example/?page=2&access_token=***>; rel=\"next\""
        );
    }
}
