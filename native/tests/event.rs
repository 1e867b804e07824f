//! One event's envelope: what becomes of it in the tuple, and the one reason for which it is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use ingest_native::identity;
use shop::{event, page_view, refusal, rows};

#[test]
fn writes_the_tuple_byte_for_byte() {
    let body = r#"{"event_id":"018f2f6e-7b1c-7000-8000-000000000001", "event_type":"page_view", "user_id":"u\n\u00e9",
        "session_id":null, "timestamp":"2026-01-31T12:00:00.5+01:00", "properties":{ "os":"x" ,"b":1, "a" : [ ] }}"#;
    let batch = shop::encode(body);
    let mut golden = vec![0, 8];
    golden.extend(b"\0\0\0\x10\x01\x8f\x2f\x6e\x7b\x1c\x70\x00\x80\x00\x00\x00\x00\x00\x00\x01");
    golden.extend(b"\0\0\0\x10\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07");
    golden.extend(b"\0\0\0\x08\x00\x02\xec\xab\xc2\x85\x4d\x20"); // 823,172,400.5 s after 2000-01-01
    golden.extend(b"\0\0\0\x08\x00\x02\xec\xac\x99\x11\x50\x00"); // 823,176,000 s
    golden.extend(b"\0\0\0\x09page_view\0\0\0\x04u\n\xc3\xa9\xff\xff\xff\xff");
    golden.extend(b"\0\0\0\x1b\x01{\"a\" : [ ],\"b\":1,\"os\":\"x\"}");
    assert_eq!(batch.tuples, golden);
}

#[test]
fn reads_the_envelope_in_any_order_and_spelling() {
    let body = r#"{"properties":{},"user_id":"a","event\u005ftype":"page\u005fview","timestam\u0070":"2026-01-31T11:00:00\u005A"}"#;
    let batch = shop::encode(body);
    let rows = rows(&batch);
    assert_eq!(rows[0].event_type, b"page_view");
    assert_eq!(rows[0].user_id, Some(&b"a"[..]));
    assert_eq!(rows[0].timestamp_us, shop::NOW_US - 3_600_000_000);
    assert_eq!(rows[0].received_at_us, shop::NOW_US);
}

