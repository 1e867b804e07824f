//! The reading side of a tuple: checks its structure and finds its columns. The slow twin of the writing side.
//!
//! ```text
//!   0      2                22               42            54            66
//!   +------+----------------+----------------+-------------+-------------+-----------------------------------------+
//!   | i16  | i32 = 16       | i32 = 16       | i32 = 8     | i32 = 8     | i32 + text | i32 + text | i32 + text | ..|
//!   | = 8  | event_id       | project_id     | timestamp   | received_at | event_type | user_id    | session_id | ..|
//!   +------+----------------+----------------+-------------+-------------+-----------------------------------------+
//!                                                             .. | i32 + 01 + text properties (jsonb version 1)
//! ```
//!
//! Big endian, as `PostgreSQL` wants it; -1 as a length is NULL, for `user_id` and `session_id` alone. What the texts
//! hold was checked when they were written; here only their places are, so that no claim of length is trusted.

/// What a COPY BINARY stream begins with: signature, flags, length of the header's extension.
pub const COPY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Microseconds from 1970 to 2000, where `PostgreSQL` begins to count.
pub const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;
/// End of the year 9999. Tuples outside 1970..=9999 cannot come from an encoder, so they count as damaged.
const MAX_UNIX_US: i64 = 253_402_300_799_999_999;

const COLUMNS: [u8; 2] = 8_i16.to_be_bytes();
const UUID_LENGTH: [u8; 4] = 16_i32.to_be_bytes();
const TIME_LENGTH: [u8; 4] = 8_i32.to_be_bytes();
const JSONB_VERSION: u8 = 1;
const FIXED_BYTES: usize = 66;

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
        if fixed[2..6] != UUID_LENGTH || fixed[22..26] != UUID_LENGTH {
            return Err("an id is not 16 bytes long");
        }
        if fixed[42..46] != TIME_LENGTH || fixed[54..58] != TIME_LENGTH {
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
            event_id: field(fixed, 6),
            project_id: field(fixed, 26),
            timestamp_us: unix_us(field(fixed, 46))?,
            received_at_us: unix_us(field(fixed, 58))?,
            event_type,
            user_id,
            session_id,
            properties,
        })
    }
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
        .checked_add(EPOCH_OFFSET_US)
        .filter(|us| (0..=MAX_UNIX_US).contains(us))
        .ok_or("a timestamp is outside the years 1970 to 9999")
}

fn field<const N: usize>(bytes: &[u8; FIXED_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[offset + index])
}
