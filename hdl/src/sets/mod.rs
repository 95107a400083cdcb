//! Parameter sets: what fixes generators, hash and constants, as values that engines are generated from.

mod goldilocks_poseidon2;
pub mod plonky2_poseidon;
mod plonky3_poseidon;

use hotloop_regs::{LeafRule, ParameterSet};

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
    /// Its permutation.
    pub hash: Hash,
    /// How its leaves are hashed; [`hotloop_regs::LastBlock`] is each job's, by its set.
    pub leaves: LeafRule,
}

/// A permutation of twelve words with S-box x^7 and 4 + 22 + 4 rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hash {
    /// One matrix, twelve constants a round.
    Poseidon(PoseidonTables),
    /// Two matrices, one constant in partial rounds, and the external matrix once before the first round.
    Poseidon2(Poseidon2Tables),
}

/// Poseidon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoseidonTables {
    /// Added before the S-boxes, a line per round.
    pub round_constants: Vec<[u64; 12]>,
    /// First row of the circulant part of the MDS matrix: out[r] = Σ_i circulant[i] · in[(i + r) mod 12] + …
    pub circulant: [u64; 12],
    /// … + diagonal[r] · in[r].
    pub diagonal: [u64; 12],
}

/// Poseidon2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poseidon2Tables {
    /// First row of the circulant matrix M4; the external matrix is circ(2·M4, M4, M4).
    pub m4: [u64; 4],
    /// The internal matrix: out[r] = Σ_i in[i] + diagonal[r] · in[r].
    pub diagonal: [u64; 12],
    /// Added before the S-boxes of full rounds, a line for each.
    pub external_constants: Vec<[u64; 12]>,
    /// Added to word 0 in partial rounds.
    pub internal_constants: Vec<u64>,
}

/// Full rounds before and after the partial ones.
pub const HALF_FULL_ROUNDS: usize = 4;
/// Partial rounds.
pub const PARTIAL_ROUNDS: usize = 22;

impl SetTables {
    /// The tables of a set.
    pub fn of(set: ParameterSet) -> SetTables {
        let hash = match set {
            ParameterSet::Plonky2V1 | ParameterSet::Plonky2V0 => Hash::Poseidon(PoseidonTables::plonky2()),
            ParameterSet::Plonky3Goldilocks => Hash::Poseidon(PoseidonTables::plonky3()),
            ParameterSet::Miden | ParameterSet::Plonky3Poseidon2 => Hash::Poseidon2(Poseidon2Tables::plonky3()),
        };
        SetTables { set, field: Field::GOLDILOCKS, generator: set.generator(), hash, leaves: set.leaf_rule() }
    }

    /// The sets that a board made from this one holds: those that differ from it in nothing but what a last block leaves
    /// beyond it, which each job says.
    pub fn held(&self) -> Vec<ParameterSet> {
        let same = |set: &SetTables| SetTables {
            set: self.set,
            leaves: LeafRule { last_block: self.leaves.last_block, ..set.leaves },
            ..set.clone()
        };
        let own = SetTables::of(self.set);
        ParameterSet::ALL.iter().copied().filter(|&set| same(&SetTables::of(set)) == own).collect()
    }

    /// plonky2 and starky 1.x.
    pub fn plonky2_v1() -> SetTables {
        SetTables::of(ParameterSet::Plonky2V1)
    }

    /// w_N for N = 2^`log_n`.
    pub fn root(&self, log_n: u32) -> u64 {
        self.field.pow(self.generator, 1 << (32 - log_n))
    }
}

impl Hash {
    /// The matrix of full rounds: `out[r] = Σ_i row(r)[i] · in[i]`. Its entries are small.
    pub fn full_row(&self, r: usize) -> [u64; 12] {
        match self {
            Hash::Poseidon(t) => {
                let mut row = [0; 12];
                for (i, &c) in t.circulant.iter().enumerate() {
                    row[(i + r) % 12] += c;
                }
                row[r] += t.diagonal[r];
                row
            }
            Hash::Poseidon2(t) => std::array::from_fn(|c| {
                let entry = t.m4[(c + 4 - r % 4) % 4];
                if c / 4 == r / 4 {
                    2 * entry
                } else {
                    entry
                }
            }),
        }
    }

    /// A constant that word 0 gets in round `round`, for tests that spoil one.
    pub fn word_0_constant(&mut self, round: usize) -> &mut u64 {
        const MIDDLE: usize = HALF_FULL_ROUNDS + PARTIAL_ROUNDS;
        match self {
            Hash::Poseidon(t) => &mut t.round_constants[round][0],
            Hash::Poseidon2(t) => match round {
                0..HALF_FULL_ROUNDS => &mut t.external_constants[round][0],
                HALF_FULL_ROUNDS..MIDDLE => &mut t.internal_constants[round - HALF_FULL_ROUNDS],
                _ => &mut t.external_constants[round - PARTIAL_ROUNDS][0],
            },
        }
    }
}

impl PoseidonTables {
    /// plonky2: matrix from plonky2 1.1.0, `hash/poseidon_goldilocks.rs:24`. Matrix and constants of plonky2 0.2.2 are the same.
    fn plonky2() -> PoseidonTables {
        PoseidonTables {
            round_constants: plonky2_poseidon::ROUND_CONSTANTS.to_vec(),
            circulant: [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20],
            diagonal: [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    /// Plonky3: matrix `MATRIX_CIRC_MDS_12_SML_ROW` of p3-goldilocks 0.5.4, `src/mds.rs:90`.
    fn plonky3() -> PoseidonTables {
        PoseidonTables {
            round_constants: plonky3_poseidon::ROUND_CONSTANTS.to_vec(),
            circulant: [1, 1, 2, 1, 8, 9, 10, 7, 5, 9, 4, 10],
            diagonal: [0; 12],
        }
    }
}

impl Poseidon2Tables {
    /// Plonky3 and Miden.
    fn plonky3() -> Poseidon2Tables {
        Poseidon2Tables {
            m4: goldilocks_poseidon2::M4,
            diagonal: goldilocks_poseidon2::INTERNAL_DIAGONAL,
            external_constants: goldilocks_poseidon2::EXTERNAL_CONSTANTS.to_vec(),
            internal_constants: goldilocks_poseidon2::INTERNAL_CONSTANTS.to_vec(),
        }
    }
}
