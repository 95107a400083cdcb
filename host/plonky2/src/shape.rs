//! The shape of a proof, which follows from its statement alone, and the order of its elements in a file.

use ::starky::{
    config::StarkConfig,
    proof::{StarkOpeningSet, StarkProof},
};
use plonky2::{
    field::{polynomial::PolynomialCoeffs, types::Field},
    fri::{
        proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep},
        FriParams,
    },
    hash::{hash_types::HashOut, merkle_proofs::MerkleProof, merkle_tree::MerkleCap, poseidon::PoseidonHash},
    plonk::config::PoseidonGoldilocksConfig,
};

use crate::{
    airs::{PinnedAir, Statement, Visit},
    field::{D, F, FE},
};

type Cap = MerkleCap<F, PoseidonHash>;
type Path = MerkleProof<F, PoseidonHash>;
type Proof = StarkProof<F, PoseidonGoldilocksConfig, D>;

/// The configuration of every proof here: `standard-fast` is `StarkConfig::standard_fast_config()`.
pub(crate) const CONFIG_NAME: &str = "standard-fast";

pub(crate) const CONFIG: StarkConfig = StarkConfig::standard_fast_config();

/// Lengths of a proof's parts.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub columns: usize,
    pub quotients: usize,
    /// Base-2 logarithm of the quotient's evaluations.
    pub log_quotient: usize,
    pub public_inputs: usize,
    pub fri: FriParams,
}

impl Shape {
    pub fn of(statement: &Statement) -> Shape {
        struct Measure(usize);
        impl Visit for Measure {
            type Output = Shape;
            fn visit<S: PinnedAir>(self, air: S) -> Shape {
                let factor = air.quotient_degree_factor();
                Shape {
                    columns: S::COLUMNS,
                    quotients: air.num_quotient_polys(&CONFIG),
                    log_quotient: self.0 + factor.next_power_of_two().ilog2() as usize,
                    public_inputs: S::PUBLIC_INPUTS,
                    fri: CONFIG.fri_params(self.0),
                }
            }
        }
        statement.visit(Measure(statement.log_rows() as usize))
    }

    /// A proof of this shape with zeros everywhere.
    pub fn blank(&self) -> Proof {
        let config = &self.fri.config;
        let cap = || MerkleCap(vec![HashOut::ZERO; config.num_cap_elements()]);
        let path = |log_leaves: usize| MerkleProof { siblings: vec![HashOut::ZERO; log_leaves - config.cap_height] };
        let mut log_leaves = self.fri.lde_bits();
        let evals_proofs =
            [self.columns, self.quotients].map(|width| (vec![F::ZERO; width], path(log_leaves))).to_vec();
        let mut steps = Vec::new();
        for arity_bits in &self.fri.reduction_arity_bits {
            log_leaves -= arity_bits;
            steps.push(FriQueryStep { evals: vec![FE::ZERO; 1 << arity_bits], merkle_proof: path(log_leaves) });
        }
        let round = FriQueryRound { initial_trees_proof: FriInitialTreeProof { evals_proofs }, steps };
        StarkProof {
            trace_cap: cap(),
            auxiliary_polys_cap: None,
            quotient_polys_cap: Some(cap()),
            openings: StarkOpeningSet {
                local_values: vec![FE::ZERO; self.columns],
                next_values: vec![FE::ZERO; self.columns],
                auxiliary_polys: None,
                auxiliary_polys_next: None,
                ctl_zs_first: None,
                quotient_polys: Some(vec![FE::ZERO; self.quotients]),
            },
            opening_proof: FriProof {
                commit_phase_merkle_caps: self.fri.reduction_arity_bits.iter().map(|_| cap()).collect(),
                query_round_proofs: vec![round; config.num_query_rounds],
                final_poly: PolynomialCoeffs::new(vec![FE::ZERO; 1 << self.fri.final_poly_bits()]),
                pow_witness: F::ZERO,
            },
        }
    }

    /// Radix-2 butterflies of all transforms of a prover: trace, quotient and each codeword of FRI.
    pub fn butterflies(&self) -> u64 {
        let one = |log_n: usize| (1u64 << log_n) / 2 * log_n as u64;
        let (mut log_n, cosets) = (self.fri.degree_bits, 1u64 << self.fri.config.rate_bits);
        let mut sum = self.columns as u64 * (1 + cosets) * one(log_n);
        sum += CONFIG.num_challenges as u64 * one(self.log_quotient);
        sum += self.quotients as u64 * cosets * one(log_n);
        for arity_bits in &self.fri.reduction_arity_bits {
            sum += D as u64 * cosets * one(log_n);
            log_n -= arity_bits;
        }
        sum
    }
}

/// Visits every element of a proof, in the order of the file.
pub(crate) fn for_each_element<E>(proof: &mut Proof, visit: &mut impl FnMut(&mut F) -> Result<(), E>) -> Result<(), E> {
    let Proof { trace_cap, auxiliary_polys_cap: _, quotient_polys_cap, openings, opening_proof } = proof;
    caps(std::iter::once(trace_cap).chain(quotient_polys_cap), visit)?;
    extensions(&mut openings.local_values, visit)?;
    extensions(&mut openings.next_values, visit)?;
    extensions(openings.quotient_polys.iter_mut().flatten(), visit)?;
    caps(&mut opening_proof.commit_phase_merkle_caps, visit)?;
    for round in &mut opening_proof.query_round_proofs {
        for (leaf, path) in &mut round.initial_trees_proof.evals_proofs {
            leaf.iter_mut().try_for_each(&mut *visit)?;
            siblings(path, visit)?;
        }
        for step in &mut round.steps {
            extensions(&mut step.evals, visit)?;
            siblings(&mut step.merkle_proof, visit)?;
        }
    }
    extensions(&mut opening_proof.final_poly.coeffs, visit)?;
    visit(&mut opening_proof.pow_witness)
}

fn caps<'a, E>(
    caps: impl IntoIterator<Item = &'a mut Cap>,
    visit: &mut impl FnMut(&mut F) -> Result<(), E>,
) -> Result<(), E> {
    caps.into_iter().flat_map(|cap| &mut cap.0).flat_map(|digest| &mut digest.elements).try_for_each(visit)
}

fn siblings<E>(path: &mut Path, visit: &mut impl FnMut(&mut F) -> Result<(), E>) -> Result<(), E> {
    path.siblings.iter_mut().flat_map(|digest| &mut digest.elements).try_for_each(visit)
}

fn extensions<'a, E>(
    elements: impl IntoIterator<Item = &'a mut FE>,
    visit: &mut impl FnMut(&mut F) -> Result<(), E>,
) -> Result<(), E> {
    elements.into_iter().flat_map(|element| &mut element.0).try_for_each(visit)
}
