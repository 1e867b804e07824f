//! A JSON scanner: it walks RFC 8259 text once, copies nothing and never recurses. A `Fault` is noted (the first one)
//! while the walk goes on; `Malformed` ends it.
//! The caller gives UTF-8; nothing here checks it again. Called by `event` and `pass`.

use crate::limits::Limits;
use crate::nesting::Nesting;
use crate::reject::Code;
use crate::syntax::{Fault, Malformed, Scan, Syntax};

/// A string's bytes between its quotes, as the client wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    pub raw: &'a [u8],
    pub is_escaped: bool,
}

/// A position in a body, the bounds to note, and the first fault since `take_fault`.
pub struct Scanner<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) fault: Option<Fault>,
    pub(crate) max_number_digits: usize,
    pub(crate) max_number_exponent: u32,
    max_depth: usize,
    open: Nesting,
}

/// Walks one JSON text of any shape; gives its first fault, if any. For the conformance corpus and tools.
///
/// # Errors
/// `Malformed` when `bytes` is not one JSON value with optional whitespace around it.
pub fn validate(bytes: &[u8], limits: &Limits) -> Scan<Option<Fault>> {
    let mut scanner = Scanner::new(bytes, limits);
    scanner.whitespace();
    scanner.skip_value(0)?;
    scanner.end()?;
    Ok(scanner.take_fault())
}

impl<'a> Scanner<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Self {
            bytes,
            at: 0,
            fault: None,
            max_number_digits: limits.max_number_digits,
            max_number_exponent: limits.max_number_exponent,
            max_depth: limits.max_depth,
            open: Nesting::default(),
        }
    }

    /// The byte at the cursor, or 0 at the end: no JSON token starts with 0, so callers need no second check.
    #[inline]
    #[must_use]
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// Notes a fault unless an earlier one is there.
    #[cold]
    pub(crate) fn note(&mut self, code: Code, position: usize) {
        self.fault.get_or_insert(Fault { code, position });
    }

    /// The error for what stands at the cursor, or for the text ending there.
    #[cold]
    pub(crate) fn malformed(&self, kind: Syntax) -> Malformed {
        let kind = if self.at >= self.bytes.len() {
            Syntax::UnexpectedEnd
        } else {
            kind
        };
        Malformed {
            kind,
            position: self.at.min(self.bytes.len()),
        }
    }

    #[inline]
    pub fn whitespace(&mut self) {
        while self.peek() <= b' ' && matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Only whitespace may be left.
    ///
    /// # Errors
    /// `TrailingCharacters`.
    pub fn end(&mut self) -> Scan<()> {
        self.whitespace();
        if self.at < self.bytes.len() {
            return Err(self.malformed(Syntax::TrailingCharacters));
        }
        Ok(())
    }

    /// Past an opening bracket and whitespace; true if the container closes at once (and is then closed).
    #[inline]
    pub fn open(&mut self, close: u8) -> bool {
        self.at += 1;
        self.whitespace();
        let is_empty = self.peek() == close;
        self.at += usize::from(is_empty);
        is_empty
    }

    /// After a value inside a container: past the comma (true) or the closing bracket (false).
    ///
    /// # Errors
    /// `ExpectedCommaOrEnd`.
    #[inline]
    pub fn has_next(&mut self, close: u8) -> Scan<bool> {
        self.whitespace();
        let found = self.peek();
        if found == b',' {
            self.at += 1;
            self.whitespace();
            return Ok(true);
        }
        if found == close {
            self.at += 1;
            return Ok(false);
        }
        Err(self.malformed(Syntax::ExpectedCommaOrEnd))
    }

    /// A member's key, its colon and the whitespace around them.
    ///
    /// # Errors
    /// `ExpectedKey`, `ExpectedColon`, or what is wrong inside the key.
    #[inline]
    pub fn key(&mut self) -> Scan<Text<'a>> {
        if self.peek() != b'"' {
            return Err(self.malformed(Syntax::ExpectedKey));
        }
        let key = self.string()?;
        self.whitespace();
        if self.peek() != b':' {
            return Err(self.malformed(Syntax::ExpectedColon));
        }
        self.at += 1;
        self.whitespace();
        Ok(key)
    }

    /// Past one value of any kind, `depth` containers being open around it in its event.
    ///
    /// # Errors
    /// `Malformed` anywhere inside.
    #[inline]
    pub fn skip_value(&mut self, depth: usize) -> Scan<()> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => {
                self.open.clear();
                self.values(depth)
            }
            _ => self.scalar(),
        }
    }

    /// Past the rest of `depth` open objects, the cursor being behind one of their members' values.
    /// This is how a rejected event is still read as JSON, once.
    ///
    /// # Errors
    /// `Malformed` anywhere inside.
    #[cold]
    pub fn skip_rest(&mut self, depth: usize) -> Scan<()> {
        self.open.clear();
        for _ in 0..depth {
            self.open.push(true);
        }
        if self.close_all()? {
            Ok(())
        } else {
            self.values(0)
        }
    }

    /// A number or literal.
    #[inline]
    fn scalar(&mut self) -> Scan<()> {
        match self.peek() {
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => Err(self.malformed(Syntax::ExpectedValue)),
        }
    }

    /// Past `true`, `false` or `null`.
    ///
    /// # Errors
    /// `InvalidLiteral` when the text only starts like `word`.
    #[inline]
    pub fn literal(&mut self, word: &[u8]) -> Scan<()> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        let shared = self.bytes[self.at..]
            .iter()
            .zip(word)
            .take_while(|(a, b)| a == b)
            .count();
        self.at += shared;
        Err(self.malformed(Syntax::InvalidLiteral))
    }

    /// Values until the open containers are closed, starting before a value.
    fn values(&mut self, depth: usize) -> Scan<()> {
        loop {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'{' => {
                    if self.enter(true, depth) {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    if self.enter(false, depth) {
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if self.close_all()? {
                return Ok(());
            }
        }
    }

    /// Into a container; false if it was empty and is closed already.
    fn enter(&mut self, is_object: bool, depth: usize) -> bool {
        if depth + self.open.depth() >= self.max_depth {
            self.note(Code::TooDeep, self.at);
        }
        let close = if is_object { b'}' } else { b']' };
        if self.open(close) {
            return false;
        }
        self.open.push(is_object);
        true
    }

    /// Behind a value: to the next value of the innermost container, or out of containers; true when all are closed.
    fn close_all(&mut self) -> Scan<bool> {
        while self.open.depth() > 0 {
            let is_object = self.open.is_object();
            if self.has_next(if is_object { b'}' } else { b']' })? {
                if is_object {
                    self.key()?;
                }
                return Ok(false);
            }
            self.open.pop();
        }
        Ok(true)
    }
}
