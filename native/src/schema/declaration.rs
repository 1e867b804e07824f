//! What a schema file may say: the TOML shape, read strictly (an unknown key is an error, with its path).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::SchemaError;
use crate::limits::MAX_SCHEMA_BYTES;
use crate::pgcopy::LAYOUT;

/// A whole schema file; tables keep the order of the file.
#[derive(Debug)]
pub struct Declaration {
    pub name: String,
    pub layout: u16,
    pub envelope: Envelope,
    pub timestamp: Window,
    pub event_types: Vec<(String, EventType)>,
    pub properties: Vec<(String, Property)>,
}

/// Whether a member of the envelope may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    #[default]
    Required,
    Optional,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Envelope {
    /// Optional: the receive time stands in.
    pub timestamp: Presence,
    /// Optional: an empty object stands in.
    pub properties: Presence,
}

/// Seconds around the receive time; the outer window of `limits` holds in any case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    pub max_age_s: Option<u32>,
    pub max_ahead_s: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventType {
    /// Declared properties that must be there and not null.
    pub required: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Object,
    Array,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Url,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    #[serde(rename = "type")]
    pub kind: Type,
    #[serde(default)]
    pub nullable: bool,
    /// Lengths count code points.
    pub min_length: Option<u32>,
    pub max_length: Option<u32>,
    /// A regular expression for the whole string.
    pub pattern: Option<String>,
    #[serde(rename = "enum")]
    pub allowed: Option<Vec<String>>,
    pub format: Option<Format>,
    pub minimum: Option<Value>,
    pub maximum: Option<Value>,
    pub exclusive_minimum: Option<Value>,
    pub exclusive_maximum: Option<Value>,
}

/// Reads the text section by section, so that an error can name its path.
pub fn parse(text: &str) -> Result<Declaration, SchemaError> {
    if text.len() > MAX_SCHEMA_BYTES {
        return Err(SchemaError::new(
            "",
            format!("has more than {MAX_SCHEMA_BYTES} bytes"),
        ));
    }
    let mut root: Table = text
        .parse()
        .map_err(|error: toml::de::Error| SchemaError::new("", error.to_string()))?;
    let declaration = Declaration {
        name: section(&mut root, "name")?,
        layout: section(&mut root, "layout")?,
        envelope: optional(&mut root, "envelope")?,
        timestamp: optional(&mut root, "timestamp")?,
        event_types: entries(&mut root, "event_types")?,
        properties: entries(&mut root, "properties")?,
    };
    if let Some(key) = root.keys().next() {
        return Err(SchemaError::new(key, "is not a key of a schema"));
    }
    if declaration.layout != LAYOUT {
        return Err(SchemaError::new(
            "layout",
            format!("must be {LAYOUT}, the layout of this version's tuples"),
        ));
    }
    Ok(declaration)
}

fn section<T: DeserializeOwned>(root: &mut Table, key: &str) -> Result<T, SchemaError> {
    let value = root
        .remove(key)
        .ok_or_else(|| SchemaError::new(key, "is required"))?;
    convert(key, value)
}

fn optional<T: DeserializeOwned + Default>(root: &mut Table, key: &str) -> Result<T, SchemaError> {
    root.remove(key)
        .map_or_else(|| Ok(T::default()), |value| convert(key, value))
}

fn entries<T: DeserializeOwned>(
    root: &mut Table,
    key: &str,
) -> Result<Vec<(String, T)>, SchemaError> {
    let table: Table = optional(root, key)?;
    table
        .into_iter()
        .map(|(name, value)| Ok((name.clone(), convert(&format!("{key}.{name}"), value)?)))
        .collect()
}

fn convert<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, SchemaError> {
    value
        .try_into()
        .map_err(|error: toml::de::Error| SchemaError::new(path, error.message()))
}
