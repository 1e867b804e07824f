//! One event: walks its envelope and properties, checks them against the plan, and writes the tuple.
//! A rejected event leaves nothing behind, because the tuple is written after the last check. What follows the
//! rejected member is still read as JSON.

use crate::identity::{self, EventId};
use crate::limits::Limits;
use crate::members::Members;
use crate::reject::{Code, Field, echoed};
use crate::request::Request;
use crate::scan::{Scanner, Text};
use crate::schema::Schema;
use crate::schema::plan::Plan;
use crate::syntax::Malformed;
use crate::timestamp;

/// Why reading an event stopped: the body is no JSON, or this event is refused.
pub enum Stop {
    Malformed(Malformed),
    Rejected(Refusal),
}

/// Code and field of a rejection, and how many objects were open: 1 in the envelope, 2 in the properties.
pub struct Refusal {
    pub code: Code,
    pub field: Field,
    pub(crate) open: usize,
}

impl From<Malformed> for Stop {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

/// An event's checked envelope; its properties are in `Scratch::members`.
#[derive(Default)]
pub struct Event<'a> {
    /// Its number in the plan.
    pub kind: usize,
    pub timestamp_us: Option<i64>,
    pub id: Option<EventId>,
    pub user_id: Option<Text<'a>>,
    pub session_id: Option<Text<'a>>,
    seen: Seen,
    /// Declared properties that are there and not null.
    pub(crate) filled: u64,
}

/// Which envelope fields were there, a bit each.
#[derive(Default, Clone, Copy)]
struct Seen(u8);

const EVENT_TYPE: u8 = 1;
const TIMESTAMP: u8 = 2;
const USER_ID: u8 = 4;
const SESSION_ID: u8 = 8;
const EVENT_ID: u8 = 16;
const PROPERTIES: u8 = 32;

impl Seen {
    fn has(self, field: u8) -> bool {
        self.0 & field != 0
    }
}

/// Buffers that live as long as the encoder.
#[derive(Default)]
pub struct Scratch {
    pub members: Members,
    pub decoded: Vec<u8>,
}

/// What every event of a request is checked against.
pub struct Rules<'r> {
    pub plan: &'r Plan,
    pub limits: &'r Limits,
    pub oldest_us: i64,
    pub newest_us: i64,
    /// An Idempotency-Key is there: each event needs its own timestamp.
    pub is_keyed: bool,
}

pub(crate) type Checked<T> = Result<T, Stop>;

/// Refuses for a reason in the envelope.
pub(crate) fn refuse<T>(code: Code, field: Field) -> Checked<T> {
    Err(Stop::Rejected(Refusal {
        code,
        field,
        open: 1,
    }))
}

impl<'r> Rules<'r> {
    #[must_use]
    pub fn new(schema: &'r Schema, limits: &'r Limits, request: &Request) -> Self {
        let plan = &schema.plan;
        Self {
            plan,
            limits,
            oldest_us: request.received_at_us - plan.max_age_us,
            newest_us: request.received_at_us + plan.max_ahead_us,
            is_keyed: request.idempotency_key.is_some(),
        }
    }

