//! Checks JSON events against a declared schema and encodes them as `PostgreSQL` COPY BINARY tuples.

pub mod chunk;
pub mod entry;
pub mod tuple;
