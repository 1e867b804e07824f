//! A fixed set of names, looked up by the bytes of a key: the hash reads at most 16 of them.

/// Names by number, in the order they were given.
#[derive(Debug)]
pub struct Names {
    list: Vec<Box<str>>,
    /// Number of a name plus one, 0 for none; four times as many slots as names, a power of two.
    slots: Vec<u16>,
    shift: u32,
}

impl Names {
    /// `names` are distinct and fewer than 2^14.
    #[must_use]
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let list: Vec<Box<str>> = names.into_iter().map(Box::from).collect();
        let bits = (list.len() * 4).next_power_of_two().max(2).trailing_zeros();
        let mut table = Self {
            list,
            slots: vec![0; 1 << bits],
            shift: u64::BITS - bits,
        };
        for number in 0..table.list.len() {
            table.insert(number);
        }
        table
    }

    fn insert(&mut self, number: usize) {
        let mut slot = self.slot(self.list[number].as_bytes());
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = u16::try_from(number + 1).unwrap_or(0);
    }

    /// The number of `key`, if it is one of the names.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let mut slot = self.slot(key);
        loop {
            let number = usize::from(self.slots[slot]).checked_sub(1)?;
            if self.list[number].as_bytes() == key {
                return Some(number);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// The top bits of a product (Fibonacci hashing).
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "shifted down to the table's size"
    )]
    fn slot(&self, key: &[u8]) -> usize {
        (fold(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    #[must_use]
    pub fn get(&self, number: usize) -> &str {
        &self.list[number]
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|name| &**name)
    }
}

/// Length, first eight and last eight bytes in one word; names alike in all of these share a slot's run.
#[inline]
fn fold(key: &[u8]) -> u64 {
    let length = key.len() as u64;
    if let (Some(head), Some(tail)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        return u64::from_le_bytes(*head)
            ^ u64::from_le_bytes(*tail).rotate_left(23)
            ^ length << 56;
    }
    if let (Some(head), Some(tail)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*head))
            | u64::from(u32::from_le_bytes(*tail)) << 32 ^ length << 56;
    }
    key.iter()
        .fold(length, |word, &byte| word << 8 | u64::from(byte))
}
