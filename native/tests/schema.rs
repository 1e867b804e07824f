//! What a schema may say, and how its faults are told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod shop;

use ingest_native::schema::{BUILTIN, Schema};
use shop::{REQUEST, event};

const HEAD: &str = "name='a'\nlayout=1\n[event_types.a]\n";

#[test]
fn the_builtin_rules_compile() {
    let schema = Schema::builtin().unwrap();
    assert_eq!(
        (schema.name.as_str(), schema.layout, schema.text.as_str()),
        ("shop", 1, BUILTIN)
    );
    assert_eq!(
        schema.fingerprint,
        blake3::hash(BUILTIN.as_bytes()).as_bytes()[..8]
    );
    let types: Vec<&str> = schema.event_types().collect();
    assert_eq!(
        types,
        [
            "add_to_cart",
            "page_view",
            "product_view",
            "purchase",
            "remove_from_cart"
        ]
    );
}

/// The text is refused at `path` for a reason that holds `reason`.
fn refused(text: &str, path: &str, reason: &str) {
    let error = Schema::new(text)
        .err()
        .unwrap_or_else(|| panic!("compiled: {text}"));
    assert!(
        error.path == path && error.reason.contains(reason),
        "{text}: {error}"
    );
    assert!(error.to_string().starts_with("schema: "), "{error}");
}

#[test]
fn faults_name_their_path() {
    let on = |more: &str| format!("{HEAD}{more}");
    refused("", "name", "is required");
    refused("name='a'", "layout", "is required");
    refused("name='a'\nlayout=2\n[event_types.a]", "layout", "must be 1");
    refused("name='a'\nlayout=1", "event_types", "at least one");
    refused("name=1\nlayout=1", "name", "expected a string");
    refused("a=[", "", "line 1");
    refused(&format!("color='red'\n{HEAD}"), "color", "not a key");
    refused(&on("requires=['x']"), "event_types.a", "unknown field");
    refused(
        &on("required=['x']"),
        "event_types.a.required",
        "not declared",
    );
    refused(&on("[event_types.'']"), "event_types.", "1 to 1024 bytes");
    refused(
        &on("[envelope]\ntimestamp='maybe'"),
        "envelope",
        "unknown variant",
    );
    refused(
        &on("[timestamp]\nmax_age_s=2592001"),
        "timestamp.max_age_s",
        "at most 2592000",
    );
    refused(
        &on("[timestamp]\nmax_ahead_s=-1"),
        "timestamp",
        "expected u32",
    );
    let many = (0..65).fold(String::new(), |text, number| {
        text + &format!("[properties.p{number}]\ntype='any'\n")
    });
    refused(&on(&many), "properties", "more than 64");
    refused(&"#".repeat((1 << 20) + 1), "", "more than 1048576 bytes");
}

#[test]
fn faults_of_a_property_name_its_key() {
    for (declared, key, reason) in [
        ("", "", "missing field `type`"),
        ("type='text'", "", "unknown variant"),
        ("type='number'\npattern='x'", ".pattern", "does not go"),
        ("type='string'\nminimum=1", ".minimum", "does not go"),
        ("type='string'\npattern='('", ".pattern", "unclosed"),
        ("type='string'\npattern='a)|(b'", ".pattern", "unopened"),
        (
            "type='string'\npattern='(a{1000}){1000}'",
            ".pattern",
            "size",
        ),
        ("type='string'\nenum=[]", ".enum", "different values"),
        ("type='string'\nenum=['a','a']", ".enum", "different values"),
        (
            "type='string'\nmin_length=2\nmax_length=1",
            ".max_length",
            "below",
        ),
        ("type='integer'\nminimum='1'", ".minimum", "a number"),
        ("type='number'\nmaximum=nan", ".maximum", "18 digits"),
        ("type='number'\nmaximum=1e30", ".maximum", "18 digits"),
        (
            "type='number'\nminimum=1\nexclusive_minimum=1",
            ".exclusive_minimum",
            "twin",
        ),
        ("type='number'\nminimum=5\nmaximum=4.5", "", "above"),
    ] {
        refused(
            &format!("{HEAD}[properties.p]\n{declared}"),
            &format!("properties.p{key}"),
            reason,
        );
    }
}

