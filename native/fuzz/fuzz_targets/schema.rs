//! Any text as a schema: compiled or refused with a reason, and what is compiled can be used.
#![no_main]

use std::sync::Arc;

use ingest_native::batch::Encoder;
use ingest_native::limits::Limits;
use ingest_native::request::{Request, Shape};
use ingest_native::schema::Schema;
use libfuzzer_sys::fuzz_target;

const NOW_US: i64 = 1_800_000_000_000_000;

fuzz_target!(|text: &str| {
    let schema = match Schema::new(text) {
        Ok(schema) => Arc::new(schema),
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let again = Schema::new(&schema.text).expect("the same text again");
    assert_eq!(again.fingerprint, schema.fingerprint);
    let mut encoder = Encoder::new(Arc::clone(&schema), Limits::default(), &[7; 32]);
    let table: toml::Table = text.parse().expect("a schema is TOML");
    let names = |table_name| {
        table
            .get(table_name)
            .and_then(|names| Some(names.as_table()?.keys().collect()))
    };
    let event_types: Vec<&String> = names("event_types").expect("a schema has event types");
    let properties: Vec<&String> = names("properties").unwrap_or_default();
    for value in ["\"a\"", "-1.5", "7", "null", "true", "{}", "[]"] {
        let body = body(event_types[0], &properties, value);
        let request = Request {
            project_id: &[9; 16],
            received_at_us: NOW_US,
            shape: Shape::Event,
            idempotency_key: None,
            is_strict: false,
            is_minimal: false,
        };
        let batch = encoder.encode(&body, &request);
        assert!(matches!(batch.verdict.status, 202 | 422), "{body}");
    }
});

/// An event of that type with `value` in every declared property.
fn body(event_type: &str, names: &[&String], value: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let members: Vec<String> = names
        .iter()
        .map(|name| format!("{}:{value}", quoted(name)))
        .collect();
    let (event_type, members) = (quoted(event_type), members.join(","));
    format!(
        r#"{{"event_type":{event_type},"timestamp":"2027-01-15T08:00:00Z","properties":{{{members}}}}}"#
    )
}
