//! What a proof takes of a board: the jobs of `hotloop_plonky2::starky::prove`, by the cycle formulas of
//! [`hotloop::cycles`] and docs/engines.md, and by the bytes of docs/jobs.md. Derived, not measured: a test holds the cycles
//! against the simulated board.

use hotloop::cycles::{Engine, InverseSplit, Split};
use hotloop_driver::{hash_digests, CommitShape, TransformShape};
use hotloop_hdl::presets::{Preset, BOARDS};
use hotloop_regs::descriptor::{FLAG_COEFFICIENTS, FLAG_FORWARD};
use serde::Serialize;

use super::Row;

/// Cycles from a state's entry into a unit of 4 + 1 S-boxes to its result, and from there to the next level of a tree:
/// what `hotloop bench` measures beyond the permutations' own.
const LEVEL_CYCLES: u64 = 540;
/// starky's standard configuration (`starky/src/config.rs:43`): base-2 logarithms of the blow-up, of a cap's elements, of
/// FRI's arity and last polynomial (at most), of the expected nonces; and challenges.
const BLOWUP: u32 = 1;
const CAP: u32 = 4;
const ARITY: u32 = 4;
const LAST: u32 = 5;
const GRIND: u32 = 16;
const CHALLENGES: u32 = 2;
/// Fewer coefficients are folded by the host (`hotloop_plonky2::fri`).
const FOLD_FROM: u32 = 10;
const BEAT: u64 = 64;

/// Generation and lanes of the PCI Express link that is assumed for each preset: what its part has in hardware, or in the
/// case of `ecp5-85` in its transceivers.
const LINKS: [(&str, u32, u32); 6] =
    [("ecp5-85", 2, 1), ("a200t", 2, 4), ("k325t", 2, 8), ("ku115", 3, 8), ("vu9p", 3, 16), ("c1100", 3, 16)];

/// How much faster than plonky2 1.1.0's scalar Poseidon a hash tuned for the processor is assumed to be.
pub const TUNED: f64 = 2.5;

/// One line of the derived table: a measured shape on a preset.
#[derive(Clone, Debug, Serialize)]
pub struct Derived {
    pub preset: &'static str,
    pub columns: u32,
    pub log_rows: u32,
    pub clock_mhz_assumed: u32,
    pub link_assumed: String,
    /// The board's jobs, one after the other.
    pub board_seconds_derived: f64,
    /// And the host's time as measured, before and after them.
    pub proof_seconds_derived: f64,
    /// Against the CPU prover as measured, in one thread.
    pub times_cpu_derived: f64,
    /// Against the CPU prover with a tuned hash.
    pub times_tuned_cpu_derived: f64,
}

/// Every preset that can take a whole proof, for every shape of 100 columns.
pub fn table(rows: &[Row]) -> Vec<Derived> {
    let shapes = rows.iter().filter(|row| row.columns == 100);
    shapes.flat_map(|row| LINKS.iter().filter_map(|link| derive(row, *link))).collect()
}

fn derive(row: &Row, (name, generation, lanes): (&'static str, u32, u32)) -> Option<Derived> {
    let preset = BOARDS.iter().find(|preset| preset.name == name)?;
    let board = Board::of(preset)?;
    let bytes = link_bytes(generation, lanes);
    // The AIR `wide` has constraints of degree 3.
    let jobs = proof(&board, row.columns.into(), row.log_rows, 3, None);
    let seconds: f64 = jobs.iter().map(|job| job.seconds(preset.clock_mhz, bytes)).sum();
    let whole = seconds + row.host_seconds;
    let tuned = row.cpu_seconds * (1.0 - row.hashed_share * (1.0 - 1.0 / TUNED));
    Some(Derived {
        preset: preset.name,
        columns: row.columns,
        log_rows: row.log_rows,
        clock_mhz_assumed: preset.clock_mhz,
        link_assumed: format!("gen{generation} x{lanes}"),
        board_seconds_derived: seconds,
        proof_seconds_derived: whole,
        times_cpu_derived: row.cpu_seconds / whole,
        times_tuned_cpu_derived: tuned / whole,
    })
}

/// Bytes of data a second each way, with packets of 256 bytes: encoding, and 44 bytes beside each, as
/// `hotloop_sim::PcieLink::payload_limit` counts them.
fn link_bytes(generation: u32, lanes: u32) -> f64 {
    let lane = match generation {
        1 => 2.5e9 * 0.8,
        2 => 5e9 * 0.8,
        _ => 8e9 * 128.0 / 130.0,
    };
    lane / 8.0 * f64::from(lanes) * 256.0 / 300.0
}

/// A board as far as a proof's time depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    pub engine: Engine,
    pub units: u32,
    pub cycles_per_permutation: u32,
    pub commit_log: u32,
    pub fold: bool,
}

