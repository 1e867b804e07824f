//! Tuples and entries made by hand, so that the reading side is not tested with the writing side's own idea of them.

use ingest_native::entry::{HEADER_BYTES, Stamp, pack};

/// 2024-06-01T00:30:00Z.
pub const NOON_US: i64 = 1_717_201_800_000_000;

pub struct Columns {
    pub project: u8,
    pub timestamp_us: i64,
    pub received_at_us: i64,
    pub user_id: Option<&'static str>,
    pub properties: &'static str,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            project: 7,
            timestamp_us: NOON_US,
            received_at_us: NOON_US,
            user_id: Some("user_1"),
            properties: r#"{"price":12.50}"#,
        }
    }
}

pub fn tuple(columns: &Columns) -> Vec<u8> {
    let mut out = vec![0, 8];
    column(&mut out, Some(&[1; 16]));
    column(&mut out, Some(&[columns.project; 16]));
    for us in [columns.timestamp_us, columns.received_at_us] {
        column(
            &mut out,
            Some(&(us.wrapping_sub(946_684_800_000_000)).to_be_bytes()),
        );
    }
    column(&mut out, Some(b"page_view"));
    column(&mut out, columns.user_id.map(str::as_bytes));
    column(&mut out, None);
    column(
        &mut out,
        Some(&[&[1], columns.properties.as_bytes()].concat()),
    );
    out
}

fn column(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let length = bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.unwrap_or_default());
}

pub fn stamp(flags: u16) -> Stamp {
    Stamp {
        fingerprint: *b"abcdefgh",
        producer: 0x0102_0304_0506_0708,
        sequence: 9,
        flags,
    }
}

/// An entry with `flags` around `tuples`, of which there are `rows`.
pub fn entry(
    flags: u16,
    rows: u32,
    tuples: &[u8],
    compress: bool,
) -> ([u8; HEADER_BYTES], Vec<u8>) {
    let (header, data) = pack(stamp(flags), rows, tuples, compress).unwrap();
    (header, data.into_owned())
}
