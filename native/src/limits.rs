//! Every bound on what a client or a schema controls, with the reason for its size. Each is told in the error it causes.

/// What one request may hold. A policy: frozen, handed to the encoder once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body. The edge refuses more before the worker sees it; this is the second fence.
    pub max_body_bytes: usize,
    /// Events in one request: bounds the ids and rejections of one answer.
    pub max_batch_events: usize,
    /// Events in one request on the compatibility route: the reference system's own bound.
    pub max_compat_events: usize,
    /// Bytes of one event from brace to brace: a row stays far below a `PostgreSQL` page chain that hurts others.
    pub max_event_bytes: usize,
    /// Open objects and arrays inside one event, the event itself counted.
    pub max_depth: usize,
    /// Digits of one number, its exponent's included: `numeric` takes 131,072 and prints them all.
    pub max_number_digits: usize,
    /// Absolute exponent of a number: the range of a double, so that readers can hold the value.
    pub max_number_exponent: u32,
    /// Bytes of a string in a column that an index may cover: a btree entry holds at most 2,704.
    pub max_indexed_bytes: usize,
    /// Bytes of an `Idempotency-Key`.
    pub max_key_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            max_batch_events: 1000,
            max_compat_events: 500,
            max_event_bytes: 65_536,
            max_depth: 32,
            max_number_digits: 100,
            max_number_exponent: 308,
            max_indexed_bytes: 1024,
            max_key_bytes: 255,
        }
    }
}

/// The largest settings: past these `PostgreSQL` itself refuses a row, or a request's tuples (its bytes and up to
/// 68 more for each event) outgrow the 16 MiB of an entry.
const MOST: Limits = Limits {
    max_body_bytes: 1 << 23,
    max_batch_events: 100_000,
    max_compat_events: 100_000,
    max_event_bytes: 1 << 23,
    max_depth: 1000,
    max_number_digits: 1000,
    max_number_exponent: 10_000,
    max_indexed_bytes: 2600,
    max_key_bytes: 255,
};

impl Limits {
    /// Whether each bound lies within 1 and the most that the parts behind can take.
    ///
    /// # Errors
    /// Which one does not, in words.
    pub fn check(&self) -> Result<(), String> {
        let wrong = self
            .values()
            .into_iter()
            .zip(MOST.values())
            .find(|((_, value), (_, most))| value == &0 || value > most);
        match wrong {
            Some(((name, _), (_, most))) => Err(format!("{name} must lie within 1 and {most}")),
            None => Ok(()),
        }
    }

    fn values(&self) -> [(&'static str, usize); 9] {
        [
            ("max_body_bytes", self.max_body_bytes),
            ("max_batch_events", self.max_batch_events),
            ("max_compat_events", self.max_compat_events),
            ("max_event_bytes", self.max_event_bytes),
            ("max_depth", self.max_depth),
            ("max_number_digits", self.max_number_digits),
            ("max_number_exponent", self.max_number_exponent as usize),
            ("max_indexed_bytes", self.max_indexed_bytes),
            ("max_key_bytes", self.max_key_bytes),
        ]
    }
}

/// Characters of a client's own field name that an answer repeats.
pub const MAX_ECHOED_CHARS: usize = 64;
/// Property names a schema may declare: one bit each in a `u64`.
pub const MAX_DECLARED_PROPERTIES: usize = 64;
/// Event types a schema may declare.
pub const MAX_EVENT_TYPES: usize = 4096;
/// Event types up to which a rejection lists them all.
pub const MAX_LISTED_TYPES: usize = 16;
/// Bytes of a list or pattern of the schema that a message repeats: 1,000 rejections make one answer.
pub const MAX_LISTED_BYTES: usize = 200;
/// Bytes of a schema's text.
pub const MAX_SCHEMA_BYTES: usize = 1 << 20;
/// Significant digits of a bound in a schema: what a TOML float can carry.
pub const MAX_BOUND_DIGITS: usize = 18;
/// Compiled bytes of one schema pattern: keeps a careless pattern from taking the worker's memory.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Oldest timestamp before the receive time that partitions can be there for: 30 days.
pub const MAX_AGE_S: i64 = 30 * 86_400;
/// Newest timestamp after the receive time that partitions can be there for: 1 day.
pub const MAX_AHEAD_S: i64 = 86_400;
