//! What comes in with a body, and why a whole body may be refused.

use crate::limits::Limits;
use crate::reject::{Code, Field};
use crate::syntax::Malformed;

/// What a body may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One event.
    Event,
    /// `{"events": [...]}`.
    Batch,
    /// An event, an array of events, or `{"events": [...]}` with that as the first member.
    Native,
}

/// What is known about a request besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    pub project_id: &'r [u8; 16],
    /// Unix microseconds.
    pub received_at_us: i64,
    pub shape: Shape,
    pub idempotency_key: Option<&'r str>,
    /// All or nothing.
    pub is_strict: bool,
    /// Leave the ids out of the answer.
    pub is_minimal: bool,
}

/// Why a whole body was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Malformed(Malformed),
    /// The byte from which on the body is not UTF-8.
    InvalidUtf8(usize),
    /// By shape, bound or header.
    Body(Code, Field),
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl Refused {
    /// Whether the rest of the body was left unread.
    pub(crate) fn ends_scan(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::Body(Code::TooManyEvents, _)
        )
    }
}

impl Request<'_> {
    /// How many events the body may hold.
    #[must_use]
    pub fn max_events(&self, limits: &Limits) -> usize {
        match self.shape {
            Shape::Batch => limits.max_compat_events.min(limits.max_batch_events),
            Shape::Event | Shape::Native => limits.max_batch_events,
        }
    }
}
