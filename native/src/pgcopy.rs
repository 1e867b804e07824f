//! COPY BINARY tuples, in one layout. `PostgreSQL`'s own format: see "Binary Format" under COPY in its manual.
//!
//! ```text
//! natts i16 = 8 │ 16 │ event_id    uuid  ┐ each field: its length as i32, then its bytes;
//!               │ 16 │ project_id  uuid  │ all integers big-endian; length -1 is NULL
//!               │  8 │ timestamp   i64 µs since 2000
//!               │  8 │ received_at i64 µs since 2000
//!               │  n │ event_type │ n or NULL │ user_id │ n or NULL │ session_id
//!               │  n │ properties  0x01 and JSON text
//! ```
//! Fixed widths come first, so that readers find them without walking.

use crate::identity::EventId;
use crate::timestamp::POSTGRES_EPOCH_US;

/// The columns of a tuple, in order.
pub const COLUMNS: [&str; 8] = [
    "event_id",
    "project_id",
    "timestamp",
    "received_at",
    "event_type",
    "user_id",
    "session_id",
    "properties",
];
/// The version of this layout.
pub const LAYOUT: u16 = 1;
/// Number of columns and the four fields of fixed width with their lengths.
pub const FIXED_BYTES: usize = 2 + 20 + 20 + 12 + 12;
/// Where each fixed field's bytes begin.
pub const EVENT_ID_AT: usize = 6;
pub const PROJECT_ID_AT: usize = 26;
pub const TIMESTAMP_AT: usize = 46;
pub const RECEIVED_AT_AT: usize = 58;
/// Version byte of jsonb's binary form.
pub const JSONB_VERSION: u8 = 1;

/// The fixed part of every tuple of one request; id and timestamp are filled in for each.
pub struct Template([u8; FIXED_BYTES]);

impl Template {
    #[must_use]
    pub fn new(project_id: &[u8; 16], received_at_us: i64) -> Self {
        let mut fixed = [0; FIXED_BYTES];
        fixed[1] = 8;
        fixed[5] = 16;
        fixed[25] = 16;
        fixed[PROJECT_ID_AT..PROJECT_ID_AT + 16].copy_from_slice(project_id);
        fixed[45] = 8;
        fixed[57] = 8;
        let received = (received_at_us - POSTGRES_EPOCH_US).to_be_bytes();
        fixed[RECEIVED_AT_AT..].copy_from_slice(&received);
        Self(fixed)
    }

    /// Begins a tuple.
    #[inline]
    pub fn write(&self, id: &EventId, timestamp_us: i64, out: &mut Vec<u8>) {
        let mut fixed = self.0;
        fixed[EVENT_ID_AT..EVENT_ID_AT + 16].copy_from_slice(id);
        let timestamp = (timestamp_us - POSTGRES_EPOCH_US).to_be_bytes();
        fixed[TIMESTAMP_AT..TIMESTAMP_AT + 8].copy_from_slice(&timestamp);
        out.extend_from_slice(&fixed);
    }
}

/// A text field.
#[inline]
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&length(text.len()));
    out.extend_from_slice(text);
}

/// A NULL field.
#[inline]
pub fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i32).to_be_bytes());
}

/// Begins a jsonb field whose text follows; `end_jsonb` fills in its length.
#[inline]
pub fn begin_jsonb(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0, 0, 0, 0, JSONB_VERSION]);
    out.len()
}

/// Ends the jsonb field whose text began at `start`.
#[inline]
pub fn end_jsonb(start: usize, out: &mut [u8]) {
    let bytes = length(out.len() - start + 1);
    out[start - 5..start - 1].copy_from_slice(&bytes);
}

/// Values are bounded by the body's size, far below 2 GiB.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a body is bounded far below 2^31 bytes"
)]
fn length(bytes: usize) -> [u8; 4] {
    (bytes as u32).to_be_bytes()
}
