//! The keys of rows as arrays in `PostgreSQL`'s binary format, to ask a table which of them it has.
//!
//! ```text
//! dimensions i32 = 1 | has nulls i32 = 0 | type's oid u32 | length i32 | first index i32 = 1 | elements
//! element: bytes i32 | value
//! ```

use std::collections::HashSet;
use std::ops::Range;

use crate::pgcopy::{EVENT_ID_AT, PROJECT_ID_AT, TIMESTAMP_AT};

const UUID: Column = Column {
    oid: 2950,
    width: 16,
};
const TIMESTAMPTZ: Column = Column {
    oid: 1184,
    width: 8,
};
/// `event_id`, `project_id` and timestamp lie side by side, so that a tuple's key is one slice.
const KEY: Range<usize> = EVENT_ID_AT..TIMESTAMP_AT + TIMESTAMPTZ.width;

/// Keys of some rows; a row with the key of an earlier one is only in `repeated`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Keys {
    pub rows: Vec<usize>,
    pub repeated: Vec<usize>,
    /// One array each, in the order of `rows`.
    pub event_ids: Vec<u8>,
    pub project_ids: Vec<u8>,
    pub timestamps: Vec<u8>,
}

impl Keys {
    /// Takes the keys of tuples, each given with the number of its row.
    pub fn of<'a>(tuples: impl Iterator<Item = (usize, &'a [u8])>) -> Self {
        let (mut keys, mut seen) = (Self::default(), HashSet::new());
        let mut found = Vec::new();
        for (row, tuple) in tuples {
            if seen.insert(&tuple[KEY]) {
                keys.rows.push(row);
                found.push(tuple);
            } else {
                keys.repeated.push(row);
            }
        }
        keys.event_ids = UUID.array(&found, EVENT_ID_AT);
        keys.project_ids = UUID.array(&found, PROJECT_ID_AT);
        keys.timestamps = TIMESTAMPTZ.array(&found, TIMESTAMP_AT);
        keys
    }
}

struct Column {
    oid: u32,
    width: usize,
}

impl Column {
    /// The length word stands before each value in a tuple as it does in an array.
    fn array(&self, tuples: &[&[u8]], at: usize) -> Vec<u8> {
        let length = i32::try_from(tuples.len()).unwrap_or(i32::MAX);
        let head = [
            1_i32.to_be_bytes(),
            0_i32.to_be_bytes(),
            self.oid.to_be_bytes(),
            length.to_be_bytes(),
            1_i32.to_be_bytes(),
        ];
        let mut array = Vec::with_capacity(20 + tuples.len() * (4 + self.width));
        array.extend(head.as_flattened());
        for tuple in tuples {
            array.extend_from_slice(&tuple[at - 4..at + self.width]);
        }
        array
    }
}
