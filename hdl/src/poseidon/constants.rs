//! Round constants as the rings want them, computed when the hardware is generated.
//!
//! In a partial round only word 0 passes an S-box, so what would be added to the other words may as well be added
//! after the matrix: `M·(s + c) = M·s + M·c`. Pushed on from round to round, each partial round keeps one constant, for
//! word 0, and the first full round after them takes the rest.

use crate::{
    field::Field,
    sets::{PoseidonTables, HALF_FULL_ROUNDS, PARTIAL_ROUNDS},
};

/// Constants of a unit, all canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitConstants {
    /// A line for each pass through the full ring.
    pub full: Vec<[u64; 12]>,
    /// Word 0's for each pass through the partial ring.
    pub partial: Vec<u64>,
}

/// The MDS matrix: `out[r] = Σ_i row(r)[i] · in[i]`.
pub fn mds_row(tables: &PoseidonTables, r: usize) -> [u64; 12] {
    let mut row = [0; 12];
    for (i, &c) in tables.circulant.iter().enumerate() {
        row[(i + r) % 12] += c;
    }
    row[r] += tables.diagonal[r];
    row
}

fn mds(field: &Field, tables: &PoseidonTables, state: &[u64; 12]) -> [u64; 12] {
    std::array::from_fn(|r| {
        let row = mds_row(tables, r);
        row.iter().zip(state).fold(0, |sum, (&c, &x)| field.add(sum, field.mul(c, x)))
    })
}

impl UnitConstants {
    /// Pushes the partial rounds' constants forward.
    pub fn new(field: &Field, tables: &PoseidonTables) -> UnitConstants {
        assert_eq!(tables.round_constants.len(), 2 * HALF_FULL_ROUNDS + PARTIAL_ROUNDS, "a line per round");
        let rounds: Vec<[u64; 12]> =
            tables.round_constants.iter().map(|line| line.map(|c| c % field.modulus)).collect();
        let (first, rest) = rounds.split_at(HALF_FULL_ROUNDS);
        let (middle, last) = rest.split_at(PARTIAL_ROUNDS);
        let mut pushed = [0; 12];
        let mut partial = Vec::new();
        for line in middle {
            let mut sum: [u64; 12] = std::array::from_fn(|i| field.add(line[i], pushed[i]));
            partial.push(std::mem::take(&mut sum[0]));
            pushed = mds(field, tables, &sum);
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
    use super::*;
    use crate::sets::SetTables;

    fn sbox(field: &Field, x: u64) -> u64 {
        field.pow(x, 7)
    }

    fn plain(field: &Field, tables: &PoseidonTables, mut state: [u64; 12]) -> [u64; 12] {
        for (round, line) in tables.round_constants.iter().enumerate() {
            let full = !(HALF_FULL_ROUNDS..HALF_FULL_ROUNDS + PARTIAL_ROUNDS).contains(&round);
            for i in 0..12 {
                state[i] = field.add(state[i], line[i]);
                if full || i == 0 {
                    state[i] = sbox(field, state[i]);
                }
            }
            state = mds(field, tables, &state);
        }
        state
    }

    fn as_in_the_unit(field: &Field, tables: &PoseidonTables, mut state: [u64; 12]) -> [u64; 12] {
        let constants = UnitConstants::new(field, tables);
        let full = |state: &mut [u64; 12], line: &[u64; 12]| {
            let words = std::array::from_fn(|i| sbox(field, field.add(state[i], line[i])));
            *state = mds(field, tables, &words);
        };
        constants.full[..HALF_FULL_ROUNDS].iter().for_each(|line| full(&mut state, line));
        for &c in &constants.partial {
            state[0] = sbox(field, field.add(state[0], c));
            state = mds(field, tables, &state);
        }
        constants.full[HALF_FULL_ROUNDS..].iter().for_each(|line| full(&mut state, line));
        state
    }

    /// Vectors of plonky2 1.1.0, `hash/poseidon_goldilocks.rs`: the zero state and 0 … 11.
    #[test]
    fn pushed_constants_give_the_plain_permutation() {
        let set = SetTables::plonky2_v1();
        let (field, tables) = (&set.field, &set.poseidon);
        assert_eq!(plain(field, tables, [0; 12])[..2], [0x3c18_a978_6cb0_b359, 0xc405_5e33_64a2_46c3]);
        let mut seed = 1u64;
        for _ in 0..200 {
            let state = std::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed ^ seed >> 29) % field.modulus
            });
            assert_eq!(plain(field, tables, state), as_in_the_unit(field, tables, state));
        }
    }
}
