//! RFC 3339 timestamps to microseconds, and their form in a `PostgreSQL` tuple.
//!
//! Accepted: `YYYY-MM-DDThh:mm:ss[.f{1,9}][Z|±hh:mm]`, `t` and `z` in either case as the RFC's grammar has them.
//! No offset means UTC. More than six fraction digits are cut off. Refused: a blank for the `T`, second 60 (there is no
//! such instant in the column's type), hour 24, an offset without colon.

/// Microseconds from 1970-01-01 to 2000-01-01, the epoch of `timestamptz`.
pub const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;
/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;

/// Shortest text: no fraction, no offset.
const PLAIN_BYTES: usize = 19;

/// Unix microseconds, or None if `text` is no such timestamp.
#[inline]
#[must_use]
pub fn parse(text: &[u8]) -> Option<i64> {
    let (plain, rest) = text.split_first_chunk::<PLAIN_BYTES>()?;
    let seconds = date_time(plain)?;
    let (micros, rest) = fraction(rest)?;
    Some((seconds - offset_s(rest)?) * SECOND_US + micros)
}

/// Unix seconds of `YYYY-MM-DDThh:mm:ss`.
#[inline]
fn date_time(text: &[u8; PLAIN_BYTES]) -> Option<i64> {
    let separators = (text[4], text[7], text[10] | 0x20, text[13], text[16]);
    if separators != (b'-', b'-', b't', b':', b':') {
        return None;
    }
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    let (month, day) = (two(text[5], text[6])?, two(text[8], text[9])?);
    let (hour, minute, second) = (
        two(text[11], text[12])?,
        two(text[14], text[15])?,
        two(text[17], text[18])?,
    );
    let is_valid = (1..=12).contains(&month)
        && day >= 1
        && day <= days_in(year, month)
        && hour < 24
        && minute < 60
        && second < 60;
    is_valid.then(|| unix_days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// A number of two digits.
#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar: years start in March, so that the leap day ends one.
#[inline]
fn unix_days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// Microseconds of an optional fraction, and what follows it.
#[inline]
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 || count > 9 {
        return None;
    }
    let micros = (0..6).fold(0, |value, index| {
        value * 10
            + if index < count {
                i64::from(digits[index] - b'0')
            } else {
                0
            }
    });
    Some((micros, &digits[count..]))
}

/// Seconds east of UTC.
#[inline]
fn offset_s(text: &[u8]) -> Option<i64> {
    match *text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}
