//! plonky2's field and hash as the board sees them.

use std::sync::Arc;

use hotloop::{Device, Options, ParameterSet, Reference, Words, STATE_WORDS};
use plonky2::{
    field::{
        extension::quadratic::QuadraticExtension,
        goldilocks_field::GoldilocksField,
        polynomial::PolynomialCoeffs,
        types::{Field, Field64, PrimeField64},
    },
    hash::{
        hash_types::HashOut,
        poseidon::{Poseidon, PoseidonHash},
    },
    plonk::config::Hasher,
};

use crate::error::{ProveError, Result};

/// The base field.
pub type F = GoldilocksField;

/// The extension field.
pub type FE = QuadraticExtension<F>;

/// Degree of the extension.
pub const D: usize = 2;

/// Quotients of at most `most` coefficients, one after the other, each in chunks of `degree`; `None` where one has more: the
/// division had a remainder.
pub(crate) fn chunks(quotients: Vec<Vec<F>>, most: usize, degree: usize) -> Option<Vec<PolynomialCoeffs<F>>> {
    let mut chunks = Vec::with_capacity(quotients.len() * most.div_ceil(degree));
    for quotient in quotients {
        let mut quotient = PolynomialCoeffs::new(quotient);
        quotient.trim_to_len(most).ok()?;
        chunks.extend(quotient.chunks(degree));
    }
    Some(chunks)
}

/// A slice of field elements as words. They may be non-canonical: the board takes any 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a>(pub &'a [F]);

impl Words for Elements<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.0[index].to_noncanonical_u64()
    }

    #[inline]
    fn copy_to(&self, first: usize, out: &mut [u64]) {
        out.iter_mut().zip(&self.0[first..]).for_each(|(word, x)| *word = x.to_noncanonical_u64());
    }
}

/// One of the two base-field coordinates of extension elements, as words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coordinate<'a>(pub &'a [FE], pub usize);

impl Words for Coordinate<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.0[index].0[self.1].to_noncanonical_u64()
    }

    #[inline]
    fn copy_to(&self, first: usize, out: &mut [u64]) {
        out.iter_mut().zip(&self.0[first..]).for_each(|(word, x)| *word = x.0[self.1].to_noncanonical_u64());
    }
}

/// A word of the board as an element. Words are canonical, but an unchecked board may send anything, and must not
/// cause a panic.
#[inline]
pub(crate) fn element(word: u64) -> F {
    F::from_noncanonical_u64(word)
}

pub(crate) fn hash_out(digest: hotloop::Digest) -> HashOut<F> {
    HashOut { elements: digest.map(element) }
}

/// plonky2's own Poseidon, for checks.
#[derive(Clone, Copy, Debug)]
pub struct PoseidonReference;

impl Reference for PoseidonReference {
    fn permute(&self, state: &mut [u64; STATE_WORDS]) {
        *state = F::poseidon(state.map(F::from_noncanonical_u64)).map(|word| word.to_canonical_u64());
    }
}

/// Options for plonky2 1.x and starky 1.x: its parameter set, and its own Poseidon for checks.
pub fn options() -> Options {
    Options { set: ParameterSet::Plonky2V1, reference: Some(Arc::new(PoseidonReference)), ..Options::default() }
}

pub(crate) fn right_set(device: &Device) -> Result<()> {
    match device.set() {
        ParameterSet::Plonky2V1 => Ok(()),
        other => Err(ProveError::WrongSet { found: other.name() }),
    }
}

/// Whether `H` is the board's hash, by one permutation.
pub(crate) fn right_hash<H: Hasher<F, Hash = HashOut<F>>>() -> Result<()> {
    let input = [F::ONE, F::TWO, F::NEG_ONE, F::ZERO, F::ONE];
    if H::hash_no_pad(&input) == PoseidonHash::hash_no_pad(&input) {
        return Ok(());
    }
    Err(ProveError::WrongHash { found: std::any::type_name::<H>() })
}

/// Shift of plonky2's low-degree extensions.
pub(crate) fn coset_shift() -> u64 {
    F::coset_shift().to_canonical_u64()
}

const _: () = assert!(F::ORDER == hotloop::goldilocks::ORDER);
