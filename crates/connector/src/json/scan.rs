//! A quick pass over JSON: whether a text is JSON, and where the members that are wanted stand in it.
//!
//! It knows what JSON is, and not what is wrong with a text that is none. Nor does it know what is right and rare: a list of
//! something else than objects, escapes in a key that it compares, nesting of more than 127 brackets. It gives up on all of
//! these, by `None`, and serde_json reads the text instead ([`super::seeds`]): what it says of a text is what is said of it.
//! A test holds the two against each other.

use super::MAX_ELEMENTS;

/// Keys of an object that are remembered for the next one.
const MOST_KNOWN_KEYS: usize = 128;
/// Elements that memory is asked for at once.
const MOST_EXPECTED: usize = 256;

/// Members of the elements of a list, one element after the other: by the places of their names, none for one that is missing
/// or null.
pub(super) fn picked_elements<'t>(
    text: &'t str,
    path: &[Box<str>],
    names: &[Box<str>],
) -> Option<Vec<Option<&'t str>>> {
    let mut scan = Scan { text, at: 0 };
    let mut all = Vec::new();
    scan.look_up(path, &mut |scan| scan.list(names, &mut all))??;
    scan.end().map(|()| all)
}

/// The members of an object with these names.
pub(super) fn members<'t>(text: &'t str, names: &[Box<str>]) -> Option<Vec<Option<&'t str>>> {
    let mut scan = Scan { text, at: 0 };
    let mut members = vec![None; names.len()];
    scan.pick(&mut Keys { names, known: Vec::new() }, &mut members)?;
    scan.end().map(|()| members)
}

/// The value at `path`; none inside when it, or an object on the way, is missing or null.
pub(super) fn lookup<'t>(text: &'t str, path: &[Box<str>]) -> Option<Option<&'t str>> {
    let mut scan = Scan { text, at: 0 };
    let found = scan.look_up(path, &mut Scan::value)?;
    scan.end().map(|()| found.filter(|value| *value != "null"))
}

/// The members that are wanted, and how the keys of objects are written: those of a list have the same ones in the same order,
/// nearly always, and are compared whole instead of read.
struct Keys<'n, 't> {
    names: &'n [Box<str>],
    /// Up to its colon each key of the objects before, and the place of its name.
    known: Vec<(&'t str, Option<usize>)>,
}

/// A place in a text.
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    /// Looks for `path`, and reads what is there with `read`.
    fn look_up<T>(
        &mut self,
        path: &[Box<str>],
        read: &mut impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some((name, rest)) = path.split_first() else { return read(self).map(Some) };
        if self.space()? == b'n' {
            return self.word("null").map(|()| None);
        }
        let mut found = None;
        self.object(|scan, key| {
            if *key == **name {
                // The last of several members of one name counts, as in jq.
                found = scan.look_up(rest, read)?;
                return Some(());
            }
            scan.skip()
        })?;
        Some(found)
    }

    /// A list of objects: of each the members with these names.
    fn list(&mut self, names: &[Box<str>], all: &mut Vec<Option<&'t str>>) -> Option<()> {
        // The last of several lists counts.
        all.clear();
        self.take(b'[')?;
        if self.space()? == b']' {
            return self.take(b']');
        }
        let first = self.at;
        let mut keys = Keys { names, known: Vec::new() };
        for number in 0..MAX_ELEMENTS {
            let start = all.len();
            all.resize(start + names.len(), None);
            self.pick(&mut keys, all.get_mut(start..)?)?;
            if number == 0 {
                // Memory for as many as the text may have left, if all are like the first.
                let left = (self.text.len() - first) / (self.at - first).max(1);
                all.reserve(names.len() * left.min(MOST_EXPECTED));
            }
            match self.next_token()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
        None
    }

    /// The members of an object that are wanted, each into its name's place.
    fn pick(&mut self, keys: &mut Keys<'_, 't>, members: &mut [Option<&'t str>]) -> Option<()> {
        self.take(b'{')?;
        if self.space()? == b'}' {
            return self.take(b'}');
        }
        for number in 0.. {
            let place = self.place(keys, number)?;
            match place.and_then(|place| members.get_mut(place)) {
                Some(member) => *member = self.value().map(Some)?.filter(|value| *value != "null"),
                None => self.skip()?,
            }
            match self.next_token()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
        None
    }

    /// Takes the key of an object's next member. The place of its name; none inside when it is not wanted.
    fn place(&mut self, keys: &mut Keys<'_, 't>, number: usize) -> Option<Option<usize>> {
        if let Some((key, place)) = keys.known.get(number)
            && self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(key.as_bytes()))
        {
            self.at += key.len();
            return Some(*place);
        }
        let start = self.at;
        let key = self.plain_key()?;
        let place = keys.names.iter().position(|name| **name == *key);
        if number == keys.known.len() && number < MOST_KNOWN_KEYS {
            keys.known.push((self.text.get(start..self.at)?, place));
        }
        Some(place)
    }

    /// An object: `member` gets each key and reads the value after it.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'t str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.space()? == b'}' {
            return self.take(b'}');
        }
        loop {
            let key = self.plain_key()?;
            member(self, key)?;
            match self.next_token()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A key without escapes, and the colon after it.
    fn plain_key(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let start = self.at;
        self.skip_plain();
        let key = self.text.get(start..self.at)?;
        (self.next()? == b'"').then_some(())?;
        self.take(b':').map(|()| key)
    }

    /// A value, as it is written.
    fn value(&mut self) -> Option<&'t str> {
        self.space()?;
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at)
    }

