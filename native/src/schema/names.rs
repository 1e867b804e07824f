//! A fixed set of names, looked up by the bytes of a key. Up to 16 bytes a name is its own hash input, so that most
//! keys are found without comparing strings: two words and the length say it all.

/// Names by number, in the order they were given.
#[derive(Debug)]
pub struct Names {
    list: Vec<Box<str>>,
    /// Four times as many as names, a power of two; open addressing.
    slots: Vec<Slot>,
    shift: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    words: Words,
    /// Of the name plus one; 0 for a free slot.
    number: usize,
}

/// First and last eight bytes (overlapping or padded) and the length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Words {
    head: u64,
    tail: u64,
    length: usize,
}

/// Names up to this length are equal when their words are.
const WORDS_BYTES: usize = 16;

impl Names {
    /// `names` are distinct.
    #[must_use]
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let list: Vec<Box<str>> = names.into_iter().map(Box::from).collect();
        let bits = (list.len() * 4).next_power_of_two().max(2).trailing_zeros();
        let slots = vec![Slot::default(); 1 << bits];
        let mut table = Self {
            list,
            slots,
            shift: u64::BITS - bits,
        };
        for number in 0..table.list.len() {
            table.insert(number);
        }
        table
    }

    fn insert(&mut self, number: usize) {
        let words = Words::of(self.list[number].as_bytes());
        let mut place = words.place(self.shift);
        while self.slots[place].number != 0 {
            place = (place + 1) & (self.slots.len() - 1);
        }
        self.slots[place] = Slot {
            words,
            number: number + 1,
        };
    }

    /// The number of `key`, if it is one of the names.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let words = Words::of(key);
        let mut place = words.place(self.shift);
        loop {
            let slot = &self.slots[place];
            let number = slot.number.checked_sub(1)?;
            if slot.words == words
                && (key.len() <= WORDS_BYTES || self.list[number].as_bytes() == key)
            {
                return Some(number);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
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

impl Words {
    #[inline]
    fn of(key: &[u8]) -> Self {
        let length = key.len();
        let (head, tail) = if let (Some(head), Some(tail)) =
            (key.first_chunk::<8>(), key.last_chunk::<8>())
        {
            (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
        } else if let (Some(head), Some(tail)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (
                u64::from(u32::from_le_bytes(*head)),
                u64::from(u32::from_le_bytes(*tail)),
            )
        } else {
            (
                key.iter()
                    .fold(0, |word, &byte| word << 8 | u64::from(byte)),
                0,
            )
        };
        Self { head, tail, length }
    }

    /// The top bits of a product (Fibonacci hashing).
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "shifted down to the table's size"
    )]
    fn place(&self, shift: u32) -> usize {
        let folded = self.head ^ self.tail.rotate_left(23) ^ (self.length as u64) << 56;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
    }
}
