//! How a device is to be used.

use std::{fmt, sync::Arc};

use hotloop_regs::ParameterSet;

/// The prover's own permutation, for checking what the board hashed. Adapters implement it with their prover's code,
/// so that a check compares board and prover, not two of our own opinions.
pub trait Reference: Send + Sync {
    /// Permutes a state in place. Any 64 bits come in, canonical values go out.
    fn permute(&self, state: &mut [u64; 12]);
}

/// How much of every result is checked before it is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Nothing. The prover's own verify is the only gate.
    Off,
    /// Transforms at a random point drawn after the results landed, random leaves and paths of trees, random states,
    /// the nonce. A wrong evaluation or nonce is found (but for a chance below 2^-30); one wrong node among n of a
    /// tree is found with a chance of about [`crate::SPOT_SAMPLES`]/n, or more near the root.
    #[default]
    Spot,
    /// Everything is computed again on the host. For tests and suspicious boards: it is slower than no board.
    Full,
}

/// How a device is to be used. `Options::default()` is `plonky2-v1`, spot checks, no reference, 4 GiB.
#[derive(Clone)]
pub struct Options {
    /// Parameter set of every job.
    pub set: ParameterSet,
    /// Checks on results.
    pub check: Check,
    /// The prover's own permutation; hash, permute and grind jobs need it unless `check` is [`Check::Off`].
    pub reference: Option<Arc<dyn Reference>>,
    /// Most bytes of buffers that are shared with the board at one time.
    pub memory_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { set: ParameterSet::Plonky2V1, check: Check::default(), reference: None, memory_limit: 4 << 30 }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("set", &self.set.name())
            .field("check", &self.check)
            .field("reference", &self.reference.is_some())
            .field("memory_limit", &self.memory_limit)
            .finish()
    }
}
