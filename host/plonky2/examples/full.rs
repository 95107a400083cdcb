//! starky's prover with everything on a board: extensions, trees, FRI and grinding.
//!
//! ```text
//! cargo run --release -p hotloop-plonky2 --example full -- --device sim [--log-rows 7]
//! ```

use hotloop_plonky2::{
    airs::{PinnedAir, Wide},
    starky,
};
use plonky2::{plonk::config::PoseidonGoldilocksConfig, util::timing::TimingTree};

mod common;

type C = PoseidonGoldilocksConfig;

fn main() -> anyhow::Result<()> {
    let args = common::Args::new(7)?;
    let config = common::config();
    let air = Wide::<32>;
    let (trace, inputs) = air.trace(args.log_rows);

    // Instead of starky::prover::prove(air, &config, trace, &inputs, None, &mut timing):
    let device = args.open()?;
    let proved = starky::prove::<C, _, _>(&device, &air, &config, &trace, &inputs)?;
    for (stage, time) in &proved.stages {
        println!("{stage}: {time:.2?}");
    }

    let prove = || ::starky::prover::prove(air, &config, trace, &inputs, None, &mut TimingTree::default());
    common::compare(&device, &proved.proof, &common::in_one_thread(prove)??)?;
    ::starky::verifier::verify_stark_proof(air, proved.proof, &config, None)?;
    println!("starky's verifier accepts it");
    Ok(())
}
