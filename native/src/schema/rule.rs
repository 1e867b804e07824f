//! The rule for one declared property: its type, and bounds on values of that type.

use std::cmp::Ordering;

use toml::Value;

use super::SchemaError;
use super::declaration::{Format, Property, Type};
use super::names::Names;
use super::pattern::Pattern;
use super::url::is_http_url;
use crate::limits::MAX_BOUND_DIGITS;
use crate::number::{Bound, Number};
use crate::reject::Code;

/// What a declared property must be.
#[derive(Debug)]
pub struct Rule {
    pub kind: Kind,
    pub is_nullable: bool,
}

#[derive(Debug)]
pub enum Kind {
    Text(TextRule),
    Integer(Range),
    Number(Range),
    Boolean,
    Object,
    Array,
    Any,
}

/// Bounds on a string; lengths in code points.
#[derive(Debug)]
pub struct TextRule {
    pub min_chars: usize,
    pub max_chars: Option<usize>,
    pub pattern: Option<Pattern>,
    pub allowed: Option<Names>,
    pub is_url: bool,
}

/// Bounds on a number, with the text that errors show.
#[derive(Debug, Default)]
pub struct Range {
    pub lower: Option<Edge>,
    pub upper: Option<Edge>,
}

/// One end of a range.
#[derive(Debug)]
pub struct Edge {
    pub text: String,
    pub is_exclusive: bool,
    bound: Bound,
}

impl Rule {
    /// Checks a string's own (unescaped) bytes.
    #[inline]
    pub fn check_text(&self, text: &[u8]) -> Result<(), Code> {
        match &self.kind {
            Kind::Text(rule) => rule.check(text),
            Kind::Any => Ok(()),
            _ => Err(Code::WrongType),
        }
    }

    #[inline]
    pub fn check_number(&self, number: Number) -> Result<(), Code> {
        match &self.kind {
            Kind::Number(range) => range.check(number.raw),
            Kind::Integer(range) if number.is_integer => range.check(number.raw),
            Kind::Any => Ok(()),
            _ => Err(Code::WrongType),
        }
    }

    /// Checks a value that is neither string nor number by its first byte.
    #[inline]
    pub fn check_other(&self, first: u8) -> Result<(), Code> {
        let is_fit = match (first, &self.kind) {
            (b'n', kind) => self.is_nullable || matches!(kind, Kind::Any),
            (b'{', kind) => matches!(kind, Kind::Object | Kind::Any),
            (b'[', kind) => matches!(kind, Kind::Array | Kind::Any),
            (_, kind) => matches!(kind, Kind::Boolean | Kind::Any),
        };
        if is_fit { Ok(()) } else { Err(Code::WrongType) }
    }
}

impl TextRule {
    #[inline]
    fn check(&self, text: &[u8]) -> Result<(), Code> {
        self.check_length(text)?;
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(text))
        {
            return Err(Code::PatternMismatch);
        }
        if self
            .allowed
            .as_ref()
            .is_some_and(|allowed| allowed.find(text).is_none())
        {
            return Err(Code::NotInEnum);
        }
        if self.is_url && !is_http_url(text) {
            return Err(Code::InvalidUrl);
        }
        Ok(())
    }

    /// A string never has more characters than bytes, so most need no count.
    #[inline]
    fn check_length(&self, text: &[u8]) -> Result<(), Code> {
        if self
            .max_chars
            .is_some_and(|most| text.len() > most && chars(text) > most)
        {
            return Err(Code::TooLong);
        }
        if self.min_chars > 0 && (text.len() < self.min_chars || chars(text) < self.min_chars) {
            return Err(Code::TooShort);
        }
        Ok(())
    }
}

