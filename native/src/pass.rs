//! One pass over one body: finds the events in the body's shape, has each read, and writes its tuple.

use crate::event::{Event, Rules, Scratch, Stop};
use crate::identity::{EventId, IdGenerator, RequestKey, shard_hash};
use crate::limits::Limits;
use crate::pgcopy::{self, Template};
use crate::reject::{Code, Field, Rejection, echoed};
use crate::request::{Refused, Request, Shape};
use crate::scan::{Scanner, Text};
use crate::schema::Schema;
use crate::syntax::Malformed;

/// What lives on from request to request.
pub struct State {
    pub ids: IdGenerator,
    pub scratch: Scratch,
}

/// What a request has come to so far.
#[derive(Default)]
pub struct Draft {
    pub tuples: Vec<u8>,
    pub event_ids: Vec<EventId>,
    pub rejections: Vec<Rejection>,
    pub first_client_id: Option<EventId>,
}

/// One pass over one body.
pub struct Pass<'p> {
    pub draft: Draft,
    request: &'p Request<'p>,
    schema: &'p Schema,
    rules: Rules<'p>,
    state: &'p mut State,
    scanner: Scanner<'p>,
    body: &'p [u8],
    template: Template,
    key: Option<RequestKey>,
}

impl Draft {
    /// Gives back room that rejected events left. Else the room stays: a buffer that is freed as large as it was made
    /// is served again from the heap, a shrunk one is mapped anew (72 page faults in a batch of 1,000).
    pub fn trim(&mut self) {
        if self.tuples.len() < self.tuples.capacity() / 2 {
            self.tuples.shrink_to_fit();
        }
    }

    /// Of a request with client-made or derived ids: where its tries meet. None without such ids.
    #[must_use]
    pub fn shard_hash(&self, request: &Request) -> Option<u64> {
        self.event_ids.first()?;
        match (request.idempotency_key, &self.first_client_id) {
            (Some(key), _) => Some(shard_hash(request.project_id, key.as_bytes())),
            (None, Some(id)) => Some(shard_hash(request.project_id, id)),
            (None, None) => None,
        }
    }
}

impl<'p> Pass<'p> {
    pub fn new(
        body: &'p [u8],
        request: &'p Request<'p>,
        (schema, limits): (&'p Schema, &'p Limits),
        state: &'p mut State,
    ) -> Self {
        let tuples = Vec::with_capacity(body.len());
        Self {
            draft: Draft {
                tuples,
                ..Draft::default()
            },
            request,
            schema,
            rules: Rules::new(schema, limits, request),
            state,
            scanner: Scanner::new(body, limits),
            body,
            template: Template::new(request.project_id, request.received_at_us),
            key: request
                .idempotency_key
                .map(|key| RequestKey::new(request.project_id, key)),
        }
    }

    /// The whole body, by its shape.
    ///
    /// # Errors
    /// Why the whole body is refused.
    pub fn run(&mut self) -> Result<(), Refused> {
        self.scanner.whitespace();
        let result = match (self.request.shape, self.scanner.peek()) {
            (Shape::Batch, b'{') => self.wrapped(),
            (Shape::Native, b'{') if self.is_wrapped()? => self.wrapped(),
            (Shape::Native, b'[') => self.array(),
            (Shape::Event | Shape::Native, b'{') => self.event(0).map_err(Refused::from),
            _ => self.other(),
        };
        if !result.as_ref().is_err_and(Refused::ends_scan) {
            self.scanner.end()?;
        }
        result
    }

    /// A body that is JSON but has no shape that was asked for.
    fn other(&mut self) -> Result<(), Refused> {
        self.scanner.skip_value(0)?;
        Err(Refused::Body(Code::NotAnObject, Field::Whole))
    }

    /// Whether the object's first key is `events`; the cursor stays.
    fn is_wrapped(&mut self) -> Result<bool, Refused> {
        let start = self.scanner.at;
        let is_empty = self.scanner.open(b'}');
        let is_wrapped =
            !is_empty && is_events(self.scanner.key()?, &mut self.state.scratch.decoded);
        self.scanner.at = start;
        Ok(is_wrapped)
    }

