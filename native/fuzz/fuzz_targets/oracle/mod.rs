//! The same request read by `serde_json`, which keeps every digit of a number.

use ingest_native::request::Shape;
use ingest_native::tuple::Tuple;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// The events of a body that was accepted.
pub fn events(body: &str, shape: Shape) -> Vec<&RawValue> {
    let wrapped = || serde_json::from_str::<Wrapped>(body).map(|wrapped| wrapped.events);
    let single = || serde_json::from_str(body).map(|event| vec![event]);
    let events = match shape {
        Shape::Event => single(),
        Shape::Batch => wrapped(),
        Shape::Native if body.trim_start().starts_with('[') => serde_json::from_str(body),
        Shape::Native => wrapped().or_else(|_| single()),
    };
    events.expect("an accepted body has the shape that was asked for")
}

/// An accepted event against its tuple.
pub fn check_event(event: &str, tuple: &Tuple) {
    let event: Value = serde_json::from_str(event).expect("an accepted event is JSON");
    let stored: Value =
        serde_json::from_slice(tuple.properties).expect("stored properties are JSON");
    let empty = Value::Object(serde_json::Map::new());
    let sent = event.get("properties").filter(|sent| !sent.is_null());
    assert_eq!(sent.unwrap_or(&empty), &stored, "properties");
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::as_bytes);
    assert_eq!(text("event_type"), Some(tuple.event_type));
    assert_eq!(text("user_id"), tuple.user_id);
    assert_eq!(text("session_id"), tuple.session_id);
    assert!(!holds_nul(&event), "PostgreSQL refuses NUL");
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
