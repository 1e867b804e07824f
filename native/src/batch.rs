//! One request: finds the events in the body's shape, has each read and written, and says what became of them.
//! The encoder lives as long as its worker and keeps the id generator and the buffers.

use std::sync::Arc;

use crate::entry::FLAG_NAMED;
use crate::event::{Event, Rules, Scratch, Stop};
use crate::identity::{EventId, IdGenerator, RequestKey, shard_hash};
use crate::limits::Limits;
use crate::pgcopy::{self, Template};
use crate::reject::{Code, Field, Rejection, echoed};
use crate::response;
use crate::scan::{Malformed, Scanner, Text};
use crate::schema::Schema;

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

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub status: u16,
    /// None: accepted.
    pub code: Option<Code>,
}

/// An encoded request. Frozen.
pub struct Batch {
    pub verdict: Verdict,
    /// COPY BINARY tuples without header or trailer.
    pub tuples: Vec<u8>,
    /// Ids of the accepted events, in order.
    pub event_ids: Vec<EventId>,
    pub rejections: Vec<Rejection>,
    /// Holds client-made or derived ids, which may collide with stored ones.
    pub is_named: bool,
    /// Of a named batch: spreads it over the shards, a retry to where its first try went.
    pub shard_hash: u64,
    /// The body of the answer.
    pub response: Vec<u8>,
    pub schema: Arc<Schema>,
    pub limits: Limits,
}

/// Encodes requests, one at a time.
pub struct Encoder {
    schema: Arc<Schema>,
    limits: Limits,
    ids: IdGenerator,
    scratch: Scratch,
}

/// What a request has come to so far.
#[derive(Default)]
struct Draft {
    tuples: Vec<u8>,
    event_ids: Vec<EventId>,
    rejections: Vec<Rejection>,
    first_client_id: Option<EventId>,
}

/// One pass over one body.
struct Pass<'p> {
    request: &'p Request<'p>,
    rules: Rules<'p>,
    schema: &'p Schema,
    ids: &'p mut IdGenerator,
    scratch: &'p mut Scratch,
    scanner: Scanner<'p>,
    body: &'p [u8],
    template: Template,
    key: Option<RequestKey>,
    draft: Draft,
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl Batch {
    /// The flags of an entry that may hold this batch.
    #[must_use]
    pub fn flags(&self) -> u16 {
        if self.is_named { FLAG_NAMED } else { 0 }
    }
}

impl Refused {
    /// Whether the rest of the body was left unread.
    fn ends_scan(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::Body(Code::TooManyEvents, _)
        )
    }
}

impl Encoder {
    /// `seed`: 32 bytes of true randomness, another for every encoder.
    #[must_use]
    pub fn new(schema: Arc<Schema>, limits: Limits, seed: &[u8; 32]) -> Self {
        Self {
            schema,
            limits,
            ids: IdGenerator::new(seed),
            scratch: Scratch::default(),
        }
    }

    /// Encodes a body whose UTF-8 is not known to be valid.
    pub fn encode_bytes(&mut self, body: &[u8], request: &Request) -> Batch {
        match std::str::from_utf8(body) {
            Ok(body) => self.encode(body, request),
            Err(error) => self.finish(
                Draft::default(),
                Some(Refused::InvalidUtf8(error.valid_up_to())),
                request,
            ),
        }
    }

    /// Encodes a body. What is wrong with it is in the batch's verdict and answer.
    pub fn encode(&mut self, body: &str, request: &Request) -> Batch {
        if let Err(refused) = self.check_bounds(body, request) {
            return self.finish(Draft::default(), Some(refused), request);
        }
        let mut pass = self.pass(body.as_bytes(), request);
        let refused = pass.run().err();
        let draft = pass.draft;
        self.finish(draft, refused, request)
    }

    fn check_bounds(&self, body: &str, request: &Request) -> Result<(), Refused> {
        if body.len() > self.limits.max_body_bytes {
            return Err(Refused::Body(Code::BodyTooLarge, Field::Whole));
        }
        match request.idempotency_key {
            Some(key) if key.is_empty() || key.len() > self.limits.max_key_bytes => {
                Err(Refused::Body(Code::InvalidIdempotencyKey, Field::Whole))
            }
            _ => Ok(()),
        }
    }

    fn pass<'p>(&'p mut self, body: &'p [u8], request: &'p Request<'p>) -> Pass<'p> {
        let plan = &self.schema.plan;
        Pass {
            request,
            rules: Rules {
                plan,
                limits: &self.limits,
                oldest_us: request.received_at_us - plan.max_age_us,
                newest_us: request.received_at_us + plan.max_ahead_us,
                is_keyed: request.idempotency_key.is_some(),
            },
            schema: &self.schema,
            ids: &mut self.ids,
            scratch: &mut self.scratch,
            scanner: Scanner::new(body, &self.limits),
            body,
            template: Template::new(request.project_id, request.received_at_us),
            key: request
                .idempotency_key
                .map(|key| RequestKey::new(request.project_id, key)),
            draft: Draft {
                tuples: Vec::with_capacity(body.len() + body.len() / 8),
                ..Draft::default()
            },
        }
    }

