//! plonky2's prover for circuits, with every extension, tree, inverse transform, fold and the grinding on the device:
//! copy constraints, lookup tables and blinding included.
//!
//! The host generates the witness, with upstream's own generators, evaluates constraints, and keeps the transcript.

mod data;
mod lookup;
mod permutation;
mod vanishing;
mod witness;

use std::time::Duration;

use hotloop::Device;
use plonky2::{
    field::{
        polynomial::PolynomialValues,
        types::{Field, Sample},
    },
    fri::{
        oracle::{PolynomialBatch, SALT_SIZE},
        structure::{FriBatchInfo, FriInstanceInfo, FriOracleInfo, FriPolynomialInfo},
    },
    hash::hash_types::HashOut,
    iop::{
        challenger::Challenger,
        witness::{PartialWitness, PartitionWitness},
    },
    plonk::{
        circuit_builder::NUM_COINS_LOOKUP,
        circuit_data::{CommonCircuitData, ProverOnlyCircuitData},
        config::{GenericConfig, Hasher},
        proof::{OpeningSet, Proof, ProofWithPublicInputs},
    },
    util::transpose,
};

use self::{data::Circuit, lookup::Coins, permutation::Challenge, vanishing::Vanishing};
use crate::{
    commit,
    error::{ProveError, Result},
    field::{right_hash, D, F, FE},
    fri::prove_openings,
    starky::Stopwatch,
};

/// A proof, and how long its parts took.
#[derive(Clone, Debug)]
pub struct Proved<C: GenericConfig<D, F = F>> {
    /// The proof.
    pub proof: ProofWithPublicInputs<F, C, D>,
    /// Wall-clock time of each stage, in order.
    pub stages: Vec<(&'static str, Duration)>,
}

/// Proves as `plonky2::plonk::prover::prove` does, on a device. Circuits with zero knowledge are blinded with salts from
/// the system's source of random numbers, as upstream.
///
/// # Errors
/// [`ProveError::Shape`] for a circuit that cannot be proved, [`ProveError::Witness`] for inputs that miss or do not
/// satisfy it, by row and gate, [`ProveError::Device`] among others for what the board lacks: all of these before the
/// device is given work.
pub fn prove<C, H>(
    device: &Device,
    prover_data: &ProverOnlyCircuitData<F, C, D>,
    common_data: &CommonCircuitData<F, D>,
    inputs: PartialWitness<F>,
) -> Result<Proved<C>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    right_hash::<H>()?;
    let mut watch = Stopwatch::new();
    let circuit = Circuit::new(device, prover_data, common_data)?;
    let witness = witness::generate(&circuit, inputs)?;
    watch.lap("generators");
    prove_circuit(device, &circuit, witness, F::rand, watch)
}

/// Proves as `plonky2::plonk::prover::prove_with_partition_witness` does, with a witness that was generated before, and
/// for zero knowledge with salts from `salt`.
///
/// The same witness and the same salts give the same proof. Salts are drawn for the wires, then for the permutation's
/// and lookups' columns, then for the quotient's: each time four columns of the extension's length, column by column in
/// natural order. They must be random and secret: the proof's zero knowledge rests on them.
///
/// # Errors
/// As [`prove`].
pub fn prove_with_partition_witness<C, H>(
    device: &Device,
    prover_data: &ProverOnlyCircuitData<F, C, D>,
    common_data: &CommonCircuitData<F, D>,
    witness: PartitionWitness<'_, F>,
    salt: impl FnMut() -> F,
) -> Result<Proved<C>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    right_hash::<H>()?;
    let watch = Stopwatch::new();
    let circuit = Circuit::new(device, prover_data, common_data)?;
    prove_circuit(device, &circuit, witness, salt, watch)
}

