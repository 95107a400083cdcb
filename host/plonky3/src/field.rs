//! Field elements of Plonky3 and Miden as words of the board, and the boards' permutations as p3 has them.

use std::sync::{Arc, LazyLock};

use hotloop::{goldilocks::ORDER, Options, ParameterSet, Reference, Words, STATE_WORDS};
use p3_field::{PrimeField64, TwoAdicField};
use p3_goldilocks::{
    default_goldilocks_poseidon2_12,
    poseidon1::{default_goldilocks_poseidon1_12, Poseidon1Goldilocks},
    Goldilocks, Poseidon2Goldilocks,
};
use p3_symmetric::Permutation;

/// The board's field under any name, with Plonky3's roots of unity: p3-goldilocks's `Goldilocks`, Miden's `Felt`.
/// Another field does not compile.
pub trait BoardField: TwoAdicField + PrimeField64 {}

impl<F: TwoAdicField + PrimeField64> BoardField for F {}

/// An element as the board's word.
#[inline]
pub(crate) fn word<F: BoardField>(element: F) -> u64 {
    const { assert!(F::ORDER_U64 == ORDER, "not the board's field") }
    element.as_canonical_u64()
}

/// A word of the board, which is canonical, as an element.
#[inline]
pub(crate) fn element<F: BoardField>(word: u64) -> F {
    const { assert!(F::ORDER_U64 == ORDER, "not the board's field") }
    F::from_u64(word)
}

/// Column `column` of a row-major matrix of `width` columns.
pub(crate) struct Column<'a, F> {
    values: &'a [F],
    width: usize,
    column: usize,
}

impl<'a, F> Column<'a, F> {
    /// All columns.
    pub fn all(values: &'a [F], width: usize) -> Vec<Self> {
        (0..width).map(|column| Column { values, width, column }).collect()
    }
}

impl<F: BoardField> Words for Column<'_, F> {
    fn len(&self) -> usize {
        self.values.len() / self.width
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        word(self.values[index * self.width + self.column])
    }
}

/// How a device is opened for provers on Plonky3: the set, and p3-goldilocks's permutation to check results with.
/// [`ParameterSet::Plonky3Goldilocks`] has Poseidon with p3's constants (`default_goldilocks_poseidon1_12`),
/// [`ParameterSet::Plonky3Poseidon2`] and [`ParameterSet::Miden`] Poseidon2 (`default_goldilocks_poseidon2_12`). plonky2's
/// sets have no permutation in p3, and so no reference here.
pub fn options(set: ParameterSet) -> Options {
    // Made once: Poseidon1's fast form takes matrix inversions.
    static POSEIDON1: LazyLock<Poseidon1Goldilocks<STATE_WORDS>> = LazyLock::new(default_goldilocks_poseidon1_12);
    static POSEIDON2: LazyLock<Poseidon2Goldilocks<STATE_WORDS>> = LazyLock::new(default_goldilocks_poseidon2_12);
    let reference: Option<Arc<dyn Reference>> = match set {
        ParameterSet::Plonky3Goldilocks => Some(Arc::new(P3(&*POSEIDON1))),
        ParameterSet::Miden | ParameterSet::Plonky3Poseidon2 => Some(Arc::new(P3(&*POSEIDON2))),
        ParameterSet::Plonky2V1 | ParameterSet::Plonky2V0 => None,
    };
    Options { set, reference, ..Options::default() }
}

/// A permutation of p3-goldilocks.
struct P3<P: 'static>(&'static P);

impl<P: Permutation<[Goldilocks; STATE_WORDS]>> Reference for P3<P> {
    fn permute(&self, state: &mut [u64; STATE_WORDS]) {
        let mut elements = state.map(element::<Goldilocks>);
        self.0.permute_mut(&mut elements);
        *state = elements.map(word);
    }
}
