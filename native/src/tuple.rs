//! The reading side of a tuple: checks its structure and finds its columns.
//!
//! `pgcopy` draws the bytes. NULL is for `user_id` and `session_id` alone. What the texts hold was checked when they were
//! written; here only their places are, so that no claim of length is trusted.

use crate::pgcopy::{
    EVENT_ID_AT, FIXED_BYTES, JSONB_VERSION, PROJECT_ID_AT, RECEIVED_AT_AT, TIMESTAMP_AT,
};
use crate::timestamp::POSTGRES_EPOCH_US;

/// What a COPY BINARY stream begins with: signature, flags, length of the header's extension.
pub const COPY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// End of the year 9999. Tuples outside 1970..=9999 cannot come from an encoder, so they count as damaged.
const MAX_UNIX_US: i64 = 253_402_300_799_999_999;

const COLUMNS: [u8; 2] = 8_i16.to_be_bytes();
const UUID_LENGTH: [u8; 4] = 16_i32.to_be_bytes();
const TIME_LENGTH: [u8; 4] = 8_i32.to_be_bytes();

/// One row of a COPY BINARY stream, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuple<'a> {
    /// The whole tuple, from its column count on.
    pub raw: &'a [u8],
    pub event_id: [u8; 16],
    pub project_id: [u8; 16],
    /// Unix microseconds.
    pub timestamp_us: i64,
    pub received_at_us: i64,
    pub event_type: &'a [u8],
    pub user_id: Option<&'a [u8]>,
    pub session_id: Option<&'a [u8]>,
    /// JSON text, without the version byte of jsonb.
    pub properties: &'a [u8],
}

impl<'a> Tuple<'a> {
    /// Reads the tuple that `bytes` begins with.
    ///
    /// # Errors
    /// The reason, when its structure is not that of an encoder's tuple. The trailer of a COPY is one such.
    pub fn first(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (fixed, mut rest) = bytes
            .split_first_chunk::<FIXED_BYTES>()
            .ok_or("the fixed columns are cut off")?;
        if fixed[0..2] != COLUMNS {
            return Err("the column count is not 8");
        }
        if length(fixed, EVENT_ID_AT) != UUID_LENGTH || length(fixed, PROJECT_ID_AT) != UUID_LENGTH
        {
            return Err("an id is not 16 bytes long");
        }
        if length(fixed, TIMESTAMP_AT) != TIME_LENGTH
            || length(fixed, RECEIVED_AT_AT) != TIME_LENGTH
        {
            return Err("a timestamp is not 8 bytes long");
        }
        let event_type = take_column(&mut rest)?.ok_or("event_type is null")?;
        let user_id = take_column(&mut rest)?;
        let session_id = take_column(&mut rest)?;
        let jsonb = take_column(&mut rest)?.ok_or("properties is null")?;
        let Some((&JSONB_VERSION, properties)) = jsonb.split_first() else {
            return Err("properties is not jsonb version 1");
        };
        Ok(Self {
            raw: &bytes[..bytes.len() - rest.len()],
            event_id: field(fixed, EVENT_ID_AT),
            project_id: field(fixed, PROJECT_ID_AT),
            timestamp_us: unix_us(field(fixed, TIMESTAMP_AT))?,
            received_at_us: unix_us(field(fixed, RECEIVED_AT_AT))?,
            event_type,
            user_id,
            session_id,
            properties,
        })
    }
}

/// What stands before the bytes of a fixed column.
fn length(fixed: &[u8; FIXED_BYTES], column_at: usize) -> [u8; 4] {
    field(fixed, column_at - 4)
}

fn take_column<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let (length, tail) = rest
        .split_first_chunk::<4>()
        .ok_or("a column's length is cut off")?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        *rest = tail;
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| "a column's length is negative")?;
    let (column, tail) = tail.split_at_checked(length).ok_or("a column is cut off")?;
    *rest = tail;
    Ok(Some(column))
}

fn unix_us(bytes: [u8; 8]) -> Result<i64, &'static str> {
    i64::from_be_bytes(bytes)
        .checked_add(POSTGRES_EPOCH_US)
        .filter(|us| (0..=MAX_UNIX_US).contains(us))
        .ok_or("a timestamp is outside the years 1970 to 9999")
}

fn field<const N: usize>(bytes: &[u8; FIXED_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[offset + index])
}