impl Board {
    /// Of a preset; `None` if it has no transform engine.
    pub fn of(preset: &Preset) -> Option<Board> {
        let Preset { lanes, max_log, sharing, units, commit_log, fold, .. } = *preset;
        let engine = Engine { lanes, max_log, sharing };
        let cycles_per_permutation = preset.cycles_per_permutation();
        (lanes > 0).then_some(Board { engine, units, cycles_per_permutation, commit_log, fold })
    }
}

/// What a job takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job {
    pub cycles: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub permutations: u64,
}

impl Job {
    /// Seconds at a clock and a link of `bytes` bytes of data a second each way: whichever binds.
    pub fn seconds(&self, clock_mhz: u32, bytes: f64) -> f64 {
        let link = self.bytes_read.max(self.bytes_written) as f64 / bytes;
        link.max(self.cycles as f64 / (f64::from(clock_mhz) * 1e6))
    }
}

/// The jobs of a proof of `columns` columns of 2^`log_rows` rows, constraints of degree `degree`; grinding last, with
/// `nonces` tried (2^16 on average).
pub fn proof(board: &Board, columns: u64, log_rows: u32, degree: u32, nonces: Option<u64>) -> Vec<Job> {
    // starky's `quotient_degree_factor` (`stark.rs:89`).
    let factor = (degree - 1).max(1);
    let mut jobs = board.commit(columns, log_rows, true);
    jobs.extend(board.inverse(log_rows + factor.next_power_of_two().ilog2()));
    jobs.extend(board.commit(u64::from(CHALLENGES * factor), log_rows, false));
    let mut log = log_rows;
    // `FriReductionStrategy::ConstantArityBits` (`plonky2/src/fri/reduction_strategies.rs:43`).
    while log > LAST && log + BLOWUP - ARITY >= CAP {
        jobs.extend(board.forward(log, BLOWUP));
        jobs.push(board.tree(1 << (log + BLOWUP - ARITY), 2 << ARITY));
        if board.fold && log >= FOLD_FROM {
            let bytes = BEAT << (log - 2);
            jobs.push(Job { cycles: 1 << log, bytes_read: bytes, bytes_written: bytes >> ARITY, permutations: 0 });
        }
        log -= ARITY;
    }
    let permutations = nonces.unwrap_or(1 << GRIND);
    jobs.push(Job { permutations, cycles: board.permutations(permutations) + LEVEL_CYCLES, ..Job::default() });
    jobs
}

impl Board {
    fn permutations(&self, count: u64) -> u64 {
        count * u64::from(self.cycles_per_permutation) / u64::from(self.units)
    }

    /// Leaves of `width` elements, and the levels up to the cap.
    fn tree(&self, leaves: u64, width: u64) -> Job {
        let (panels, levels) = (width.div_ceil(8), leaves.ilog2() - CAP);
        let digests = hash_digests(leaves as u32, levels as u8);
        let permutations = if width > 4 { leaves * panels } else { 0 } + digests - leaves;
        Job {
            cycles: self.permutations(permutations) + u64::from(levels + 1) * LEVEL_CYCLES,
            // A level reads the one below it.
            bytes_read: BEAT * leaves * panels + BEAT * (digests - leaves),
            bytes_written: 32 * digests,
            permutations,
        }
    }

    /// A pass of 2^`log` rows, there and back.
    fn pass(log: u32, cycles: u64) -> Job {
        Job { cycles, bytes_read: BEAT << log, bytes_written: BEAT << log, permutations: 0 }
    }

    /// One panel of coefficients onto 2^`log_cosets` cosets.
    fn forward(&self, log: u32, log_cosets: u32) -> Vec<Job> {
        if log <= self.engine.max_log {
            let cycles = self.engine.forward(log, 1, log_cosets);
            return vec![Job { bytes_written: BEAT << (log + log_cosets), ..Self::pass(log, cycles) }];
        }
        let split = Split::forward(log, self.engine.max_log);
        let passes = [self.engine.across(split), self.engine.along(split)];
        passes.map(|cycles| Self::pass(log, cycles)).repeat(1 << log_cosets)
    }

