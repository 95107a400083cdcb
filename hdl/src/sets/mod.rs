//! Parameter sets: what fixes generators, hash and constants, as values that engines are generated from.

pub mod plonky2_poseidon;

use hotloop_regs::ParameterSet;

use crate::field::Field;

/// Everything an engine needs to know of a parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTables {
    /// Which set.
    pub set: ParameterSet,
    /// Its field.
    pub field: Field,
    /// Generator of the subgroup of order 2^32.
    pub generator: u64,
    /// Poseidon's constants.
    pub poseidon: PoseidonTables,
}

/// Poseidon of width 12 with S-box x^7 and 4 + 22 + 4 rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoseidonTables {
    /// Added before the S-boxes, a line per round.
    pub round_constants: Vec<[u64; 12]>,
    /// First row of the circulant part of the MDS matrix: out[r] = Σ_i circulant[i] · in[(i + r) mod 12] + …
    pub circulant: [u64; 12],
    /// … + diagonal[r] · in[r].
    pub diagonal: [u64; 12],
}

/// Full rounds before and after the partial ones.
pub const HALF_FULL_ROUNDS: usize = 4;
/// Partial rounds.
pub const PARTIAL_ROUNDS: usize = 22;

impl SetTables {
    /// plonky2 and starky 1.x. Generator: `POWER_OF_TWO_GENERATOR` of plonky2_field 1.0, `goldilocks_field.rs`; MDS:
    /// plonky2 1.1.0, `hash/poseidon_goldilocks.rs:24`.
    pub fn plonky2_v1() -> SetTables {
        SetTables {
            set: ParameterSet::Plonky2V1,
            field: Field::GOLDILOCKS,
            generator: 7_277_203_076_849_721_926,
            poseidon: PoseidonTables {
                round_constants: plonky2_poseidon::ROUND_CONSTANTS.to_vec(),
                circulant: [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20],
                diagonal: [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            },
        }
    }

    /// w_N for N = 2^`log_n`.
    pub fn root(&self, log_n: u32) -> u64 {
        self.field.pow(self.generator, 1 << (32 - log_n))
    }
}
