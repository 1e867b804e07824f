//! The properties of one event: each member against its declared rule, if it has one; all are kept.

use crate::event::{Checked, Event, Refusal, Rules, Scratch, Stop, refuse};
use crate::reject::{Code, Field, echoed};
use crate::scan::Scanner;
use crate::syntax::Malformed;

impl Rules<'_> {
    pub(crate) fn properties<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
    ) -> Checked<()> {
        if scanner.peek() != b'{' {
            let is_absent = scanner.peek() == b'n' && !self.plan.is_properties_required;
            scanner.skip_value(1)?;
            return if is_absent {
                Ok(())
            } else {
                refuse(Code::WrongType, Field::Properties)
            };
        }
        let mut there = 0;
        let mut has_member = !scanner.open(b'}');
        while has_member {
            self.property(scanner, scratch, event, &mut there)?;
            has_member = scanner.has_next(b'}')?;
        }
        Ok(())
    }

    /// One property; `there` has a bit for each declared one met so far, null or not.
    #[inline]
    fn property<'a>(
        &self,
        scanner: &mut Scanner<'a>,
        scratch: &mut Scratch,
        event: &mut Event<'a>,
        there: &mut u64,
    ) -> Checked<()> {
        let start = scanner.at;
        let key = scanner.key()?;
        if key.is_escaped {
            scratch.members.keep_order();
        }
        let found = self.plan.properties.find(key.decode(&mut scratch.decoded));
        let checked = match found {
            None => scanner.skip_value(2).map(|()| Ok(())),
            Some(number) if *there >> number & 1 == 1 => {
                scanner.skip_value(2).map(|()| Err(Code::DuplicateField))
            }
            Some(number) => {
                *there |= 1 << number;
                event.filled |= u64::from(scanner.peek() != b'n') << number;
                self.declared(number, scanner, scratch)
            }
        }?;
        let checked = scanner.fault.map_or(checked, |fault| Err(fault.code));
        if let Err(code) = checked {
            let field = property_field(found, key.decode(&mut scratch.decoded));
            return Err(Stop::Rejected(Refusal {
                code,
                field,
                open: 2,
            }));
        }
        scratch.members.push(key.raw, start, scanner.at);
        Ok(())
    }

    /// The value of a declared property against its rule. The outer error ends the body, the inner one the event.
    #[inline]
    fn declared(
        &self,
        number: usize,
        scanner: &mut Scanner,
        scratch: &mut Scratch,
    ) -> Result<Result<(), Code>, Malformed> {
        let rule = &self.plan.rules[number];
        match scanner.peek() {
            b'"' => {
                let text = scanner.string()?;
                Ok(rule.check_text(text.decode(&mut scratch.decoded)))
            }
            b'-' | b'0'..=b'9' => Ok(rule.check_number(scanner.number()?)),
            first => {
                scanner.skip_value(2)?;
                Ok(rule.check_other(first))
            }
        }
    }
}

#[cold]
fn property_field(found: Option<usize>, key: &[u8]) -> Field {
    match found {
        Some(number) => Field::Declared(number),
        None => Field::Undeclared(echoed(key)),
    }
}