#[test]
fn accepts_what_the_rules_allow() {
    let long = "é".repeat(100);
    for event in [
        page_view("{}"),
        page_view(
            r#"{"page_url":"HTTPS://user@example.com:8080/a?b={c}|d#e","browser":null,"own":{"deep":[1,{"a":null}]}}"#,
        ),
        page_view(
            r#"{"page_url":"http://[::1]:80","country":"DE","currency":"EUR","device_type":"tablet"}"#,
        ),
        page_view(&format!(r#"{{"browser":"{long}","os":"{long}"}}"#)),
        page_view(r#"{"own":1,"own":2,"price":0.000001,"quantity":10000}"#),
        event(
            "purchase",
            r#"{"product_id":"p","price":1000000,"quantity":1}"#,
            "",
        ),
        event(
            "page_view",
            "{}",
            r#","user_id":null,"session_id":"","event_id":null"#,
        ),
        event(
            "page_view",
            "{}",
            &format!(r#","user_id":"{}""#, "u".repeat(1024)),
        ),
        event(
            "page_view",
            "{}",
            &format!(r#","user_id":"{}""#, "\\u0041".repeat(1024)),
        ),
        page_view(r#"{"price":1e-3,"browser":"\ud83d\ude00","own":-1.5E+2}"#),
    ] {
        let batch = shop::encode(&event);
        assert_eq!(
            batch.verdict.status,
            202,
            "{event}: {:?}",
            batch.told().next()
        );
    }
}

#[test]
fn refuses_an_envelope_without_what_it_needs() {
    let good = page_view("{}");
    for (event, code, field) in [
        ("[7]".to_owned(), "not_an_object", ""),
        ("[[1]]".to_owned(), "not_an_object", ""),
        ("{}".to_owned(), "missing_field", "event_type"),
        (
            good.replace("\"event_type\"", "\"Event_type\""),
            "unknown_field",
            "Event_type",
        ),
        (
            good.replace(r#""timestamp":"2026-01-31T11:00:00Z","#, ""),
            "missing_field",
            "timestamp",
        ),
        (
            good.replace(r#","properties":{}"#, ""),
            "missing_field",
            "properties",
        ),
        (
            good.replace("\"page_view\"", "null"),
            "wrong_type",
            "event_type",
        ),
        (
            good.replace("\"page_view\"", "\"pageview\""),
            "unknown_event_type",
            "event_type",
        ),
        (
            good.replace("\"2026-01-31T11:00:00Z\"", "null"),
            "wrong_type",
            "timestamp",
        ),
        (
            good.replace("\"2026-01-31T11:00:00Z\"", "1769860800"),
            "wrong_type",
            "timestamp",
        ),
        (
            good.replace("T11:00:00Z", " 11:00:00Z"),
            "invalid_timestamp",
            "timestamp",
        ),
        (
            good.replace("T11:00:00Z", "T12:05:00.000001Z"),
            "timestamp_too_new",
            "timestamp",
        ),
        (
            good.replace("2026-01-31T11", "2026-01-01T11"),
            "timestamp_too_old",
            "timestamp",
        ),
        (page_view("null"), "wrong_type", "properties"),
        (page_view("[]"), "wrong_type", "properties"),
    ] {
        assert_eq!(refusal(&event), (code, field.to_owned()), "{event}");
    }
}

#[test]
fn refuses_further_members_that_are_wrong() {
    let with = |more: &str| event("page_view", "{}", more);
    for (event, code, field) in [
        (with(r#","user_id":5"#), "wrong_type", "user_id"),
        (with(r#","session_id":{"a":1}"#), "wrong_type", "session_id"),
        (
            with(r#","user_id":"a","user_id":"a""#),
            "duplicate_field",
            "user_id",
        ),
        (
            with(r#","event\u005ftype":"page_view""#),
            "duplicate_field",
            "event_type",
        ),
        (
            with(&format!(r#","user_id":"{}""#, "u".repeat(1025))),
            "too_long",
            "user_id",
        ),
        (with(r#","user_id":"a\u0000""#), "nul_character", "user_id"),
        (
            with(r#","session_id":"\ud800""#),
            "lone_surrogate",
            "session_id",
        ),
        (with(r#","extra":[1]"#), "unknown_field", "extra"),
        (
            with(r#","event_id":"018f2f6e7b1c70008000000000000001""#),
            "invalid_event_id",
            "event_id",
        ),
        (
            with(r#","event_id":"00000000-0000-0000-0000-000000000000""#),
            "invalid_event_id",
            "event_id",
        ),
        (
            with(r#","event_id":"ffffffff-FFFF-ffff-ffff-ffffffffffff""#),
            "invalid_event_id",
            "event_id",
        ),
        (
            with(r#","event_id":"{018f2f6e-7b1c-7000-8000-00000000001}""#),
            "invalid_event_id",
            "event_id",
        ),
        (with(r#","event_id":1"#), "wrong_type", "event_id"),
    ] {
        assert_eq!(refusal(&event), (code, field.to_owned()), "{event}");
    }
}

#[test]
fn refuses_an_event_that_is_too_large() {
    let room = 65_536 - page_view(r#"{"a":""}"#).len();
    let sized = |length: usize| page_view(&format!(r#"{{"a":"{}"}}"#, "x".repeat(length)));
    assert_eq!(shop::encode(&sized(room)).verdict.status, 202);
    assert_eq!(
        refusal(&sized(room + 1)),
        ("event_too_large", String::new())
    );
}

#[test]
fn rejects_alone_and_goes_on() {
    let good = page_view(r#"{"own":"kept"}"#);
    let bad = [
        r#"{"price":-1,"x":[{}]}"#,
        r#"{"price":{"a":[1,{"b":2}]},"y":"}"}"#,
        r#"{"a":"\u0000"}"#,
    ]
    .map(page_view);
    let body = format!("[{good},{},{},7,{good},{}]", bad[0], bad[1], bad[2]);
    let batch = shop::encode(&body);
    let indexes: Vec<u32> = batch.told().map(|told| told.index).collect();
    assert_eq!((batch.verdict.status, indexes), (202, vec![1, 2, 3, 5]));
    let both = shop::encode(&format!("[{good},{good}]"));
    assert_eq!(batch.tuples, both.tuples);
}

#[test]
fn a_broken_body_outweighs_a_rejected_event() {
    for tail in [
        "",
        "]",
        "}]",
        r#","a"}]"#,
        r#","a":01}]"#,
        r#","a":"\x"}]"#,
        ",}]",
        "} {}]",
        "}]]",
    ] {
        let body = format!(r#"[{{"event_type":5{tail}"#);
        let is_whole = tail == "}]";
        assert_eq!(
            shop::encode(&body).verdict.status,
            if is_whole { 422 } else { 400 },
            "{body}"
        );
    }
}

#[test]
fn takes_the_receive_time_only_where_nothing_needs_the_events_own() {
    let mut encoder = shop::encoder(shop::FREE);
    let own = r#"{"event_type":"any","timestamp":null}"#;
    let batch = encoder.encode(own, &shop::REQUEST);
    assert_eq!(
        (rows(&batch)[0].timestamp_us, rows(&batch)[0].properties),
        (shop::NOW_US, &b"{}"[..])
    );
    let keyed = shop::REQUEST;
    let keyed = ingest_native::request::Request {
        idempotency_key: Some("k"),
        ..keyed
    };
    let named = r#"{"event_type":"any","event_id":"018f2f6e-7b1c-7000-8000-000000000001"}"#;
    for (body, request) in [(own, &keyed), (named, &shop::REQUEST)] {
        let batch = encoder.encode(body, request);
        let told = batch.told().next().unwrap();
        assert_eq!(
            (told.code.name(), told.field.as_str()),
            ("timestamp_required", "timestamp")
        );
    }
}

#[test]
fn a_client_id_is_stored_and_told() {
    let id = "018F2f6e-7b1c-7000-8000-0000000000aB";
    let batch = shop::encode(&event("page_view", "{}", &format!(r#","event_id":"{id}""#)));
    assert_eq!(batch.event_ids, [identity::parse(id.as_bytes()).unwrap()]);
    assert_eq!(rows(&batch)[0].event_id, batch.event_ids[0]);
    assert!(batch.is_named);
    assert_eq!(shop::response(&batch)["event_ids"][0], id.to_lowercase());
}
