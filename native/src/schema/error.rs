//! Why a schema's text cannot be used.

use std::fmt;

/// The place in the text (a dotted TOML path, empty for the whole) and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    pub path: String,
    pub reason: String,
}

impl SchemaError {
    pub(super) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(f, "schema: {}", self.reason);
        }
        write!(f, "schema: {}: {}", self.path, self.reason)
    }
}

impl std::error::Error for SchemaError {}
