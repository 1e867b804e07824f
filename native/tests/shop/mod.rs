//! An encoder of the built-in rules with a fixed clock and seed, and its batches taken apart.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part"
)]

use std::sync::{Arc, LazyLock};

use ingest_native::batch::{Batch, Encoder, Told};
use ingest_native::limits::Limits;
use ingest_native::request::{Request, Shape};
use ingest_native::schema::Schema;
use ingest_native::tuple::Tuple;

/// 2026-01-31T12:00:00Z.
pub const NOW_US: i64 = 1_769_860_800_000_000;
pub const PROJECT: [u8; 16] = [7; 16];
pub const REQUEST: Request = Request {
    project_id: &PROJECT,
    received_at_us: NOW_US,
    shape: Shape::Native,
    idempotency_key: None,
    is_strict: false,
    is_minimal: false,
};
/// Any properties, no timestamp needed.
pub const FREE: &str = "
    name = 'free'
    layout = 1
    [envelope]
    timestamp = 'optional'
    properties = 'optional'
    [event_types.any]
";

pub fn encoder(schema: &str) -> Encoder {
    Encoder::new(
        Arc::new(Schema::new(schema).unwrap()),
        Limits::default(),
        &[1; 32],
    )
}

/// Compiled once: a test may make thousands of encoders.
static BUILTIN: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(Schema::builtin().unwrap()));

pub fn shop() -> Encoder {
    Encoder::new(Arc::clone(&BUILTIN), Limits::default(), &[1; 32])
}

/// A valid event with these properties and further members (each with a comma before it).
pub fn event(event_type: &str, properties: &str, more: &str) -> String {
    format!(
        r#"{{"event_type":"{event_type}","timestamp":"2026-01-31T11:00:00Z","properties":{properties}{more}}}"#
    )
}

pub fn page_view(properties: &str) -> String {
    event("page_view", properties, "")
}

/// What becomes of one event under the built-in rules.
pub fn encode(body: &str) -> Batch {
    shop().encode(body, &REQUEST)
}

/// The only rejection of an event.
pub fn told(event: &str) -> Told {
    let batch = encode(event);
    assert_eq!(batch.event_ids.len(), 0, "{event}: accepted");
    let mut told: Vec<Told> = batch.told().collect();
    assert_eq!(
        told.len(),
        1,
        "{event}: {}",
        String::from_utf8_lossy(&batch.response)
    );
    told.remove(0)
}

/// Code and field of the only rejection.
pub fn refusal(event: &str) -> (&'static str, String) {
    let told = told(event);
    (told.code.name(), told.field)
}

pub fn rows(batch: &Batch) -> Vec<Tuple<'_>> {
    let (mut rest, mut rows) = (&batch.tuples[..], Vec::new());
    while !rest.is_empty() {
        let tuple = Tuple::first(rest).unwrap();
        rest = &rest[tuple.raw.len()..];
        rows.push(tuple);
    }
    rows
}

pub fn response(batch: &Batch) -> serde_json::Value {
    serde_json::from_slice(&batch.response).unwrap()
}
