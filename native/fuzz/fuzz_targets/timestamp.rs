//! Any text as a timestamp, beside jiff: the same instant or refused by both.
#![no_main]

use ingest_native::timestamp::parse;
use jiff::civil::DateTime;
use libfuzzer_sys::fuzz_target;

/// jiff takes more forms than RFC 3339, so the form is checked here and the meaning there.
const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";

fuzz_target!(|text: &str| {
    assert_eq!(parse(text.as_bytes()), oracle(text), "{text}");
});

fn oracle(text: &str) -> Option<i64> {
    let text = text.to_ascii_uppercase();
    let (plain, rest) = text.split_at_checked(FORM.len())?;
    let fits = |(byte, form): (u8, &u8)| {
        if *form == b'd' {
            byte.is_ascii_digit()
        } else {
            byte == *form
        }
    };
    if !plain.bytes().zip(FORM).all(fits) || plain.ends_with("60") {
        return None;
    }
    let offset = rest.find(['Z', '+', '-']).map_or("", |at| &rest[at..]);
    let fraction = &rest[..rest.len() - offset.len()];
    if !(fraction.is_empty() || is_fraction(fraction)) || !is_offset(offset) {
        return None;
    }
    // A civil time and an offset apart: jiff's own instants end a day before the year 9999 does.
    let at: DateTime = format!("{plain}{fraction}").parse().ok()?;
    let local = at.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    let micros = i64::try_from(local.as_nanos().div_euclid(1000)).ok()?;
    Some(micros - offset_minutes(offset) * 60_000_000)
}

fn is_fraction(text: &str) -> bool {
    let digits = text.strip_prefix('.').unwrap_or_default();
    (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nothing, `Z`, or `+hh:mm` below 24 hours.
fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        b"" | b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit())
                && (*h1, *h2) < (b'2', b'4')
                && *m1 < b'6'
        }
        _ => false,
    }
}

/// Minutes east of UTC of what `is_offset` let through.
fn offset_minutes(text: &str) -> i64 {
    let Some((hours, minutes)) = text.split_once(':') else {
        return 0;
    };
    let number = |digits: &str| digits.parse::<i64>().expect("digits");
    let minutes = number(&hours[1..]) * 60 + number(minutes);
    if hours.starts_with('-') {
        -minutes
    } else {
        minutes
    }
}
