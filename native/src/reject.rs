//! The one table of reason codes, and a rejection: which event, which code, which field.
//! Texts are made only when an answer is written; see `message`.

use std::fmt;

use crate::limits::MAX_ECHOED_CHARS;

macro_rules! codes {
    ($($variant:ident $name:literal $about:literal;)*) => {
        /// Why a body or an event was refused. The names are stable: clients and metrics rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $about] $variant),* }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The stable `snake_case` name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            /// What the code means, in one sentence without a full stop.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Code::$variant => $about),* }
            }
        }
    };
}

codes! {
    MalformedJson "malformed_json" "The body is not valid JSON";
    InvalidUtf8 "invalid_utf8" "The body is not valid UTF-8";
    BodyTooLarge "body_too_large" "The body has too many bytes";
    TooManyEvents "too_many_events" "The batch has too many events";
    MissingEvents "missing_events" "The body has no member events";
    EmptyBatch "empty_batch" "The batch has no event";
    InvalidIdempotencyKey "invalid_idempotency_key" "The Idempotency-Key has a length that is not allowed";
    NoAcceptableEvent "no_acceptable_event" "Not one event of the batch is acceptable";
    StrictRejected "strict_rejected" "An event was rejected and strict mode takes all or nothing";
    NotAnObject "not_an_object" "A JSON object was expected";
    MissingField "missing_field" "A required field is absent or null";
    UnknownField "unknown_field" "The envelope has no such field";
    DuplicateField "duplicate_field" "A field is there more than once";
    WrongType "wrong_type" "The value has another JSON type than declared";
    UnknownEventType "unknown_event_type" "The event type is not declared";
    InvalidTimestamp "invalid_timestamp" "The timestamp is not an RFC 3339 date and time";
    TimestampTooOld "timestamp_too_old" "The timestamp lies too far in the past";
    TimestampTooNew "timestamp_too_new" "The timestamp lies too far in the future";
    TimestampRequired "timestamp_required" "An event with an id or an Idempotency-Key needs its own timestamp";
    InvalidEventId "invalid_event_id" "The event id is not a UUID, or is the nil or max UUID";
    OutOfRange "out_of_range" "The number lies outside its declared bounds";
    TooLong "too_long" "The string is longer than allowed";
    TooShort "too_short" "The string is shorter than declared";
    PatternMismatch "pattern_mismatch" "The string does not match its declared pattern";
    NotInEnum "not_in_enum" "The string is not one of the declared values";
    InvalidUrl "invalid_url" "The string is not an http or https URL";
    EventTooLarge "event_too_large" "The event has too many bytes";
    TooDeep "too_deep" "The event nests objects and arrays too deeply";
    NumberTooLong "number_too_long" "A number has too many digits";
    NumberOutOfRange "number_out_of_range" "A number has too large an exponent";
    NulCharacter "nul_character" "A string or key holds the character U+0000, which cannot be stored";
    LoneSurrogate "lone_surrogate" "A string or key holds half of a surrogate pair";
}

/// The members of an event's envelope, and the places in a body outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The event or the body as a whole.
    Whole,
    EventType,
    Timestamp,
    UserId,
    SessionId,
    EventId,
    Properties,
    /// The member `events` of a batch body.
    Events,
    /// A declared property, by its number in the schema.
    Declared(usize),
    /// A member of the envelope or the body that is not known; already cut to `MAX_ECHOED_CHARS`.
    Unknown(Box<str>),
    /// A property that is not declared; already cut to `MAX_ECHOED_CHARS`.
    Undeclared(Box<str>),
}

/// One event that was not accepted, by its index in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub index: u32,
    pub code: Code,
    pub field: Field,
}

/// At most `MAX_ECHOED_CHARS` characters of a client's key, for a field path. Allocates.
#[must_use]
pub fn echoed(key: &[u8]) -> Box<str> {
    String::from_utf8_lossy(key)
        .chars()
        .take(MAX_ECHOED_CHARS)
        .collect()
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
