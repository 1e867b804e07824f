//! The sentence that goes with a reason code: what would have been accepted, with the bound that was broken.
//! Written straight into the answer; nothing of the client's values is repeated.

use std::fmt::{self, Display, Formatter};

use crate::limits::{Limits, MAX_LISTED_BYTES, MAX_LISTED_TYPES};
use crate::reject::{Code, Field};
use crate::schema::Schema;
use crate::schema::rule::{Kind, Range, Rule, TextRule};
use crate::timestamp::SECOND_US;

/// The message of one rejection.
pub struct Message<'m> {
    pub code: Code,
    pub field: &'m Field,
    pub schema: &'m Schema,
    pub limits: &'m Limits,
}

/// The path of a field, as in `properties.price`; empty for the whole event or body.
pub struct Path<'p>(pub &'p Field, pub &'p Schema);

impl Display for Path<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Field::Whole => Ok(()),
            Field::EventType => f.write_str("event_type"),
            Field::Timestamp => f.write_str("timestamp"),
            Field::UserId => f.write_str("user_id"),
            Field::SessionId => f.write_str("session_id"),
            Field::EventId => f.write_str("event_id"),
            Field::Properties => f.write_str("properties"),
            Field::Events => f.write_str("events"),
            Field::Declared(number) => {
                write!(f, "properties.{}", self.1.plan.properties.get(*number))
            }
            Field::Unknown(name) => f.write_str(name),
            Field::Undeclared(name) => write!(f, "properties.{name}"),
        }
    }
}

impl Display for Message<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (plan, limits) = (&self.schema.plan, self.limits);
        match self.code {
            Code::NotAnObject => f.write_str("must be an object"),
            Code::MissingField => self.missing(f),
            Code::UnknownField => {
                f.write_str("is not a known field here; own data goes into properties")
            }
            Code::DuplicateField => f.write_str("must be there only once"),
            Code::WrongType => self.wrong_type(f),
            Code::UnknownEventType => self.event_types(f),
            Code::InvalidTimestamp => {
                f.write_str("must be RFC 3339 with a T, such as 2026-01-31T12:00:00.123456Z")
            }
            Code::TimestampTooOld => write!(
                f,
                "must be at most {} s before now",
                plan.max_age_us / SECOND_US
            ),
            Code::TimestampTooNew => write!(
                f,
                "must be at most {} s after now",
                plan.max_ahead_us / SECOND_US
            ),
            Code::TimestampRequired => {
                f.write_str("is required with an event_id or an Idempotency-Key")
            }
            Code::InvalidEventId => {
                f.write_str("must be a UUID in its hyphenated form, neither nil nor max")
            }
            Code::OutOfRange
            | Code::TooShort
            | Code::PatternMismatch
            | Code::NotInEnum
            | Code::InvalidUrl => self.rule(f),
            Code::TooLong => self.too_long(f),
            Code::EventTooLarge => write!(
                f,
                "an event may have at most {} bytes",
                limits.max_event_bytes
            ),
            Code::TooDeep => write!(
                f,
                "may be nested at most {} deep, the event counted",
                limits.max_depth
            ),
            Code::NumberTooLong => write!(
                f,
                "a number may have at most {} digits",
                limits.max_number_digits
            ),
            Code::NumberOutOfRange => write!(
                f,
                "a number's exponent may be at most ±{}",
                limits.max_number_exponent
            ),
            Code::NulCharacter => f.write_str("must not hold the character U+0000"),
            Code::LoneSurrogate => f.write_str("must not hold half of a surrogate pair"),
            code => f.write_str(code.about()),
        }
    }
}

impl Message<'_> {
    fn declared(&self) -> Option<&Rule> {
        match self.field {
            Field::Declared(number) => self.schema.plan.rules.get(*number),
            _ => None,
        }
    }

    fn missing(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.field {
            Field::Declared(_) => {
                f.write_str("is required for this event type and may not be null")
            }
            _ => f.write_str("is required"),
        }
    }

    fn wrong_type(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(rule) = self.declared() {
            write!(f, "must be {}", type_name(&rule.kind))?;
            return f.write_str(if rule.is_nullable { " or null" } else { "" });
        }
        f.write_str(match self.field {
            Field::Properties => "must be an object",
            Field::Events => "must be an array",
            Field::EventType | Field::Timestamp => "must be a string",
            _ => "must be a string or null",
        })
    }

    fn event_types(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let types = &self.schema.plan.event_types;
        if types.len() > MAX_LISTED_TYPES {
            return write!(f, "must be one of the {} declared event types", types.len());
        }
        f.write_str("must be one of ")?;
        list(types.iter(), f)
    }

    fn too_long(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.declared() {
            Some(_) => self.rule(f),
            None => write!(
                f,
                "must have at most {} bytes",
                self.limits.max_indexed_bytes
            ),
        }
    }

    /// What the declared rule asks for.
    fn rule(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.declared().map(|rule| &rule.kind) {
            Some(Kind::Integer(range) | Kind::Number(range)) => range_text(range, f),
            Some(Kind::Text(rule)) => self.text(rule, f),
            _ => f.write_str(self.code.about()),
        }
    }

    fn text(&self, rule: &TextRule, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.code, &rule.pattern, &rule.allowed) {
            (Code::TooShort, ..) => write!(f, "must have a length of at least {}", rule.min_chars),
            (Code::TooLong, ..) => write!(
                f,
                "must have a length of at most {}",
                rule.max_chars.unwrap_or(0)
            ),
            (Code::PatternMismatch, Some(pattern), _) => {
                write!(f, "must match {:.MAX_LISTED_BYTES$}", pattern.text)
            }
            (Code::NotInEnum, _, Some(allowed)) => {
                f.write_str("must be one of ")?;
                list(allowed.iter(), f)
            }
            _ => f.write_str("must be an absolute http or https URL"),
        }
    }
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "a string",
        Kind::Integer(_) => "an integer (no fraction, no exponent)",
        Kind::Number(_) => "a number",
        Kind::Boolean => "true or false",
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::Any => "a value",
    }
}

fn range_text(range: &Range, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("must be ")?;
    if let Some(edge) = &range.lower {
        let word = if edge.is_exclusive {
            "greater than"
        } else {
            "at least"
        };
        write!(f, "{word} {}", edge.text)?;
    }
    if let Some(edge) = &range.upper {
        let and = if range.lower.is_some() { " and " } else { "" };
        let word = if edge.is_exclusive {
            "less than"
        } else {
            "at most"
        };
        write!(f, "{and}{word} {}", edge.text)?;
    }
    Ok(())
}

/// Names with commas between them, as many as fit.
fn list<'n>(names: impl Iterator<Item = &'n str>, f: &mut Formatter<'_>) -> fmt::Result {
    let mut room = MAX_LISTED_BYTES;
    for (index, name) in names.enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        let Some(left) = room.checked_sub(name.len()) else {
            return f.write_str("...");
        };
        f.write_str(name)?;
        room = left;
    }
    Ok(())
}
