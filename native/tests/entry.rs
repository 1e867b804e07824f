//! The header byte by byte, and everything that may be wrong with an entry.
#![allow(clippy::unwrap_used, reason = "tests")]

mod tuples;

use ingest_native::entry::{EntryError, HEADER_BYTES, Header, MAX_RAW_BYTES, pack};
use proptest::prelude::*;
use tuples::{Columns, entry, stamp, tuple};

/// The header with other bytes at `offset` and a checksum that fits again.
fn forged(
    header: [u8; HEADER_BYTES],
    data: &[u8],
    offset: usize,
    bytes: &[u8],
) -> [u8; HEADER_BYTES] {
    let mut header = header;
    header[offset..offset + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..48]), data);
    header[48..].copy_from_slice(&crc.to_le_bytes());
    header
}

fn unpack(header: &[u8], data: &[u8]) -> Result<Vec<u8>, EntryError> {
    let mut out = Vec::new();
    Header::unpack(header, data, &mut out).map(|_| out)
}

#[test]
fn header_is_golden() {
    let (header, data) = entry(1, 3, b"xyz", false);
    let mut golden = b"ingE\x01\x00\x01\x00abcdefgh".to_vec();
    golden.extend_from_slice(b"\x08\x07\x06\x05\x04\x03\x02\x01\x09\0\0\0\0\0\0\0");
    golden.extend_from_slice(b"\x03\0\0\0\x03\0\0\0\x03\0\0\0\x01\0\0\0");
    let crc = crc32c::crc32c(&[&golden[..], b"xyz"].concat());
    golden.extend_from_slice(&crc.to_le_bytes());
    assert_eq!(header.to_vec(), golden);
    assert_eq!(data, b"xyz");
}

#[test]
fn checksum_is_castagnoli() {
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn compresses_only_for_a_gain() {
    let repeated = tuple(&Columns::default()).repeat(100);
    let (header, data) = entry(0, 100, &repeated, true);
    assert!(data.len() < repeated.len() / 4);
    assert_eq!(unpack(&header, &data), Ok(repeated));

    let noise = blake3_noise(4096);
    let (header, data) = entry(0, 1, &noise, true);
    assert_eq!((header[5], &data), (0, &noise));
    assert_eq!(unpack(&header, &data), Ok(noise));
}

fn blake3_noise(bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut out);
    out
}

#[test]
fn an_empty_entry_is_an_entry() {
    for compress in [false, true] {
        let (header, data) = entry(0, 0, b"", compress);
        assert_eq!(unpack(&header, &data), Ok(Vec::new()));
    }
}

#[test]
fn every_single_bit_matters() {
    let (header, data) = entry(0, 2, &tuple(&Columns::default()).repeat(2), true);
    let whole = [&header[..], &data].concat();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (header, data) = flipped.split_at(HEADER_BYTES);
        assert!(
            unpack(header, data).is_err(),
            "bit {bit} was changed and nobody saw"
        );
    }
}

#[test]
fn cuts_are_refused() {
    let (header, data) = entry(0, 1, &tuple(&Columns::default()), false);
    for length in 0..HEADER_BYTES {
        let error = unpack(&header[..length], &data).unwrap_err();
        assert_eq!(error.code(), "truncated", "{length} bytes of header");
    }
    for length in 0..data.len() {
        assert!(
            unpack(&header, &data[..length]).is_err(),
            "{length} bytes of data"
        );
    }
}

#[test]
fn strangers_are_named() {
    let (header, data) = entry(0, 1, b"xyz", false);
    let cases: [(usize, &[u8], &str); 9] = [
        (0, b"x", "bad_magic"),
        (4, &[2], "unknown_version"),
        (5, &[2], "codec"),
        (6, &[2], "unknown_version"),
        (36, &[4], "codec"),
        (36, &[0, 0, 0, 2], "too_large"),
        (40, &[4], "truncated"),
        (44, &[2], "unknown_layout"),
        (46, &[1], "unknown_version"),
    ];
    for (offset, bytes, code) in cases {
        let error = unpack(&forged(header, &data, offset, bytes), &data).unwrap_err();
        assert_eq!(error.code(), code, "offset {offset}: {error}");
    }
}

#[test]
fn a_later_version_is_told_from_damage() {
    let (header, data) = entry(0, 2, &tuple(&Columns::default()).repeat(2), true);
    for length in [9, 40, HEADER_BYTES, 60, 300] {
        let mut later = b"ingE\x02".to_vec();
        later.resize(length - 4, 7);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&later), &data);
        later.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(unpack(&later, &data), Err(EntryError::UnknownVersion(2)));
        later[5] ^= 1;
        assert!(matches!(
            unpack(&later, &data),
            Err(EntryError::Checksum | EntryError::Truncated { .. })
        ));
    }
    for bit in 0..40 {
        let mut damaged = header;
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(unpack(&damaged, &data), Err(EntryError::Checksum));
        assert_eq!(Header::claimed_rows(&damaged), 2);
    }
}

#[test]
fn no_header_claims_more_rows_than_could_be() {
    let (header, data) = entry(0, 1, b"xyz", false);
    assert_eq!(Header::claimed_rows(&header[..51]), 0);
    for (claim, told) in [(254_200_u32, 254_200), (254_201, 0), (u32::MAX, 0)] {
        let lie = forged(header, &data, 32, &claim.to_le_bytes());
        assert_eq!(Header::claimed_rows(&lie), told);
    }
}

#[test]
fn a_lying_size_allocates_no_more_than_the_bound() {
    let (header, data) = entry(0, 100, &tuple(&Columns::default()).repeat(100), true);
    let most = u32::try_from(MAX_RAW_BYTES).unwrap();
    let mut out = Vec::new();
    for claim in [most, 1] {
        let lie = forged(header, &data, 36, &claim.to_le_bytes());
        assert_eq!(
            Header::unpack(&lie, &data, &mut out),
            Err(EntryError::Codec)
        );
    }
    let lie = forged(header, &data, 36, &u32::MAX.to_le_bytes());
    assert_eq!(
        Header::unpack(&lie, &data, &mut out).unwrap_err().code(),
        "too_large"
    );
    assert!(out.is_empty() && out.capacity() <= MAX_RAW_BYTES);
    assert!(pack(stamp(0), 1, &vec![0; MAX_RAW_BYTES + 1], true).is_err());
}

proptest! {
    #[test]
    fn what_is_packed_unpacks(
        tuples in prop::collection::vec(0_u8..4, 0..2000), rows: u32, compress: bool, flags in 0_u16..2,
    ) {
        let (header, data) = entry(flags, rows, &tuples, compress);
        let mut out = b"before".to_vec();
        let read = Header::unpack(&header, &data, &mut out).unwrap();
        prop_assert_eq!((read.stamp, read.rows), (stamp(flags), rows));
        prop_assert_eq!(&out[6..], &tuples[..]);
        prop_assert_eq!(Header::read(&header), Ok(read));
    }

    #[test]
    fn nothing_makes_it_panic(header: Vec<u8>, data: Vec<u8>, like_lz4: bool) {
        let mut out = b"before".to_vec();
        prop_assert!(Header::unpack(&header, &data, &mut out).is_err());
        let (good, _) = entry(0, 1, &data, false);
        let codec = forged(good, &data, 5, &[u8::from(like_lz4)]);
        let _ = Header::unpack(&forged(codec, &data, 36, &[200, 1]), &data, &mut out);
        prop_assert!(out.starts_with(b"before"));
    }
}
