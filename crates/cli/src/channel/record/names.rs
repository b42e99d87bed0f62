//! Which members of a body belong to somebody, by their names. The list stands in docs/channel-commands.md too.

use crate::channel::live::{is_secret_name, singular, words};

/// A value under a name with such a word is a person's.
const PERSONAL: [&str; 80] = [
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
    "givenname",
    "familyname",
    "nickname",
    "nick",
    "surname",
    "forename",
    "maiden",
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
    "born",
    "dob",
    "gender",
    "sex",
    "pronoun",
    "ip",
    "avatar",
    "photo",
    "portrait",
    "picture",
    "gravatar",
    "selfie",
    "latitude",
    "longitude",
    "lat",
    "lng",
    "lon",
    "geo",
    "location",
    "coordinates",
    "hometown",
    "employer",
    "occupation",
    "bio",
    "biography",
    "iban",
    "ssn",
    "passport",
    "license",
    "licence",
    "taxid",
    "vat",
    "device",
    "fingerprint",
    "imei",
    "mac",
    "blog",
    "homepage",
    "linkedin",
    "twitter",
    "facebook",
    "instagram",
    "telegram",
    "whatsapp",
    "skype",
    "vcard",
    "channeltitle",
];
/// Names of people. A string under one is a person's, and so is every string of an object under one that is no id, no time
/// and no word of the API's own.
const PEOPLE: [&str; 38] = [
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
    "managingeditor",
    "webmaster",
    "uploader",
    "commenter",
    "commentator",
    "contributor",
    "committer",
    "reviewer",
    "assignee",
    "reporter",
    "participant",
    "member",
    "account",
    "profile",
    "person",
    "people",
    "contact",
    "customer",
    "subscriber",
    "follower",
    "friend",
    "attendee",
    "organizer",
    "guest",
    "patient",
    "employee",
    "publisher",
    "credit",
];
/// Words before `by` that are not about who did something.
const NOT_BY: [&str; 5] = ["sort", "order", "group", "filter", "step"];
/// What describes a person after the word for one: `author_url`, `userDescription`.
const OF_PERSON: [&str; 10] =
    ["url", "uri", "link", "href", "image", "icon", "description", "note", "title", "text"];
/// Last words of names that hold ids.
const IDS: [&str; 9] = ["id", "ids", "gid", "uid", "uuid", "guid", "urn", "did", "nodeid"];
/// Last words of names that hold times.
const TIMES: [&str; 13] = [
    "at",
    "date",
    "time",
    "timestamp",
    "on",
    "since",
    "until",
    "created",
    "updated",
    "modified",
    "published",
    "expires",
    "utc",
];
/// Last words of names that hold words of the API's own, when the value is one word.
const KINDS: [&str; 10] =
    ["type", "kind", "typename", "class", "object", "visibility", "privacy", "lang", "language", "locale"];
