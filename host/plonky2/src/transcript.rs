//! The Fiat–Shamir transcript. The same sponge as plonky2's `Challenger`, whose state is private to plonky2, and
//! grinding needs it.

use hotloop::{Device, GrindRequest};
use plonky2::{
    field::{
        extension::quadratic::QuadraticExtension,
        types::{Field, PrimeField64},
    },
    fri::FriConfig,
    hash::{hash_types::HashOut, hashing::PlonkyPermutation, merkle_tree::MerkleCap},
    plonk::config::Hasher,
};
use starky::config::StarkConfig;

use crate::{
    error::Result,
    field::{element, D, F, FE},
};

/// Nonces to try before giving up: without one among 2^8 times the expected number (a chance of e^-256) the board is
/// wrong, and a search without an end would hide it.
pub(crate) fn tries(bits: u32) -> u64 {
    1 << (bits + 8).min(63)
}

/// Observes and challenges in plonky2's order, with the permutation of `H` on the host.
#[derive(Clone, Debug)]
pub(crate) struct Transcript<H: Hasher<F>> {
    sponge: H::Permutation,
    input: Vec<F>,
    output: Vec<F>,
    permutations: u64,
}

impl<H: Hasher<F, Hash = HashOut<F>>> Transcript<H> {
    pub fn new() -> Self {
        let sponge = H::Permutation::new(std::iter::repeat(F::ZERO));
        Transcript { sponge, input: Vec::new(), output: Vec::new(), permutations: 0 }
    }

    /// Permutations so far.
    pub fn permutations(&self) -> u64 {
        self.permutations
    }

    pub fn observe(&mut self, element: F) {
        self.output.clear();
        self.input.push(element);
        if self.input.len() == H::Permutation::RATE {
            self.duplex();
        }
    }

    pub fn observe_all(&mut self, elements: &[F]) {
        elements.iter().for_each(|&element| self.observe(element));
    }

    pub fn observe_extension(&mut self, elements: &[FE]) {
        elements.iter().for_each(|element| self.observe_all(&element.0));
    }

    pub fn observe_cap(&mut self, cap: &MerkleCap<F, H>) {
        cap.0.iter().for_each(|digest| self.observe_all(&digest.elements));
    }

    /// As `StarkConfig::observe`.
    pub fn observe_config(&mut self, config: &StarkConfig) {
        let FriConfig { rate_bits, cap_height, proof_of_work_bits, reduction_strategy, num_query_rounds } =
            &config.fri_config;
        for value in [config.security_bits, config.num_challenges, *rate_bits, *cap_height] {
            self.observe(F::from_canonical_usize(value));
        }
        self.observe(F::from_canonical_u32(*proof_of_work_bits));
        self.observe_all(&reduction_strategy.serialize());
        self.observe(F::from_canonical_usize(*num_query_rounds));
    }

    pub fn challenge(&mut self) -> F {
        if !self.input.is_empty() {
            self.duplex();
        }
        loop {
            if let Some(challenge) = self.output.pop() {
                return challenge;
            }
            self.duplex();
        }
    }

    pub fn challenges(&mut self, n: usize) -> Vec<F> {
        (0..n).map(|_| self.challenge()).collect()
    }

    pub fn extension_challenge(&mut self) -> FE {
        let coordinates: [F; D] = std::array::from_fn(|_| self.challenge());
        QuadraticExtension(coordinates)
    }

    /// Finds the proof-of-work witness on the device, and observes it. It is the smallest, as that of upstream's
    /// prover in one thread is.
    pub fn grind(&mut self, device: &Device, bits: u32) -> Result<F> {
        let mut sponge = self.sponge;
        sponge.set_from_slice(&self.input, 0);
        let mut state = [0; hotloop::STATE_WORDS];
        for (word, element) in state.iter_mut().zip(sponge.as_ref()) {
            *word = element.to_noncanonical_u64();
        }
        let request = GrindRequest {
            state,
            position: self.input.len() as u8,
            output_word: (H::Permutation::RATE - 1) as u8,
            bits,
            zeros: hotloop::Zeros::Leading,
            start: 0,
            tries: tries(bits),
        };
        let witness = element(device.grind(&request)?);
        self.observe(witness);
        self.challenge();
        Ok(witness)
    }

    fn duplex(&mut self) {
        self.sponge.set_from_iter(self.input.drain(..), 0);
        self.sponge.permute();
        self.permutations += 1;
        self.output.clear();
        self.output.extend_from_slice(self.sponge.squeeze());
    }
}
