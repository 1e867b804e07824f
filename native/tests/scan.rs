//! The scanner and the encoder against `serde_json`: the same texts are JSON, and what goes in comes out.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use ingest_native::limits::Limits;
use ingest_native::reject::Code;
use ingest_native::scan::validate;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

const BLANKS: &str = "[ \t\r\n]{0,2}";

/// A JSON string with its quotes: plain, escaped and beyond ASCII; U+0000 and halves of pairs when `is_hostile`.
fn string(is_hostile: bool) -> BoxedStrategy<String> {
    let piece = prop_oneof![
        8 => "[a-zé\u{1f600} /:,{}\\[\\]]{1,12}",
        2 => r#"\\["\\/bfnrt]"#,
        2 => r"\\u00[2-7][0-9a-fA-F]",
        1 => r"\\ud83d\\ude0[0-9]",
        u32::from(is_hostile) => r"\\u0000|\\ud[8-f][0-9]{2}",
    ];
    vec(piece, 0..4)
        .prop_map(|pieces| format!("\"{}\"", pieces.concat()))
        .boxed()
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
}

/// JSON text of any shape, blanks, escapes and repeated keys included.
fn value(is_hostile: bool) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number(),
        string(is_hostile),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let item = (BLANKS, inner.clone(), BLANKS)
            .prop_map(|(before, value, after)| before + &value + &after);
        let array = vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![array, object(inner, is_hostile)]
    })
}

fn object(inner: impl Strategy<Value = String>, is_hostile: bool) -> impl Strategy<Value = String> {
    let key = prop_oneof!["\"[ab]{0,2}\"", string(is_hostile)];
    let member =
        (BLANKS, key, BLANKS, BLANKS, inner, BLANKS).prop_map(|(a, key, b, c, value, d)| {
            [&a, &key, &b, ":", &c, &value, &d]
                .map(str::to_owned)
                .concat()
        });
    vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Flips, inserts or deletes one byte, or cuts the text there.
fn mutate(text: &str, kind: u8, at: Index, byte: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len().max(1));
    match kind % 4 {
        0 if at < bytes.len() => bytes[at] = byte,
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 => bytes.insert(at, byte),
        _ => bytes.truncate(at),
    }
    String::from_utf8(bytes).ok()
}

/// Bytes that JSON gives a meaning, and any other.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        proptest::sample::select(br#"{}[]",:\u0d8e.-+tfn "#.to_vec()),
        any::<u8>()
    ]
}

/// `serde_json` refuses halves of surrogate pairs as syntax; here they are faults.
fn agrees(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<Value>(text);
    match validate(text.as_bytes(), &Limits::default()) {
        Ok(None) => prop_assert!(theirs.is_ok(), "accepted {text:?}: {theirs:?}"),
        Ok(Some(_)) => {
            prop_assert!(theirs.is_ok() || text.contains("\\ud") || text.contains("\\uD"));
        }
        Err(error) => prop_assert!(theirs.is_err(), "refused {text:?}: {error:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn accepts_json(text in value(false)) {
        prop_assert_eq!(validate(text.as_bytes(), &Limits::default()), Ok(None), "{}", text);
        agrees(&text)?;
    }

    #[test]
    fn accepts_what_serde_accepts(text in value(true), kind: u8, at: Index, byte in byte()) {
        agrees(&text)?;
        if let Some(text) = mutate(&text, kind, at, byte) {
            agrees(&text)?;
        }
    }

    #[test]
    fn properties_come_out_equal(sent in object(value(false), false)) {
        let batch = shop::encoder(shop::FREE).encode(&shop::event("any", &sent, ""), &shop::REQUEST);
        prop_assert_eq!(batch.verdict.status, 202, "{}", String::from_utf8_lossy(&batch.response));
        let stored: Value = serde_json::from_slice(shop::rows(&batch)[0].properties).unwrap();
        prop_assert_eq!(stored, serde_json::from_str::<Value>(&sent).unwrap());
    }

    #[test]
    fn user_ids_come_out_equal(sent in string(false)) {
        let batch = shop::encode(&shop::event("page_view", "{}", &format!(",\"user_id\":{sent}")));
        let expected: String = serde_json::from_str(&sent).unwrap();
        prop_assert_eq!(shop::rows(&batch)[0].user_id, Some(expected.as_bytes()));
    }

    /// A mutated batch: the body breaks exactly when `serde_json` says so, and each event is a row or a rejection.
    #[test]
    fn loses_no_event(own in value(true), mutations in vec((any::<u8>(), any::<Index>(), byte()), 1..3)) {
        let event = shop::page_view(&format!("{{\"price\":5.5,\"browser\":\"x\",\"own\":{own}}}"));
        let mut body = format!("[{event},{event},{event}]");
        for (kind, at, byte) in mutations {
            body = mutate(&body, kind, at, byte).unwrap_or(body);
        }
        let batch = shop::encode(&body);
        let answer = shop::response(&batch);
        let faults = [Code::LoneSurrogate, Code::TooDeep];
        match serde_json::from_str::<Value>(&body) {
            Ok(Value::Array(events)) if !events.is_empty() => {
                prop_assert!(batch.verdict.status == 202 || batch.verdict.code == Some(Code::NoAcceptableEvent));
                prop_assert_eq!(batch.event_ids.len() + batch.rejections.len(), events.len());
                prop_assert_eq!(shop::rows(&batch).len(), batch.event_ids.len());
                prop_assert_eq!(answer["rejected"].as_array().unwrap().len(), batch.rejections.len());
            }
            Ok(_) => prop_assert_eq!(batch.verdict.status, 422, "{}", body),
            Err(_) if batch.rejections.iter().any(|rejection| faults.contains(&rejection.code)) => {}
            Err(_) => prop_assert!(batch.verdict.status == 400 || body.contains("\\ud"), "{}", body),
        }
    }
}

#[test]
fn nesting_costs_no_stack() {
    let limits = Limits::default();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = open.repeat(200_000) + "1" + &close.repeat(200_000);
        assert_eq!(
            validate(deep.as_bytes(), &limits).unwrap().unwrap().code,
            Code::TooDeep
        );
        assert!(validate(&deep.as_bytes()[..deep.len() - 1], &limits).is_err());
    }
}

/// Every alignment of what ends a run of plain bytes.
#[test]
fn finds_the_end_of_a_string_at_any_offset() {
    let limits = Limits::default();
    for length in 0..40 {
        let plain = "é".repeat(length / 2) + &"x".repeat(length % 2);
        assert_eq!(
            validate(format!("\"{plain}\"").as_bytes(), &limits),
            Ok(None)
        );
        assert_eq!(
            validate(format!("\"{plain}\\n{plain}\"").as_bytes(), &limits),
            Ok(None)
        );
        for control in 0..0x20_u8 {
            let text = [b"\"", plain.as_bytes(), &[control], b"\""].concat();
            assert_eq!(
                validate(&text, &limits).unwrap_err().position,
                1 + plain.len()
            );
        }
        assert!(validate(format!("\"{plain}").as_bytes(), &limits).is_err());
    }
}
