//! Checks JSON events against a declared schema and encodes them as `PostgreSQL` COPY BINARY tuples; packs tuples into
//! stream entries and reads them back. It does no IO, reads no clock and knows no Python (only `python` does).

pub mod batch;
pub mod chunk;
pub mod entry;
mod event;
pub mod identity;
pub mod keys;
pub mod limits;
mod members;
mod message;
mod nesting;
pub mod number;
mod pass;
pub mod pgcopy;
mod properties;
#[cfg(feature = "python")]
mod python;
pub mod reject;
pub mod request;
mod response;
pub mod scan;
pub mod schema;
pub mod string;
pub mod syntax;
pub mod timestamp;
pub mod tuple;
