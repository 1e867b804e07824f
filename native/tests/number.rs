//! Bounds on numbers, compared exactly: against wide integers, and the short path against the long one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cmp::Ordering;

use ingest_native::number::Bound;
use proptest::prelude::*;

/// ±digits × 10^power as text with a point, without an exponent.
fn plain(is_negative: bool, digits: u64, power: i32) -> String {
    let sign = if is_negative { "-" } else { "" };
    let digits = format!("{digits:013}");
    match usize::try_from(-power) {
        Ok(0) | Err(_) => format!(
            "{sign}{}{}",
            trimmed(&digits),
            "0".repeat(power.unsigned_abs() as usize)
        ),
        Ok(scale) => {
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            format!("{sign}{}.{fraction}", trimmed(whole))
        }
    }
}

fn trimmed(digits: &str) -> &str {
    let kept = digits.trim_start_matches('0');
    if kept.is_empty() { "0" } else { kept }
}

/// The value times 10^12.
fn scaled(is_negative: bool, digits: u64, power: i32) -> i128 {
    let value = i128::from(digits) * 10_i128.pow(u32::try_from(power + 12).unwrap());
    if is_negative { -value } else { value }
}

fn decimal() -> impl Strategy<Value = (bool, u64, i32)> {
    let digits = prop_oneof![0..20_u64, 0..1_000_000_000_000_u64];
    (any::<bool>(), digits, -12..=4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn compares_exactly(number in decimal(), bound in decimal(), shift in -16..=16_i32) {
        let expected = scaled(number.0, number.1, number.2).cmp(&scaled(bound.0, bound.1, bound.2));
        let bound = Bound::parse(&plain(bound.0, bound.1, bound.2)).unwrap();
        let text = plain(number.0, number.1, number.2);
        prop_assert_eq!(bound.compared(text.as_bytes()), expected, "{}", text);
        if (-12..=4).contains(&(number.2 - shift)) {
            let shifted = format!("{}e{shift}", plain(number.0, number.1, number.2 - shift));
            prop_assert_eq!(bound.compared(shifted.as_bytes()), expected, "{}", shifted);
        }
    }

    #[test]
    fn short_and_long_path_agree(number in decimal(), bound in decimal()) {
        let bound = Bound::parse(&plain(bound.0, bound.1, bound.2)).unwrap();
        let text = plain(number.0, number.1, number.2);
        let long = if text.contains('.') { format!("{text}{}", "0".repeat(30)) } else { format!("{text}.{}", "0".repeat(30)) };
        for twin in [format!("{text}e0"), format!("{text}E-00"), long] {
            prop_assert_eq!(bound.compared(twin.as_bytes()), bound.compared(text.as_bytes()), "{}", twin);
        }
    }
}

#[test]
fn compares_at_the_edges() {
    for (number, bound, expected) in [
        ("0", "0", Ordering::Equal),
        ("-0", "0", Ordering::Equal),
        ("-0e5", "0", Ordering::Equal),
        ("0.000e-300", "0", Ordering::Equal),
        ("1e-308", "0", Ordering::Greater),
        ("-1e-308", "0", Ordering::Less),
        ("1e308", "999999999999999999", Ordering::Greater),
        ("1000000.0000000000000000001", "1000000", Ordering::Greater),
        ("999999.9999999999999999999", "1000000", Ordering::Less),
        ("999999999999999999", "999999999999999999", Ordering::Equal),
        ("-1e18", "-999999999999999999", Ordering::Less),
        ("100e-2", "1", Ordering::Equal),
        ("0.1", "0.1", Ordering::Equal),
    ] {
        assert_eq!(
            Bound::parse(bound).unwrap().compared(number.as_bytes()),
            expected,
            "{number} {bound}"
        );
    }
}

#[test]
fn takes_only_bounds_that_can_be_exact() {
    for text in [
        "",
        "-",
        "1e5",
        "NaN",
        "inf",
        "1234567890123456789",
        "1.2.3",
        "+1",
    ] {
        assert!(Bound::parse(text).is_none(), "{text}");
    }
}
