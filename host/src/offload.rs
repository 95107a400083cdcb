//! What a device did for a prover.

use std::ops::{AddAssign, Sub};

/// Work and traffic of a device since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// Jobs (descriptors) completed.
    pub jobs: u64,
    /// Permutations that the jobs asked for: one for each block of a leaf, each parent, each state, each nonce tried.
    pub permutations: u64,
    /// Radix-2 butterflies that the jobs asked for: N/2 · log2 N for each column and each transform of length N.
    pub butterflies: u64,
    /// Coefficients over the extension that were folded.
    pub folded: u64,
    /// Clock cycles, summed over the completions.
    pub cycles: u64,
    /// Bytes of inputs, parameter blocks and descriptors, each counted once.
    pub bytes_to_device: u64,
    /// Bytes of values that the board wrote and read back to hash them: commitments with more rows than its chip keeps.
    pub bytes_read_back: u64,
    /// Bytes of results and completions, each counted once.
    pub bytes_from_device: u64,
}

impl AddAssign for Offload {
    fn add_assign(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.permutations += other.permutations;
        self.butterflies += other.butterflies;
        self.folded += other.folded;
        self.cycles += other.cycles;
        self.bytes_to_device += other.bytes_to_device;
        self.bytes_read_back += other.bytes_read_back;
        self.bytes_from_device += other.bytes_from_device;
    }
}

impl Sub for Offload {
    type Output = Offload;

    /// What was added since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        Offload {
            jobs: self.jobs - earlier.jobs,
            permutations: self.permutations - earlier.permutations,
            butterflies: self.butterflies - earlier.butterflies,
            folded: self.folded - earlier.folded,
            cycles: self.cycles - earlier.cycles,
            bytes_to_device: self.bytes_to_device - earlier.bytes_to_device,
            bytes_read_back: self.bytes_read_back - earlier.bytes_read_back,
            bytes_from_device: self.bytes_from_device - earlier.bytes_from_device,
        }
    }
}
