//! Names whose values are secrets, of members, parameters and headers, however they are written.

/// A name with one of these words in it, or that is one when its words are put together.
const WORDS: [&str; 29] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "authorization",
    "cookie",
    "session",
    "sessionid",
    "sessid",
    "jwt",
    "credential",
    "bearer",
    "otp",
    "totp",
    "pin",
    "csrf",
    "xsrf",
    "nonce",
    "signature",
    "sig",
    "cvv",
    "cvc",
    "creditcard",
    "cardnumber",
    "apikey",
    "appsecretproof",
    "accesskeyid",
];
/// What a `key` must be called for its value to be one: other keys are those of maps and tables.
const KEYS: [&str; 12] = [
    "private",
    "access",
    "signing",
    "api",
    "secret",
    "encryption",
    "client",
    "consumer",
    "auth",
    "ssh",
    "account",
    "master",
];
/// Parameters that are secrets, whose names say something else in a body.
const PARAMETERS: [&str; 4] = ["key", "auth", "code", "sid"];
/// Words before `tokens` that are counted, not kept secret.
const COUNTS: [&str; 11] =
    ["count", "total", "max", "min", "limit", "remaining", "used", "prompt", "completion", "input", "output"];
/// Parts of the names of headers that count, whatever they count.
const COUNTING: [&str; 3] = ["limit", "usage", "quota"];

/// Whether a member holds a secret by its name.
pub(in crate::channel) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if words.last().is_some_and(|last| last == "tokens")
        && words.iter().any(|word| COUNTS.contains(&word.as_str()))
    {
        return false;
    }
    let joined = words.concat();
    let is_one = |word: &str| WORDS.contains(&word) || WORDS.contains(&singular(word));
    let is_key = |joined: &str| {
        KEYS.iter().any(|kind| {
            joined
                .find(kind)
                .and_then(|at| joined.get(at + kind.len()..))
                .is_some_and(|rest| rest.starts_with("key"))
        })
    };
    is_one(&joined)
        || words.iter().any(|word| is_one(word))
        || (words.iter().any(|word| word.contains("key")) && is_key(&joined))
        || (words.iter().any(|word| word == "card") && joined.contains("number"))
}

/// Whether a header holds a secret by its name.
pub(in crate::channel) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_secret_name(&name) && !COUNTING.iter().any(|part| name.contains(part))
}

/// Whether a parameter of a URL holds a secret by its name.
pub(in crate::channel) fn is_secret_parameter(name: &str) -> bool {
    let name = super::secrets::decoded(name);
    PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) || is_secret_name(&name)
}

/// The words of a name, in lower case: `profileImage_url` is `profile`, `image`, `url`, `APIKey` is `api`, `key`.
pub(in crate::channel) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        let starts =
            char.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && after.is_lowercase()));
        if !char.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word without the ending of several.
pub(in crate::channel) fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_understood_however_they_are_written() {
        for name in [
            "access_token",
            "accessToken",
            "client_secret",
            "api_key",
            "X-API-Key",
            "session_id",
            "private_key",
            "accessKey",
            "access_key_id",
            "AWSAccessKeyId",
            "bearer",
            "otp",
            "otpCode",
            "pin",
            "csrf",
            "csrfToken",
            "card_number",
            "cardNumber",
            "nonce",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "signing-key",
            "credentials",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "id",
            "key",
            "keyword",
            "pinned",
            "signed_at",
            "monkey",
            "expansion",
            "company",
            "code",
            "number",
            "access",
            "total_tokens",
            "sid",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        for name in ["key", "code", "sig", "X-Amz-Signature", "x%2damz%2dsignature", "session_id"] {
            assert!(is_secret_parameter(name), "{name}");
        }
        assert!(is_secret_header("X-Csrf-Token") && !is_secret_header("X-RateLimit-Remaining-Tokens"));
        assert_eq!(words("profileImage_url"), ["profile", "image", "url"]);
        assert_eq!(words("AWSAccessKeyId"), ["aws", "access", "key", "id"]);
    }
}