    /// Decides what the answer is and writes it.
    fn finish(&self, mut draft: Draft, refused: Option<Refused>, request: &Request) -> Batch {
        let verdict = response::verdict(&refused, &draft.event_ids, &draft.rejections, request);
        let mut answer = Vec::new();
        let outcome = response::Outcome {
            verdict,
            refused: refused.as_ref(),
            event_ids: &draft.event_ids,
            rejections: &draft.rejections,
            schema: &self.schema,
            limits: &self.limits,
            request,
        };
        outcome.write(&mut answer);
        if verdict.code.is_some() {
            draft.tuples = Vec::new();
            draft.event_ids = Vec::new();
        }
        draft.tuples.shrink_to_fit();
        let is_named = verdict.code.is_none()
            && (request.idempotency_key.is_some() || draft.first_client_id.is_some());
        Batch {
            verdict,
            is_named,
            shard_hash: if is_named {
                draft.shard_hash(request)
            } else {
                0
            },
            tuples: draft.tuples,
            event_ids: draft.event_ids,
            rejections: draft.rejections,
            response: answer,
            schema: Arc::clone(&self.schema),
            limits: self.limits.clone(),
        }
    }
}

impl Draft {
    fn shard_hash(&self, request: &Request) -> u64 {
        match (request.idempotency_key, &self.first_client_id) {
            (Some(key), _) => shard_hash(request.project_id, key.as_bytes()),
            (None, Some(id)) => shard_hash(request.project_id, id),
            (None, None) => 0,
        }
    }
}

impl Pass<'_> {
    /// The whole body, by its shape.
    fn run(&mut self) -> Result<(), Refused> {
        self.scanner.whitespace();
        let result = match (self.request.shape, self.scanner.peek()) {
            (Shape::Event, b'{') => self.event(0).map_err(Refused::from),
            (Shape::Batch, b'{') => self.wrapped(),
            (Shape::Native, b'[') => self.array(),
            (Shape::Native, b'{') if self.is_wrapped()? => self.wrapped(),
            (Shape::Native, b'{') => self.event(0).map_err(Refused::from),
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
        let is_wrapped = !is_empty && is_events(self.scanner.key()?, &mut self.scratch.decoded);
        self.scanner.at = start;
        Ok(is_wrapped)
    }

    /// `{"events": [...]}` and nothing else in it.
    fn wrapped(&mut self) -> Result<(), Refused> {
        let (mut events, mut stray) = (None, None);
        let mut has_member = !self.scanner.open(b'}');
        while has_member {
            let key = self.scanner.key()?;
            if events.is_none() && is_events(key, &mut self.scratch.decoded) {
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
        match key.decode(&mut self.scratch.decoded) {
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
        for index in 0.. {
            if index == self.max_events() {
                break;
            }
            self.event(index)?;
            if !self.scanner.has_next(b']')? {
                return Ok(());
            }
        }
        Err(Refused::Body(Code::TooManyEvents, Field::Events))
    }

    fn max_events(&self) -> u32 {
        let limits = self.rules.limits;
        let most = match self.request.shape {
            Shape::Batch => limits.max_compat_events.min(limits.max_batch_events),
            Shape::Event | Shape::Native => limits.max_batch_events,
        };
        u32::try_from(most).unwrap_or(u32::MAX)
    }

    /// The event at the cursor, to a tuple or a rejection.
    fn event(&mut self, index: u32) -> Result<(), Malformed> {
        let start = self.scanner.at;
        match self.rules.read(&mut self.scanner, self.scratch) {
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
        let (scratch, out) = (&mut *self.scratch, &mut self.draft.tuples);
        self.template.write(&id, timestamp_us, out);
        pgcopy::write_text(
            self.schema
                .plan
                .event_types
                .get(event.event_type)
                .as_bytes(),
            out,
        );
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

    /// The client's id, or one derived from the request's key, or a new one.
    fn identify(&mut self, event: &Event, timestamp_us: i64, start: usize, index: u32) -> EventId {
        if let Some(id) = event.event_id {
            self.draft.first_client_id.get_or_insert(id);
            return id;
        }
        match &self.key {
            Some(key) => key.derive(timestamp_us, index, &self.body[start..self.scanner.at]),
            None => self
                .ids
                .next(u64::try_from(self.request.received_at_us / 1000).unwrap_or(0)),
        }
    }
}

fn is_events(key: Text, scratch: &mut Vec<u8>) -> bool {
    key.decode(scratch) == b"events"
}