/// Code points of valid UTF-8: its bytes that are not continuation bytes.
fn chars(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

impl Range {
    #[inline]
    fn check(&self, number: &[u8]) -> Result<(), Code> {
        let is_inside = self
            .lower
            .as_ref()
            .is_none_or(|edge| edge.admits(number, Ordering::Greater))
            && self
                .upper
                .as_ref()
                .is_none_or(|edge| edge.admits(number, Ordering::Less));
        if is_inside {
            Ok(())
        } else {
            Err(Code::OutOfRange)
        }
    }
}

impl Edge {
    #[inline]
    fn admits(&self, number: &[u8], inside: Ordering) -> bool {
        let found = self.bound.compared(number);
        found == inside || (found == Ordering::Equal && !self.is_exclusive)
    }
}

/// Compiles one property and refuses bounds that its type does not have.
pub fn compile(name: &str, property: &Property) -> Result<Rule, SchemaError> {
    let path = format!("properties.{name}");
    refuse_foreign(&path, property)?;
    let kind = match property.kind {
        Type::String => Kind::Text(text_rule(&path, property)?),
        Type::Integer => Kind::Integer(range(&path, property)?),
        Type::Number => Kind::Number(range(&path, property)?),
        Type::Boolean => Kind::Boolean,
        Type::Object => Kind::Object,
        Type::Array => Kind::Array,
        Type::Any => Kind::Any,
    };
    Ok(Rule {
        kind,
        is_nullable: property.nullable,
    })
}

fn refuse_foreign(path: &str, property: &Property) -> Result<(), SchemaError> {
    let is_text = property.kind == Type::String;
    let is_number = matches!(property.kind, Type::Integer | Type::Number);
    let keys = [
        ("min_length", property.min_length.is_some(), is_text),
        ("max_length", property.max_length.is_some(), is_text),
        ("pattern", property.pattern.is_some(), is_text),
        ("enum", property.allowed.is_some(), is_text),
        ("format", property.format.is_some(), is_text),
        ("minimum", property.minimum.is_some(), is_number),
        ("maximum", property.maximum.is_some(), is_number),
        (
            "exclusive_minimum",
            property.exclusive_minimum.is_some(),
            is_number,
        ),
        (
            "exclusive_maximum",
            property.exclusive_maximum.is_some(),
            is_number,
        ),
    ];
    match keys.iter().find(|(_, is_there, fits)| *is_there && !fits) {
        Some((key, ..)) => Err(SchemaError::new(
            format!("{path}.{key}"),
            "does not go with this type",
        )),
        None => Ok(()),
    }
}

fn text_rule(path: &str, property: &Property) -> Result<TextRule, SchemaError> {
    let min_chars = property.min_length.unwrap_or(0) as usize;
    let max_chars = property.max_length.map(|most| most as usize);
    if max_chars.is_some_and(|most| most < min_chars) {
        return Err(SchemaError::new(
            format!("{path}.max_length"),
            "is below min_length",
        ));
    }
    Ok(TextRule {
        min_chars,
        max_chars,
        pattern: property
            .pattern
            .as_deref()
            .map(|text| Pattern::compile(path, text))
            .transpose()?,
        allowed: property
            .allowed
            .as_deref()
            .map(|values| allowed(path, values))
            .transpose()?,
        is_url: property.format == Some(Format::Url),
    })
}

fn allowed(path: &str, values: &[String]) -> Result<Names, SchemaError> {
    let mut sorted: Vec<&str> = values.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if values.is_empty() || values.len() > 1000 || sorted.len() < values.len() {
        return Err(SchemaError::new(
            format!("{path}.enum"),
            "needs 1 to 1000 different values",
        ));
    }
    Ok(Names::new(values.iter().map(String::as_str)))
}

fn range(path: &str, property: &Property) -> Result<Range, SchemaError> {
    let lower = edge(
        path,
        ("minimum", &property.minimum),
        ("exclusive_minimum", &property.exclusive_minimum),
    )?;
    let upper = edge(
        path,
        ("maximum", &property.maximum),
        ("exclusive_maximum", &property.exclusive_maximum),
    )?;
    if let (Some(lower), Some(upper)) = (&lower, &upper)
        && upper.bound.compared(lower.text.as_bytes()) == Ordering::Greater
    {
        return Err(SchemaError::new(
            path,
            "its lower bound lies above its upper bound",
        ));
    }
    Ok(Range { lower, upper })
}

type Declared<'d> = (&'static str, &'d Option<Value>);

fn edge(path: &str, inclusive: Declared, exclusive: Declared) -> Result<Option<Edge>, SchemaError> {
    let (key, value, is_exclusive) = match (inclusive, exclusive) {
        ((_, None), (_, None)) => return Ok(None),
        ((key, Some(value)), (_, None)) => (key, value, false),
        ((_, None), (key, Some(value))) => (key, value, true),
        ((_, Some(_)), (key, Some(_))) => {
            return Err(SchemaError::new(
                format!("{path}.{key}"),
                "stands beside its inclusive twin",
            ));
        }
    };
    let text = match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => {
            return Err(SchemaError::new(
                format!("{path}.{key}"),
                "must be a number",
            ));
        }
    };
    let Some(bound) = Bound::parse(&text) else {
        let reason = format!("must be a number of at most {MAX_BOUND_DIGITS} digits");
        return Err(SchemaError::new(format!("{path}.{key}"), reason));
    };
    Ok(Some(Edge {
        text,
        is_exclusive,
        bound,
    }))
}
