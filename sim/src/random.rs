//! Repeatable stalls.

/// A xorshift generator, or none.
pub(crate) struct Random {
    start: u64,
    state: u64,
}

impl Random {
    /// Stalls from a seed; none without one.
    pub fn new(seed: Option<u64>) -> Random {
        // Zero is the generator's fixed point, here: never stall. The constant is odd, which keeps every seed away
        // from it.
        let start = seed.map_or(0, |seed| seed.wrapping_mul(2) ^ 0x9e37_79b9_7f4a_7c15);
        Random { start, state: start }
    }

    /// Begins again.
    pub fn restart(&mut self) {
        self.state = self.start;
    }

    /// True for about a third of all calls.
    #[inline]
    pub fn stall(&mut self) -> bool {
        if self.state == 0 {
            return false;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 32).is_multiple_of(3)
    }
}
