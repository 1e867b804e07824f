//! From a request to an encoded batch. The encoder lives as long as its worker.

use std::sync::Arc;

use crate::entry::FLAG_NAMED;
use crate::event::Scratch;
use crate::identity::{EventId, IdGenerator};
use crate::limits::Limits;
use crate::message::{Message, Path};
use crate::pass::{Draft, Pass, State};
use crate::reject::{Code, Field, Rejection};
use crate::request::{Refused, Request};
use crate::response::{Answer, Verdict};
use crate::schema::Schema;

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
    state: State,
}

/// A rejection as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of the event in the request.
    pub index: u32,
    pub code: Code,
    /// Path as in `properties.price`; empty for the whole event.
    pub field: String,
    pub message: String,
}

impl Batch {
    /// The rejections with their texts, as the answer has them.
    pub fn told(&self) -> impl Iterator<Item = Told> {
        let (schema, limits) = (&*self.schema, &self.limits);
        self.rejections.iter().map(move |rejection| {
            let (code, field) = (rejection.code, &rejection.field);
            Told {
                index: rejection.index,
                code,
                field: Path(field, schema).to_string(),
                message: Message {
                    code,
                    field,
                    schema,
                    limits,
                }
                .to_string(),
            }
        })
    }

    /// The flags of an entry that may hold this batch.
    #[must_use]
    pub fn flags(&self) -> u16 {
        if self.is_named { FLAG_NAMED } else { 0 }
    }
}

impl Encoder {
    /// `seed`: 32 bytes of true randomness, another for every encoder.
    #[must_use]
    pub fn new(schema: Arc<Schema>, limits: Limits, seed: &[u8; 32]) -> Self {
        let (ids, scratch) = (IdGenerator::new(seed), Scratch::default());
        Self {
            schema,
            limits,
            state: State { ids, scratch },
        }
    }

    /// Encodes a body whose UTF-8 is not known to be valid.
    pub fn encode_bytes(&mut self, body: &[u8], request: &Request) -> Batch {
        match std::str::from_utf8(body) {
            Ok(body) => self.encode(body, request),
            Err(error) => self.refuse(&Refused::InvalidUtf8(error.valid_up_to()), request),
        }
    }

    /// Encodes a body. What is wrong with it is in the batch's verdict and answer.
    pub fn encode(&mut self, body: &str, request: &Request) -> Batch {
        if let Err(refused) = self.check_bounds(body, request) {
            return self.refuse(&refused, request);
        }
        let policy = (&*self.schema, &self.limits);
        let mut pass = Pass::new(body.as_bytes(), request, policy, &mut self.state);
        let refused = pass.run().err();
        let draft = pass.draft;
        match refused {
            Some(refused) => self.refuse(&refused, request),
            None => self.finish(draft, None, request),
        }
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

    fn refuse(&self, refused: &Refused, request: &Request) -> Batch {
        self.finish(Draft::default(), Some(refused), request)
    }

    /// Decides what the answer is, writes it, and drops what was not accepted.
    fn finish(&self, mut draft: Draft, refused: Option<&Refused>, request: &Request) -> Batch {
        let verdict = Verdict::new(refused, &draft, request);
        let response = self.response(verdict, &draft, refused, request);
        if verdict.code.is_some() {
            draft = Draft {
                rejections: draft.rejections,
                ..Draft::default()
            };
        }
        draft.trim();
        let shard_hash = draft.shard_hash(request);
        Batch {
            verdict,
            tuples: draft.tuples,
            event_ids: draft.event_ids,
            rejections: draft.rejections,
            is_named: shard_hash.is_some(),
            shard_hash: shard_hash.unwrap_or(0),
            response,
            schema: Arc::clone(&self.schema),
            limits: self.limits.clone(),
        }
    }

    fn response(
        &self,
        verdict: Verdict,
        draft: &Draft,
        refused: Option<&Refused>,
        request: &Request,
    ) -> Vec<u8> {
        let (schema, limits) = (&*self.schema, &self.limits);
        let mut out = Vec::new();
        Answer {
            verdict,
            refused,
            draft,
            schema,
            limits,
            request,
        }
        .write(&mut out);
        out
    }
}
