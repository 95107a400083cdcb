//! The openings proof: `PolynomialBatch::prove_openings` with extensions, trees and grinding by the device.

use hotloop::{Device, Input, LdeRequest};
use plonky2::{
    field::{
        extension::{unflatten, FieldExtension},
        polynomial::PolynomialCoeffs,
        types::{Field, PrimeField64},
    },
    fri::{
        oracle::PolynomialBatch,
        proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep},
        structure::{FriBatchInfo, FriInstanceInfo},
        FriParams,
    },
    hash::{hash_types::HashOut, merkle_tree::MerkleTree},
    plonk::{
        config::{GenericConfig, Hasher},
        plonk_common::reduce_with_powers,
    },
    util::reducing::ReducingFactor,
};

use crate::{
    commit,
    error::Result,
    field::{coset_shift, element, Coordinate, D, F, FE},
    transcript::Transcript,
};

pub(crate) fn prove_openings<C, H>(
    device: &Device,
    instance: &FriInstanceInfo<F, D>,
    oracles: &[&PolynomialBatch<F, C, D>],
    transcript: &mut Transcript<H>,
    params: &FriParams,
) -> Result<FriProof<F, H, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let mut alpha = ReducingFactor::new(transcript.extension_challenge());
    let mut combined = PolynomialCoeffs::<FE>::empty();
    for FriBatchInfo { point, polynomials } in &instance.batches {
        let coefficients =
            polynomials.iter().map(|info| &oracles[info.oracle_index].polynomials[info.polynomial_index]);
        let composition = alpha.reduce_polys_base::<F, D>(coefficients);
        let mut quotient = composition.divide_by_linear(*point);
        // Back to a power of two.
        quotient.coeffs.push(FE::ZERO);
        alpha.shift_poly(&mut combined);
        combined += quotient;
    }

    let (trees, final_poly) = commit_phase(device, combined, transcript, params)?;
    let pow_witness = transcript.grind(device, params.config.proof_of_work_bits)?;
    let initial: Vec<&MerkleTree<F, H>> = oracles.iter().map(|oracle| &oracle.merkle_tree).collect();
    let query_round_proofs = transcript
        .challenges(params.config.num_query_rounds)
        .into_iter()
        .map(|challenge| query(&initial, &trees, challenge.to_canonical_u64() as usize % params.lde_size(), params))
        .collect();
    Ok(FriProof {
        commit_phase_merkle_caps: trees.iter().map(|tree| tree.cap.clone()).collect(),
        query_round_proofs,
        final_poly,
        pow_witness,
    })
}

/// The trees of the codewords, and the last polynomial.
type Committed<H> = (Vec<MerkleTree<F, H>>, PolynomialCoeffs<FE>);

/// Commits to a codeword, folds, and so on. The polynomial is held without the zeros that upstream pads it with, so
/// that a codeword is an ordinary extension.
fn commit_phase<H: Hasher<F, Hash = HashOut<F>>>(
    device: &Device,
    mut polynomial: PolynomialCoeffs<FE>,
    transcript: &mut Transcript<H>,
    params: &FriParams,
) -> Result<Committed<H>> {
    let mut trees = Vec::with_capacity(params.reduction_arity_bits.len());
    let mut shift = F::from_canonical_u64(coset_shift());
    for arity_bits in &params.reduction_arity_bits {
        let arity = 1 << arity_bits;
        let request = LdeRequest {
            columns: &[Coordinate(&polynomial.coeffs, 0), Coordinate(&polynomial.coeffs, 1)],
            input: Input::Coefficients,
            log_blowup: params.config.rate_bits as u32,
            shift: shift.to_canonical_u64(),
            coefficients: false,
        };
        // Rows are bit-reversed and hold one extension element each: a leaf is `arity` neighbours.
        let rows = device.lde(&request)?.value_rows(element)?;
        let leaves = rows.chunks(arity).map(<[Vec<F>]>::concat).collect();
        let tree = commit::tree(device, leaves, params.config.cap_height)?;
        transcript.observe_cap(&tree.cap);
        trees.push(tree);

        let beta = transcript.extension_challenge();
        polynomial = PolynomialCoeffs::new(fold(device, &polynomial.coeffs, beta, *arity_bits)?);
        shift = shift.exp_u64(arity as u64);
    }
    transcript.observe_extension(&polynomial.coeffs);
    Ok((trees, polynomial))
}

/// Fewer coefficients are folded here sooner than they are sent.
const FOLD_ON_DEVICE: usize = 1 << 10;

fn fold(device: &Device, coefficients: &[FE], beta: FE, arity_bits: usize) -> Result<Vec<FE>> {
    let there = (1..=device.identity().fold_max_log as usize).contains(&arity_bits);
    if !there || coefficients.len() < FOLD_ON_DEVICE {
        let chunks = coefficients.chunks_exact(1 << arity_bits);
        return Ok(chunks.map(|chunk| reduce_with_powers(chunk, beta)).collect());
    }
    let components = [&Coordinate(coefficients, 0), &Coordinate(coefficients, 1)];
    let folded = device.fold(components, beta.0.map(|x| x.to_canonical_u64()), arity_bits as u32)?;
    Ok(folded.into_iter().map(|words| FE::from_basefield_array(words.map(element))).collect())
}

fn query<H: Hasher<F, Hash = HashOut<F>>>(
    initial: &[&MerkleTree<F, H>],
    trees: &[MerkleTree<F, H>],
    mut index: usize,
    params: &FriParams,
) -> FriQueryRound<F, H, D> {
    let evals_proofs = initial.iter().map(|tree| (tree.get(index).to_vec(), tree.prove(index))).collect();
    let mut steps = Vec::with_capacity(trees.len());
    for (tree, arity_bits) in trees.iter().zip(&params.reduction_arity_bits) {
        index >>= arity_bits;
        steps.push(FriQueryStep { evals: unflatten::<F, D>(tree.get(index)), merkle_proof: tree.prove(index) });
    }
    FriQueryRound { initial_trees_proof: FriInitialTreeProof { evals_proofs }, steps }
}
