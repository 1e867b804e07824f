//! JSON strings: finding the end, noting what `PostgreSQL` refuses, and undoing escapes into a scratch buffer.

use crate::reject::Code;
use crate::scan::{Scanner, Text};
use crate::syntax::{Scan, Syntax};

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// Marks the high bit of each byte that is a quote, a backslash or a control character; exact in its lowest mark
/// (a borrow can only reach bytes above a true one).
#[inline]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    ((quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash) | control) & HIGH
}

impl<'a> Scanner<'a> {
    /// A string from its opening quote to behind its closing one.
    ///
    /// # Errors
    /// `UnexpectedEnd`, `ControlCharacter` or `InvalidEscape`.
    #[expect(clippy::inline_always, reason = "12 % of an encoded batch")]
    #[inline(always)]
    pub fn string(&mut self) -> Scan<Text<'a>> {
        self.at += 1;
        let start = self.at;
        self.plain();
        let is_escaped = self.peek() != b'"';
        if is_escaped {
            self.escaped()?;
        }
        let raw = &self.bytes[start..self.at];
        self.at += 1;
        Ok(Text { raw, is_escaped })
    }

    /// To the closing quote, from an escape or what should have been one.
    #[cold]
    fn escaped(&mut self) -> Scan<()> {
        loop {
            match self.peek() {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                _ => return Err(self.malformed(Syntax::ControlCharacter)),
            }
            self.plain();
        }
    }

    /// To the next quote, backslash, control character or the end: eight bytes a step.
    #[inline]
    fn plain(&mut self) {
        while let Some(chunk) = self.bytes[self.at..].first_chunk::<8>() {
            let marks = special(u64::from_le_bytes(*chunk));
            if marks != 0 {
                self.at += marks.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.at < self.bytes.len() && !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
            self.at += 1;
        }
    }

    /// Past one escape, from its backslash.
    fn escape(&mut self) -> Scan<()> {
        self.at += 1;
        match self.peek() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(())
            }
            b'u' => self.unicode_escape(),
            _ => Err(self.malformed(Syntax::InvalidEscape)),
        }
    }

    /// Past `uXXXX`, and the second half when it is a surrogate pair.
    fn unicode_escape(&mut self) -> Scan<()> {
        let start = self.at - 1;
        match self.four_hex()? {
            0 => self.note(Code::NulCharacter, start),
            0xd800..=0xdbff if self.bytes[self.at..].starts_with(b"\\u") => {
                let second = self.at;
                self.at += 1;
                if !(0xdc00..=0xdfff).contains(&self.four_hex()?) {
                    self.note(Code::LoneSurrogate, start);
                    self.at = second;
                }
            }
            0xd800..=0xdfff => self.note(Code::LoneSurrogate, start),
            _ => {}
        }
        Ok(())
    }

    fn four_hex(&mut self) -> Scan<u32> {
        self.at += 1;
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = (self.peek() as char).to_digit(16) else {
                return Err(self.malformed(Syntax::InvalidEscape));
            };
            value = value << 4 | digit;
            self.at += 1;
        }
        Ok(value)
    }
}

impl<'a> Text<'a> {
    /// The string's own bytes: as they are in the body, or unescaped into `scratch`.
    /// Lone surrogates (a fault that the scanner has noted) become U+FFFD.
    #[inline]
    pub fn decode<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if !self.is_escaped {
            return self.raw;
        }
        scratch.clear();
        unescape(self.raw, scratch);
        scratch
    }
}

/// Appends what `raw`, the inside of a valid JSON string, stands for.
pub fn unescape(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(slash) = memchr::memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..slash]);
        let (decoded, used) = one_escape(&raw[slash..]);
        out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        raw = &raw[slash + used..];
    }
    out.extend_from_slice(raw);
}

/// The character of the escape at the start of `raw` and the bytes it takes.
fn one_escape(raw: &[u8]) -> (char, usize) {
    match raw[1] {
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'u' => unicode(raw),
        other => (other as char, 2),
    }
}

fn unicode(raw: &[u8]) -> (char, usize) {
    let high = hex(&raw[2..6]);
    if let Some(plain) = char::from_u32(high) {
        return (plain, 6);
    }
    if high < 0xdc00 && raw.len() >= 12 && raw[6..].starts_with(b"\\u") {
        let low = hex(&raw[8..12]);
        if (0xdc00..0xe000).contains(&low) {
            let joined = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return (
                char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER),
                12,
            );
        }
    }
    (char::REPLACEMENT_CHARACTER, 6)
}

fn hex(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, &digit| {
        value << 4 | (digit as char).to_digit(16).unwrap_or(0)
    })
}