    /// `{"events": [...]}` and nothing else in it.
    fn wrapped(&mut self) -> Result<(), Refused> {
        let (mut events, mut stray) = (None, None);
        let mut has_member = !self.scanner.open(b'}');
        while has_member {
            let key = self.scanner.key()?;
            if events.is_none() && is_events(key, &mut self.state.scratch.decoded) {
                events = Some(self.events()?);
            } else {
                stray.get_or_insert(self.stray(key));
                self.scanner.skip_value(0)?;
            }
            has_member = self.scanner.has_next(b'}')?;
        }
        match (events, stray) {
            (None, _) => Err(Refused::Body(Code::MissingEvents, Field::Events)),
            (Some(_), Some(refused)) | (Some(Some(refused)), None) => Err(refused),
            (Some(None), None) => Ok(()),
        }
    }

    /// Why a member does not belong beside `events`.
    fn stray(&mut self, key: Text) -> Refused {
        match key.decode(&mut self.state.scratch.decoded) {
            b"events" => Refused::Body(Code::DuplicateField, Field::Events),
            other => Refused::Body(Code::UnknownField, Field::Unknown(echoed(other))),
        }
    }

    /// The value of `events`. What is given back refuses the body once the rest of it has been read.
    fn events(&mut self) -> Result<Option<Refused>, Refused> {
        if self.scanner.peek() != b'[' {
            self.scanner.skip_value(0)?;
            return Ok(Some(Refused::Body(Code::WrongType, Field::Events)));
        }
        match self.array() {
            Err(refused) if !refused.ends_scan() => Ok(Some(refused)),
            result => result.map(|()| None),
        }
    }

    /// An array of events.
    fn array(&mut self) -> Result<(), Refused> {
        if self.scanner.open(b']') {
            return Err(Refused::Body(Code::EmptyBatch, Field::Events));
        }
        let most = self.request.max_events(self.rules.limits);
        for index in 0u32.. {
            if index as usize == most {
                break;
            }
            self.event(index)?;
            if !self.scanner.has_next(b']')? {
                return Ok(());
            }
        }
        Err(Refused::Body(Code::TooManyEvents, Field::Events))
    }

    /// The event at the cursor, to a tuple or a rejection.
    fn event(&mut self, index: u32) -> Result<(), Malformed> {
        let start = self.scanner.at;
        match self.rules.read(&mut self.scanner, &mut self.state.scratch) {
            Ok(event) => self.write(&event, start, index),
            Err(Stop::Malformed(error)) => return Err(error),
            Err(Stop::Rejected(refusal)) => {
                let (code, field) = (refusal.code, refusal.field);
                self.draft.rejections.push(Rejection { index, code, field });
            }
        }
        Ok(())
    }

    fn write(&mut self, event: &Event, start: usize, index: u32) {
        let timestamp_us = event.timestamp_us.unwrap_or(self.request.received_at_us);
        let id = self.identify(event, timestamp_us, start, index);
        self.draft.event_ids.push(id);
        let (scratch, out) = (&mut self.state.scratch, &mut self.draft.tuples);
        self.template.write(&id, timestamp_us, out);
        pgcopy::write_text(self.schema.plan.event_types.get(event.kind).as_bytes(), out);
        for text in [event.user_id, event.session_id] {
            match text {
                Some(text) => pgcopy::write_text(text.decode(&mut scratch.decoded), out),
                None => pgcopy::write_null(out),
            }
        }
        let jsonb = pgcopy::begin_jsonb(out);
        scratch.members.write(self.body, out);
        pgcopy::end_jsonb(jsonb, out);
    }

    /// The client's id (told apart from an equal one in the same request by the table's key alone), or one derived from the request's key, or a new one.
    fn identify(&mut self, event: &Event, timestamp_us: i64, start: usize, index: u32) -> EventId {
        if let Some(id) = event.id {
            self.draft.first_client_id.get_or_insert(id);
            return id;
        }
        match &mut self.key {
            Some(key) => key.derive(timestamp_us, index, &self.body[start..self.scanner.at]),
            None => self
                .state
                .ids
                .next(u64::try_from(self.request.received_at_us / 1000).unwrap_or(0)),
        }
    }
}

fn is_events(key: Text, scratch: &mut Vec<u8>) -> bool {
    key.decode(scratch) == b"events"
}
