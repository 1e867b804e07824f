//! The reason codes and the sentences that go with them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use std::collections::HashSet;

use ingest_native::limits::MAX_LISTED_BYTES;
use ingest_native::reject::Code;
use shop::{REQUEST, event, page_view, told};

#[test]
fn codes_are_stable_snake_case_and_distinct() {
    let names: HashSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(
            code.name()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || b"_8".contains(&byte))
        );
        assert!(!code.about().ends_with('.') && code.about().starts_with(char::is_uppercase));
        assert_eq!(code.to_string(), code.name());
    }
}

#[test]
fn messages_tell_what_is_accepted() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31));
    for (properties, message) in [
        ("7", "must be an object"),
        (r#"{"price":"5"}"#, "must be a number or null"),
        (
            r#"{"quantity":5.0}"#,
            "must be an integer (no fraction, no exponent) or null",
        ),
        (r#"{"quantity":0}"#, "must be at least 1 and at most 10000"),
        (
            r#"{"price":0}"#,
            "must be greater than 0 and at most 1000000",
        ),
        (r#"{"product_id":""}"#, "must have a length of at least 1"),
        (r#"{"currency":"x"}"#, "must match [A-Z]{3}"),
        (
            r#"{"device_type":"x"}"#,
            "must be one of mobile, desktop, tablet",
        ),
        (
            r#"{"page_url":"x"}"#,
            "must be an absolute http or https URL",
        ),
        (r#"{"a":"\u0000"}"#, "must not hold the character U+0000"),
        (
            r#"{"a":"\ud800"}"#,
            "must not hold half of a surrogate pair",
        ),
        (r#"{"a":1e999}"#, "a number's exponent may be at most ±308"),
        (&deep, "may be nested at most 32 deep, the event counted"),
    ] {
        assert_eq!(
            told(&page_view(properties)).message,
            message,
            "{properties}"
        );
    }
    for (more, message) in [
        (r#","user_id":1"#, "must be a string or null"),
        (r#","user_id":"a","user_id":"b""#, "must be there only once"),
        (
            r#","x":1"#,
            "is not a known field here; own data goes into properties",
        ),
        (
            r#","event_id":"x""#,
            "must be a UUID in its hyphenated form, neither nil nor max",
        ),
    ] {
        assert_eq!(
            told(&event("page_view", "{}", more)).message,
            message,
            "{more}"
        );
    }
    let types = "must be one of add_to_cart, page_view, product_view, purchase, remove_from_cart";
    assert_eq!(told(&event("x", "{}", "")).message, types);
    let required = "is required for this event type and may not be null";
    assert_eq!(told(&event("purchase", "{}", "")).message, required);
}

/// A thousand rejections make one answer, so what each repeats is bounded whatever the schema says.
#[test]
fn messages_repeat_only_so_much_of_a_schema() {
    let long = "x".repeat(150);
    let schema = format!(
        "name='a'\nlayout=1\n[event_types.a{long}]\n[event_types.b{long}]\n[event_types.c]\n\
         [properties.p]\ntype='string'\npattern='{long}{long}'\n"
    );
    let mut encoder = shop::encoder(&schema);
    let mut message = |event_type: &str| {
        let batch = encoder.encode(&event(event_type, r#"{"p":"y"}"#, ""), &REQUEST);
        batch.told().next().unwrap().message
    };
    assert_eq!(message("z"), format!("must be one of a{long}, ..."));
    assert_eq!(
        message("c"),
        format!("must match {}", "x".repeat(MAX_LISTED_BYTES))
    );
}
