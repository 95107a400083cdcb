//! The suite `engines`: each engine at work on its own, and `commit`, which keeps them all at work.

use std::time::Instant;

use hotloop::{
    cycles::{Engine, Split},
    Device, GrindRequest, HotloopError, Input, LdeRequest, Leaves, TreeRequest, STATE_WORDS,
};
use hotloop_hdl::{
    datapath::Design,
    field::{multiplier_leaf, square_leaf, MultiplierLeaf},
};

use super::{Goal, Method, Row};
use crate::random::{columns, words};

/// Multiplications of 64 bits in one Poseidon permutation in its plain form: (8·12 + 22) S-boxes of four.
const MULTIPLICATIONS: u64 = 472;

/// Poseidon, and `commit`, whose transforms go on beside it.
pub const PERMUTATIONS: &str = "permutations × 472 ÷ (cycles × multipliers)";
/// On-chip transforms: a lane takes an element a cycle at most.
pub const PER_LANE: &str = "elements ÷ (cycles × lanes)";
/// What compares transforms of different designs.
pub const PER_MULTIPLIER: &str = "elements ÷ (cycles × multipliers)";

type Measure = fn(&Device) -> Result<Vec<Row>, HotloopError>;

/// What is measured, in this order.
pub const MEASURES: [(&str, Measure); 8] = [
    ("transforms in two passes", ntt_split),
    ("transforms on the chip", ntt),
    ("leaves", hash_leaves),
    ("a tree", merkle),
    ("grinding", grind),
    ("a commitment", commit),
    ("multipliers", leaves),
    ("the simulation", simulation),
];

/// Cycles and permutations of what `run` does.
fn counted(device: &Device, run: impl FnOnce() -> Result<(), HotloopError>) -> Result<(u64, u64), HotloopError> {
    let before = device.offload();
    run()?;
    let done = device.offload() - before;
    Ok((done.cycles, done.permutations))
}

fn share(operations: u64, cycles: u64, units: u32) -> f64 {
    operations as f64 / (cycles * u64::from(units)).max(1) as f64
}

fn poseidon(device: &Device, name: &str, goal: f64, (cycles, permutations): (u64, u64)) -> Vec<Row> {
    let multipliers = device.identity().poseidon_multipliers;
    let value = share(permutations * MULTIPLICATIONS, cycles, multipliers);
    vec![Row::new(name, value, PERMUTATIONS, Method::Measured, Goal::AtLeast(goal)).with(cycles, multipliers)]
}

fn hash_leaves(device: &Device) -> Result<Vec<Row>, HotloopError> {
    let columns = columns(64, 1 << 11);
    let counted = counted(device, || device.hash_leaves(Leaves::Columns(&columns)).map(drop))?;
    Ok(poseidon(device, "hash_leaves, 2^11 of 64 elements", 0.95, counted))
}

fn merkle(device: &Device) -> Result<Vec<Row>, HotloopError> {
    let columns = columns(8, 1 << 13);
    let request = TreeRequest { leaves: Leaves::Columns(&columns), levels: 9 };
    let counted = counted(device, || device.tree(request).map(drop))?;
    Ok(poseidon(device, "merkle, 2^13 leaves of 8 elements, cap of 2^4", 0.85, counted))
}

fn grind(device: &Device) -> Result<Vec<Row>, HotloopError> {
    // No nonce gives 64 leading zeros in 2^14 tries, so that the count is exact.
    let request = GrindRequest {
        state: std::array::from_fn(|i| i as u64),
        position: 0,
        output_word: 7,
        bits: 64,
        zeros: hotloop::Zeros::Leading,
        start: 0,
        tries: 1 << 14,
    };
    let counted = counted(device, || match device.grind(&request) {
        Ok(_) | Err(HotloopError::NoNonce { .. }) => Ok(()),
        Err(error) => Err(error),
    })?;
    Ok(poseidon(device, "grind, 2^14 nonces", 0.95, counted))
}

/// Blow-up 2, coefficients wanted, tree to the root: utilisation of the Poseidon multipliers.
fn commit(device: &Device) -> Result<Vec<Row>, HotloopError> {
    let columns = columns(64, 1 << 12);
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 1, shift: 7, coefficients: true };
    let counted = counted(device, || device.commit(&request, &[], 13).map(drop))?;
    Ok(poseidon(device, "commit, 2^12 × 64 columns, blow-up 2", 0.90, counted))
}

