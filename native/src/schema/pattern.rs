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
        let whole = format!(r"\A(?:{text})\z");
        let regex = RegexBuilder::new(&whole)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| SchemaError::new(format!("{path}.pattern"), error.to_string()))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    #[inline]
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}