#[test]
fn each_type_takes_its_own_values_only() {
    let values = [r#""x""#, "1", "1.5", "true", "{}", "[]", "null"];
    for (kind, taken) in [
        ("string", [true, false, false, false, false, false, false]),
        ("integer", [false, true, false, false, false, false, false]),
        ("number", [false, true, true, false, false, false, false]),
        ("boolean", [false, false, false, true, false, false, false]),
        ("object", [false, false, false, false, true, false, false]),
        ("array", [false, false, false, false, false, true, false]),
        ("any", [true; 7]),
    ] {
        let declared = format!("{HEAD}[properties.p]\ntype='{kind}'\n");
        let (mut strict, mut nullable) = (
            shop::encoder(&declared),
            shop::encoder(&format!("{declared}nullable=true")),
        );
        for (value, is_taken) in values.iter().zip(taken) {
            let event = event("a", &format!("{{\"p\":{value}}}"), "");
            let status = |is_taken| if is_taken { 202 } else { 422 };
            assert_eq!(
                strict.encode(&event, &REQUEST).verdict.status,
                status(is_taken),
                "{kind} {value}"
            );
            let is_taken = is_taken || *value == "null";
            assert_eq!(
                nullable.encode(&event, &REQUEST).verdict.status,
                status(is_taken),
                "{kind} {value}"
            );
        }
    }
}

#[test]
fn bounds_are_inclusive_unless_said_otherwise() {
    let verdicts = |bounds: &str| {
        let mut encoder = shop::encoder(&format!("{HEAD}[properties.p]\ntype='number'\n{bounds}"));
        [-3, -2, 0, 2, 3].map(|number| {
            encoder
                .encode(&event("a", &format!("{{\"p\":{number}}}"), ""), &REQUEST)
                .verdict
                .status
                == 202
        })
    };
    assert_eq!(
        verdicts("minimum=-2\nmaximum=2"),
        [false, true, true, true, false]
    );
    assert_eq!(
        verdicts("exclusive_minimum=-2\nexclusive_maximum=2.0"),
        [false, false, true, false, false]
    );
    assert_eq!(verdicts("minimum=-2.5"), [false, true, true, true, true]);
}

#[test]
fn a_pattern_is_for_the_whole_string() {
    let mut encoder = shop::encoder(&format!(
        "{HEAD}[properties.p]\ntype='string'\npattern='a|b+'"
    ));
    for (value, status) in [
        ("a", 202),
        ("bb", 202),
        ("ab", 422),
        ("xa", 422),
        ("a\\n", 422),
        ("", 422),
        ("\\u0061", 202),
    ] {
        let event = event("a", &format!("{{\"p\":\"{value}\"}}"), "");
        assert_eq!(
            encoder.encode(&event, &REQUEST).verdict.status,
            status,
            "{value}"
        );
    }
}

/// Names alike in length, head and tail share a hash; they are told apart by all of their bytes.
#[test]
fn many_and_similar_names_are_told_apart() {
    let names: Vec<String> = (0..1000)
        .map(|number| format!("prefix_{number:04}_suffix__"))
        .collect();
    let types = names.iter().fold(String::new(), |text, name| {
        text + &format!(
            "[event_types.{name}]
"
        )
    });
    let mut encoder = shop::encoder(&format!("name='a'\nlayout=1\n{types}"));
    for name in &names {
        let batch = encoder.encode(&event(name, "{}", ""), &REQUEST);
        assert_eq!(shop::rows(&batch)[0].event_type, name.as_bytes());
    }
    let batch = encoder.encode(&event("prefix_1000_suffix__", "{}", ""), &REQUEST);
    assert_eq!(
        batch.told().next().unwrap().message,
        "must be one of the 1000 declared event types"
    );
}

#[test]
fn without_declared_properties_anything_goes() {
    let mut encoder = shop::encoder(HEAD);
    let batch = encoder.encode(
        &event("a", r#"{"price":"free","page_url":[1,{"x":{}}]}"#, ""),
        &REQUEST,
    );
    assert_eq!(batch.verdict.status, 202);
}
