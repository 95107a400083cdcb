//! A prover with a loop of its own, over plonky2's `PolynomialBatch`: commits to columns, opens them
//! where the transcript says, and proves the openings by FRI, all on a board.
//!
//! ```text
//! cargo run --release -p hotloop-plonky2 --example own_loop -- --device sim [--log-rows 8]
//! ```

use hotloop::Device;
use hotloop_plonky2::{commit, fri, D, F, FE};
use plonky2::{
    field::{polynomial::PolynomialValues, types::Field},
    fri::{
        oracle::PolynomialBatch,
        proof::FriProof,
        reduction_strategies::FriReductionStrategy,
        structure::{FriBatchInfo, FriInstanceInfo, FriOpeningBatch, FriOpenings, FriOracleInfo, FriPolynomialInfo},
        verifier::verify_fri_proof,
        FriConfig, FriParams,
    },
    hash::merkle_tree::MerkleCap,
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};

mod common;

type C = PoseidonGoldilocksConfig;
type H = <C as GenericConfig<D>>::Hasher;
type Batch = PolynomialBatch<F, C, D>;
type Openings = Vec<Vec<FE>>;

const COLUMNS: [usize; 2] = [20, 3];

/// What the verifier gets.
struct Proof {
    caps: Vec<MerkleCap<F, H>>,
    openings: Openings,
    fri: FriProof<F, H, D>,
}

/// The loop. With a device the calls are ours, without one they are plonky2's: these are all that differ.
fn prove(device: Option<&Device>, tables: &[Vec<PolynomialValues<F>>], params: &FriParams) -> anyhow::Result<Proof> {
    let FriConfig { rate_bits, cap_height, .. } = params.config;
    let timing = &mut TimingTree::default();
    let mut challenger = Challenger::<F, H>::new();
    let mut batches: Vec<Batch> = Vec::new();
    for table in tables {
        let batch = match device {
            // Blinding takes salts: `commit::random_salts(rows, rate_bits)`.
            Some(device) => commit::from_values::<C, H>(device, table, &[], rate_bits, cap_height)?,
            None => Batch::from_values(table.clone(), rate_bits, false, cap_height, timing, None),
        };
        challenger.observe_cap(&batch.merkle_tree.cap);
        batches.push(batch);
    }

    let zeta = challenger.get_extension_challenge::<D>();
    let instance = instance(zeta, params.degree_bits);
    let open = |batch: &FriBatchInfo<F, D>| -> Vec<FE> {
        let at = |info: &FriPolynomialInfo| &batches[info.oracle_index].polynomials[info.polynomial_index];
        batch.polynomials.iter().map(|info| at(info).to_extension::<D>().eval(batch.point)).collect()
    };
    let openings: Openings = instance.batches.iter().map(open).collect();
    openings.iter().for_each(|values| challenger.observe_extension_elements::<D>(values));

    let oracles: Vec<&Batch> = batches.iter().collect();
    let fri = match device {
        Some(device) => fri::prove_openings(device, &instance, &oracles, &mut challenger, params)?,
        None => Batch::prove_openings(&instance, &oracles, &mut challenger, params, None, None, timing),
    };
    Ok(Proof { caps: batches.into_iter().map(|batch| batch.merkle_tree.cap).collect(), openings, fri })
}

/// Everything is opened at zeta, the first table in the next row too.
fn instance(zeta: FE, degree_bits: usize) -> FriInstanceInfo<F, D> {
    let all = |oracle: usize| FriPolynomialInfo::from_range(oracle, 0..COLUMNS[oracle]);
    let next = zeta * FE::from(F::primitive_root_of_unity(degree_bits));
    FriInstanceInfo {
        oracles: COLUMNS.map(|num_polys| FriOracleInfo { num_polys, blinding: false }).to_vec(),
        batches: vec![
            FriBatchInfo { point: zeta, polynomials: [all(0), all(1)].concat() },
            FriBatchInfo { point: next, polynomials: all(0) },
        ],
    }
}

/// plonky2's verifier.
fn verify(proof: &Proof, params: &FriParams) -> anyhow::Result<()> {
    let mut challenger = Challenger::<F, H>::new();
    proof.caps.iter().for_each(|cap| challenger.observe_cap(cap));
    let instance = instance(challenger.get_extension_challenge::<D>(), params.degree_bits);
    proof.openings.iter().for_each(|values| challenger.observe_extension_elements::<D>(values));
    let FriProof { commit_phase_merkle_caps, final_poly, pow_witness, .. } = &proof.fri;
    let challenges = challenger.fri_challenges::<C, D>(
        commit_phase_merkle_caps,
        final_poly,
        *pow_witness,
        params.degree_bits,
        &params.config,
        None,
        None,
    );
    let batches = proof.openings.iter().map(|values| FriOpeningBatch { values: values.clone() }).collect();
    verify_fri_proof::<F, C, D>(&instance, &FriOpenings { batches }, &challenges, &proof.caps, &proof.fri, params)
}

fn main() -> anyhow::Result<()> {
    let args = common::Args::new(8)?;
    let params = FriConfig {
        rate_bits: 2,
        cap_height: 4,
        proof_of_work_bits: 12,
        reduction_strategy: FriReductionStrategy::ConstantArityBits(3, 4),
        num_query_rounds: 40,
    }
    .fri_params(args.log_rows as usize, false);
    let value = |table: usize, column: usize, row: usize| F::from_canonical_usize((table + 7 * column + 1) * row * row);
    let tables = [0, 1].map(|table| -> Vec<PolynomialValues<F>> {
        let column = |column| (0..1 << args.log_rows).map(|row| value(table, column, row)).collect::<Vec<_>>();
        (0..COLUMNS[table]).map(|k| column(k).into()).collect()
    });

    let device = args.open()?;
    let ours = prove(Some(&device), &tables, &params)?;
    let upstreams = common::in_one_thread(|| prove(None, &tables, &params))??;
    common::compare(
        &device,
        &(&ours.caps, &ours.openings, &ours.fri),
        &(&upstreams.caps, &upstreams.openings, &upstreams.fri),
    )?;
    verify(&ours, &params)?;
    println!("plonky2's verifier accepts it");
    Ok(())
}