    /// Reads the event at the cursor and leaves the cursor behind it, also when the event is refused.
    ///
    /// # Errors
    /// `Malformed` ends the body; `Rejected` only this event.
    pub fn read<'a>(&self, scanner: &mut Scanner<'a>, scratch: &mut Scratch) -> Checked<Event<'a>> {
        let start = scanner.at;
        scanner.fault = None;
        let read = self.object(scanner, scratch);
        if let Err(Stop::Rejected(refusal)) = &read {
            scanner.skip_rest(refusal.open)?;
        }
        if !matches!(read, Err(Stop::Malformed(_)))
            && scanner.at - start > self.limits.max_event_bytes
        {
            return refuse(Code::EventTooLarge, Field::Whole);
        }
        self.complete(read?)
    }

    fn object<'a>(&self, scanner: &mut Scanner<'a>, scratch: &mut Scratch) -> Checked<Event<'a>> {
        if scanner.peek() != b'{' {
            scanner.skip_value(0)?;
            return Err(Stop::Rejected(Refusal {
                code: Code::NotAnObject,
                field: Field::Whole,
                open: 0,
            }));
        }
        scratch.members.clear();
        let mut event = Event::default();
        let mut has_member = !scanner.open(b'}');
        while has_member {
            self.member(scanner, scratch, &mut event)?;
            has_member = scanner.has_next(b'}')?;
        }
        Ok(event)
    }

    #[inline]
    fn member<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
    ) -> Checked<()> {
        let key = scanner.key()?;
        let (field, bit) = match key.decode(&mut scratch.decoded) {
            b"event_type" => (Field::EventType, EVENT_TYPE),
            b"timestamp" => (Field::Timestamp, TIMESTAMP),
            b"user_id" => (Field::UserId, USER_ID),
            b"session_id" => (Field::SessionId, SESSION_ID),
            b"event_id" => (Field::EventId, EVENT_ID),
            b"properties" => (Field::Properties, PROPERTIES),
            other => {
                let field = Field::Unknown(echoed(other));
                scanner.skip_value(1)?;
                return refuse(Code::UnknownField, field);
            }
        };
        if event.seen.has(bit) {
            scanner.skip_value(1)?;
            return refuse(Code::DuplicateField, field);
        }
        event.seen.0 |= bit;
        match field {
            Field::Properties => self.properties(scanner, scratch, event),
            _ => self.text_field(scanner, scratch, event, field),
        }
    }

    /// A member of the envelope that holds a string, or null where it may be left out.
    #[inline]
    fn text_field<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
        field: Field,
    ) -> Checked<()> {
        let Some(text) = self.optional_text(scanner, &field)? else {
            return Ok(());
        };
        if let Some(fault) = scanner.fault {
            return refuse(fault.code, field);
        }
        let checked = match field {
            Field::EventType => self
                .event_type(text, scratch)
                .map(|found| event.kind = found),
            Field::Timestamp => self
                .timestamp(text, scratch)
                .map(|at| event.timestamp_us = Some(at)),
            Field::EventId => event_id(text, scratch).map(|id| event.id = Some(id)),
            Field::UserId => self
                .indexed(text, scratch)
                .map(|()| event.user_id = Some(text)),
            _ => self
                .indexed(text, scratch)
                .map(|()| event.session_id = Some(text)),
        };
        checked.or_else(|code| refuse(code, field))
    }

    #[inline]
    fn optional_text<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        field: &Field,
    ) -> Checked<Option<Text<'a>>> {
        match scanner.peek() {
            b'"' => return Ok(Some(scanner.string()?)),
            b'n' if self.is_nullable(field) => {
                scanner.literal(b"null")?;
                return Ok(None);
            }
            _ => scanner.skip_value(1)?,
        }
        refuse(Code::WrongType, field.clone())
    }

    fn is_nullable(&self, field: &Field) -> bool {
        match field {
            Field::EventType => false,
            Field::Timestamp => !self.plan.is_timestamp_required,
            _ => true,
        }
    }

    #[inline]
    fn event_type(&self, text: Text, scratch: &mut Scratch) -> Result<usize, Code> {
        let name = text.decode(&mut scratch.decoded);
        self.plan
            .event_types
            .find(name)
            .ok_or(Code::UnknownEventType)
    }

    #[inline]
    fn timestamp(&self, text: Text, scratch: &mut Scratch) -> Result<i64, Code> {
        let at =
            timestamp::parse(text.decode(&mut scratch.decoded)).ok_or(Code::InvalidTimestamp)?;
        if at < self.oldest_us {
            return Err(Code::TimestampTooOld);
        }
        if at > self.newest_us {
            return Err(Code::TimestampTooNew);
        }
        Ok(at)
    }

    /// The bound holds for the stored bytes; escapes only ever take more.
    #[inline]
    fn indexed(&self, text: Text, scratch: &mut Scratch) -> Result<(), Code> {
        let most = self.limits.max_indexed_bytes;
        if text.raw.len() > most && text.decode(&mut scratch.decoded).len() > most {
            return Err(Code::TooLong);
        }
        Ok(())
    }

    /// What only the whole event can tell.
    fn complete<'a>(&self, event: Event<'a>) -> Checked<Event<'a>> {
        if !event.seen.has(EVENT_TYPE) {
            return refuse(Code::MissingField, Field::EventType);
        }
        if event.timestamp_us.is_none() {
            self.check_absent_timestamp(&event)?;
        }
        if !event.seen.has(PROPERTIES) && self.plan.is_properties_required {
            return refuse(Code::MissingField, Field::Properties);
        }
        let missing = self.plan.required[event.kind] & !event.filled;
        if missing != 0 {
            return refuse(
                Code::MissingField,
                Field::Declared(missing.trailing_zeros() as usize),
            );
        }
        Ok(event)
    }

    fn check_absent_timestamp(&self, event: &Event) -> Checked<()> {
        if self.plan.is_timestamp_required {
            return refuse(Code::MissingField, Field::Timestamp);
        }
        if self.is_keyed || event.id.is_some() {
            return refuse(Code::TimestampRequired, Field::Timestamp);
        }
        Ok(())
    }
}

#[inline]
fn event_id(text: Text, scratch: &mut Scratch) -> Result<EventId, Code> {
    identity::parse(text.decode(&mut scratch.decoded)).ok_or(Code::InvalidEventId)
}
