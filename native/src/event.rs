//! One event: walks its envelope and properties, checks them against the plan, and writes the tuple.
//! A rejected event leaves nothing behind, because the tuple is written after the last check. What follows the
//! rejected member is still read as JSON.

use crate::identity::{self, EventId};
use crate::limits::Limits;
use crate::members::Members;
use crate::reject::{Code, Field, echoed};
use crate::scan::{Malformed, Scanner, Text};
use crate::schema::plan::Plan;
use crate::schema::rule::Kind;
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
    open: usize,
}

impl From<Malformed> for Stop {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

/// An event's checked envelope; its properties are in `Scratch::members`.
#[derive(Default)]
pub struct Event<'a> {
    pub event_type: usize,
    pub timestamp_us: Option<i64>,
    pub event_id: Option<EventId>,
    pub user_id: Option<Text<'a>>,
    pub session_id: Option<Text<'a>>,
    seen: Seen,
    /// Declared properties that are there and not null.
    filled: u64,
}

/// Which envelope fields were there, a bit each.
#[derive(Default, Clone, Copy)]
struct Seen(u8);

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

type Checked<T> = Result<T, Stop>;

/// Refuses for a reason in the envelope.
fn refuse<T>(code: Code, field: Field) -> Checked<T> {
    Err(Stop::Rejected(Refusal {
        code,
        field,
        open: 1,
    }))
}

impl Rules<'_> {
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
            b"event_type" => (Field::EventType, 1),
            b"timestamp" => (Field::Timestamp, 2),
            b"user_id" => (Field::UserId, 4),
            b"session_id" => (Field::SessionId, 8),
            b"event_id" => (Field::EventId, 16),
            b"properties" => (Field::Properties, 32),
            other => {
                let field = Field::Unknown(echoed(other));
                scanner.skip_value(1)?;
                return refuse(Code::UnknownField, field);
            }
        };
        if event.seen.0 & bit != 0 {
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
                .map(|found| event.event_type = found),
            Field::Timestamp => self
                .timestamp(text, scratch)
                .map(|at| event.timestamp_us = Some(at)),
            Field::EventId => event_id(text, scratch).map(|id| event.event_id = Some(id)),
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

    fn properties<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
    ) -> Checked<()> {
        if scanner.peek() != b'{' {
            let is_absent = scanner.peek() == b'n' && !self.plan.is_properties_required;
            scanner.skip_value(1)?;
            return if is_absent {
                Ok(())
            } else {
                refuse(Code::WrongType, Field::Properties)
            };
        }
        let mut there = 0;
        let mut has_member = !scanner.open(b'}');
        while has_member {
            self.property(scanner, scratch, event, &mut there)?;
            has_member = scanner.has_next(b'}')?;
        }
        Ok(())
    }

    /// One property; `there` has a bit for each declared one met so far, null or not.
    #[inline]
    fn property<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
        there: &mut u64,
    ) -> Checked<()> {
        let start = scanner.at;
        let key = scanner.key()?;
        if key.is_escaped {
            scratch.members.keep_order();
        }
        let found = self.plan.properties.find(key.decode(&mut scratch.decoded));
        let checked = match found {
            None => scanner.skip_value(2).map(|()| Ok(())),
            Some(number) if *there >> number & 1 == 1 => {
                scanner.skip_value(2).map(|()| Err(Code::DuplicateField))
            }
            Some(number) => {
                *there |= 1 << number;
                event.filled |= u64::from(scanner.peek() != b'n') << number;
                self.declared(number, scanner, scratch)
            }
        }?;
        let checked = scanner.fault.map_or(checked, |fault| Err(fault.code));
        if let Err(code) = checked {
            let field = property_field(found, key.decode(&mut scratch.decoded));
            return Err(Stop::Rejected(Refusal {
                code,
                field,
                open: 2,
            }));
        }
        scratch.members.push(key.raw, start, scanner.at);
        Ok(())
    }

    /// The value of a declared property against its rule. The outer error ends the body, the inner one the event.
    #[inline]
    fn declared(
        &self,
        number: usize,
        scanner: &mut Scanner,
        scratch: &mut Scratch,
    ) -> Result<Result<(), Code>, Malformed> {
        let rule = &self.plan.rules[number];
        match (&rule.kind, scanner.peek()) {
            (Kind::Text(rule), b'"') => {
                let text = scanner.string()?;
                if scanner.fault.is_none() {
                    return Ok(rule.check(text.decode(&mut scratch.decoded)));
                }
            }
            (Kind::Number(range), b'-' | b'0'..=b'9') => {
                let number = scanner.number()?;
                if scanner.fault.is_none() {
                    return Ok(range.check(number.raw));
                }
            }
            (Kind::Integer(range), b'-' | b'0'..=b'9') => {
                let number = scanner.number()?;
                if scanner.fault.is_none() {
                    return Ok(if number.is_integer {
                        range.check(number.raw)
                    } else {
                        Err(Code::WrongType)
                    });
                }
            }
            (Kind::Boolean, b't' | b'f')
            | (Kind::Object, b'{')
            | (Kind::Array, b'[')
            | (Kind::Any, _) => {
                scanner.skip_value(2)?;
            }
            (_, first) => {
                let is_allowed_null = first == b'n' && rule.is_nullable;
                scanner.skip_value(2)?;
                return Ok(if is_allowed_null {
                    Ok(())
                } else {
                    Err(Code::WrongType)
                });
            }
        }
        Ok(Ok(()))
    }

    /// What only the whole event can tell.
    fn complete<'a>(&self, event: Event<'a>) -> Checked<Event<'a>> {
        if event.seen.0 & 1 == 0 {
            return refuse(Code::MissingField, Field::EventType);
        }
        if event.timestamp_us.is_none() {
            self.check_absent_timestamp(&event)?;
        }
        if event.seen.0 & 32 == 0 && self.plan.is_properties_required {
            return refuse(Code::MissingField, Field::Properties);
        }
        let missing = self.plan.required[event.event_type] & !event.filled;
        if missing != 0 {
            return refuse(
                Code::MissingField,
                Field::Declared(number_of(missing.trailing_zeros())),
            );
        }
        Ok(event)
    }

    fn check_absent_timestamp(&self, event: &Event) -> Checked<()> {
        if self.plan.is_timestamp_required {
            return refuse(Code::MissingField, Field::Timestamp);
        }
        if self.is_keyed || event.event_id.is_some() {
            return refuse(Code::TimestampRequired, Field::Timestamp);
        }
        Ok(())
    }
}

#[inline]
fn event_id(text: Text, scratch: &mut Scratch) -> Result<EventId, Code> {
    identity::parse(text.decode(&mut scratch.decoded)).ok_or(Code::InvalidEventId)
}

#[cold]
fn property_field(found: Option<usize>, key: &[u8]) -> Field {
    match found {
        Some(number) => Field::Declared(u16::try_from(number).unwrap_or(u16::MAX)),
        None => Field::Undeclared(echoed(key)),
    }
}

fn number_of(bit: u32) -> u16 {
    u16::try_from(bit).unwrap_or(u16::MAX)
}
