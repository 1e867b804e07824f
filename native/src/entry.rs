//! One stream entry: a fixed header and a block of tuples. Packed by the workers, unpacked by the consumer.
//!
//! ```text
//!   0        4    5    6      8            16        24        32    36     40     44      46        48     52
//!   +--------+----+----+------+------------+---------+---------+-----+------+------+-------+---------+------+
//!   | "ingE" | v  | co | flag | fingerpr.  | produc. | sequen. | rows| raw  | data | layou | reserv. | crc  |
//!   | magic  | u8 | u8 | u16  | 8 bytes    | u64     | u64     | u32 | u32  | u32  | u16   | u16 = 0 | u32  |
//!   +--------+----+----+------+------------+---------+---------+-----+------+------+-------+---------+------+
//! ```
//!
//! Little endian. `v` is the version of this header, `co` the codec of the data (0 plain, 1 LZ4 block), `layout` the
//! version of the tuples inside. `raw` is the size of the tuples, `data` the size of what is stored.
//!
//! What holds for every version, so that one from later is told from one that is damaged: magic and version come first,
//! and the header's last four bytes are the CRC32C of the header before them and then the data. A reader that finds this
//! right and does not know the version, a layout or a flag must stop, not skip. Anything else is damage.

use std::borrow::Cow;

mod error;

pub use error::EntryError;

use crate::pgcopy::{FIXED_BYTES, LAYOUT};

pub const HEADER_BYTES: usize = 52;
/// Flag: holds ids that a client chose or that were derived from a key, so a second copy may exist.
pub const FLAG_NAMED: u16 = 1;
/// Bound of what one entry may unpack to: 16 MiB, 64 times the usual entry. Checked before anything is allocated.
pub const MAX_RAW_BYTES: usize = 16 << 20;

const MAGIC: [u8; 4] = *b"ingE";
const VERSION: u8 = 1;
const CODEC_PLAIN: u8 = 0;
const CODEC_LZ4: u8 = 1;
const CRC_OFFSET: usize = HEADER_BYTES - 4;
/// LZ4 must save one byte in so many, or unpacking costs more than the bytes.
const MIN_GAIN: usize = 8;

/// What the worker says of an entry; the rest of the header follows from the tuples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub fingerprint: [u8; 8],
    pub producer: u64,
    pub sequence: u64,
    pub flags: u16,
}

/// A header that has been read. Its sizes are only claims until [`Header::unpack`] has checked them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub stamp: Stamp,
    pub rows: u32,
    pub raw_bytes: u32,
    pub data_bytes: u32,
    codec: u8,
    layout: u16,
    reserved: u16,
}

/// Packs `tuples` into one entry: header and data. Plain data is borrowed.
///
/// With `compress` the data is an LZ4 block when that saves at least an eighth.
///
/// # Errors
/// [`EntryError::TooLarge`] above [`MAX_RAW_BYTES`].
pub fn pack(
    stamp: Stamp,
    rows: u32,
    tuples: &[u8],
    compress: bool,
) -> Result<([u8; HEADER_BYTES], Cow<'_, [u8]>), EntryError> {
    if tuples.len() > MAX_RAW_BYTES {
        return Err(EntryError::TooLarge(tuples.len()));
    }
    let shrunk = if compress { shrink(tuples) } else { None };
    let codec = if shrunk.is_some() {
        CODEC_LZ4
    } else {
        CODEC_PLAIN
    };
    let data = shrunk.map_or(Cow::Borrowed(tuples), Cow::Owned);
    let header = Header {
        stamp,
        rows,
        raw_bytes: bounded(tuples.len()),
        data_bytes: bounded(data.len()),
        codec,
        layout: LAYOUT,
        reserved: 0,
    };
    Ok((header.write(&data), data))
}

