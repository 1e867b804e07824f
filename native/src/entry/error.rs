//! What can be wrong with an entry, with the stable code of each.

use std::fmt;

use super::MAX_RAW_BYTES;

/// Why an entry cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryError {
    BadMagic,
    UnknownVersion(u8),
    UnknownLayout(u16),
    UnknownFlags(u16),
    Truncated { expected: usize, found: usize },
    TooLarge(usize),
    Checksum,
    Codec,
    BadTuple { row: usize, reason: &'static str },
}

impl EntryError {
    /// The stable code that Python callers and dead letters see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadMagic => "bad_magic",
            Self::UnknownVersion(_) | Self::UnknownFlags(_) => "unknown_version",
            Self::UnknownLayout(_) => "unknown_layout",
            Self::Truncated { .. } => "truncated",
            Self::TooLarge(_) => "too_large",
            Self::Checksum => "checksum",
            Self::Codec => "codec",
            Self::BadTuple { .. } => "bad_tuple",
        }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic => f.write_str("the header does not begin with the magic of an entry"),
            Self::UnknownVersion(version) => {
                write!(f, "header version {version} is not known here")
            }
            Self::UnknownLayout(layout) => write!(f, "tuple layout {layout} is not known here"),
            Self::UnknownFlags(flags) => {
                write!(f, "flags {flags:#06x} or reserved bytes are not known here")
            }
            Self::Truncated { expected, found } => {
                write!(f, "expected {expected} bytes, found {found}")
            }
            Self::TooLarge(bytes) => {
                write!(f, "{bytes} bytes of tuples, the bound is {MAX_RAW_BYTES}")
            }
            Self::Checksum => f.write_str("the checksum does not fit the header and the data"),
            Self::Codec => {
                f.write_str("the data does not unpack to the size that the header states")
            }
            Self::BadTuple { row, reason } => write!(f, "row {row}: {reason}"),
        }
    }
}

impl std::error::Error for EntryError {}
