//! `hotloop bench`: cycles from the board's own counters, against the bound of its multipliers.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Args;
use hotloop::{Device, GrindRequest, HotloopError, Input, LdeRequest, Leaves, TreeRequest};
use plonky2::field::{
    goldilocks_field::GoldilocksField as F,
    types::{Field, PrimeField64, Sample},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    open,
    output::{write_file, Failure, Output},
};

/// Multiplications of 64 bits in one Poseidon permutation in its plain form: (8·12 + 22) S-boxes of four.
const MULTIPLICATIONS: u64 = 472;

/// What to measure.
#[derive(Args)]
pub struct BenchArgs {
    /// `sim`, `sim:<preset>`.
    #[arg(long, default_value = "sim")]
    device: String,
    /// Write the figures as a page of documentation too.
    #[arg(long)]
    docs: Option<PathBuf>,
}

/// One measurement.
#[derive(Serialize)]
struct Figure {
    /// The job measured.
    job: &'static str,
    /// Clock cycles of the job, from its completion.
    cycles: u64,
    /// Permutations, or elements transformed.
    operations: u64,
    /// 64-bit multipliers of the engine, counted in its netlist.
    multipliers: u32,
    /// Poseidon and commit: permutations × 472 ÷ (cycles × multipliers). Transform on the chip: elements ÷ (cycles ×
    /// lanes); in two passes: elements ÷ (cycles × multipliers).
    utilisation: f64,
    /// Cycles of the simulation in a second of this machine: a measure of the simulator, not of a board.
    simulated_cycles_per_second: f64,
}

