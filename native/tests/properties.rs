//! The properties of an event: the built-in rules, what a row cannot hold, and the order that is stored.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use shop::{event, page_view, refusal, rows};

#[test]
fn refuses_what_the_declared_rules_forbid() {
    let long = "é".repeat(101);
    for (properties, code, name) in [
        (r#"{"price":"5"}"#, "wrong_type", "price"),
        (r#"{"price":true}"#, "wrong_type", "price"),
        (r#"{"price":0}"#, "out_of_range", "price"),
        (r#"{"price":-0.0}"#, "out_of_range", "price"),
        (
            r#"{"price":1000000.0000000000001}"#,
            "out_of_range",
            "price",
        ),
        (r#"{"price":1e7}"#, "out_of_range", "price"),
        (r#"{"quantity":5.0}"#, "wrong_type", "quantity"),
        (r#"{"quantity":5e0}"#, "wrong_type", "quantity"),
        (r#"{"quantity":true}"#, "wrong_type", "quantity"),
        (r#"{"quantity":0}"#, "out_of_range", "quantity"),
        (r#"{"quantity":10001}"#, "out_of_range", "quantity"),
        (r#"{"browser":1}"#, "wrong_type", "browser"),
        (r#"{"browser":[]}"#, "wrong_type", "browser"),
        (&format!(r#"{{"browser":"{long}"}}"#), "too_long", "browser"),
        (r#"{"product_id":""}"#, "too_short", "product_id"),
        (r#"{"currency":"usd"}"#, "pattern_mismatch", "currency"),
        (r#"{"currency":"USDX"}"#, "pattern_mismatch", "currency"),
        (r#"{"currency":"ÄÖÜ"}"#, "pattern_mismatch", "currency"),
        (r#"{"country":"DE\n"}"#, "pattern_mismatch", "country"),
        (r#"{"device_type":"Mobile"}"#, "not_in_enum", "device_type"),
        (
            r#"{"page_url":"ftp://example.com"}"#,
            "invalid_url",
            "page_url",
        ),
        (r#"{"page_url":"https://"}"#, "invalid_url", "page_url"),
        (
            r#"{"page_url":"https://a:99999/"}"#,
            "invalid_url",
            "page_url",
        ),
        (r#"{"page_url":"https://a b/"}"#, "invalid_url", "page_url"),
        (r#"{"page_url":"https://a/ b"}"#, "invalid_url", "page_url"),
        (
            r#"{"page_url":"https://[::g]/"}"#,
            "invalid_url",
            "page_url",
        ),
        (
            r#"{"page_url":"\u0068ttp:/example.com"}"#,
            "invalid_url",
            "page_url",
        ),
        (r#"{"price":1,"\u0070rice":2}"#, "duplicate_field", "price"),
        (r#"{"price":null,"price":2}"#, "duplicate_field", "price"),
    ] {
        let told = refusal(&page_view(properties));
        assert_eq!(told, (code, format!("properties.{name}")), "{properties}");
    }
    let long_url = page_view(&format!(
        r#"{{"page_url":"https://example.com/{}"}}"#,
        "a".repeat(2083)
    ));
    assert_eq!(refusal(&long_url).0, "too_long");
}

#[test]
fn asks_for_what_an_event_type_requires() {
    let purchase = |properties: &str| event("purchase", properties, "");
    for (event, name) in [
        (purchase("{}"), "price"),
        (purchase(r#"{"price":1,"quantity":1}"#), "product_id"),
        (
            purchase(r#"{"price":1,"quantity":1,"product_id":null}"#),
            "product_id",
        ),
        (event("add_to_cart", "{}", ""), "product_id"),
    ] {
        assert_eq!(
            refusal(&event),
            ("missing_field", format!("properties.{name}"))
        );
    }
}

#[test]
fn refuses_what_a_row_cannot_hold() {
    let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(shop::encode(&page_view(&nested(30))).verdict.status, 202);
    for (properties, code, name) in [
        (nested(31), "too_deep", "a"),
        (nested(20_000), "too_deep", "a"),
        (r#"{"a":[{"b\u0000":1}]}"#.to_owned(), "nul_character", "a"),
        (r#"{"a\u0000":1}"#.to_owned(), "nul_character", "a\0"),
        (r#"{"a\udc00":1}"#.to_owned(), "lone_surrogate", "a\u{fffd}"),
        (r#"{"a":"\ud800\u0041"}"#.to_owned(), "lone_surrogate", "a"),
        (
            r#"{"browser":"\ude00\ud83d"}"#.to_owned(),
            "lone_surrogate",
            "browser",
        ),
        (
            format!(r#"{{"a":{}}}"#, "1".repeat(101)),
            "number_too_long",
            "a",
        ),
        (
            format!(r#"{{"price":0.{}}}"#, "1".repeat(100)),
            "number_too_long",
            "price",
        ),
        (
            format!(r#"{{"a":1e{}1}}"#, "0".repeat(100)),
            "number_too_long",
            "a",
        ),
        (r#"{"a":1e309}"#.to_owned(), "number_out_of_range", "a"),
        (r#"{"a":[-1E-309]}"#.to_owned(), "number_out_of_range", "a"),
        (
            r#"{"quantity":1e131071}"#.to_owned(),
            "number_out_of_range",
            "quantity",
        ),
    ] {
        assert_eq!(
            refusal(&page_view(&properties)),
            (code, format!("properties.{name}"))
        );
    }
    let numbers = format!(r#"{{"a":{},"b":-1e-308,"c":1E+308}}"#, "1".repeat(100));
    assert_eq!(shop::encode(&page_view(&numbers)).verdict.status, 202);
}

#[test]
fn an_event_without_properties_does_not_get_the_last_ones() {
    let body = r#"[{"event_type":"any","properties":{"a":1}},{"event_type":"any"}]"#;
    let batch = shop::encoder(shop::FREE).encode(body, &shop::REQUEST);
    assert_eq!(rows(&batch)[1].properties, b"{}");
}

#[test]
fn orders_keys_as_jsonb_does_unless_one_is_escaped() {
    for (sent, stored) in [
        (
            r#"{"bb":1,"a":2,"ab":3,"":4}"#,
            r#"{"":4,"a":2,"ab":3,"bb":1}"#,
        ),
        (
            r#"{"longer_than_8_b":1,"longer_than_8_a":2,"é":3,"zz":4}"#,
            r#"{"zz":4,"é":3,"longer_than_8_a":2,"longer_than_8_b":1}"#,
        ),
        (
            r#"{"b":1,"a":1,"b":2,"a":2}"#,
            r#"{"a":1,"a":2,"b":1,"b":2}"#,
        ),
        (r#"{"b":1,"a":1,"\u0061":2}"#, r#"{"b":1,"a":1,"\u0061":2}"#),
    ] {
        let batch = shop::encode(&page_view(sent));
        assert_eq!(String::from_utf8_lossy(rows(&batch)[0].properties), stored);
    }
}