/// The size as the header's field; what is larger was refused before.
fn bounded(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn shrink(tuples: &[u8]) -> Option<Vec<u8>> {
    let packed = lz4_flex::block::compress(tuples);
    let saved = tuples.len().checked_sub(packed.len())?;
    (saved > 0 && saved >= tuples.len() / MIN_GAIN).then_some(packed)
}

impl Header {
    /// Reads a header without its data, so without its checksum: enough to route by, not to trust.
    ///
    /// # Errors
    /// What is not a header of this version, or states a layout, flag or size that is not known here.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        check_version(bytes)?;
        let fixed: &[u8; HEADER_BYTES] = bytes.try_into().map_err(|_| truncated(bytes))?;
        let header = Self::fields(fixed);
        if header.layout != LAYOUT {
            return Err(EntryError::UnknownLayout(header.layout));
        }
        if header.reserved != 0 || header.stamp.flags & !FLAG_NAMED != 0 {
            return Err(EntryError::UnknownFlags(header.stamp.flags));
        }
        if header.raw_bytes as usize > MAX_RAW_BYTES {
            return Err(EntryError::TooLarge(header.raw_bytes as usize));
        }
        Ok(header)
    }

    /// What the header says of its rows, whatever else of it is damaged; 0 where it says more than could be there.
    #[must_use]
    pub fn claimed_rows(bytes: &[u8]) -> u32 {
        let most = bounded(MAX_RAW_BYTES / FIXED_BYTES);
        let rows =
            <&[u8; HEADER_BYTES]>::try_from(bytes).map_or(0, |fixed| Self::fields(fixed).rows);
        if rows > most { 0 } else { rows }
    }

    /// Reads a header with its data and appends the tuples to `out`; on an error `out` is as it was.
    ///
    /// # Errors
    /// Those of [`Header::read`], a checksum or length that does not fit, or data that does not unpack.
    pub fn unpack(bytes: &[u8], data: &[u8], out: &mut Vec<u8>) -> Result<Self, EntryError> {
        check_sum(bytes, data)?;
        let header = Self::read(bytes)?;
        if data.len() != header.data_bytes as usize {
            return Err(EntryError::Truncated {
                expected: header.data_bytes as usize,
                found: data.len(),
            });
        }
        header.append(data, out)?;
        Ok(header)
    }

    fn append(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), EntryError> {
        let raw_bytes = self.raw_bytes as usize;
        match self.codec {
            CODEC_PLAIN if data.len() == raw_bytes => out.extend_from_slice(data),
            CODEC_LZ4 => {
                let start = out.len();
                out.resize(start + raw_bytes, 0);
                let unpacked = lz4_flex::block::decompress_into(data, &mut out[start..]);
                if !unpacked.is_ok_and(|bytes| bytes == raw_bytes) {
                    out.truncate(start);
                    return Err(EntryError::Codec);
                }
            }
            _ => return Err(EntryError::Codec),
        }
        Ok(())
    }

    fn write(&self, data: &[u8]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[5] = self.codec;
        bytes[6..8].copy_from_slice(&self.stamp.flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.stamp.fingerprint);
        bytes[16..24].copy_from_slice(&self.stamp.producer.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.stamp.sequence.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.rows.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.raw_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.data_bytes.to_le_bytes());
        bytes[44..46].copy_from_slice(&self.layout.to_le_bytes());
        bytes[46..48].copy_from_slice(&self.reserved.to_le_bytes());
        let crc = checksum(&bytes[..CRC_OFFSET], data);
        bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn fields(bytes: &[u8; HEADER_BYTES]) -> Self {
        let stamp = Stamp {
            flags: u16::from_le_bytes(field(bytes, 6)),
            fingerprint: field(bytes, 8),
            producer: u64::from_le_bytes(field(bytes, 16)),
            sequence: u64::from_le_bytes(field(bytes, 24)),
        };
        Self {
            stamp,
            codec: bytes[5],
            rows: u32::from_le_bytes(field(bytes, 32)),
            raw_bytes: u32::from_le_bytes(field(bytes, 36)),
            data_bytes: u32::from_le_bytes(field(bytes, 40)),
            layout: u16::from_le_bytes(field(bytes, 44)),
            reserved: u16::from_le_bytes(field(bytes, 46)),
        }
    }
}

/// Whether the bytes are as they were written, in this version or a later one.
fn check_sum(bytes: &[u8], data: &[u8]) -> Result<(), EntryError> {
    let sum = bytes.split_last_chunk::<4>();
    if sum.is_some_and(|(head, sum)| *sum == checksum(head, data).to_le_bytes()) {
        return Ok(());
    }
    if bytes.len() < HEADER_BYTES {
        return Err(truncated(bytes));
    }
    Err(EntryError::Checksum)
}

fn check_version(bytes: &[u8]) -> Result<(), EntryError> {
    if bytes.get(..4).is_some_and(|magic| magic != MAGIC) {
        return Err(EntryError::BadMagic);
    }
    match bytes.get(4) {
        Some(&VERSION) => Ok(()),
        Some(&version) => Err(EntryError::UnknownVersion(version)),
        None => Err(truncated(bytes)),
    }
}

fn truncated(bytes: &[u8]) -> EntryError {
    EntryError::Truncated {
        expected: HEADER_BYTES,
        found: bytes.len(),
    }
}

fn checksum(head: &[u8], data: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), data)
}

fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[offset + index])
}
