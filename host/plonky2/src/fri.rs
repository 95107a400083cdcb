//! Opening proofs: `PolynomialBatch::prove_openings` with extensions, trees and grinding by the device.

use hotloop::{grind_tries, Device, GrindRequest, Input, LdeRequest, Zeros, STATE_WORDS};
use plonky2::{
    field::{
        extension::{unflatten, FieldExtension},
        polynomial::PolynomialCoeffs,
        types::{Field, PrimeField64},
    },
    fri::{
        oracle::PolynomialBatch,
        proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep},
        structure::{FriBatchInfo, FriInstanceInfo, FriPolynomialInfo},
        FriParams,
    },
    hash::{
        hash_types::{HashOut, NUM_HASH_OUT_ELTS},
        hashing::PlonkyPermutation,
        merkle_tree::MerkleTree,
    },
    iop::challenger::Challenger,
    plonk::{
        config::{GenericConfig, Hasher},
        plonk_common::reduce_with_powers,
    },
};

use crate::{
    combine::compose,
    commit,
    error::{ProveError, Result},
    field::{coset_shift, element, right_set, Coordinate, D, F, FE},
};

/// What `PolynomialBatch::prove_openings` gives, with the codewords' extensions and trees, and the grinding, by the
/// device. `challenger` is plonky2's own, and is left in the state in which upstream leaves it.
///
/// # Errors
/// [`ProveError::Shape`] if instance, oracles and parameters do not fit each other, [`ProveError::WrongSet`],
/// [`ProveError::Device`].
pub fn prove_openings<C, H>(
    device: &Device,
    instance: &FriInstanceInfo<F, D>,
    oracles: &[&PolynomialBatch<F, C, D>],
    challenger: &mut Challenger<F, H>,
    params: &FriParams,
) -> Result<FriProof<F, H, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    prove_openings_padded(device, instance, oracles, challenger, params, None, None)
}

/// [`prove_openings`] with upstream's last two parameters, for a verifier in a circuit that is made for more rows: the
/// challenger observes zeros up to `final_poly_coeff_len` coefficients and `max_num_query_steps` reductions.
///
/// # Errors
/// As [`prove_openings`].
pub fn prove_openings_padded<C, H>(
    device: &Device,
    instance: &FriInstanceInfo<F, D>,
    oracles: &[&PolynomialBatch<F, C, D>],
    challenger: &mut Challenger<F, H>,
    params: &FriParams,
    final_poly_coeff_len: Option<usize>,
    max_num_query_steps: Option<usize>,
) -> Result<FriProof<F, H, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    right_set(device)?;
    check(instance, oracles, params)?;
    let alpha = challenger.get_extension_challenge::<D>();
    let coefficients =
        |info: &FriPolynomialInfo| &oracles[info.oracle_index].polynomials[info.polynomial_index].coeffs[..];
    let columns: Vec<Vec<&[F]>> =
        instance.batches.iter().map(|batch| batch.polynomials.iter().map(coefficients).collect()).collect();
    let mut combined = PolynomialCoeffs::<FE>::empty();
    for (FriBatchInfo { point, polynomials }, composition) in instance.batches.iter().zip(compose(&columns, alpha)) {
        let mut quotient = PolynomialCoeffs::new(composition).divide_by_linear(*point);
        // Back to a power of two.
        quotient.coeffs.push(FE::ZERO);
        combined *= alpha.exp_u64(polynomials.len() as u64);
        combined += quotient;
    }

    let (trees, final_poly) = commit_phase(device, combined, challenger, params)?;
    for _ in trees.len()..max_num_query_steps.unwrap_or(0) {
        challenger.observe_elements(&vec![F::ZERO; params.config.num_cap_elements() * NUM_HASH_OUT_ELTS]);
        challenger.get_extension_challenge::<D>();
    }
    // What the challenger got last was a request for a challenge: no input waits in it.
    let mut last: Vec<F> = final_poly.coeffs.iter().flat_map(|coefficient| coefficient.0).collect();
    last.resize(last.len().max(D * final_poly_coeff_len.unwrap_or(0)), F::ZERO);
    let pow_witness = grind(device, challenger, &last, params.config.proof_of_work_bits)?;

    let initial: Vec<&MerkleTree<F, H>> = oracles.iter().map(|oracle| &oracle.merkle_tree).collect();
    let query_round_proofs = challenger
        .get_n_challenges(params.config.num_query_rounds)
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

