//! The body of the answer: what was accepted, or problem details (RFC 9457) with a stable code.
//! Everything of the client's that is repeated (field names) is cut and escaped.

use std::fmt::{self, Display, Write};

use crate::identity::{self, EventId};
use crate::limits::Limits;
use crate::message::{Message, Path};
use crate::pass::Draft;
use crate::reject::{Code, Field, Rejection};
use crate::request::{Refused, Request, Shape};
use crate::schema::Schema;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub status: u16,
    /// None: accepted.
    pub code: Option<Code>,
}

impl Verdict {
    #[must_use]
    pub fn new(refused: Option<&Refused>, draft: &Draft, request: &Request) -> Self {
        let code = match refused {
            Some(Refused::Malformed(_)) => Code::MalformedJson,
            Some(Refused::InvalidUtf8(_)) => Code::InvalidUtf8,
            Some(Refused::Body(code, _)) => *code,
            None => return Self::of_events(draft, request),
        };
        let status = match code {
            Code::MalformedJson | Code::InvalidUtf8 | Code::InvalidIdempotencyKey => 400,
            Code::BodyTooLarge | Code::TooManyEvents => 413,
            _ => 422,
        };
        Self {
            status,
            code: Some(code),
        }
    }

    fn of_events(draft: &Draft, request: &Request) -> Self {
        let code = match &draft.rejections[..] {
            [] => None,
            [rejection, ..] if request.shape == Shape::Event => Some(rejection.code),
            _ if request.is_strict => Some(Code::StrictRejected),
            _ if draft.event_ids.is_empty() => Some(Code::NoAcceptableEvent),
            _ => None,
        };
        Self {
            status: if code.is_some() { 422 } else { 202 },
            code,
        }
    }
}

/// All that an answer depends on.
pub struct Answer<'a> {
    pub verdict: Verdict,
    pub refused: Option<&'a Refused>,
    pub draft: &'a Draft,
    pub schema: &'a Schema,
    pub limits: &'a Limits,
    pub request: &'a Request<'a>,
}

