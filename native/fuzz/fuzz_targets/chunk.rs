//! Any bytes as tuples: a chunk takes them whole, equal and countable, or not at all.
#![no_main]

use ingest_native::chunk::{Chunk, Kind};
use ingest_native::entry::{FLAG_NAMED, Stamp, pack};
use ingest_native::tuple::{COPY_HEADER, Tuple};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, bool, u8, &[u8])| {
    let (is_named, compress, claimed, tuples) = input;
    let rows = count(tuples);
    let flags = if is_named { FLAG_NAMED } else { 0 };
    let kind = if is_named {
        Kind::Named
    } else {
        Kind::Straight
    };
    let stamp = Stamp {
        fingerprint: [0; 8],
        producer: 1,
        sequence: 2,
        flags,
    };
    // Most inputs state the right number of rows, some another one.
    let stated = if claimed < 250 {
        rows.unwrap_or(1)
    } else {
        usize::from(claimed)
    };
    let (header, data) =
        pack(stamp, stated as u32, tuples, compress).expect("fuzz inputs are small");

    let mut chunk = Chunk::new();
    let pushed = chunk.push(&header, &data);
    assert_eq!(pushed.is_ok(), rows == Some(stated));
    let added = pushed.unwrap_or(0);
    assert_eq!(chunk.rows(kind), added);
    assert_eq!(chunk.ledger().values().sum::<u64>(), added as u64);
    if added == 0 {
        assert_eq!(chunk.nbytes(), 0);
        return;
    }
    assert_eq!(chunk.bytes(kind), [&COPY_HEADER[..], tuples].concat());
    assert_eq!(chunk.tuples(kind, 0..added), Some(tuples));
    let last = chunk.row(kind, added - 1).expect("the last row");
    assert!(tuples.ends_with(last.raw) && chunk.row(kind, added).is_none());
    chunk.push(&header, &data).expect("a second time");
    assert_eq!(chunk.tuples(kind, added..2 * added), Some(tuples));
});

/// The number of tuples, if `bytes` is nothing but tuples.
fn count(mut bytes: &[u8]) -> Option<usize> {
    let mut rows = 0;
    while !bytes.is_empty() {
        bytes = &bytes[Tuple::first(bytes).ok()?.raw.len()..];
        rows += 1;
    }
    Some(rows)
}
