//! JSON numbers: the scan, and an exact comparison with a declared bound. No number is ever converted to a float:
//! 1000000.0000000000001 is greater than 1000000 here.

use std::cmp::Ordering;

use crate::limits::MAX_BOUND_DIGITS;
use crate::reject::Code;
use crate::scan::Scanner;
use crate::syntax::{Scan, Syntax};

/// A number as the client wrote it. An integer has neither fraction nor exponent: 5.0 and 5e0 are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    pub raw: &'a [u8],
    pub is_integer: bool,
}

/// A decimal of a schema: `digits / 10^scale`, negated or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    is_negative: bool,
    digits: u64,
    scale: u32,
}

impl<'a> Scanner<'a> {
    /// A number, from its sign or first digit.
    ///
    /// # Errors
    /// `InvalidNumber` where a digit is missing.
    #[inline]
    pub fn number(&mut self) -> Scan<Number<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut is_integer = true;
        if self.peek() == b'.' {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            is_integer = false;
            self.exponent(start)?;
        }
        let raw = &self.bytes[start..self.at];
        if raw.len() > self.max_number_digits {
            self.note_digits(raw, start);
        }
        Ok(Number { raw, is_integer })
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Scan<()> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.malformed(Syntax::InvalidNumber));
        }
        Ok(())
    }

    fn exponent(&mut self, number: usize) -> Scan<()> {
        self.at += 1;
        self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
        let start = self.at;
        self.digits()?;
        if magnitude(&self.bytes[start..self.at]) > i64::from(self.max_number_exponent) {
            self.note(Code::NumberOutOfRange, number);
        }
        Ok(())
    }

    #[cold]
    fn note_digits(&mut self, raw: &[u8], start: usize) {
        if raw.iter().filter(|byte| byte.is_ascii_digit()).count() > self.max_number_digits {
            self.note(Code::NumberTooLong, start);
        }
    }
}

/// The value of a run of digits, saturated far above any bound.
fn magnitude(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(1 << 40)
    })
}

impl Bound {
    /// From decimal text without exponent. None when it has more than `MAX_BOUND_DIGITS` digits or is not decimal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, unsigned) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let (digits, scale) = short_decimal(unsigned.as_bytes())?;
        Some(Self {
            is_negative: is_negative && digits > 0,
            digits,
            scale,
        })
    }

    /// How `number` (raw JSON text) compares with this bound, exactly.
    #[inline]
    #[must_use]
    pub fn compared(&self, number: &[u8]) -> Ordering {
        let (is_negative, unsigned) = split_sign(number);
        match short_decimal(unsigned) {
            Some((digits, scale)) => self.compared_short(is_negative, digits, scale),
            None => self.compared_long(is_negative, unsigned),
        }
    }

    fn compared_short(&self, is_negative: bool, digits: u64, scale: u32) -> Ordering {
        let number = signed(
            is_negative,
            u128::from(digits) * POWERS[self.scale as usize],
        );
        number.cmp(&signed(
            self.is_negative,
            u128::from(self.digits) * POWERS[scale as usize],
        ))
    }

    /// Any length and exponent: by sign, then order of magnitude, then digit by digit.
    fn compared_long(&self, is_negative: bool, unsigned: &[u8]) -> Ordering {
        let text = self.digits.to_string();
        let bound = Magnitude::new(text.as_bytes(), -i64::from(self.scale));
        let number = Magnitude::of(unsigned);
        let is_negative = is_negative && number.order.is_some();
        match (is_negative, self.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => number.compared(&bound),
            (true, true) => bound.compared(&number),
        }
    }
}

/// Ten to the power of the index, up to the largest scale of a short decimal.
const POWERS: [u128; MAX_BOUND_DIGITS + 1] = {
    let mut powers = [1; MAX_BOUND_DIGITS + 1];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

fn split_sign(number: &[u8]) -> (bool, &[u8]) {
    number
        .strip_prefix(b"-")
        .map_or((false, number), |rest| (true, rest))
}

/// Both factors of the comparison stay below 10^38, which an `i128` holds.
fn signed(is_negative: bool, value: u128) -> i128 {
    let value = i128::try_from(value).unwrap_or(i128::MAX);
    if is_negative { -value } else { value }
}

/// Digits and scale of up to 18 digits with at most one point; None for more digits or an exponent.
#[inline]
fn short_decimal(unsigned: &[u8]) -> Option<(u64, u32)> {
    if unsigned.len() > MAX_BOUND_DIGITS {
        return None;
    }
    let (mut digits, mut scale, mut step) = (0u64, 0, 0);
    for &byte in unsigned {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                scale += step;
            }
            b'.' if step == 0 => step = 1,
            _ => return None,
        }
    }
    Some((digits, scale))
}

/// An unsigned decimal as 0.ddd × 10^order with d ≠ 0 first; `order` is None for zero.
struct Magnitude<'a> {
    order: Option<i64>,
    digits: &'a [u8],
}

impl<'a> Magnitude<'a> {
    fn of(unsigned: &'a [u8]) -> Self {
        let mark = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, exponent) = match mark {
            Some(mark) => (&unsigned[..mark], &unsigned[mark + 1..]),
            None => (unsigned, &unsigned[unsigned.len()..]),
        };
        let (is_negative, digits) = split_sign(exponent.strip_prefix(b"+").unwrap_or(exponent));
        let power = magnitude(digits);
        Self::new(mantissa, if is_negative { -power } else { power })
    }

    /// `mantissa` holds digits and at most one point.
    fn new(mantissa: &'a [u8], power: i64) -> Self {
        let point = mantissa
            .iter()
            .position(|&byte| byte == b'.')
            .unwrap_or(mantissa.len());
        let Some(first) = mantissa.iter().position(|byte| matches!(byte, b'1'..=b'9')) else {
            return Self {
                order: None,
                digits: &[],
            };
        };
        let distance = if first < point {
            point - first
        } else {
            first - point - 1
        };
        let distance = i64::try_from(distance).unwrap_or(i64::MAX >> 1);
        let order = if first < point {
            power + distance
        } else {
            power - distance
        };
        Self {
            order: Some(order),
            digits: &mantissa[first..],
        }
    }

    fn compared(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order).then_with(|| {
            let length = self.digits.len().max(other.digits.len());
            self.padded(length).cmp(other.padded(length))
        })
    }

    fn padded(&self, length: usize) -> impl Iterator<Item = u8> {
        let digits = self.digits.iter().copied().filter(|&byte| byte != b'.');
        digits.chain(std::iter::repeat(b'0')).take(length)
    }
}
