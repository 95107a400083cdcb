//! A prover that nobody changed, generic over plonky2's configuration: with `OffloadConfig` its trees and its grinding
//! go to a board.
//!
//! ```text
//! cargo run --release -p hotloop-plonky2 --example unmodified -- --device sim [--log-rows 8]
//! ```

use hotloop_plonky2::{
    airs::{Fibonacci, PinnedAir},
    offload::{convert, with_device, OffloadConfig},
    ProveError, D, F,
};
use plonky2::{
    field::polynomial::PolynomialValues,
    plonk::config::{GenericConfig, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};
use starky::{config::StarkConfig, proof::StarkProofWithPublicInputs, prover, verifier::verify_stark_proof};

mod common;

/// The prover. Here it is starky's; yours may be any that takes a configuration.
fn prove<C: GenericConfig<D, F = F>>(
    config: &StarkConfig,
    trace: Vec<PolynomialValues<F>>,
    inputs: &[F],
) -> anyhow::Result<StarkProofWithPublicInputs<F, C, D>> {
    prover::prove(Fibonacci, config, trace, inputs, None, &mut TimingTree::default())
}

fn main() -> anyhow::Result<()> {
    let args = common::Args::new(8)?;
    let config = common::config();
    let (trace, inputs) = Fibonacci.trace(args.log_rows);

    let device = args.open()?;
    let (proof, report) = with_device(&device, config.fri_config.proof_of_work_bits, || {
        let proof = prove::<OffloadConfig>(&config, trace.clone(), &inputs);
        // Its digests end with the session: take it out as a proof of plonky2's own configuration.
        convert(&proof.map_err(|error| ProveError::Prover(error.to_string()))?)
    })?;
    println!("{} permutations stayed on the host, for the transcript", report.host_permutations);

    let upstreams = common::in_one_thread(|| prove::<PoseidonGoldilocksConfig>(&config, trace, &inputs))??;
    common::compare(&device, &proof, &upstreams)?;
    verify_stark_proof(Fibonacci, proof, &config, None)?;
    println!("starky's verifier accepts it");
    Ok(())
}
