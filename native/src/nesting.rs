//! The containers that a scanner is inside of, without recursion.

/// Which of the open containers are objects, a bit each: a megabyte of `[` takes 128 kB and no stack.
#[derive(Default)]
pub struct Nesting {
    bits: Vec<u64>,
    depth: usize,
}

impl Nesting {
    pub fn depth(&self) -> usize {
        self.depth
    }

    pub fn clear(&mut self) {
        self.depth = 0;
    }

    /// Out of the innermost container.
    pub fn pop(&mut self) {
        self.depth -= 1;
    }

    /// Into a container.
    pub fn push(&mut self, is_object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[word] = (self.bits[word] & !(1 << bit)) | (u64::from(is_object) << bit);
        self.depth += 1;
    }

    /// Whether the innermost container is an object; there must be one.
    pub fn is_object(&self) -> bool {
        let top = self.depth - 1;
        self.bits[top / 64] >> (top % 64) & 1 == 1
    }
}
