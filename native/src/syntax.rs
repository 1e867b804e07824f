//! What can be wrong with JSON text. Two kinds are kept apart: `Malformed` ends the walk, the text is not JSON;
//! a `Fault` is valid JSON that `PostgreSQL` or a bound refuses.

use crate::reject::Code;

/// Why text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    UnexpectedEnd,
    ExpectedValue,
    ExpectedKey,
    ExpectedColon,
    ExpectedCommaOrEnd,
    ControlCharacter,
    InvalidEscape,
    InvalidNumber,
    InvalidLiteral,
    TrailingCharacters,
}

impl Syntax {
    /// What was wrong, as a phrase that "at byte N" can follow.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::UnexpectedEnd => "unexpected end of the text",
            Self::ExpectedValue => "expected a value",
            Self::ExpectedKey => "expected a key in double quotes",
            Self::ExpectedColon => "expected a colon",
            Self::ExpectedCommaOrEnd => "expected a comma or a closing bracket",
            Self::ControlCharacter => "raw control character in a string",
            Self::InvalidEscape => "invalid escape in a string",
            Self::InvalidNumber => "invalid number",
            Self::InvalidLiteral => "invalid literal",
            Self::TrailingCharacters => "unexpected characters after the value",
        }
    }
}

/// The text is not JSON, and the byte where that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    pub kind: Syntax,
    pub position: usize,
}

/// Valid JSON that must not be stored, and the byte where that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub position: usize,
}

pub type Scan<T> = Result<T, Malformed>;
