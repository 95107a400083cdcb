//! A configuration that counts: how many permutations a prover asks of the host.

use std::cell::Cell;

use plonky2::{
    hash::{
        hash_types::HashOut,
        hashing::{compress, hash_n_to_hash_no_pad, PlonkyPermutation},
        poseidon::{PoseidonHash, PoseidonPermutation},
    },
    plonk::config::{GenericConfig, Hasher},
};

use crate::{
    error::Result,
    field::{D, F, FE},
    pool::in_one_thread,
};

thread_local! {
    static PERMUTATIONS: Cell<u64> = const { Cell::new(0) };
}

/// `PoseidonGoldilocksConfig`, counting every permutation of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountingConfig;

impl GenericConfig<D> for CountingConfig {
    type F = F;
    type FE = FE;
    type Hasher = CountingHasher;
    type InnerHasher = PoseidonHash;
}

/// Runs `f` in a pool of one thread, and counts the permutations of [`CountingConfig`] in it.
pub fn count_permutations<T: Send>(f: impl FnOnce() -> T + Send) -> Result<(T, u64)> {
    in_one_thread(|| {
        let before = PERMUTATIONS.get();
        let result = f();
        (result, PERMUTATIONS.get() - before)
    })
}

/// Poseidon's hash, counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountingHasher;

impl Hasher<F> for CountingHasher {
    const HASH_SIZE: usize = 32;
    type Hash = HashOut<F>;
    type Permutation = CountingPermutation;

    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        hash_n_to_hash_no_pad::<F, CountingPermutation>(input)
    }

    fn two_to_one(left: HashOut<F>, right: HashOut<F>) -> HashOut<F> {
        compress::<F, CountingPermutation>(left, right)
    }
}

/// Poseidon's sponge, counting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CountingPermutation(PoseidonPermutation<F>);

impl Eq for CountingPermutation {}

impl AsRef<[F]> for CountingPermutation {
    fn as_ref(&self) -> &[F] {
        self.0.as_ref()
    }
}

impl PlonkyPermutation<F> for CountingPermutation {
    const RATE: usize = <PoseidonPermutation<F> as PlonkyPermutation<F>>::RATE;
    const WIDTH: usize = <PoseidonPermutation<F> as PlonkyPermutation<F>>::WIDTH;

    fn new<I: IntoIterator<Item = F>>(elements: I) -> Self {
        CountingPermutation(PoseidonPermutation::new(elements))
    }

    fn set_elt(&mut self, element: F, index: usize) {
        self.0.set_elt(element, index);
    }

    fn set_from_iter<I: IntoIterator<Item = F>>(&mut self, elements: I, start: usize) {
        self.0.set_from_iter(elements, start);
    }

    fn set_from_slice(&mut self, elements: &[F], start: usize) {
        self.0.set_from_slice(elements, start);
    }

    fn permute(&mut self) {
        PERMUTATIONS.set(PERMUTATIONS.get() + 1);
        self.0.permute();
    }

    fn squeeze(&self) -> &[F] {
        self.0.squeeze()
    }
}