/// Runs the command.
pub fn run(args: &BenchArgs, output: &Output) -> Result<ExitCode, Failure> {
    let device = open(&args.device)?;
    let identity = device.identity().clone();
    let mut figures = Vec::new();
    for (name, measure) in [
        ("hash_leaves", hash_leaves as Measure),
        ("merkle", merkle),
        ("grind", grind),
        ("ntt 2^12", ntt),
        ("ntt in two passes", ntt_split),
        (COMMIT, commit),
    ] {
        output.progress(&format!("measuring {name} …"));
        figures.push(measure(&device).map_err(Failure::new)?);
    }
    output.progress_done();
    let [hash, tree, grind, ntt, split, commit] = &figures[..] else {
        return Err(Failure::message("a figure is missing"));
    };
    let object = json!({
        "preset": identity.preset,
        "device": device.name(),
        "multipliers": identity.poseidon_multipliers + identity.ntt_multipliers,
        "lanes": identity.lanes,
        "engines": {
            "poseidon": hash, "poseidon_merkle": tree, "poseidon_grind": grind, "ntt": ntt, "ntt_split": split,
            "commit": commit,
        },
    });
    let mut lines = vec![
        format!("preset {}, {} multipliers", identity.preset, identity.poseidon_multipliers + identity.ntt_multipliers),
        format!("{:<16} {:>10} {:>12} {:>12} {:>12}", "job", "cycles", "operations", "multipliers", "utilisation"),
    ];
    for f in &figures {
        let (job, cycles, operations) = (f.job, f.cycles, f.operations);
        lines.push(format!("{job:<16} {cycles:>10} {operations:>12} {:>12} {:>12.3}", f.multipliers, f.utilisation));
    }
    if let Some(path) = &args.docs {
        write_file(path, page(&identity.preset, &figures).as_bytes())?;
        lines.push(format!("wrote {}", path.display()));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

type Measure = fn(&Device) -> Result<Figure, HotloopError>;

fn timed(device: &Device, run: impl FnOnce() -> Result<(), HotloopError>) -> Result<(u64, u64, f64), HotloopError> {
    let (before, start) = (device.offload(), Instant::now());
    run()?;
    let done = device.offload() - before;
    Ok((done.cycles, done.permutations, done.cycles as f64 / start.elapsed().as_secs_f64()))
}

fn poseidon(device: &Device, job: &'static str, (cycles, operations, rate): (u64, u64, f64)) -> Figure {
    let multipliers = device.identity().poseidon_multipliers;
    let utilisation = (operations * MULTIPLICATIONS) as f64 / (cycles * u64::from(multipliers)).max(1) as f64;
    Figure { job, cycles, operations, multipliers, utilisation, simulated_cycles_per_second: rate }
}

fn columns(columns: usize, rows: usize) -> Vec<Vec<u64>> {
    (0..columns).map(|_| F::rand_vec(rows).iter().map(|x| x.to_canonical_u64()).collect()).collect()
}

fn hash_leaves(device: &Device) -> Result<Figure, HotloopError> {
    let columns = columns(64, 1 << 11);
    let measured = timed(device, || device.hash_leaves(Leaves::Columns(&columns)).map(drop))?;
    Ok(poseidon(device, "hash_leaves", measured))
}

fn merkle(device: &Device) -> Result<Figure, HotloopError> {
    let columns = columns(8, 1 << 13);
    let request = TreeRequest { leaves: Leaves::Columns(&columns), levels: 9 };
    let measured = timed(device, || device.tree(request).map(drop))?;
    Ok(poseidon(device, "merkle", measured))
}

fn grind(device: &Device) -> Result<Figure, HotloopError> {
    // No nonce gives 64 leading zeros in 2^14 tries, so that the count is exact.
    let request = GrindRequest {
        state: std::array::from_fn(|i| F::from_canonical_usize(i).to_canonical_u64()),
        position: 0,
        output_word: 7,
        bits: 64,
        start: 0,
        tries: 1 << 14,
    };
    let measured = timed(device, || match device.grind(&request) {
        Ok(_) | Err(HotloopError::NoNonce { .. }) => Ok(()),
        Err(error) => Err(error),
    })?;
    Ok(poseidon(device, "grind", measured))
}

fn ntt(device: &Device) -> Result<Figure, HotloopError> {
    const LOG_N: u32 = 12;
    const COLUMNS: usize = 256;
    let columns = columns(COLUMNS, 1 << LOG_N);
    let (cycles, _, rate) = timed(device, || device.forward(&columns, 1).map(drop))?;
    let (lanes, multipliers) = (device.identity().lanes, device.identity().ntt_multipliers);
    let operations = (COLUMNS as u64) << LOG_N;
    let utilisation = operations as f64 / (cycles * u64::from(lanes)).max(1) as f64;
    Ok(Figure { job: "ntt 2^12", cycles, operations, multipliers, utilisation, simulated_cycles_per_second: rate })
}

/// Four times as long as the chip holds: docs/ntt.md says how cycles go on growing.
fn ntt_split(device: &Device) -> Result<Figure, HotloopError> {
    const COLUMNS: usize = 8;
    let (log_n, multipliers) = (device.identity().max_log + 2, device.identity().ntt_multipliers);
    let columns = columns(COLUMNS, 1 << log_n);
    let (cycles, _, rate) = timed(device, || device.forward(&columns, 1).map(drop))?;
    let operations = (COLUMNS as u64) << log_n;
    let utilisation = operations as f64 / (cycles * u64::from(multipliers)).max(1) as f64;
    Ok(Figure { job: "ntt split", cycles, operations, multipliers, utilisation, simulated_cycles_per_second: rate })
}

const COMMIT: &str = "commit 2^12 x 64";

/// Blow-up 2, coefficients wanted, tree to the root: utilisation of the Poseidon multipliers.
fn commit(device: &Device) -> Result<Figure, HotloopError> {
    let columns = columns(64, 1 << 12);
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 1, shift: 7, coefficients: true };
    let measured = timed(device, || device.commit(&request, &[], 13).map(drop))?;
    Ok(poseidon(device, COMMIT, measured))
}

fn page(preset: &str, figures: &[Figure]) -> String {
    let mut page = format!(
        "# Figures\n\nWritten by `make docs` (`hotloop bench --docs docs/figures.md`); do not edit. Cycles are exact: they \
         come from the completions of the simulated board, preset `{preset}`, at a memory without latency, and repeat \
         from run to run.\n\n\
         Utilisation of Poseidon, and of `commit` (whose transforms go on beside it): permutations × {MULTIPLICATIONS} ÷ \
         (cycles × multipliers); of the transform: elements ÷ (cycles × lanes); of the transform in two passes, four times \
         as long as the chip holds: elements ÷ (cycles × multipliers).\n\n\
         | job | cycles | operations | multipliers | utilisation |\n|---|---|---|---|---|\n"
    );
    for f in figures {
        let (job, cycles, operations) = (f.job, f.cycles, f.operations);
        page.push_str(&format!("| {job} | {cycles} | {operations} | {} | {:.3} |\n", f.multipliers, f.utilisation));
    }
    page
}
