//! A proof of p3-uni-stark with its transforms, trees and grinding on a board, and the same on the CPU: the bytes are equal,
//! and the library's verifier takes them.
//!
//! `cargo run --release -p hotloop-plonky3 --example uni_stark -- --device sim`

use std::{error::Error, time::Instant};

use hotloop_plonky3::{
    options, stock_mmcs, with_device, BoardPermutation, Device, DeviceChallenger, DeviceDft, DeviceMmcs, ParameterSet,
    StockChallenger, StockMmcs,
};
// Simulated boards with Plonky3's hashes.
use hotloop_sim_sets as _;
use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_commit::{ExtensionMmcs, Mmcs};
use p3_dft::Radix2Dit;
use p3_field::{extension::BinomialExtensionField, PrimeCharacteristicRing};
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_goldilocks::{Goldilocks, Poseidon2Goldilocks};
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::{prove, verify, Proof, StarkConfig};

type Permutation = Poseidon2Goldilocks<12>;
type Extension = BinomialExtensionField<Goldilocks, 2>;
type Pcs<Dft, Mmcs> = TwoAdicFriPcs<Goldilocks, Dft, Mmcs, ExtensionMmcs<Goldilocks, Extension, Mmcs>>;

/// What a verifier has, and the prover had before.
type Stock = StarkConfig<
    Pcs<Radix2Dit<Goldilocks>, StockMmcs<Permutation>>,
    Extension,
    StockChallenger<Goldilocks, Permutation>,
>;
/// What changes: three parts of the prover's configuration.
type OnDevice =
    StarkConfig<Pcs<DeviceDft, DeviceMmcs<Permutation>>, Extension, DeviceChallenger<Goldilocks, Permutation>>;

/// Height of the caps of trees.
const CAP: usize = 3;
const LOG_ROWS: u32 = 12;
/// Fibonacci sequences side by side.
const SEQUENCES: usize = 8;

fn pcs<Dft, M: Mmcs<Goldilocks>>(dft: Dft, mmcs: M) -> Pcs<Dft, M> {
    let fri = FriParameters {
        log_blowup: 1,
        log_final_poly_len: 3,
        max_log_arity: 3,
        num_queries: 84,
        commit_proof_of_work_bits: 0,
        query_proof_of_work_bits: 16,
        mmcs: ExtensionMmcs::new(mmcs.clone()),
    };
    Pcs::new(dft, mmcs, fri)
}

fn stock() -> Stock {
    StarkConfig::new(pcs(Radix2Dit::default(), stock_mmcs(CAP)), StockChallenger::new(Permutation::of_the_board()))
}

fn on(device: &Device) -> hotloop_plonky3::Result<OnDevice> {
    let challenger = DeviceChallenger::new(device.clone(), StockChallenger::new(Permutation::of_the_board()))?;
    let pcs = pcs(DeviceDft::new(device.clone())?, DeviceMmcs::new(device.clone(), CAP)?);
    Ok(StarkConfig::new(pcs, challenger))
}

/// Of each pair of columns, (a, b) becomes (b, a + b); b begins at 1.
struct Fibonacci;

impl<F> BaseAir<F> for Fibonacci {
    fn width(&self) -> usize {
        2 * SEQUENCES
    }
}

impl<AB: AirBuilder> Air<AB> for Fibonacci {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        for (now, next) in main.current_slice().chunks(2).zip(main.next_slice().chunks(2)) {
            builder.when_first_row().assert_eq(now[1], AB::Expr::ONE);
            builder.when_transition().assert_eq(next[0], now[1]);
            builder.when_transition().assert_eq(next[1], now[0] + now[1]);
        }
    }
}

fn trace() -> RowMajorMatrix<Goldilocks> {
    let mut row: Vec<Goldilocks> = (0..SEQUENCES).flat_map(|s| [Goldilocks::from_usize(s), Goldilocks::ONE]).collect();
    let mut values = Vec::new();
    for _ in 0..1 << LOG_ROWS {
        values.extend(&row);
        row = row.chunks(2).flat_map(|pair| [pair[1], pair[0] + pair[1]]).collect();
    }
    RowMajorMatrix::new(values, 2 * SEQUENCES)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = match &arguments[..] {
        [] => "sim",
        [flag, name] if flag == "--device" => name,
        _ => return Err("usage: uni_stark [--device sim | vfio:<address> | vfio-user:<socket>]".into()),
    };
    let device = Device::open(name, options(ParameterSet::Plonky3Poseidon2))?;

    let start = Instant::now();
    let wanted = serde_json::to_vec(&prove(&stock(), &Fibonacci, trace(), &[]))?;
    println!("cpu: {} bytes in {:.2?}", wanted.len(), start.elapsed());

    let (config, start) = (on(&device)?, Instant::now());
    let (proof, done) = with_device(&device, || prove(&config, &Fibonacci, trace(), &[]))?;
    let bytes = serde_json::to_vec(&proof)?;
    println!("{}: {} bytes in {:.2?}", device.name(), bytes.len(), start.elapsed());
    println!("  {} jobs, {} permutations, {} butterflies", done.jobs, done.permutations, done.butterflies);
    println!("  {} cycles, {} bytes to the board, {} back", done.cycles, done.bytes_to_device, done.bytes_from_device);
    if bytes != wanted {
        return Err("the proofs differ".into());
    }
    let proof: Proof<Stock> = serde_json::from_slice(&bytes)?;
    verify(&stock(), &Fibonacci, &proof, &[]).map_err(|error| format!("not valid: {error:?}"))?;
    println!("the same bytes, and p3-uni-stark's verifier takes them");
    Ok(())
}
