//! Round constants as the rings want them, computed when the hardware is generated.
//!
//! In a partial round only word 0 passes an S-box, so what would be added to the other words may as well be added
//! after the matrix: `M·(s + c) = M·s + M·c`. Pushed on from round to round, each partial round keeps one constant, for
//! word 0, and the first full round after them takes the rest.

use crate::{
    field::Field,
    sets::{Hash, PoseidonTables, HALF_FULL_ROUNDS, PARTIAL_ROUNDS},
};

/// Constants of a unit, all canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitConstants {
    /// A line for each pass through the full ring.
    pub full: Vec<[u64; 12]>,
    /// Word 0's for each pass through the partial ring.
    pub partial: Vec<u64>,
}

/// The matrix of full rounds times a state.
fn full_matrix(field: &Field, hash: &Hash, state: &[u64; 12]) -> [u64; 12] {
    std::array::from_fn(|r| {
        let row = hash.full_row(r);
        row.iter().zip(state).fold(0, |sum, (&c, &x)| field.add(sum, field.mul(c, x)))
    })
}

impl UnitConstants {
    /// As the rings want them.
    pub fn new(field: &Field, hash: &Hash) -> UnitConstants {
        let constants = match hash {
            Hash::Poseidon(tables) => Self::pushed(field, hash, tables),
            // Poseidon2 has one constant in a partial round to begin with.
            Hash::Poseidon2(tables) => UnitConstants {
                full: tables.external_constants.iter().map(|line| line.map(|c| c % field.modulus)).collect(),
                partial: tables.internal_constants.iter().map(|c| c % field.modulus).collect(),
            },
        };
        assert_eq!(constants.full.len(), 2 * HALF_FULL_ROUNDS, "a line per full round");
        assert_eq!(constants.partial.len(), PARTIAL_ROUNDS, "a constant per partial round");
        constants
    }

    /// Pushes the partial rounds' constants forward.
    fn pushed(field: &Field, hash: &Hash, tables: &PoseidonTables) -> UnitConstants {
        let rounds: Vec<[u64; 12]> =
            tables.round_constants.iter().map(|line| line.map(|c| c % field.modulus)).collect();
        let (first, rest) = rounds.split_at(HALF_FULL_ROUNDS);
        let (middle, last) = rest.split_at(PARTIAL_ROUNDS);
        let mut pushed = [0; 12];
        let mut partial = Vec::new();
        for line in middle {
            let mut sum: [u64; 12] = std::array::from_fn(|i| field.add(line[i], pushed[i]));
            partial.push(std::mem::take(&mut sum[0]));
            pushed = full_matrix(field, hash, &sum);
        }
        let mut full = [first, last].concat();
        for (c, &more) in full[HALF_FULL_ROUNDS].iter_mut().zip(&pushed) {
            *c = field.add(*c, more);
        }
        UnitConstants { full, partial }
    }
}

#[cfg(test)]
mod tests {
    use hotloop_regs::ParameterSet;

    use super::*;
    use crate::sets::SetTables;

    fn sbox(field: &Field, x: u64) -> u64 {
        field.pow(x, 7)
    }

    fn plain(field: &Field, hash: &Hash, mut state: [u64; 12]) -> [u64; 12] {
        let Hash::Poseidon(tables) = hash else { panic!("this is Poseidon's") };
        for (round, line) in tables.round_constants.iter().enumerate() {
            let full = !(HALF_FULL_ROUNDS..HALF_FULL_ROUNDS + PARTIAL_ROUNDS).contains(&round);
            for i in 0..12 {
                state[i] = field.add(state[i], line[i]);
                if full || i == 0 {
                    state[i] = sbox(field, state[i]);
                }
            }
            state = full_matrix(field, hash, &state);
        }
        state
    }

    fn partial_matrix(field: &Field, hash: &Hash, state: &[u64; 12]) -> [u64; 12] {
        let Hash::Poseidon2(tables) = hash else { return full_matrix(field, hash, state) };
        let sum = state.iter().fold(0, |sum, &x| field.add(sum, x));
        std::array::from_fn(|i| field.add(sum, field.mul(tables.diagonal[i], state[i])))
    }

    fn as_in_the_unit(field: &Field, hash: &Hash, mut state: [u64; 12]) -> [u64; 12] {
        let constants = UnitConstants::new(field, hash);
        let full = |state: &mut [u64; 12], line: &[u64; 12]| {
            let words = std::array::from_fn(|i| sbox(field, field.add(state[i], line[i])));
            *state = full_matrix(field, hash, &words);
        };
        if matches!(hash, Hash::Poseidon2(_)) {
            state = full_matrix(field, hash, &state);
        }
        constants.full[..HALF_FULL_ROUNDS].iter().for_each(|line| full(&mut state, line));
        for &c in &constants.partial {
            state[0] = sbox(field, field.add(state[0], c));
            state = partial_matrix(field, hash, &state);
        }
        constants.full[HALF_FULL_ROUNDS..].iter().for_each(|line| full(&mut state, line));
        state
    }

    /// Vectors of plonky2 1.1.0, `hash/poseidon_goldilocks.rs`: the zero state.
    #[test]
    fn pushed_constants_give_the_plain_permutation() {
        let set = SetTables::plonky2_v1();
        let field = &set.field;
        assert_eq!(plain(field, &set.hash, [0; 12])[..2], [0x3c18_a978_6cb0_b359, 0xc405_5e33_64a2_46c3]);
        let mut seed = 1u64;
        for hash in [&set.hash, &SetTables::of(ParameterSet::Plonky3Goldilocks).hash] {
            for _ in 0..200 {
                let state = std::array::from_fn(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed ^ seed >> 29) % field.modulus
                });
                assert_eq!(plain(field, hash, state), as_in_the_unit(field, hash, state));
            }
        }
    }

    /// Vectors of p3-goldilocks 0.5.4 for the state 0 … 11: `src/poseidon1.rs:953`, `src/poseidon2.rs:957`.
    #[test]
    fn known_answers_of_plonky3() {
        let answers = [
            (ParameterSet::Plonky3Goldilocks, [15_595_088_881_848_875_364, 9_564_850_329_150_784_619]),
            (ParameterSet::Miden, [0xf292_ab67_c0f1_4b03, 0x0a32_f1b3_7656_544c]),
        ];
        for (set, answer) in answers {
            let SetTables { field, hash, .. } = SetTables::of(set);
            let state = as_in_the_unit(&field, &hash, std::array::from_fn(|i| i as u64));
            assert_eq!(state[..2], answer, "{}", set.name());
        }
    }
}
