//! Lines of a file, each with its number. No line can take more memory than its limit.

use std::io::{self, BufRead, Read};

/// Longest line, in bytes: four times the largest context.
pub const MAX_LINE_BYTES: u64 = 64 * 1024;
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A line that holds something.
#[derive(Debug)]
pub enum Line {
    /// Its text.
    Text(String),
    /// What is wrong with it.
    Bad(String),
    /// The file ends here, before its end.
    Unreadable(io::Error),
}

/// The lines that hold something, with their numbers, counted from 1.
pub struct Lines<R> {
    reader: R,
    number: u32,
}

impl<R: BufRead> Lines<R> {
    /// The lines of a file from its beginning.
    pub const fn new(reader: R) -> Self {
        Self::after(reader, 0)
    }

    /// The lines that follow the line of this number.
    pub const fn after(reader: R, number: u32) -> Self {
        Self { reader, number }
    }

    /// The next line, whatever it holds.
    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        if self.reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() as u64 > MAX_LINE_BYTES {
            self.skip_rest()?;
            let message = format!(
                "the line is longer than {MAX_LINE_BYTES} bytes: write one account a line, and a shorter context"
            );
            return Ok(Some(Line::Bad(message)));
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(Some(Line::Bad("the line is not UTF-8".to_owned())));
        };
        let text = if self.number == 1 { text.trim_start_matches(BYTE_ORDER_MARK) } else { &text };
        Ok(Some(Line::Text(text.trim().to_owned())))
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (used, ends) = match buffer.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(used);
            if ends {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = (u32, Line);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Ok(None) => return None,
                Ok(Some(Line::Text(text))) if text.is_empty() => {}
                Ok(Some(line)) => return Some((self.number, line)),
                Err(error) => return Some((self.number, Line::Unreadable(error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u32, String)> {
        let show = |(number, line)| match line {
            Line::Text(text) => (number, text),
            Line::Bad(message) => (number, format!("bad: {message}")),
            Line::Unreadable(error) => panic!("{error}"),
        };
        Lines::new(text.as_bytes()).map(show).collect()
    }

    #[test]
    fn numbers_count_empty_lines_too() {
        let expected = [(1, "a".to_owned()), (4, "b".to_owned())];
        assert_eq!(lines("\u{FEFF}a\r\n\n  \nb"), expected);
    }

    #[test]
    fn a_line_over_the_limit_is_named_and_the_next_one_is_read() {
        let longest = "x".repeat(64 * 1024);
        let found = lines(&format!("{longest}\n{longest}y{longest}\nb\n"));
        assert_eq!(found[0], (1, longest));
        assert!(found[1].0 == 2 && found[1].1.contains("longer than 65536 bytes"), "{found:?}");
        assert_eq!(found[2], (3, "b".to_owned()));
    }
}
