//! Lookups and cross-table lookups: proofs equal those of starky's own prover, in every way in, and its verifier
//! accepts them.

use std::sync::Arc;

use hotloop::Device;
use hotloop_plonky2::{commit, offload, options, starky as hot, ProveError, Result, D, F};
use hotloop_tests::model::FunctionalBoard;
use plonky2::{
    field::polynomial::PolynomialValues,
    fri::{oracle::PolynomialBatch, reduction_strategies::FriReductionStrategy},
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};
use starky::{
    config::StarkConfig,
    cross_table_lookup::{get_ctl_data, verify_cross_table_lookups, CrossTableLookup, CtlCheckVars, CtlData},
    lookup::{get_grand_product_challenge_set, GrandProductChallengeSet},
    proof::StarkProofWithPublicInputs,
    prover,
    stark::Stark,
    verifier::{verify_stark_proof, verify_stark_proof_with_challenges},
};
use tables::{lookups, squares_trace, traces, Machine, Squares, Sums};

#[path = "../examples/common/tables.rs"]
mod tables;

type C = PoseidonGoldilocksConfig;
type H = <C as GenericConfig<D>>::Hasher;
type Trace = Vec<PolynomialValues<F>>;
type Proof<C> = StarkProofWithPublicInputs<F, C, D>;

fn device() -> Device {
    Device::from_function(Arc::new(FunctionalBoard::new()), options()).expect("the model opens")
}

fn config(rate_bits: usize) -> StarkConfig {
    let mut config = StarkConfig::standard_fast_config();
    config.fri_config.rate_bits = rate_bits;
    config.fri_config.cap_height = 2;
    config.fri_config.proof_of_work_bits = 7;
    config.fri_config.num_query_rounds = 9;
    config.fri_config.reduction_strategy = FriReductionStrategy::ConstantArityBits(2, 2);
    config
}

fn in_one_thread<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread").install(f)
}

fn bytes<T: serde::Serialize>(proof: &T) -> Vec<u8> {
    serde_json::to_vec(proof).expect("serialised")
}

const ALONE: Squares = Squares { looked_up: false };

fn values(log_rows: u32) -> Vec<u64> {
    (0..(1u64 << log_rows) - 5).map(|i| i * i * 7 % (1 << log_rows)).collect()
}

#[test]
fn a_table_with_lookups_is_proved_as_upstream_does() {
    for (log_rows, rate_bits) in [(3, 1), (6, 1), (5, 2)] {
        let (config, trace) = (config(rate_bits), squares_trace(log_rows, &values(log_rows)));
        let wanted: Proof<C> = in_one_thread(|| {
            prover::prove(ALONE, &config, trace.clone(), &[], None, &mut TimingTree::default()).expect("a proof")
        });
        verify_stark_proof(ALONE, wanted.clone(), &config, None).expect("upstream's own is valid");
        let device = device();
        let full = hot::prove::<C, _, _>(&device, &ALONE, &config, &trace, &[]).expect("a proof").proof;
        assert!(bytes(&full) == bytes(&wanted), "2^{log_rows} rows");
        verify_stark_proof(ALONE, full, &config, None).expect("valid");
        let (unmodified, report) = offload::prove(&device, ALONE, &config, trace, &[]).expect("a proof");
        assert!(bytes(&unmodified) == bytes(&wanted), "unmodified, 2^{log_rows} rows");
        assert!(report.offload.permutations > 0);
    }
}

