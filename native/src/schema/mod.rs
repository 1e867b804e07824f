//! The declared rules for events: TOML text, compiled once into a plan that the encoder follows.

mod declaration;
mod error;
pub(crate) mod names;
mod pattern;
pub(crate) mod plan;
pub(crate) mod rule;
mod url;

pub use error::SchemaError;
use plan::Plan;

/// The rules used when no schema file is configured.
pub const BUILTIN: &str = include_str!("builtin.toml");
/// Bytes of the hash that names a schema.
pub const FINGERPRINT_BYTES: usize = 8;

/// A compiled schema and the text it came from.
#[derive(Debug)]
pub struct Schema {
    pub text: String,
    pub name: String,
    pub layout: u16,
    pub fingerprint: [u8; FINGERPRINT_BYTES],
    pub(crate) plan: Plan,
}

impl Schema {
    /// Compiles a schema's TOML text.
    ///
    /// # Errors
    /// Names the path in the text and what is wrong there.
    pub fn new(text: &str) -> Result<Self, SchemaError> {
        let declaration = declaration::parse(text)?;
        let plan = plan::compile(&declaration)?;
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        fingerprint.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..FINGERPRINT_BYTES]);
        Ok(Self {
            text: text.to_owned(),
            name: declaration.name,
            layout: declaration.layout,
            fingerprint,
            plan,
        })
    }

    /// The built-in rules.
    ///
    /// # Errors
    /// None in a build that passes its tests: they compile this text.
    pub fn builtin() -> Result<Self, SchemaError> {
        Self::new(BUILTIN)
    }
    /// The declared event types.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.plan.event_types.iter()
    }
}
