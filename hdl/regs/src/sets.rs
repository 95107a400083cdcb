//! What a parameter set says about transforms and trees. Host and hardware both take it from here; the hash's constants
//! are the hardware's alone (the host checks with the prover's own code).

use crate::ParameterSet;

/// How a set hashes leaves. All of them absorb blocks of eight elements into a state of twelve zeros by overwriting its
/// first eight words, permute after each, and take the first four words; a parent is the first four words of the
/// permutation of left ‖ right ‖ 0. Here is what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRule {
    /// A leaf of at most four elements is its own digest, padded with zeros.
    pub short_is_digest: bool,
    /// What a last block of fewer than eight elements leaves in the words beyond it.
    pub last_block: LastBlock,
}

/// What is absorbed beyond the last elements of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBlock {
    /// The words stay what the last permutation made of them.
    Kept,
    /// The words become zero.
    Zeroed,
}

impl ParameterSet {
    /// The generator of order 2^32. `plonky2-v1`: `POWER_OF_TWO_GENERATOR` of plonky2_field 1.0, `goldilocks_field.rs`;
    /// the others: that of plonky2_field 0.2.2, `goldilocks_field.rs:87`, and `TWO_ADIC_GENERATORS[32]` of p3-goldilocks
    /// 0.5.4, `src/goldilocks.rs:119`.
    pub const fn generator(self) -> u64 {
        match self {
            ParameterSet::Plonky2V1 => 7_277_203_076_849_721_926,
            ParameterSet::Plonky2V0
            | ParameterSet::Plonky3Goldilocks
            | ParameterSet::Miden
            | ParameterSet::Plonky3Poseidon2 => 1_753_635_133_440_165_772,
        }
    }

    /// The shift of low-degree extensions. `plonky2-v1`: `coset_shift()` of plonky2_field 1.0; the others: the
    /// multiplicative generator, `goldilocks_field.rs:80` of plonky2_field 0.2.2 and `GENERATOR` of p3-goldilocks 0.5.4,
    /// `src/goldilocks.rs:388`.
    pub const fn coset_shift(self) -> u64 {
        match self {
            ParameterSet::Plonky2V1 => 14_293_326_489_335_486_720,
            ParameterSet::Plonky2V0
            | ParameterSet::Plonky3Goldilocks
            | ParameterSet::Miden
            | ParameterSet::Plonky3Poseidon2 => 7,
        }
    }

    /// How leaves are hashed. plonky2: `hash_or_noop`, plonky2 1.1.0, `plonk/config.rs:63`. Plonky3: `PaddingFreeSponge`
    /// of p3-symmetric 0.5.4, `src/sponge.rs:39`. Miden: `StatefulSponge` of miden-stateful-hasher 0.25.1,
    /// `src/field_sponge.rs:36`, which miden-air 0.23.5 names as its tree's (`src/config.rs:159`).
    pub const fn leaf_rule(self) -> LeafRule {
        match self {
            ParameterSet::Plonky2V1 | ParameterSet::Plonky2V0 => {
                LeafRule { short_is_digest: true, last_block: LastBlock::Kept }
            }
            ParameterSet::Plonky3Goldilocks | ParameterSet::Plonky3Poseidon2 => {
                LeafRule { short_is_digest: false, last_block: LastBlock::Kept }
            }
            ParameterSet::Miden => LeafRule { short_is_digest: false, last_block: LastBlock::Zeroed },
        }
    }
}