/// plonk/prover.rs:135, after the generators.
fn prove_circuit<C, H>(
    device: &Device,
    circuit: &Circuit<'_, C>,
    witness: PartitionWitness<'_, F>,
    mut salt: impl FnMut() -> F,
    mut watch: Stopwatch,
) -> Result<Proved<C>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let (prover_data, common) = (circuit.prover, circuit.common);
    let config = &common.config;
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let mut salts = || -> Vec<Vec<F>> {
        let columns = if config.zero_knowledge { SALT_SIZE } else { 0 };
        (0..columns).map(|_| (0..common.lde_size()).map(|_| salt()).collect()).collect()
    };

    let witness = witness::complete(circuit, witness)?;
    watch.lap("witness");
    let wires = {
        let columns: Vec<PolynomialValues<F>> =
            transpose(&witness.rows).into_iter().map(PolynomialValues::new).collect();
        commit::from_values::<C, H>(device, &columns, &salts(), rate_bits, cap_height)?
    };
    watch.lap("wires' commitment");

    let mut challenger = Challenger::<F, H>::new();
    common.fri_params.observe(&mut challenger);
    challenger.observe_hash::<H>(prover_data.circuit_digest);
    challenger.observe_hash::<C::InnerHasher>(witness.public_inputs_hash);
    challenger.observe_cap::<H>(&wires.merkle_tree.cap);
    let betas = challenger.get_n_challenges(config.num_challenges);
    let gammas = challenger.get_n_challenges(config.num_challenges);
    let mut coins = Vec::new();
    if circuit.has_lookups() {
        // The first of a challenge's coins are the β and γ that are there already.
        let more = challenger.get_n_challenges((NUM_COINS_LOOKUP - 2) * config.num_challenges);
        coins = Coins::all(&[&betas[..], &gammas, &more].concat());
    }
    let challenges = Challenge::all(&common.k_is, &betas, &gammas);
    let mut columns = permutation::columns(circuit, &witness.rows, &challenges)?;
    columns.extend(lookup::columns(circuit, &witness.rows, &coins)?);
    watch.lap("permutation and lookups");
    let products = commit::from_values::<C, H>(device, &columns, &salts(), rate_bits, cap_height)?;
    drop((columns, witness.rows));
    challenger.observe_cap::<H>(&products.merkle_tree.cap);
    watch.lap("their commitment");

    let alphas = challenger.get_n_challenges(config.num_challenges);
    let vanishing = Vanishing {
        circuit,
        wires: &wires,
        products: &products,
        public_inputs_hash: witness.public_inputs_hash,
        challenges: &challenges,
        coins: &coins,
        alphas: &alphas,
    };
    let quotients = vanishing.quotients();
    watch.lap("constraints");
    let chunks = vanishing::chunks(device, circuit, &quotients)?;
    watch.lap("quotient");
    let quotient = commit::from_coeffs::<C, H>(device, chunks, &salts(), rate_bits, cap_height)?;
    challenger.observe_cap::<H>(&quotient.merkle_tree.cap);
    watch.lap("quotient's commitment");

    let zeta: FE = challenger.get_extension_challenge::<D>();
    if zeta.exp_power_of_2(common.degree_bits()) == FE::ONE {
        return Err(ProveError::Prover("the opening point is in the subgroup: prove again".into()));
    }
    let g = FE::primitive_root_of_unity(common.degree_bits());
    let constants = &prover_data.constants_sigmas_commitment;
    let openings = OpeningSet::new(zeta, g, constants, &wires, &products, &quotient, common);
    observe_openings(&openings, &mut challenger);
    watch.lap("openings");

    let oracles = [constants, &wires, &products, &quotient];
    let instance = fri_instance(circuit, &oracles, zeta, g);
    let opening_proof = prove_openings::<C, H>(device, &instance, &oracles, &mut challenger, &common.fri_params)?;
    watch.lap("opening proof");

    let proof = Proof {
        wires_cap: wires.merkle_tree.cap,
        plonk_zs_partial_products_cap: products.merkle_tree.cap,
        quotient_polys_cap: quotient.merkle_tree.cap,
        openings,
        opening_proof,
    };
    Ok(Proved { proof: ProofWithPublicInputs { proof, public_inputs: witness.public_inputs }, stages: watch.laps })
}

/// All values at ζ, then those at g·ζ, in the order of [`fri_instance`] (`to_fri_openings`, plonk/proof.rs:351).
fn observe_openings<H: Hasher<F>>(openings: &OpeningSet<F, D>, challenger: &mut Challenger<F, H>) {
    let OpeningSet {
        constants,
        plonk_sigmas,
        wires,
        plonk_zs,
        plonk_zs_next,
        partial_products,
        quotient_polys,
        lookup_zs,
        lookup_zs_next,
    } = openings;
    let here = [constants, plonk_sigmas, wires, plonk_zs, partial_products, quotient_polys, lookup_zs];
    for values in here.into_iter().chain([plonk_zs_next, lookup_zs_next]) {
        challenger.observe_extension_elements::<D>(values);
    }
}

/// Everything is opened at ζ; Z and lookups, not the partial products, at g·ζ too (`get_fri_instance`,
/// plonk/circuit_data.rs:515). The oracles are constants and sigmas, wires, products, quotient.
fn fri_instance<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    oracles: &[&PolynomialBatch<F, C, D>; 4],
    zeta: FE,
    g: FE,
) -> FriInstanceInfo<F, D> {
    let products = circuit.permutation_columns();
    let all = |oracle: usize| FriPolynomialInfo::from_range(oracle, 0..oracles[oracle].polynomials.len());
    let of_products = |range| FriPolynomialInfo::from_range(2, range);
    let lookups = of_products(products..products + circuit.lookup_columns());
    let here = [all(0), all(1), of_products(0..products), all(3), lookups.clone()].concat();
    let next = [of_products(circuit.common.zs_range()), lookups].concat();
    let info =
        |oracle: &&PolynomialBatch<F, C, D>, blinding| FriOracleInfo { num_polys: oracle.polynomials.len(), blinding };
    FriInstanceInfo {
        // Upstream's flags, which do not say whether this circuit is blinded (plonk/plonk_common.rs:24).
        oracles: oracles
            .iter()
            .zip([false, true, true, true])
            .map(|(oracle, blinding)| info(oracle, blinding))
            .collect(),
        batches: vec![
            FriBatchInfo { point: zeta, polynomials: here },
            FriBatchInfo { point: g * zeta, polynomials: next },
        ],
    }
}
