//! Shapes of a body, verdicts, answers, and what a request's options change.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use ingest_native::batch::Batch;
use ingest_native::limits::Limits;
use ingest_native::reject::Code;
use ingest_native::request::{Request, Shape};
use serde_json::json;
use shop::{REQUEST, page_view, response, shop};

fn encode_as(shape: Shape, body: &str) -> Batch {
    shop().encode(body, &Request { shape, ..REQUEST })
}

#[test]
fn takes_each_shape_where_it_belongs() {
    let event = page_view("{}");
    let bodies = [
        event.clone(),
        format!("[{event}, {event}]"),
        format!(" {{ \"events\" : [ {event} , {event} ] }} "),
        format!(r#"{{"\u0065vents":[{event}]}}"#),
    ];
    for (shape, statuses) in [
        (Shape::Event, [202, 422, 422, 422]),
        (Shape::Batch, [422, 422, 202, 202]),
        (Shape::Native, [202, 202, 202, 202]),
    ] {
        let found = bodies
            .each_ref()
            .map(|body| encode_as(shape, body).verdict.status);
        assert_eq!(found, statuses, "{shape:?}");
    }
}

#[test]
fn refuses_bodies_with_a_reason() {
    let event = page_view("{}");
    let many = |count: usize| format!("{{\"events\":[{}]}}", vec!["1"; count].join(","));
    for (shape, body, status, code, field) in [
        (Shape::Event, "", 400, "malformed_json", None),
        (Shape::Event, "7", 422, "not_an_object", None),
        (Shape::Batch, "[]", 422, "not_an_object", None),
        (Shape::Native, "\"a\"", 422, "not_an_object", None),
        (Shape::Native, "[]", 422, "empty_batch", Some("events")),
        (Shape::Batch, "{}", 422, "missing_events", Some("events")),
        (Shape::Batch, &event, 422, "missing_events", Some("events")),
        (
            Shape::Batch,
            "{\"events\":{}}",
            422,
            "wrong_type",
            Some("events"),
        ),
        (
            Shape::Batch,
            "{\"events\":[]}",
            422,
            "empty_batch",
            Some("events"),
        ),
        (
            Shape::Batch,
            "{\"events\":[1],\"a\":[{}]}",
            422,
            "unknown_field",
            Some("a"),
        ),
        (
            Shape::Batch,
            "{\"a\":1,\"events\":[1]}",
            422,
            "unknown_field",
            Some("a"),
        ),
        (
            Shape::Batch,
            "{\"events\":[1],\"events\":[1]}",
            422,
            "duplicate_field",
            Some("events"),
        ),
        (
            Shape::Batch,
            "{\"events\":[1],\"a\":[}",
            400,
            "malformed_json",
            None,
        ),
        (Shape::Batch, &many(500), 422, "no_acceptable_event", None),
        (
            Shape::Batch,
            &many(501),
            413,
            "too_many_events",
            Some("events"),
        ),
        (Shape::Native, &many(1000), 422, "no_acceptable_event", None),
        (
            Shape::Native,
            &many(1001),
            413,
            "too_many_events",
            Some("events"),
        ),
        (Shape::Native, "\u{feff}[1]", 400, "malformed_json", None),
    ] {
        let batch = encode_as(shape, body);
        let answer = response(&batch);
        assert_eq!(
            (batch.verdict.status, answer["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{body}"
        );
        assert_eq!(
            (answer["code"].as_str(), answer["field"].as_str()),
            (Some(code), field),
            "{body}"
        );
        assert_eq!(answer["type"], format!("urn:ingest:{code}"));
        assert!(answer["title"].is_string() && answer["detail"] == answer["message"]);
        assert!(batch.tuples.is_empty() && batch.event_ids.is_empty() && !batch.is_named);
    }
}

#[test]
fn names_the_byte_where_a_body_breaks() {
    for (body, told) in [
        ("{", "unexpected end of the text at byte 1"),
        ("{\"a\" 1}", "expected a colon at byte 5"),
        ("{a:1}", "expected a key in double quotes at byte 1"),
        (
            "{\"a\":1 \"b\"}",
            "expected a comma or a closing bracket at byte 7",
        ),
        ("{\"a\":tru}", "invalid literal at byte 8"),
        ("{\"a\":-}", "invalid number at byte 6"),
        ("{\"a\":1.}", "invalid number at byte 7"),
        ("{\"a\":.5}", "expected a value at byte 5"),
        (
            "{\"a\":\"\t\"}",
            "raw control character in a string at byte 6",
        ),
        ("{\"a\":\"\\x\"}", "invalid escape in a string at byte 7"),
        (
            "{\"a\":\"\\u12g4\"}",
            "invalid escape in a string at byte 10",
        ),
        ("{} {}", "unexpected characters after the value at byte 3"),
    ] {
        assert_eq!(
            response(&encode_as(Shape::Event, body))["detail"],
            told,
            "{body}"
        );
    }
    let batch = shop().encode_bytes(b"{\"a\":\"\xc3\x28\"}", &REQUEST);
    assert_eq!(
        (batch.verdict.status, batch.verdict.code),
        (400, Some(Code::InvalidUtf8))
    );
    assert_eq!(response(&batch)["detail"], "invalid UTF-8 at byte 6");
}

#[test]
fn answers_a_single_event_plainly() {
    let batch = encode_as(Shape::Event, &page_view("{}"));
    let id = response(&batch)["event_id"].as_str().unwrap().to_owned();
    assert_eq!(
        response(&batch),
        json!({"status": "accepted", "event_id": id})
    );
    assert_eq!((id.len(), &id[14..15]), (36, "7"));
    let refused = response(&encode_as(Shape::Event, &page_view(r#"{"price":-1}"#)));
    let message = "must be greater than 0 and at most 1000000";
    let title = "The number lies outside its declared bounds";
    assert_eq!(
        refused,
        json!({"type": "urn:ingest:out_of_range", "title": title, "status": 422, "code": "out_of_range",
            "message": message, "detail": message, "field": "properties.price"})
    );
}

#[test]
fn answers_a_batch_event_by_event() {
    let (good, bad) = (page_view("{}"), page_view(r#"{"price":-1}"#));
    let body = format!("[{bad},{good}]");
    let batch = shop().encode(&body, &REQUEST);
    let answer = response(&batch);
    let rejected = json!([{"index": 0, "code": "out_of_range", "field": "properties.price",
        "message": "must be greater than 0 and at most 1000000"}]);
    let ids = answer["event_ids"].clone();
    assert_eq!(
        answer,
        json!({"status": "accepted", "accepted": 1, "event_ids": ids, "rejected": rejected})
    );
    assert_eq!(ids.as_array().unwrap().len(), 1);

    let minimal = shop().encode(
        &body,
        &Request {
            is_minimal: true,
            ..REQUEST
        },
    );
    assert_eq!(
        response(&minimal),
        json!({"status": "accepted", "accepted": 1, "rejected": rejected})
    );
    let strict = shop().encode(
        &body,
        &Request {
            is_strict: true,
            ..REQUEST
        },
    );
    assert_eq!(
        (strict.verdict.status, strict.verdict.code),
        (422, Some(Code::StrictRejected))
    );
    assert_eq!(
        (
            strict.tuples.len(),
            strict.event_ids.len(),
            strict.rejections.len()
        ),
        (0, 0, 1)
    );
    assert_eq!(response(&strict)["rejected"], rejected);
    let none = shop().encode(&format!("[{bad}]"), &REQUEST);
    assert_eq!(
        (none.verdict.status, none.verdict.code),
        (422, Some(Code::NoAcceptableEvent))
    );
    assert_eq!(response(&none)["rejected"], rejected);
}

#[test]
fn repeats_a_clients_names_cut_and_escaped() {
    let name = "\"\\\n\u{1f600}\u{7f}<script>";
    let event = json!({ format!("{name}{}", "x".repeat(100)): 1 });
    let answer = response(&encode_as(Shape::Event, &event.to_string()));
    let expected = format!("{name}{}", "x".repeat(64 - name.chars().count()));
    assert_eq!(answer["field"], expected);
}

#[test]
fn holds_its_bounds_on_body_and_key() {
    let limits = Limits {
        max_body_bytes: 10,
        ..Limits::default()
    };
    let schema = ingest_native::schema::Schema::builtin().unwrap();
    let mut encoder = ingest_native::batch::Encoder::new(schema.into(), limits, &[0; 32]);
    let batch = encoder.encode("[1,2,3,4,5]", &REQUEST);
    assert_eq!(
        (batch.verdict.status, batch.verdict.code),
        (413, Some(Code::BodyTooLarge))
    );
    assert_eq!(
        response(&batch)["detail"],
        "a body may have at most 10 bytes"
    );
    for (key, status) in [
        ("", 400),
        (&*"k".repeat(255), 202),
        (&*"k".repeat(256), 400),
    ] {
        let request = Request {
            idempotency_key: Some(key),
            ..REQUEST
        };
        assert_eq!(
            shop().encode(&page_view("{}"), &request).verdict.status,
            status
        );
    }
}

#[test]
fn derives_the_same_ids_from_the_same_key_place_and_bytes() {
    let event = page_view("{}");
    let ids = |key: Option<&str>, project: &[u8; 16], body: &str| {
        let request = Request {
            idempotency_key: key,
            project_id: project,
            ..REQUEST
        };
        shop().encode(body, &request).event_ids
    };
    let body = format!("[{event},{event}]");
    let first = ids(Some("k"), &[7; 16], &body);
    assert_eq!(
        first,
        ids(Some("k"), &[7; 16], &format!(" [ {event} , {event} ]"))
    );
    assert_ne!(first[0], first[1]);
    for other in [
        ids(Some("l"), &[7; 16], &body),
        ids(Some("k"), &[8; 16], &body),
        ids(None, &[7; 16], &body),
    ] {
        assert!(!first.contains(&other[0]) && !first.contains(&other[1]));
    }
    let changed = ids(
        Some("k"),
        &[7; 16],
        &format!("[{event},{}]", page_view(r#"{"a":1}"#)),
    );
    assert!(changed[0] == first[0] && changed[1] != first[1]);
    let ms = 1_769_857_200_000_u64.to_be_bytes();
    assert!(
        first
            .iter()
            .all(|id| id[..6] == ms[2..] && id[6] >> 4 == 8 && id[8] >> 6 == 2)
    );
}

#[test]
fn sends_a_retry_to_the_shard_of_its_first_try() {
    let named = |id: &str| shop::event("page_view", "{}", &format!(r#","event_id":"{id}""#));
    let (one, two) = (
        named("018f2f6e-7b1c-7000-8000-000000000001"),
        named("018f2f6e-7b1c-7000-8000-000000000002"),
    );
    let plain = page_view("{}");
    let hash = |body: &str| shop().encode(body, &REQUEST).shard_hash;
    assert_eq!(hash(&one), hash(&format!("[{plain},{one},{two}]")));
    assert_ne!(hash(&one), hash(&two));
    assert_eq!(hash(&plain), 0);
    let keyed = |key, body: &str| {
        shop()
            .encode(
                body,
                &Request {
                    idempotency_key: Some(key),
                    ..REQUEST
                },
            )
            .shard_hash
    };
    assert_eq!(keyed("k", &one), keyed("k", &plain));
    assert_ne!(keyed("k", &one), keyed("l", &one));
}

#[test]
fn refuses_bounds_that_are_out_of_reason() {
    assert_eq!(Limits::default().check(), Ok(()));
    for (limits, told) in [
        (
            Limits {
                max_depth: 0,
                ..Limits::default()
            },
            "max_depth must lie within 1 and 1000",
        ),
        (
            Limits {
                max_indexed_bytes: 2601,
                ..Limits::default()
            },
            "max_indexed_bytes must lie within 1 and 2600",
        ),
    ] {
        assert_eq!(limits.check(), Err(told.to_owned()));
    }
}
