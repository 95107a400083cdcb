//! A hasher that takes notes instead of hashing.

use hotloop::{Digest, STATE_WORDS};
use plonky2::{
    field::types::{Field, PrimeField64},
    hash::{
        hash_types::HashOut,
        hashing::{hash_n_to_hash_no_pad, PlonkyPermutation},
        poseidon::PoseidonPermutation,
    },
    plonk::config::{GenericHashOut, Hasher},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::session::Session;
use crate::field::{element, hash_out, F};

/// A digest, or the promise of one. Whoever reads it gets the digest; it is serialised as a `HashOut`.
#[derive(Clone, Copy, Debug)]
pub enum Ticket {
    /// Number of a node of the session.
    Pending(usize),
    /// A digest.
    Known(Digest),
}

impl Ticket {
    fn digest(self) -> Digest {
        match self {
            Ticket::Known(digest) => digest,
            Ticket::Pending(_) => Session::with(|session| session.digest(self)),
        }
    }

    fn known(hash: HashOut<F>) -> Ticket {
        Ticket::Known(hash.elements.map(|word| word.to_canonical_u64()))
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Ticket::Pending(a), Ticket::Pending(b)) if a == b => true,
            _ => self.digest() == other.digest(),
        }
    }
}

impl Eq for Ticket {}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hash_out(self.digest()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        HashOut::<F>::deserialize(deserializer).map(Ticket::known)
    }
}

impl GenericHashOut<F> for Ticket {
    fn to_bytes(&self) -> Vec<u8> {
        hash_out(self.digest()).to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Ticket::known(HashOut::from_bytes(bytes))
    }

    fn to_vec(&self) -> Vec<F> {
        self.digest().map(element).to_vec()
    }
}

/// Poseidon's sponge on the host, for the transcript; it knows grinding when it sees it.
///
/// plonky2 calls `set_elt` in one place only, where it tries proof-of-work witnesses: the permutation that follows it
/// is one try. The first try has the device find the witness; each wrong one then gets a state that fails, and costs
/// a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OffloadPermutation {
    inner: PoseidonPermutation<F>,
    tried: Option<usize>,
}

impl Eq for OffloadPermutation {}

impl AsRef<[F]> for OffloadPermutation {
    fn as_ref(&self) -> &[F] {
        self.inner.as_ref()
    }
}

impl PlonkyPermutation<F> for OffloadPermutation {
    const RATE: usize = <PoseidonPermutation<F> as PlonkyPermutation<F>>::RATE;
    const WIDTH: usize = <PoseidonPermutation<F> as PlonkyPermutation<F>>::WIDTH;

    fn new<I: IntoIterator<Item = F>>(elements: I) -> Self {
        OffloadPermutation { inner: PoseidonPermutation::new(elements), tried: None }
    }

    fn set_elt(&mut self, element: F, index: usize) {
        self.inner.set_elt(element, index);
        self.tried = Some(index);
    }

    fn set_from_iter<I: IntoIterator<Item = F>>(&mut self, elements: I, start: usize) {
        self.inner.set_from_iter(elements, start);
    }

    fn set_from_slice(&mut self, elements: &[F], start: usize) {
        self.inner.set_from_slice(elements, start);
    }

    fn permute(&mut self) {
        let Some(position) = self.tried.take() else {
            Session::with(Session::host_permutation);
            self.inner.permute();
            return;
        };
        let mut state = [0; STATE_WORDS];
        for (word, element) in state.iter_mut().zip(self.inner.as_ref()) {
            *word = element.to_canonical_u64();
        }
        let is_nonce = Session::with(|session| Ok(session.is_nonce(state, position)));
        // The output word has all zero bits that anyone can ask for, or none.
        let word = if is_nonce { F::ZERO } else { F::NEG_ONE };
        self.inner.set_elt(word, Self::RATE - 1);
    }

    fn squeeze(&self) -> &[F] {
        self.inner.squeeze()
    }
}

/// Poseidon with Merkle trees and grinding on the session's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffloadHasher;

impl Hasher<F> for OffloadHasher {
    const HASH_SIZE: usize = 32;
    type Hash = Ticket;
    type Permutation = OffloadPermutation;

    fn hash_no_pad(input: &[F]) -> Ticket {
        // Not a tree's: somebody wants it now.
        Ticket::known(hash_n_to_hash_no_pad::<F, OffloadPermutation>(input))
    }

    fn hash_or_noop(inputs: &[F]) -> Ticket {
        Session::with(|session| Ok(session.leaf(inputs.iter().map(PrimeField64::to_canonical_u64))))
    }

    fn two_to_one(left: Ticket, right: Ticket) -> Ticket {
        Session::with(|session| Ok(session.parent([left, right])))
    }
}
