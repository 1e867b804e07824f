//! A pattern that a whole string must match.

use regex::bytes::{Regex, RegexBuilder};

use super::SchemaError;
use crate::limits::MAX_PATTERN_BYTES;

/// A compiled pattern and the text that errors show.
#[derive(Debug)]
pub struct Pattern {
    pub text: String,
    regex: Regex,
}

impl Pattern {
    pub fn compile(path: &str, text: &str) -> Result<Self, SchemaError> {
        let compiled = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(MAX_PATTERN_BYTES)
                .dfa_size_limit(MAX_PATTERN_BYTES)
                .build()
                .map_err(|error| SchemaError::new(format!("{path}.pattern"), error.to_string()))
        };
        // Alone first: `a)|(b` is no pattern, but would close the group around it and lose an anchor.
        compiled(text)?;
        Ok(Self {
            text: text.to_owned(),
            regex: compiled(&format!(r"\A(?:{text})\z"))?,
        })
    }

    #[inline]
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}
