//! Random inputs for self-test and benchmark.

use plonky2::field::{
    goldilocks_field::GoldilocksField as F,
    types::{Field64, PrimeField64, Sample},
};

/// Random words, any 64 bits, with the edge values among them.
pub fn words(count: usize) -> Vec<u64> {
    let edges = [0, 1, F::ORDER - 1, F::ORDER, u64::MAX];
    let mut words: Vec<u64> = F::rand_vec(count).iter().map(|x| x.to_canonical_u64()).collect();
    for (i, word) in words.iter_mut().enumerate().filter(|(i, _)| i % 7 == 3) {
        *word = edges[i / 7 % edges.len()];
    }
    words
}

/// So many columns of so many [`words`].
pub fn columns(columns: usize, rows: usize) -> Vec<Vec<u64>> {
    words(columns * rows).chunks(rows).map(<[u64]>::to_vec).collect()
}
