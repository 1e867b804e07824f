//! Event ids: the client's own UUID, one derived from the Idempotency-Key, or a new `UUIDv7`. RFC 9562.
//! No clock and no entropy source here: the caller gives the receive time and a seed.

/// The bytes of a UUID in network order.
pub type EventId = [u8; 16];

/// Random bytes drawn from BLAKE3 at once: one call serves 128 ids.
const POOL_BYTES: usize = 1024;
/// Bits behind the time that are not version or variant.
const TAIL_BITS: u32 = 74;
/// The context string of BLAKE3's key derivation: these hashes mean nothing elsewhere.
const DERIVE_CONTEXT: &str = "ingest 2026-11 event id of an idempotent request";
const SHARD_CONTEXT: &str = "ingest 2026-11 shard of a named batch";

/// Makes `UUIDv7` ids that grow strictly, also when the receive time stands still or goes back:
/// then the tail grows by a random step (RFC 9562 section 6.2, method 2).
pub struct IdGenerator {
    source: blake3::OutputReader,
    pool: [u8; POOL_BYTES],
    used: usize,
    last_ms: u64,
    tail: u128,
}

impl IdGenerator {
    /// `seed`: 32 bytes of true randomness, another for every encoder.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let source = blake3::Hasher::new_keyed(seed).finalize_xof();
        Self {
            source,
            pool: [0; POOL_BYTES],
            used: POOL_BYTES,
            last_ms: 0,
            tail: 0,
        }
    }

    /// The next id at `now_ms` (48 bits of unix milliseconds).
    #[inline]
    pub fn next(&mut self, now_ms: u64) -> EventId {
        if now_ms > self.last_ms {
            self.restart(now_ms);
        } else {
            self.tail += 1 + u128::from(self.random() >> 32);
            if self.tail >> TAIL_BITS != 0 {
                self.restart(self.last_ms + 1);
            }
        }
        stamp(self.last_ms, self.tail, 7)
    }

    /// Begins a millisecond in the lower half of the tail's range, so that it has room to grow.
    fn restart(&mut self, now_ms: u64) {
        self.last_ms = now_ms;
        self.tail =
            (u128::from(self.random()) << 64 | u128::from(self.random())) >> (128 - TAIL_BITS + 1);
    }

    #[inline]
    fn random(&mut self) -> u64 {
        if self.used == POOL_BYTES {
            self.source.fill(&mut self.pool);
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.pool[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }
}

/// ms in 48 bits, version, 12 bits of tail, variant, 62 bits of tail.
#[inline]
fn stamp(ms: u64, tail: u128, version: u128) -> EventId {
    let high = (tail >> 62) & 0xfff;
    let low = tail & ((1 << 62) - 1);
    let time = u128::from(ms & 0xffff_ffff_ffff);
    (time << 80 | version << 76 | high << 64 | 0b10 << 62 | low).to_be_bytes()
}

/// What all derived ids of one request share: a hash key made of project and Idempotency-Key.
pub struct RequestKey {
    key: [u8; 32],
    /// Position and bytes of an event side by side: one slice is hashed 65 ns faster than two updates.
    input: Vec<u8>,
}

impl RequestKey {
    #[must_use]
    pub fn new(project: &[u8; 16], key: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DERIVE_CONTEXT);
        hasher.update(project).update(key.as_bytes());
        Self {
            key: *hasher.finalize().as_bytes(),
            input: Vec::new(),
        }
    }

    /// The id of the event at `position` in the request: the same bytes at the same place give the same id.
    pub fn derive(&mut self, timestamp_us: i64, position: u32, event: &[u8]) -> EventId {
        self.input.clear();
        self.input.extend_from_slice(&position.to_le_bytes());
        self.input.extend_from_slice(event);
        let hash = blake3::keyed_hash(&self.key, &self.input);
        let tail = hash
            .as_bytes()
            .first_chunk()
            .map_or(0, |head| u128::from_le_bytes(*head));
        let ms = u64::try_from(timestamp_us.div_euclid(1000)).unwrap_or(0);
        stamp(ms, tail >> (128 - TAIL_BITS), 8)
    }
}

/// A well-spread number for a named batch, so that a retry meets its first try in the same shard.
#[must_use]
pub fn shard_hash(project: &[u8; 16], name: &[u8]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key(SHARD_CONTEXT);
    let mut word = [0; 8];
    hasher
        .update(project)
        .update(name)
        .finalize_xof()
        .fill(&mut word);
    u64::from_le_bytes(word)
}

/// The value of each hexadecimal digit, 0xff for other bytes.
const HEX_VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit as usize] as usize] = digit;
        values[b"0123456789ABCDEF"[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
};

/// Reads the hyphenated form of 36 characters (8-4-4-4-12), in either case; no braces, no URN, no bare digits.
/// None also for the nil and the max UUID, which name nothing.
#[must_use]
pub fn parse(text: &[u8]) -> Option<EventId> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let mut digits = text
        .iter()
        .enumerate()
        .filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
    let mut id = [0; 16];
    for byte in &mut id {
        let (high, low) = (digits.next()?.1, digits.next()?.1);
        let (high, low) = (HEX_VALUES[*high as usize], HEX_VALUES[*low as usize]);
        if high | low > 15 {
            return None;
        }
        *byte = high << 4 | low;
    }
    (id != [0; 16] && id != [0xff; 16]).then_some(id)
}

/// The hyphenated lower-case form.
#[inline]
#[must_use]
pub fn format(id: &EventId) -> [u8; 36] {
    const GROUPS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; 36];
    for (byte, at) in id.iter().zip(GROUPS) {
        let pair = HEX_PAIRS[*byte as usize];
        text[at] = pair[0];
        text[at + 1] = pair[1];
    }
    text
}

const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [
            b"0123456789abcdef"[byte >> 4],
            b"0123456789abcdef"[byte & 15],
        ];
        byte += 1;
    }
    pairs
};
