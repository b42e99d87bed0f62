//! Which members of a body belong to somebody, by their names. The list stands in docs/channels.md too.

/// A value under such a name is a person's.
const PERSONAL: [&str; 51] = [
    "email",
    "mail",
    "phone",
    "telephone",
    "tel",
    "mobile",
    "fax",
    "name",
    "firstname",
    "lastname",
    "fullname",
    "username",
    "displayname",
    "screenname",
    "nickname",
    "nick",
    "surname",
    "login",
    "acct",
    "handle",
    "address",
    "street",
    "city",
    "zip",
    "postcode",
    "postal",
    "birthday",
    "birthdate",
    "birth",
    "dob",
    "gender",
    "ip",
    "avatar",
    "photo",
    "portrait",
    "picture",
    "gravatar",
    "latitude",
    "longitude",
    "lat",
    "lng",
    "lon",
    "geo",
    "location",
    "coordinates",
    "bio",
    "iban",
    "ssn",
    "passport",
    "device",
    "fingerprint",
];
/// A string under such a name is a person's; an object is looked into.
const PEOPLE: [&str; 12] = [
    "author",
    "user",
    "owner",
    "creator",
    "by",
    "from",
    "sender",
    "recipient",
    "actor",
    "editor",
    "uploader",
    "commenter",
];
/// A value under such a name is a secret.
const SECRET: [&str; 11] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "authorization",
    "cookie",
    "session",
    "apikey",
    "jwt",
    "credential",
];

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// Nothing: the value is looked into.
    Nothing,
    /// The value, and everything in it, is a person's.
    Personal,
    /// The value is a person's when it is a string.
    Person,
    /// The value, and everything in it, is a secret.
    Secret,
}

impl Means {
    /// What a member's name says; `more` are names that the caller wants redacted.
    pub(super) fn of(name: &str, more: &[String]) -> Self {
        if more.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) {
            return Self::Personal;
        }
        let words = words(name);
        let joined = words.concat();
        let has = |list: &[&str]| {
            list.contains(&joined.as_str()) || words.iter().any(|word| list.contains(&word.as_str()))
        };
        if has(&SECRET) || joined.ends_with("apikey") {
            Self::Secret
        } else if has(&PERSONAL) {
            Self::Personal
        } else if PEOPLE.contains(&joined.as_str()) {
            Self::Person
        } else {
            Self::Nothing
        }
    }
}

/// `profileImage_url` is `profile`, `image`, `url`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for char in name.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = char.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_however_they_are_written() {
        let means = |name: &str| Means::of(name, &["Nested".to_owned()]);
        for name in
            ["email", "userEmail", "user_email", "display_name", "displayName", "avatar-static", "ip_address"]
        {
            assert_eq!(means(name), Means::Personal, "{name}");
        }
        for name in ["access_token", "accessToken", "client_secret", "api_key", "X-API-Key", "session_id"] {
            assert_eq!(means(name), Means::Secret, "{name}");
        }
        assert_eq!(means("author"), Means::Person);
        assert_eq!(means("nested"), Means::Personal);
        for name in ["id", "created_at", "content", "url", "title", "shipment", "zipped", "public"] {
            assert_eq!(means(name), Means::Nothing, "{name}");
        }
    }
}
