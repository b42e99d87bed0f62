//! What SQS accepts as a message.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use pollwheel_core::ports::Outgoing;

/// Largest message, in bytes: 1 MiB.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Longest delivery delay, in seconds: 15 minutes.
pub const MAX_DELAY_SECONDS: u16 = 900;

/// Why a message is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no text.
    #[error("the message is empty")]
    Empty,
    /// It is over the limit.
    #[error("the message is {bytes} bytes long, the limit is {MAX_MESSAGE_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It holds what XML cannot.
    #[error(
        "the message has the character {character:?}: only #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD and #x10000 to #x10FFFF are allowed"
    )]
    Character {
        /// The character.
        character: char,
    },
    /// Its delay is over the limit.
    #[error("the delay is {seconds} s, the limit is {MAX_DELAY_SECONDS} s")]
    Delay {
        /// Its delay.
        seconds: u16,
    },
    /// There is no queue of this name.
    #[error("there is no such queue")]
    NoSuchQueue,
}

pub(super) fn check(message: &Outgoing) -> Result<(), Refusal> {
    match message.body.len() {
        0 => return Err(Refusal::Empty),
        bytes if bytes > MAX_MESSAGE_BYTES => return Err(Refusal::TooLarge { bytes }),
        _ => {}
    }
    if message.delay_seconds > MAX_DELAY_SECONDS {
        return Err(Refusal::Delay { seconds: message.delay_seconds });
    }
    match forbidden(&message.body) {
        Some(character) => Err(Refusal::Character { character }),
        None => Ok(()),
    }
}

fn forbidden(text: &str) -> Option<char> {
    // Almost every message is printable ASCII. Without a branch in it, the compiler checks many bytes at once.
    let plain = text.bytes().fold(0, |seen, byte| seen | byte | byte.wrapping_sub(0x20)) & 0x80 == 0;
    if plain { None } else { text.chars().find(|&character| !is_allowed(character)) }
}

const fn is_allowed(character: char) -> bool {
    matches!(character, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outgoing(body: &str, delay_seconds: u16) -> Outgoing {
        Outgoing { body: body.to_owned(), delay_seconds }
    }

    #[test]
    fn r26_characters_that_sqs_refuses_are_refused_here() {
        for bad in ['\0', '\u{8}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            assert_eq!(check(&outgoing(&format!("a{bad}é"), 0)), Err(Refusal::Character { character: bad }));
        }
        assert_eq!(
            check(&outgoing("\t\n\r ~\u{7F}\u{80}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", 900)),
            Ok(())
        );
    }

    #[test]
    fn limits_are_exact() {
        assert_eq!(check(&outgoing("", 0)), Err(Refusal::Empty));
        assert_eq!(check(&outgoing("a", 901)), Err(Refusal::Delay { seconds: 901 }));
        assert_eq!(check(&outgoing(&"a".repeat(MAX_MESSAGE_BYTES), 0)), Ok(()));
        let bytes = MAX_MESSAGE_BYTES + 1;
        assert_eq!(check(&outgoing(&"a".repeat(bytes), 0)), Err(Refusal::TooLarge { bytes }));
    }

    proptest! {
        #[test]
        fn the_fast_look_agrees_with_the_rule(text in "[\\x00-\\x7F\u{80}\u{FFFD}-\u{10001}]{0,40}") {
            prop_assert_eq!(forbidden(&text), text.chars().find(|&character| !is_allowed(character)));
        }
    }
}
