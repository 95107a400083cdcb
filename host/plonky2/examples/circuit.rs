//! A plonky2 circuit, with a lookup table and public inputs, proved on a board and by plonky2's own prover: the same
//! bytes, and plonky2's verifier accepts.
//!
//! ```text
//! cargo run --release -p hotloop-plonky2 --example circuit -- --device sim [--hashes 40] [--zk]
//! ```

use std::{sync::Arc, time::Instant};

use anyhow::{bail, ensure, Context};
use hotloop::Device;
use hotloop_plonky2::{circuit, options, D, F};
use plonky2::{
    field::types::{Field, Sample},
    hash::poseidon::PoseidonHash,
    iop::{
        generator::generate_partial_witness,
        witness::{PartialWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{CircuitConfig, CircuitData},
        config::PoseidonGoldilocksConfig,
        prover,
    },
    util::timing::TimingTree,
};

type C = PoseidonGoldilocksConfig;

struct Args {
    device: String,
    hashes: usize,
    zero_knowledge: bool,
}

fn main() -> anyhow::Result<()> {
    let args = args()?;
    let (circuit, inputs) = chain(args.hashes, args.zero_knowledge)?;
    let (prover_data, common) = (&circuit.prover_only, &circuit.common);
    println!("{} hashes in 2^{} rows", args.hashes, common.degree_bits());
    // One witness for both provers: plonky2 fills wires that nobody uses at random.
    let witness = generate_partial_witness(inputs, prover_data, common)?;

    let device = Device::open(&args.device, options())?;
    let start = Instant::now();
    let proved = circuit::prove_with_partition_witness(&device, prover_data, common, witness.clone(), F::rand)?;
    println!("{}: {:.2?}, {:?}", args.device, start.elapsed(), device.offload());
    for (stage, time) in &proved.stages {
        println!("  {stage}: {time:.2?}");
    }
    println!("public inputs: {:?}", proved.proof.public_inputs);

    // In one thread: with more, plonky2's proof of work is whichever a thread finds first.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let start = Instant::now();
    let prove = || prover::prove_with_partition_witness(prover_data, common, witness, &mut TimingTree::default());
    let upstream = pool.install(prove)?;
    println!("plonky2: {:.2?}", start.elapsed());
    if args.zero_knowledge {
        println!("blinded: no two proofs are equal");
    } else {
        ensure!(proved.proof.to_bytes() == upstream.to_bytes(), "the proofs differ");
        println!("the proofs are equal: {} bytes", upstream.to_bytes().len());
    }
    circuit.verify(proved.proof).context("plonky2's verifier")?;
    println!("verified");
    Ok(())
}

/// A chain of hashes over something secret, whose bytes are substituted by a table first; the last hash is public.
fn chain(hashes: usize, zero_knowledge: bool) -> anyhow::Result<(CircuitData<F, C, D>, PartialWitness<F>)> {
    let config = CircuitConfig { zero_knowledge, ..CircuitConfig::standard_recursion_config() };
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let table = builder.add_lookup_table_from_pairs(Arc::new((0..=255).map(|x: u16| (x, x * 7 % 256)).collect()));
    let secret = builder.add_virtual_targets(8);
    let mut words: Vec<_> = secret.iter().map(|&byte| builder.add_lookup_from_index(byte, table)).collect();
    for _ in 0..hashes {
        words = builder.hash_n_to_hash_no_pad::<PoseidonHash>(words).elements.to_vec();
    }
    builder.register_public_inputs(&words);
    let circuit = builder.build::<C>();
    let mut inputs = PartialWitness::new();
    for (i, &byte) in secret.iter().enumerate() {
        inputs.set_target(byte, F::from_canonical_usize(31 * i + 5))?;
    }
    Ok((circuit, inputs))
}

fn args() -> anyhow::Result<Args> {
    let mut args = Args { device: "sim".into(), hashes: 40, zero_knowledge: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--device" => args.device = words.next().context("--device takes a name")?,
            "--hashes" => args.hashes = words.next().context("--hashes takes a number")?.parse()?,
            "--zk" => args.zero_knowledge = true,
            other => bail!("unknown argument {other}: use --device <name>, --hashes <number>, --zk"),
        }
    }
    ensure!(args.hashes > 0, "--hashes takes a number from 1");
    Ok(args)
}