impl Answer<'_> {
    /// Appends the answer's body.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self.verdict.code {
            Some(code) => self.write_problem(code, out),
            None if self.request.shape == Shape::Event => self.write_event(out),
            None => self.write_batch(out),
        }
    }

    fn write_event(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"status":"accepted""#);
        if let ([id], false) = (&self.draft.event_ids[..], self.request.is_minimal) {
            out.extend_from_slice(br#","event_id":"#);
            write_id(id, out);
        }
        out.push(b'}');
    }

    fn write_batch(&self, out: &mut Vec<u8>) {
        out.reserve(64 + self.draft.event_ids.len() * 39 + self.draft.rejections.len() * 128);
        out.extend_from_slice(br#"{"status":"accepted","accepted":"#);
        write_count(self.draft.event_ids.len(), out);
        if !self.request.is_minimal {
            out.extend_from_slice(br#","event_ids":["#);
            write_list(&self.draft.event_ids, out, write_id);
            out.push(b']');
        }
        self.write_rejected(out);
        out.push(b'}');
    }

    fn write_problem(&self, code: Code, out: &mut Vec<u8>) {
        write_raw(
            format_args!(r#"{{"type":"urn:ingest:{code}","title":"{}""#, code.about()),
            out,
        );
        write_raw(
            format_args!(r#","status":{},"code":"{code}""#, self.verdict.status),
            out,
        );
        out.extend_from_slice(br#","message":"#);
        write_string(&Detail(self, code), out);
        out.extend_from_slice(br#","detail":"#);
        write_string(&Detail(self, code), out);
        match self.field() {
            Some(Field::Whole) => {}
            Some(field) => {
                out.extend_from_slice(br#","field":"#);
                write_string(&Path(field, self.schema), out);
            }
            None => self.write_rejected(out),
        }
        out.push(b'}');
    }

    /// The one field that a problem is about; None if it is about a list of rejections.
    fn field(&self) -> Option<&Field> {
        match (self.refused, &self.draft.rejections[..]) {
            (Some(Refused::Body(_, field)), _) => Some(field),
            (Some(_), _) => Some(&Field::Whole),
            (None, [rejection]) if self.request.shape == Shape::Event => Some(&rejection.field),
            (None, _) => None,
        }
    }

    fn write_rejected(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#","rejected":["#);
        write_list(&self.draft.rejections, out, |rejection, out| {
            self.write_rejection(rejection, out);
        });
        out.push(b']');
    }

    fn write_rejection(&self, rejection: &Rejection, out: &mut Vec<u8>) {
        let Rejection { index, code, field } = rejection;
        write_raw(
            format_args!(r#"{{"index":{index},"code":"{code}","field":"#),
            out,
        );
        write_string(&Path(field, self.schema), out);
        out.extend_from_slice(br#","message":"#);
        write_string(&self.message(*code, field), out);
        out.push(b'}');
    }

    fn message<'m>(&'m self, code: Code, field: &'m Field) -> Message<'m> {
        Message {
            code,
            field,
            schema: self.schema,
            limits: self.limits,
        }
    }
}

/// The sentence of a problem.
struct Detail<'d>(&'d Answer<'d>, Code);

impl Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(answer, code) = self;
        let (limits, rejected) = (answer.limits, answer.draft.rejections.len());
        match (code, answer.refused) {
            (_, Some(Refused::Malformed(error))) => {
                write!(f, "{} at byte {}", error.kind.phrase(), error.position)
            }
            (_, Some(Refused::InvalidUtf8(position))) => {
                write!(f, "invalid UTF-8 at byte {position}")
            }
            (Code::BodyTooLarge, _) => {
                write!(f, "a body may have at most {} bytes", limits.max_body_bytes)
            }
            (Code::TooManyEvents, _) => {
                write!(
                    f,
                    "a batch may have at most {} events",
                    answer.request.max_events(limits)
                )
            }
            (Code::InvalidIdempotencyKey, _) => {
                write!(f, "the key must have 1 to {} bytes", limits.max_key_bytes)
            }
            (Code::NoAcceptableEvent, _) => {
                write!(
                    f,
                    "no event was accepted: {rejected} of {rejected} rejected"
                )
            }
            (Code::StrictRejected, _) => {
                let all = rejected + answer.draft.event_ids.len();
                write!(
                    f,
                    "no event was accepted, as strict asks: {rejected} of {all} rejected"
                )
            }
            (code, _) => answer
                .message(*code, answer.field().unwrap_or(&Field::Whole))
                .fmt(f),
        }
    }
}

fn write_list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

#[inline]
fn write_id(id: &EventId, out: &mut Vec<u8>) {
    let mut text = [b'"'; 38];
    text[1..37].copy_from_slice(&identity::format(id));
    out.extend_from_slice(&text);
}

/// Decimal digits. `fmt` takes 240 instructions more (callgrind), 2 % of the call for a lone event.
#[inline]
fn write_count(mut count: usize, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789"[count % 10];
        count /= 10;
        if count == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Text that needs no escapes: names and numbers of this crate.
fn write_raw(text: fmt::Arguments, out: &mut Vec<u8>) {
    // A `Vec` never fails to take bytes.
    let _ = std::io::Write::write_fmt(out, text);
}

/// A JSON string of whatever `text` displays.
fn write_string(text: &impl Display, out: &mut Vec<u8>) {
    out.push(b'"');
    // `Escaped` never fails.
    let _ = write!(Escaped(out), "{text}");
    out.push(b'"');
}

/// Escapes what JSON asks for, as text comes.
struct Escaped<'e>(&'e mut Vec<u8>);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            match byte {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => self
                    .0
                    .extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.0.push(byte),
            }
        }
        Ok(())
    }
}