    /// Any value.
    fn skip(&mut self) -> Option<()> {
        // As most are.
        if self.space()? == b'"' {
            return self.string();
        }
        // A bit for each open bracket, above them a last one: whether it is that of an object.
        let mut open = 1_u128;
        loop {
            match self.space()? {
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b'{' if self.opens(b'}')? => {
                    open = opened(open, 1)?;
                    self.key()?;
                    continue;
                }
                b'[' if self.opens(b']')? => {
                    open = opened(open, 0)?;
                    continue;
                }
                b'{' | b'[' => {}
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return None,
            }
            // A value has ended, and so has what it is the last part of.
            loop {
                if open == 1 {
                    return Some(());
                }
                match (self.next_token()?, open & 1) {
                    (b',', 0) => break,
                    (b',', _) => {
                        self.key()?;
                        break;
                    }
                    (b']', 0) | (b'}', 1) => open >>= 1,
                    _ => return None,
                }
            }
        }
    }

    /// Takes a bracket, and the other one if it follows at once. Whether there is something between them.
    fn opens(&mut self, close: u8) -> Option<bool> {
        self.at += 1;
        let is_empty = self.space()? == close;
        self.at += usize::from(is_empty);
        Some(!is_empty)
    }

    /// A key, and the colon after it.
    fn key(&mut self) -> Option<()> {
        if self.space()? != b'"' {
            return None;
        }
        self.string()?;
        self.take(b':')
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.skip_plain();
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        self.at += 4;
                    }
                    _ => return None,
                },
                // A control character.
                _ => return None,
            }
        }
    }

    /// To the next quote, backslash or control character, eight bytes at a time.
    fn skip_plain(&mut self) {
        const ONES: u64 = u64::MAX / 255;
        const HIGH: u64 = ONES << 7;
        let bytes = self.text.as_bytes();
        while let Some(chunk) = bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let chunk = u64::from_le_bytes(*chunk);
            // The high bit of a byte that is 0, and perhaps of those above it: the lowest one is right.
            let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
            let controls = chunk.wrapping_sub(ONES * 0x20) & !chunk;
            let quotes = zeros(chunk ^ (ONES * u64::from(b'"')));
            let escapes = zeros(chunk ^ (ONES * u64::from(b'\\')));
            let ends = (controls | quotes | escapes) & HIGH;
            if ends != 0 {
                self.at += (ends.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        let rest = bytes.get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        self.next()?.is_ascii_digit().then(|| self.skip_digits())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_it = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        is_it.then_some(())
    }

    /// Space and this byte.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next_token()? == byte).then_some(())
    }

    /// The byte after space, taken.
    fn next_token(&mut self) -> Option<u8> {
        let byte = self.space()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips space, and gives the byte after it; none at the end.
    fn space(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                byte if byte > b' ' => return Some(byte),
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether nothing but space is left.
    fn end(&mut self) -> Option<()> {
        self.space().is_none().then_some(())
    }
}

/// One more open bracket, as long as there is a bit for it.
fn opened(open: u128, kind: u128) -> Option<u128> {
    (open.leading_zeros() > 0).then_some((open << 1) | kind)
}

#[cfg(test)]
mod tests;