fn ntt(device: &Device) -> Result<Vec<Row>, HotloopError> {
    const LOG_N: u32 = 12;
    const COLUMNS: usize = 256;
    let columns = columns(COLUMNS, 1 << LOG_N);
    let (cycles, _) = counted(device, || device.forward(&columns, 1).map(drop))?;
    let value = share((COLUMNS as u64) << LOG_N, cycles, device.identity().lanes);
    let row = Row::new("ntt 2^12, 256 columns", value, PER_LANE, Method::Measured, Goal::AtLeast(0.95));
    Ok(vec![row.with(cycles, device.identity().ntt_multipliers)])
}

/// Eight columns at lengths that a simulation can do, and the length that other designs publish.
fn ntt_split(device: &Device) -> Result<Vec<Row>, HotloopError> {
    const COLUMNS: usize = 8;
    let multipliers = device.identity().ntt_multipliers;
    let mut rows = Vec::new();
    for log_n in (device.identity().max_log + 1..).take(3) {
        let columns = columns(COLUMNS, 1 << log_n);
        let (cycles, _) = counted(device, || device.forward(&columns, 1).map(drop))?;
        let value = share((COLUMNS as u64) << log_n, cycles, multipliers);
        let name = format!("ntt 2^{log_n} in two passes, 8 columns");
        rows.push(Row::new(name, value, PER_MULTIPLIER, Method::Measured, Goal::None).with(cycles, multipliers));
    }
    // The split that others publish; tests/tests/split.rs holds the formula against the hardware.
    const HALF: u32 = 12;
    if let Some(engine) = Engine::of(device.identity()).filter(|engine| engine.max_log >= HALF) {
        let cycles = engine.forward_split(Split::of(HALF, HALF, engine.max_log));
        let value = share((COLUMNS as u64) << (2 * HALF), cycles, multipliers);
        let row =
            Row::new("ntt 2^24 as 2^12 × 2^12, 8 columns", value, PER_MULTIPLIER, Method::Formula, Goal::AtLeast(0.20));
        rows.push(row.with(cycles, multipliers));
    }
    Ok(rows)
}

/// What one 64 × 64 product is made of, and a square where that is less, counted in the leaves' netlists.
fn leaves(_: &Device) -> Result<Vec<Row>, HotloopError> {
    let leaves = [
        (MultiplierLeaf::Ecp5, "MULT18X18D", 9.0),
        (MultiplierLeaf::Xilinx7, "DSP48E1", 12.0),
        (MultiplierLeaf::Xilinx, "DSP48E2", 12.0),
    ];
    let row = |what: String, module, cell, goal| {
        let cells = Design::new(module).instances_of(cell);
        Row::new(what, cells as f64, cell, Method::Measured, Goal::AtMost(goal))
    };
    let mut rows = Vec::new();
    for (leaf, cell, goal) in leaves {
        rows.push(row(format!("64 × 64 product, {leaf:?}"), multiplier_leaf(leaf), cell, goal));
        if let Some(square) = square_leaf(leaf) {
            rows.push(row(format!("square of 64 bits, {leaf:?}"), square, cell, 7.0));
        }
    }
    Ok(rows)
}

/// How long the simulator takes: a figure of this machine, not of a board.
fn simulation(device: &Device) -> Result<Vec<Row>, HotloopError> {
    let words = words(STATE_WORDS << 14);
    let mut states: Vec<[u64; STATE_WORDS]> =
        words.chunks(STATE_WORDS).map(|s| std::array::from_fn(|i| s[i])).collect();
    let start = Instant::now();
    let (cycles, _) = counted(device, || device.permute(&mut states))?;
    let seconds = start.elapsed().as_secs_f64();
    let row = Row::new("simulation, 2^14 permutations", seconds, SECONDS, Method::Measured, Goal::AtMost(1.0));
    Ok(vec![row.with(cycles, device.identity().poseidon_multipliers)])
}

/// Seconds on the machine at hand, checks of the results included.
pub const SECONDS: &str = "seconds on this machine";
