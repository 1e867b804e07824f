//! A schema's declaration compiled into what the encoder follows: names by number, required properties as bits.

use super::SchemaError;
use super::declaration::{Declaration, EventType, Presence, Window};
use super::names::Names;
use super::rule::{self, Rule};
use crate::limits::{Limits, MAX_AGE_S, MAX_AHEAD_S, MAX_DECLARED_PROPERTIES, MAX_EVENT_TYPES};
use crate::timestamp::SECOND_US;

/// The compiled rules. Frozen.
#[derive(Debug)]
pub struct Plan {
    pub event_types: Names,
    /// For each event type the properties it requires, bit n for property n.
    pub required: Vec<u64>,
    pub properties: Names,
    pub rules: Vec<Rule>,
    pub is_timestamp_required: bool,
    pub is_properties_required: bool,
    pub max_age_us: i64,
    pub max_ahead_us: i64,
}

/// Checks what the shape alone cannot say and compiles.
pub fn compile(declaration: &Declaration) -> Result<Plan, SchemaError> {
    let event_types = names("event_types", &declaration.event_types, MAX_EVENT_TYPES)?;
    if event_types.is_empty() {
        return Err(SchemaError::new(
            "event_types",
            "needs at least one event type",
        ));
    }
    let properties = names(
        "properties",
        &declaration.properties,
        MAX_DECLARED_PROPERTIES,
    )?;
    let (max_age_us, max_ahead_us) = window(&declaration.timestamp)?;
    Ok(Plan {
        required: declaration
            .event_types
            .iter()
            .map(|(name, of)| required(name, of, &properties))
            .collect::<Result<_, _>>()?,
        rules: declaration
            .properties
            .iter()
            .map(|(name, of)| rule::compile(name, of))
            .collect::<Result<_, _>>()?,
        event_types,
        properties,
        is_timestamp_required: declaration.envelope.timestamp == Presence::Required,
        is_properties_required: declaration.envelope.properties == Presence::Required,
        max_age_us,
        max_ahead_us,
    })
}

fn names<T>(section: &str, entries: &[(String, T)], most: usize) -> Result<Names, SchemaError> {
    if entries.len() > most {
        return Err(SchemaError::new(
            section,
            format!("has more than {most} entries"),
        ));
    }
    let longest = Limits::default().max_indexed_bytes;
    for (name, _) in entries {
        if name.is_empty() || name.len() > longest || name.contains('\0') {
            let path = format!(
                "{section}.{}",
                name.escape_default().take(40).collect::<String>()
            );
            return Err(SchemaError::new(
                path,
                format!("a name has 1 to {longest} bytes and no NUL"),
            ));
        }
    }
    Ok(Names::new(entries.iter().map(|(name, _)| name.as_str())))
}

fn required(name: &str, event_type: &EventType, properties: &Names) -> Result<u64, SchemaError> {
    let mut bits = 0;
    for property in &event_type.required {
        let Some(number) = properties.find(property.as_bytes()) else {
            let path = format!("event_types.{name}.required");
            return Err(SchemaError::new(
                path,
                format!("{property:?} is not declared under properties"),
            ));
        };
        bits |= 1 << number;
    }
    Ok(bits)
}

/// The outer bounds stand in for what is left out, and may not be widened.
fn window(declared: &Window) -> Result<(i64, i64), SchemaError> {
    let age = within("timestamp.max_age_s", declared.max_age_s, MAX_AGE_S)?;
    let ahead = within("timestamp.max_ahead_s", declared.max_ahead_s, MAX_AHEAD_S)?;
    Ok((age * SECOND_US, ahead * SECOND_US))
}

fn within(path: &str, declared: Option<u32>, most: i64) -> Result<i64, SchemaError> {
    let seconds = declared.map_or(most, i64::from);
    if seconds > most {
        return Err(SchemaError::new(
            path,
            format!("must be at most {most}: older and newer rows have no partition"),
        ));
    }
    Ok(seconds)
}
