//! Any body, beside `serde_json`: what is accepted is JSON, comes out equal, and nothing else is called malformed.
#![no_main]

mod oracle;

use std::sync::{Arc, LazyLock};

use ingest_native::batch::{Batch, Encoder};
use ingest_native::limits::Limits;
use ingest_native::reject::Code;
use ingest_native::request::{Request, Shape};
use ingest_native::schema::Schema;
use ingest_native::tuple::Tuple;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

const NOW_US: i64 = 1_800_000_000_000_000;
const FREE_FORM: &str = r#"
name = "free"
layout = 1
[envelope]
timestamp = "optional"
properties = "optional"
[event_types.a]
"#;

static SCHEMAS: LazyLock<[Arc<Schema>; 2]> = LazyLock::new(|| {
    [FREE_FORM, ingest_native::schema::BUILTIN].map(|text| Arc::new(Schema::new(text).unwrap()))
});

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    shape: u8,
    is_builtin: bool,
    is_keyed: bool,
    is_strict: bool,
    body: &'a [u8],
}

fuzz_target!(|input: Input| {
    let limits = Limits {
        max_batch_events: 20,
        max_event_bytes: 3000,
        ..Limits::default()
    };
    let mut encoder = Encoder::new(
        Arc::clone(&SCHEMAS[usize::from(input.is_builtin)]),
        limits,
        &[7; 32],
    );
    let request = Request {
        project_id: &[9; 16],
        received_at_us: NOW_US,
        shape: [Shape::Event, Shape::Batch, Shape::Native][usize::from(input.shape) % 3],
        idempotency_key: input.is_keyed.then_some("key"),
        is_strict: input.is_strict,
        is_minimal: input.shape > 127,
    };
    // One half is a whole body, the other an event's properties: few random bodies have a good envelope.
    let wrapped;
    let body = if input.shape % 2 == 0 {
        input.body
    } else {
        wrapped = [br#"{"event_type":"a","properties":"#, input.body, b"}"].concat();
        &wrapped
    };
    let batch = encoder.encode_bytes(body, &request);
    let answer: serde_json::Value =
        serde_json::from_slice(&batch.response).expect("the answer is JSON");
    match std::str::from_utf8(body) {
        Err(_) => assert_eq!(batch.verdict.code, Some(Code::InvalidUtf8)),
        Ok(body) => check(body, &batch, &request, &answer),
    }
});

fn check(body: &str, batch: &Batch, request: &Request, answer: &serde_json::Value) {
    let is_json = serde_json::from_str::<IgnoredAny>(body).is_ok();
    match batch.verdict.code {
        Some(Code::MalformedJson) => assert!(!is_json, "called malformed"),
        Some(Code::TooManyEvents) => {}
        _ => assert!(is_json, "not called malformed"),
    }
    let tuples = walk(&batch.tuples);
    assert_eq!(tuples.len(), batch.event_ids.len());
    if batch.verdict.code.is_some() {
        assert!(tuples.is_empty());
        return;
    }
    assert_eq!(answer["status"], "accepted");
    assert_eq!(batch.verdict.status, 202);
    let events = oracle::events(body, request.shape);
    let rejected: Vec<usize> = batch
        .rejections
        .iter()
        .map(|rejection| rejection.index as usize)
        .collect();
    assert!(rejected.is_sorted_by(|a, b| a < b));
    assert_eq!(events.len(), tuples.len() + rejected.len());
    let accepted = events
        .iter()
        .enumerate()
        .filter(|(index, _)| !rejected.contains(index));
    for ((_, event), (tuple, id)) in accepted.zip(tuples.iter().zip(&batch.event_ids)) {
        assert_eq!(
            (&tuple.event_id, &tuple.project_id),
            (id, request.project_id)
        );
        assert_eq!(tuple.received_at_us, NOW_US);
        oracle::check_event(event.get(), tuple);
    }
}

fn walk(mut bytes: &[u8]) -> Vec<Tuple<'_>> {
    let mut tuples = Vec::new();
    while !bytes.is_empty() {
        let tuple = Tuple::first(bytes).expect("the encoder's tuples are well-formed");
        bytes = &bytes[tuple.raw.len()..];
        tuples.push(tuple);
    }
    tuples
}
