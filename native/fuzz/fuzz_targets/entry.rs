//! Any header and data: no panic, no allocation above the bound, nothing left behind on an error. The checksum is made
//! to fit, or no input would get past it.
#![no_main]

use ingest_native::entry::{HEADER_BYTES, Header, MAX_RAW_BYTES, pack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((header, data)) = input.split_first_chunk::<HEADER_BYTES>() else {
        assert!(Header::read(input).is_err());
        return;
    };
    let mut header = *header;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..48]), data);
    header[48..].copy_from_slice(&crc.to_le_bytes());

    let mut out = b"before".to_vec();
    match Header::unpack(&header, data, &mut out) {
        Err(_) => assert_eq!(out, b"before"),
        Ok(read) => {
            assert!(out.starts_with(b"before") && out.len() <= MAX_RAW_BYTES + 6);
            let (packed, packed_data) =
                pack(read.stamp, read.rows, &out[6..], true).expect("within the bound");
            let mut again = Vec::new();
            let reread =
                Header::unpack(&packed, &packed_data, &mut again).expect("what was packed unpacks");
            assert_eq!(
                (reread.stamp, reread.rows, &again[..]),
                (read.stamp, read.rows, &out[6..])
            );
        }
    }
});