/// What upstream asserts, indexes, or takes on trust.
fn check<C: GenericConfig<D, F = F>>(
    instance: &FriInstanceInfo<F, D>,
    oracles: &[&PolynomialBatch<F, C, D>],
    params: &FriParams,
) -> Result<()> {
    let refuse = |what: String| Err(ProveError::Shape(what));
    let (rows, config) = (params.degree_bits, &params.config);
    if params.total_arities() + config.cap_height > rows + config.rate_bits || params.total_arities() > rows {
        return refuse(format!("FRI's reductions are too many for 2^{rows} rows: choose others in the configuration"));
    }
    for oracle in oracles {
        if (oracle.degree_log, oracle.rate_bits) != (rows, config.rate_bits)
            || oracle.polynomials.iter().any(|polynomial| polynomial.len() != 1 << rows)
        {
            let (has, blowup) = (oracle.degree_log, oracle.rate_bits);
            return refuse(format!(
                "an oracle of 2^{has} rows, extended 2^{blowup} times, for FRI of 2^{rows} rows, extended 2^{} times",
                config.rate_bits
            ));
        }
    }
    for info in instance.batches.iter().flat_map(|batch| &batch.polynomials) {
        let there = oracles.get(info.oracle_index).map_or(0, |oracle| oracle.polynomials.len());
        if info.polynomial_index >= there {
            let (polynomial, oracle) = (info.polynomial_index, info.oracle_index);
            return refuse(format!("the instance opens polynomial {polynomial} of oracle {oracle}, which has {there}"));
        }
    }
    if instance.batches.iter().all(|batch| batch.polynomials.is_empty()) {
        return refuse("the instance opens nothing".into());
    }
    Ok(())
}

/// Has `challenger`, in which no input waits, observe `elements` and then the proof-of-work witness, which the device
/// finds. It is the smallest, as that of upstream's prover in one thread is.
///
/// The challenger's sponge is private to plonky2, but after whole absorptions no input waits, and then `compact` hands
/// out the state without a permutation; the remaining elements are what will wait beside the witness.
fn grind<H>(device: &Device, challenger: &mut Challenger<F, H>, elements: &[F], bits: u32) -> Result<F>
where
    H: Hasher<F, Hash = HashOut<F>>,
{
    let (absorbed, waiting) = elements.split_at(elements.len() - elements.len() % H::Permutation::RATE);
    challenger.observe_elements(absorbed);
    let mut sponge = challenger.clone().compact();
    sponge.set_from_slice(waiting, 0);
    let mut state = [0; STATE_WORDS];
    for (word, element) in state.iter_mut().zip(sponge.as_ref()) {
        *word = element.to_noncanonical_u64();
    }
    let request = GrindRequest {
        state,
        position: waiting.len() as u8,
        output_word: (H::Permutation::RATE - 1) as u8,
        bits,
        zeros: Zeros::Leading,
        start: 0,
        tries: grind_tries(bits),
    };
    let witness = element(device.grind(&request)?);
    challenger.observe_elements(waiting);
    challenger.observe_element(witness);
    challenger.get_challenge();
    Ok(witness)
}

/// The trees of the codewords, and the last polynomial.
type Committed<H> = (Vec<MerkleTree<F, H>>, PolynomialCoeffs<FE>);

/// Commits to a codeword, folds, and so on. The polynomial is held without the zeros that upstream pads it with, so
/// that a codeword is an ordinary extension.
fn commit_phase<H: Hasher<F, Hash = HashOut<F>>>(
    device: &Device,
    mut polynomial: PolynomialCoeffs<FE>,
    challenger: &mut Challenger<F, H>,
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
        let values = device.lde(&request)?.value_matrix(element)?;
        let leaves = values.chunks(D * arity).map(<[F]>::to_vec).collect();
        drop(values);
        let tree = commit::tree(device, leaves, params.config.cap_height)?;
        challenger.observe_cap(&tree.cap);
        trees.push(tree);

        let beta = challenger.get_extension_challenge::<D>();
        polynomial = PolynomialCoeffs::new(fold(device, &polynomial.coeffs, beta, *arity_bits)?);
        shift = shift.exp_u64(arity as u64);
    }
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