/// The loop of a prover of several tables, as users of starky write it, for any configuration.
fn upstream<C: GenericConfig<D, F = F>>(config: &StarkConfig, traces: &[Trace; 3]) -> Result<[Proof<C>; 3]> {
    let lookups = lookups();
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let timing = &mut TimingTree::default();
    let mut challenger = Challenger::<F, C::Hasher>::new();
    let commitments: [PolynomialBatch<F, C, D>; 3] = [0, 1, 2].map(|table| {
        let commitment =
            PolynomialBatch::from_values(traces[table].clone(), rate_bits, false, cap_height, timing, None);
        challenger.observe_cap(&commitment.merkle_tree.cap);
        commitment
    });
    let (challenges, data) = get_ctl_data::<F, C, D, 3>(config, traces, &lookups, &mut challenger, 3);
    fn table<C: GenericConfig<D, F = F>, S: Stark<F, D>>(
        stark: S,
        config: &StarkConfig,
        (trace, commitment, data): (&Trace, &PolynomialBatch<F, C, D>, &CtlData<'_, F>),
        challenges: &GrandProductChallengeSet<F>,
        challenger: &mut Challenger<F, C::Hasher>,
    ) -> Result<Proof<C>> {
        config.observe(challenger);
        let (ctl, timing) = ((Some(data), Some(challenges)), &mut TimingTree::default());
        prover::prove_with_commitment(
            &stark,
            config,
            trace,
            commitment,
            ctl.0,
            ctl.1,
            challenger,
            &[],
            None,
            None,
            timing,
        )
        .map_err(|error| ProveError::Prover(error.to_string()))
    }
    let of = |i: usize| (&traces[i], &commitments[i], &data[i]);
    Ok([
        table(Machine, config, of(0), &challenges, &mut challenger)?,
        table(Sums, config, of(1), &challenges, &mut challenger)?,
        table(Squares { looked_up: true }, config, of(2), &challenges, &mut challenger)?,
    ])
}

/// The same loop, on the device.
fn on_device(device: &Device, config: &StarkConfig, traces: &[Trace; 3]) -> Result<[Proof<C>; 3]> {
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let mut challenger = Challenger::<F, H>::new();
    let mut commitments = Vec::new();
    for trace in traces {
        commitments.push(commit::from_values::<C, H>(device, trace, &[], rate_bits, cap_height)?);
    }
    commitments.iter().for_each(|commitment| challenger.observe_cap(&commitment.merkle_tree.cap));
    let (challenges, data) = hot::get_ctl_data(config, traces, &lookups(), &mut challenger, 3)?;
    macro_rules! table {
        ($stark:expr, $i:expr) => {{
            config.observe(&mut challenger);
            let (trace, commitment) = (&traces[$i], &commitments[$i]);
            let (data, challenges) = (Some(&data[$i]), Some(&challenges));
            hot::prove_with_commitment(
                device,
                &$stark,
                config,
                trace,
                commitment,
                data,
                challenges,
                &mut challenger,
                &[],
                None,
                None,
            )?
        }};
    }
    Ok([table!(Machine, 0), table!(Sums, 1), table!(Squares { looked_up: true }, 2)])
}

/// starky's verifier for the whole system.
fn verify(proofs: &[Proof<C>; 3], config: &StarkConfig) -> anyhow::Result<()> {
    let lookups = lookups();
    let mut challenger = Challenger::<F, H>::new();
    proofs.iter().for_each(|proof| challenger.observe_cap(&proof.proof.trace_cap));
    let challenges = get_grand_product_challenge_set(&mut challenger, config.num_challenges);
    fn table<S: Stark<F, D>>(
        (stark, index, proof): (S, usize, &Proof<C>),
        config: &StarkConfig,
        lookups: &[CrossTableLookup<F>],
        challenges: &GrandProductChallengeSet<F>,
        challenger: &mut Challenger<F, H>,
    ) -> anyhow::Result<()> {
        let degree = stark.constraint_degree();
        let (helpers, _, by_lookup) =
            CrossTableLookup::num_ctl_helpers_zs_all(lookups, index, config.num_challenges, degree);
        let lookup_columns = stark.num_lookup_helper_columns(config);
        let vars =
            CtlCheckVars::from_proof(index, &proof.proof, lookups, challenges, lookup_columns, helpers, &by_lookup);
        let all = proof.get_challenges(&stark, challenger, Some(challenges), Some(&vars), true, config, None);
        verify_stark_proof_with_challenges(&stark, &proof.proof, &all, Some(&vars), &[], config)
    }
    table((Machine, 0, &proofs[0]), config, &lookups, &challenges, &mut challenger)?;
    table((Sums, 1, &proofs[1]), config, &lookups, &challenges, &mut challenger)?;
    table((Squares { looked_up: true }, 2, &proofs[2]), config, &lookups, &challenges, &mut challenger)?;
    let sums = [0, 1, 2].map(|i| proofs[i].proof.openings.ctl_zs_first.clone().unwrap_or_default());
    verify_cross_table_lookups::<F, D, 3>(&lookups, sums, &Default::default(), config)
}

#[test]
fn tables_with_cross_table_lookups_are_proved_as_upstream_does() {
    for (log_rows, rate_bits) in [(3, 1), (4, 2)] {
        let (config, traces) = (config(rate_bits), traces(log_rows));
        let wanted = in_one_thread(|| upstream::<C>(&config, &traces)).expect("proofs");
        verify(&wanted, &config).expect("upstream's own are valid");
        let device = device();
        let full = on_device(&device, &config, &traces).expect("proofs");
        for (table, (found, wanted)) in full.iter().zip(&wanted).enumerate() {
            assert!(bytes(found) == bytes(wanted), "table {table} of 2^{log_rows} rows");
        }
        verify(&full, &config).expect("valid");

        let bits = config.fri_config.proof_of_work_bits;
        let prove =
            || offload::convert::<_, Vec<Proof<C>>>(&upstream::<offload::OffloadConfig>(&config, &traces)?.to_vec());
        let (unmodified, report) = offload::with_device(&device, bits, prove).expect("proofs");
        assert!(bytes(&unmodified) == bytes(&wanted.to_vec()), "unmodified");
        assert!(report.offload.permutations > 0);
    }
}
