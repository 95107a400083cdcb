//! Provers and the verifier of the three tables: starky's own, and the same loop on a device.

use hotloop::Device;
use hotloop_plonky2::{commit, starky as hot, ProveError, Result, D, F};
use plonky2::{
    field::polynomial::PolynomialValues,
    fri::oracle::PolynomialBatch,
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
    verifier::verify_stark_proof_with_challenges,
};

use super::tables::{lookups, Machine, Squares, Sums};

pub type C = PoseidonGoldilocksConfig;
type H = <C as GenericConfig<D>>::Hasher;
pub type Trace = Vec<PolynomialValues<F>>;
pub type Proof<C> = StarkProofWithPublicInputs<F, C, D>;

/// The loop of a prover of several tables, as users of starky write it, for any configuration.
pub fn upstream<C: GenericConfig<D, F = F>>(config: &StarkConfig, traces: &[Trace; 3]) -> Result<[Proof<C>; 3]> {
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
pub fn on_device(device: &Device, config: &StarkConfig, traces: &[Trace; 3]) -> Result<[Proof<C>; 3]> {
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
pub fn verify(proofs: &[Proof<C>; 3], config: &StarkConfig) -> anyhow::Result<()> {
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