/// Last words of names that hold numbers of things.
const COUNTS: [&str; 3] = ["count", "counts", "total"];
/// Values that are words of an API and of nobody, under any name.
const API_WORDS: [&str; 32] = [
    "active",
    "inactive",
    "open",
    "closed",
    "enabled",
    "disabled",
    "suspended",
    "pending",
    "deleted",
    "online",
    "offline",
    "verified",
    "banned",
    "blocked",
    "admin",
    "owner",
    "member",
    "user",
    "guest",
    "moderator",
    "author",
    "editor",
    "bot",
    "public",
    "private",
    "unlisted",
    "none",
    "true",
    "false",
    "null",
    "yes",
    "no",
];

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// Nothing: the value is looked into.
    Nothing,
    /// The value, and everything in it, is a person's.
    Personal,
    /// The value is a person's when it is a string, and is told about one when it is an object.
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
        if is_secret_name(name) {
            return Self::Secret;
        }
        let words = words(name);
        let joined = words.concat();
        let has = |list: &[&str], word: &str| list.contains(&word) || list.contains(&singular(word));
        let Some((last, before)) = words.split_last() else { return Self::Nothing };
        if has(&PERSONAL, &joined) || words.iter().any(|word| has(&PERSONAL, word)) {
            return Self::Personal;
        }
        let is_about_order = last == "by" && before.iter().any(|word| NOT_BY.contains(&word.as_str()));
        // `from` and `by` are people at the end of a name and nothing within one.
        let names_one =
            before.iter().any(|word| !matches!(word.as_str(), "by" | "from") && has(&PEOPLE, word));
        if names_one && OF_PERSON.contains(&last.as_str()) {
            Self::Personal
        } else if (has(&PEOPLE, &joined) || has(&PEOPLE, last)) && !is_about_order {
            Self::Person
        } else {
            Self::Nothing
        }
    }

    /// What a member of something says: it may add to what is known, and never takes it away.
    pub(super) const fn within(self, own: Self) -> Self {
        match (self, own) {
            (Self::Secret, _) | (_, Self::Secret) => Self::Secret,
            (Self::Personal, _) | (_, Self::Personal) => Self::Personal,
            (Self::Person, _) | (_, Self::Person) => Self::Person,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

/// Whether a string of a person's object is none of the person's: an id, a time, a word of the API's own.
pub(super) fn is_the_apis(name: &str, value: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last().map(String::as_str) else { return false };
    let is_word =
        value.len() <= 32 && value.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    let is_id = IDS.contains(&last) && !value.contains("://") && !value.contains('@') && !value.contains(' ');
    is_id
        || (TIMES.contains(&last) && is_time(value))
        || (KINDS.contains(&last) && is_word)
        || (COUNTS.contains(&last) && value.bytes().all(|byte| byte.is_ascii_digit()))
        || API_WORDS.contains(&value.to_ascii_lowercase().as_str())
}

/// Whether a text is a date or an instant, in whichever form: numbers, and no words but those of a calendar.
fn is_time(value: &str) -> bool {
    const CALENDAR: [&str; 25] = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul",
        "aug", "sep", "oct", "nov", "dec", "t", "z", "gmt", "utc", "am", "pm",
    ];
    let mut words = value.split(|char: char| !char.is_alphabetic()).filter(|word| !word.is_empty());
    value.len() <= 40
        && value.chars().filter(char::is_ascii_digit).count() >= 4
        && words.all(|word| CALENDAR.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_however_they_are_written() {
        let means = |name: &str| Means::of(name, &["Nested".to_owned()]);
        for name in [
            "email",
            "userEmail",
            "user_email",
            "display_name",
            "displayName",
            "avatar-static",
            "ip_address",
            "author_url",
            "userDescription",
            "emails",
            "channelTitle",
        ] {
            assert_eq!(means(name), Means::Personal, "{name}");
        }
        for name in ["access_token", "accessToken", "client_secret", "api_key", "X-API-Key", "session_id"] {
            assert_eq!(means(name), Means::Secret, "{name}");
        }
        for name in [
            "author",
            "authors",
            "in_reply_to_user",
            "created_by",
            "account",
            "participants",
            "managingEditor",
        ] {
            assert_eq!(means(name), Means::Person, "{name}");
        }
        assert_eq!(means("nested"), Means::Personal);
        for name in [
            "id",
            "created_at",
            "content",
            "url",
            "title",
            "shipment",
            "zipped",
            "public",
            "user_id",
            "account_id",
            "sort_by",
            "author_association",
            "message",
            "page",
            "by_day",
        ] {
            assert_eq!(means(name), Means::Nothing, "{name}");
        }
    }

    #[test]
    fn ids_times_and_the_apis_words_are_nobodys() {
        for (name, value) in [
            ("id", "abc-1"),
            ("user_id", "42"),
            ("created_at", "2026-11-23T07:45:00Z"),
            ("last_status_at", "2026-11-23"),
            ("created_at", "Wed Aug 27 13:08:45 +0000 2008"),
            ("type", "User"),
            ("status", "active"),
            ("__typename", "Bot"),
        ] {
            assert!(is_the_apis(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("id", "https://x.example/users/ada"),
            ("id", "ada@x.example"),
            ("sub", "ada"),
            ("created_at", "by Ada 2026"),
            ("type", "Ada Lovelace"),
            ("status", "on holiday"),
            ("note", "2026"),
            ("company", "Analytical"),
        ] {
            assert!(!is_the_apis(name, value), "{name}: {value}");
        }
    }
}
