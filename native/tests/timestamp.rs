//! RFC 3339 against jiff as oracle. jiff accepts more (a blank for the T, second 60, hours of 24 and so on), so the
//! parts are drawn apart and only their validity is asked of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use ingest_native::timestamp::parse;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use proptest::prelude::*;

/// Year to second, fraction digits, offset text.
type Parts = ([u16; 6], Option<String>, String);

fn parts() -> impl Strategy<Value = Parts> {
    let date = (0..=9998_u16, 0..=13_u16, 0..=32_u16);
    let time = (0..=25_u16, 0..=61_u16, 0..=61_u16);
    let fraction = proptest::option::of("[0-9]{1,9}");
    let offset = prop_oneof!["Z", "z", "", "[+-][0-2][0-9]:[0-6][0-9]"];
    (date, time, fraction, offset).prop_map(
        |((year, month, day), (hour, minute, second), fraction, offset)| {
            ([year, month, day, hour, minute, second], fraction, offset)
        },
    )
}

fn text((parts, fraction, offset): &Parts) -> String {
    let [year, month, day, hour, minute, second] = parts;
    let fraction = fraction
        .as_ref()
        .map_or(String::new(), |digits| format!(".{digits}"));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}")
}

/// What jiff makes of the parts.
fn oracle((parts, fraction, offset): &Parts) -> Option<i64> {
    let [year, month, day, hour, minute, second] = parts.map(|part| i16::try_from(part).unwrap());
    let narrow = |part: i16| i8::try_from(part).unwrap();
    let digits = format!("{:0<9}", fraction.as_deref().unwrap_or("0"));
    let nanos = digits.parse().unwrap();
    let local = DateTime::new(
        year,
        narrow(month),
        narrow(day),
        narrow(hour),
        narrow(minute),
        narrow(second),
        nanos,
    );
    let offset = Offset::from_seconds(offset_s(offset)?).ok()?;
    let at = offset.to_timestamp(local.ok()?).ok()?;
    Some(i64::try_from(at.as_nanosecond().div_euclid(1000)).unwrap())
}

fn offset_s(text: &str) -> Option<i32> {
    let Some((hours, minutes)) = text.get(1..).unwrap_or("").split_once(':') else {
        return Some(0);
    };
    let (hours, minutes): (i32, i32) = (hours.parse().unwrap(), minutes.parse().unwrap());
    let seconds = hours * 3600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

#[test]
fn reads_the_forms_of_the_grammar() {
    let noon = 1_769_860_800_000_000;
    for (text, at) in [
        ("2026-01-31T12:00:00Z", noon),
        ("2026-01-31t12:00:00z", noon),
        ("2026-01-31T12:00:00", noon),
        ("2026-01-31T13:30:00+01:30", noon),
        ("2026-01-31T11:00:00-01:00", noon),
        ("2026-01-31T12:00:00-00:00", noon),
        ("2026-01-31T12:00:00.123456789Z", noon + 123_456),
        ("2026-01-31T12:00:00.9", noon + 900_000),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("2000-02-29T00:00:00Z", 951_782_400_000_000),
    ] {
        assert_eq!(parse(text.as_bytes()), Some(at), "{text}");
    }
}

#[test]
fn refuses_what_others_let_pass() {
    for text in [
        "",
        "2026-01-31",
        "2026-01-31 12:00:00Z",
        "2026-01-31_12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00.1234567890Z",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00 Z",
        "2026-01-31T12:00:00ZZ",
        "2026-01-31T12:00:00Z[UTC]",
        "+002026-01-31T12:00:00Z",
        "2026-1-31T12:00:00Z",
        "2026-01-31T12:00:0٠Z",
        "1769860800",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_jiff(parts in parts()) {
        prop_assert_eq!(parse(text(&parts).as_bytes()), oracle(&parts), "{}", text(&parts));
    }

    #[test]
    fn accepts_no_more_than_jiff(parts in parts(), at in 0..35_usize, byte: u8) {
        let mut text = text(&parts).into_bytes();
        let at = at % text.len();
        text[at] = byte & 0x7f;
        if let Some(found) = parse(&text) {
            let mut text = String::from_utf8(text).unwrap().to_uppercase();
            if !text.ends_with('Z') && !text[19..].contains(['+', '-']) {
                text.push('Z');
            }
            let oracle: Timestamp = text.parse().unwrap();
            prop_assert_eq!(i128::from(found), oracle.as_nanosecond().div_euclid(1000), "{}", text);
        }
    }
}