    /// One panel of values to coefficients.
    fn inverse(&self, log: u32) -> Vec<Job> {
        if log <= self.engine.max_log {
            return vec![Self::pass(log, self.engine.inverse(log, 1))];
        }
        // The formula is for both passes.
        let cycles = self.engine.inverse_split(InverseSplit::new(log, self.engine.max_log));
        vec![Self::pass(log, cycles / 2), Self::pass(log, cycles - cycles / 2)]
    }

    /// A commitment to columns of values, or of coefficients.
    fn commit(&self, columns: u64, log: u32, values: bool) -> Vec<Job> {
        let (panels, leaves) = (columns.div_ceil(8), 1u64 << (log + BLOWUP));
        let tree = self.tree(leaves, columns);
        if log > self.engine.max_log {
            let back = if values { self.inverse(log) } else { Vec::new() };
            let panel: Vec<Job> = back.into_iter().chain(self.forward(log, BLOWUP)).collect();
            return panel.repeat(panels as usize).into_iter().chain([tree]).collect();
        }
        let flags = if values { FLAG_FORWARD | FLAG_COEFFICIENTS } else { FLAG_FORWARD };
        let (log_n, log_cosets) = (log as u8, BLOWUP as u8);
        let transform = TransformShape { panels: panels as u32, log_n, log_cosets, flags, ..TransformShape::default() };
        let levels = (log + BLOWUP - CAP) as u8;
        let shape = CommitShape { transform, width: columns as u16, levels, salts: 0 };
        let (bytes_read, bytes_written) = shape.link_bytes(self.commit_log);
        let engine = &self.engine;
        let transforms =
            if values { engine.extension(log, panels, BLOWUP) } else { engine.forward(log, panels, BLOWUP) };
        // Hashed on their way: the slower engine sets the pace, and the sponges wait for the first values.
        let first = if values { engine.inverse(log, 1) } else { engine.forward(log, 1, 0) };
        let cycles = match shape.beats_read_back(self.commit_log) {
            0 => transforms.max(first + tree.cycles),
            _ => transforms + tree.cycles,
        };
        vec![Job { cycles, bytes_read, bytes_written, permutations: tree.permutations }]
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use hotloop::{Check, Device};
    use hotloop_plonky2::{prove, Backend, Statement};

    /// On the chip, in two passes, and read back: cycles within 3 %, bytes on the link within 2 %.
    #[test]
    fn cycles_of_a_proof_are_those_of_the_simulated_board() {
        let device = Device::open("sim", super::super::options(Check::Off)).unwrap();
        let identity = device.identity().clone();
        let board = Board {
            engine: Engine::of(&identity).unwrap(),
            units: identity.poseidon_units,
            cycles_per_permutation: hotloop::cycles::of_permutation(
                identity.poseidon_full_sboxes,
                identity.poseidon_partial_sboxes,
            ),
            commit_log: identity.commit_log,
            fold: identity.fold_max_log > 0,
        };
        for (air, columns, log_rows, degree) in [("wide", 32, 10, 3), ("fibonacci", 2, 14, 2), ("wide", 8, 14, 3)] {
            let statement = Statement::new(air, Some(columns), log_rows).unwrap();
            let before = device.counters().unwrap();
            let done = prove(&Backend::Device(device.clone()), statement).unwrap().offload;
            let after = device.counters().unwrap();
            let total = |jobs: &[Job], of: fn(&Job) -> u64| jobs.iter().map(of).sum::<u64>();
            // How many nonces are tried is the proof's own luck.
            let others = total(&proof(&board, columns.into(), log_rows, degree, Some(0)), |job| job.permutations);
            let nonces = done.permutations.checked_sub(others).unwrap();
            assert!((1..1 << 20).contains(&nonces), "{air}: {nonces} nonces");
            let jobs = proof(&board, columns.into(), log_rows, degree, Some(nonces));
            let cycles = total(&jobs, |job| job.cycles);
            let ratio = cycles as f64 / done.cycles as f64;
            println!("{air} {columns} x 2^{log_rows}: {cycles} cycles by formula, {} counted", done.cycles);
            assert!((0.97..1.03).contains(&ratio), "{air} {columns} x 2^{log_rows}: {ratio}");
            // Besides: descriptors, completions, tables of the passes.
            for (formula, counted) in [
                (total(&jobs, |job| job.bytes_read), after.bytes_read - before.bytes_read),
                (total(&jobs, |job| job.bytes_written), after.bytes_written - before.bytes_written),
            ] {
                println!("{formula} bytes by formula, {counted} counted");
                assert!((0.98..1.01).contains(&(formula as f64 / counted as f64)), "{air}: {formula} {counted}");
            }
        }
    }
}
