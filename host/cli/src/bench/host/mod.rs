//! The suite `host`: what a prover costs when its device answers at once.
//!
//! For each shape a run of our prover is recorded (the model of `hotloop_tests` computes with plonky2; a test holds it
//! against the simulated board) and then replayed: see [`Tape`]. What is left is the host's own time. Beside it stands
//! what the CPU prover spends on everything that does not go to a board: its floor.

mod derived;
mod page;
mod scopes;
mod tape;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
};

use hotloop::{Check, Device, Options, PciFunction};
use hotloop_plonky2::{prove, reference, Backend, Statement};
use hotloop_regs::map;
use hotloop_tests::model::FunctionalBoard;
use serde::Serialize;
use serde_json::json;

use super::BenchArgs;
use crate::output::{Failure, Output};
use scopes::Split;
use tape::Tape;

/// Columns, and base-2 logarithm of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    columns: u32,
    log_rows: u32,
}

impl std::str::FromStr for Shape {
    type Err = String;

    /// `100x16` is 100 columns of 2^16 rows.
    fn from_str(text: &str) -> Result<Shape, String> {
        let parts = text.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
        let (columns, log_rows) = parts.ok_or("columns and log2 of the rows, as in 100x16")?;
        let shape = Shape { columns, log_rows };
        shape.statement().map_err(|error| error.to_string())?;
        Ok(shape)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.columns, self.log_rows)
    }
}

impl Shape {
    fn statement(self) -> hotloop_plonky2::Result<Statement> {
        Statement::new(if self.columns == 2 { "fibonacci" } else { "wide" }, Some(self.columns), self.log_rows)
    }

    /// Runs of which the fastest counts: more of the short ones.
    fn runs(self) -> usize {
        match self.columns << self.log_rows.saturating_sub(12) {
            0..200 => 9,
            200..2000 => 5,
            _ => 3,
        }
    }
}

/// The shapes of the table.
const SHAPES: [[u32; 2]; 12] = [
    [2, 12],
    [2, 14],
    [2, 16],
    [32, 12],
    [32, 14],
    [32, 16],
    [100, 12],
    [100, 14],
    [100, 16],
    [400, 12],
    [400, 14],
    [400, 16],
];

/// Shapes of the bars: whole prover ÷ floor, share offloaded, peak memory.
const BARS: [f64; 3] = [1.20, 0.86, 1.3];

/// One line of the table, as measured; seconds are those of the fastest run.
#[derive(Clone, Debug, Serialize)]
struct Row {
    air: &'static str,
    columns: u32,
    log_rows: u32,
    /// starky's own prover, one thread, unmodified.
    cpu_seconds: f64,
    /// What of it goes to the board.
    offloaded_share: f64,
    /// Leaves, trees and grinding of it, as a share of `cpu_seconds`.
    hashed_share: f64,
    /// What is not offloaded.
    floor_seconds: f64,
    /// Our prover on a device that answers at once, with the default spot checks.
    host_seconds: f64,
    /// The same without checks.
    host_unchecked_seconds: f64,
    /// Of neither: the copies of results that a board makes by DMA.
    replay_seconds: f64,
    /// `host_seconds` ÷ `floor_seconds`, and without checks.
    ratio: f64,
    ratio_unchecked: f64,
    /// Most resident memory of a process that does nothing but prove, MiB.
    cpu_peak_mib: f64,
    host_peak_mib: f64,
    peak_ratio: f64,
    runs: usize,
    /// What misses its bar.
    missed: Vec<&'static str>,
}

/// A board with the transform and the commit of the largest presets, which computes with plonky2.
fn model() -> Arc<dyn PciFunction> {
    let model = FunctionalBoard::new();
    model.set_constant(&map::PRESET, u64::from_le_bytes(*b"replay\0\0"));
    for (register, value) in [(&map::NTT_MAX_LOG, 13), (&map::COMMIT_LOG, 14), (&map::FOLD_MAX_LOG, 4)] {
        model.set_constant(register, value);
    }
    Arc::new(model)
}

fn options(check: Check) -> Options {
    Options { check, ..hotloop_plonky2::options() }
}

/// Opens a device that plays the recording at `path`.
fn player(path: &Path, check: Check) -> Result<(Arc<Tape>, Device), Failure> {
    let tape = Arc::new(Tape::play(model(), path).map_err(Failure::new)?);
    let device = Device::from_function(tape.clone(), options(check)).map_err(Failure::new)?;
    Ok((tape, device))
}

/// Records a proof of `statement` by `board`, and gives its bytes.
fn record(board: Arc<dyn PciFunction>, statement: Statement, path: &Path) -> Result<Vec<u8>, Failure> {
    let tape = Arc::new(Tape::record(board, path).map_err(Failure::new)?);
    let device = Device::from_function(tape.clone(), options(Check::Spot)).map_err(Failure::new)?;
    let report = prove(&Backend::Device(device), statement).map_err(Failure::new)?;
    tape.rewind().map_err(Failure::new)?;
    Ok(report.file.to_bytes())
}

/// Seconds of a proof that is played, and of its copies.
fn played(tape: &Tape, device: &Device, statement: Statement, wanted: &[u8]) -> Result<(f64, f64), Failure> {
    tape.rewind().map_err(Failure::new)?;
    let report = prove(&Backend::Device(device.clone()), statement).map_err(Failure::new)?;
    let copies = tape.rewind().map_err(Failure::new)?.as_secs_f64();
    if report.file.to_bytes() != wanted {
        return Err(Failure::message("the proof that was replayed is not the CPU's"));
    }
    Ok((report.prove_time.as_secs_f64() - copies, copies))
}

fn measure(shape: Shape, path: &Path) -> Result<Row, Failure> {
    let statement = shape.statement().map_err(Failure::new)?;
    let wanted = record(model(), statement, path)?;
    let (checked, unchecked) = (player(path, Check::Spot)?, player(path, Check::Off)?);
    let (mut splits, mut hosts) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..shape.runs() {
        let run = reference(statement).map_err(Failure::new)?;
        if run.file.to_bytes() != wanted {
            return Err(Failure::message("the proof that was recorded is not the CPU's"));
        }
        splits.push(Split::of(&run)?);
        for (times, (tape, device)) in hosts.iter_mut().zip([&checked, &unchecked]) {
            times.push(played(tape, device, statement, &wanted)?);
        }
    }
    drop((checked, unchecked));
    let peak = |what: &str| peak_of_child(shape, what);
    let path = path.to_str().ok_or_else(|| Failure::message("the temporary folder's name is no text"))?;
    let [cpu_peak_mib, host_peak_mib] = [peak("cpu")?, peak(path)?];
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let cpu = least(&mut splits.iter().map(|split| split.total));
    let floor = least(&mut splits.iter().map(Split::floor));
    let [host, unchecked] = [0, 1].map(|i| least(&mut hosts[i].iter().map(|(host, _)| *host)));
    let mut row = Row {
        air: statement.air(),
        columns: shape.columns,
        log_rows: shape.log_rows,
        cpu_seconds: cpu,
        offloaded_share: 1.0 - floor / cpu,
        hashed_share: splits.iter().map(|split| split.hashed / split.total).sum::<f64>() / splits.len() as f64,
        floor_seconds: floor,
        host_seconds: host,
        host_unchecked_seconds: unchecked,
        replay_seconds: least(&mut hosts[0].iter().map(|(_, copies)| *copies)),
        ratio: host / floor,
        ratio_unchecked: unchecked / floor,
        cpu_peak_mib,
        host_peak_mib,
        peak_ratio: host_peak_mib / cpu_peak_mib,
        runs: shape.runs(),
        missed: Vec::new(),
    };
    let large = shape.columns >= 100 && shape.log_rows >= 14;
    let bars = [
        ("ratio", large && row.ratio > BARS[0]),
        ("offloaded_share", shape == Shape { columns: 100, log_rows: 16 } && row.offloaded_share < BARS[1]),
        ("peak_ratio", large && row.peak_ratio > BARS[2]),
    ];
    row.missed = bars.into_iter().filter_map(|(name, missed)| missed.then_some(name)).collect();
    Ok(row)
}

/// Peak memory of a process of this command that proves once.
fn peak_of_child(shape: Shape, what: &str) -> Result<f64, Failure> {
    let program = std::env::current_exe().map_err(Failure::new)?;
    let args = ["bench", "--suite", "host", "--shape", &shape.to_string(), "--peak-of", what];
    let child = Command::new(program).args(args).output().map_err(Failure::new)?;
    let text = String::from_utf8_lossy(&child.stdout);
    let failed = || Failure::message(format!("measuring memory: {}", String::from_utf8_lossy(&child.stderr).trim()));
    text.trim().parse().map_err(|_| failed())
}

/// In the child: proves once, on the CPU or from a recording, and prints the most memory that it had, in MiB.
fn print_peak(shape: Shape, what: &str) -> Result<ExitCode, Failure> {
    let statement = shape.statement().map_err(Failure::new)?;
    let backend = match what {
        "cpu" => Backend::Cpu,
        path => Backend::Device(player(Path::new(path), Check::Spot)?.1),
    };
    prove(&backend, statement).map_err(Failure::new)?;
    let status = std::fs::read_to_string("/proc/self/status").map_err(Failure::new)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let kib = kib.ok_or_else(|| Failure::message("/proc/self/status has no VmHWM: this figure needs Linux"))?;
    println!("{:.1}", kib / 1024.0);
    Ok(ExitCode::SUCCESS)
}

/// The processor's name.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let of = |name| field(name).unwrap_or_else(|| "?".into());
    format!("{}, family {}, model {}", of("model name"), of("cpu family"), of("model\t"))
}

/// Processes that ran or wanted to in the last minute: with more than there are processors, times are too long.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Runs the suite.
pub fn run(args: &BenchArgs, output: &Output) -> Result<ExitCode, Failure> {
    if let (Some(what), Some(shape)) = (&args.peak_of, args.shape.first()) {
        return print_peak(*shape, what);
    }
    let shapes: Vec<Shape> = match (&args.shape[..], args.quick) {
        ([], true) => vec![Shape { columns: 100, log_rows: 14 }],
        ([], false) => SHAPES.map(|[columns, log_rows]| Shape { columns, log_rows }).to_vec(),
        (shapes, _) => shapes.to_vec(),
    };
    let path = Recording::new("recording");
    let mut rows = Vec::new();
    for shape in shapes {
        output.progress(&format!("{} columns of 2^{} rows …", shape.columns, shape.log_rows));
        rows.push(measure(shape, &path.0)?);
    }
    output.progress_done();
    let processor = processor();
    let derived = derived::table(&rows);
    let load = load();
    let object = json!({ "suite": args.suite, "processor": processor, "load": load, "rows": rows, "derived": derived });
    let mut lines = vec![format!("processor {processor}; load {}", load.unwrap_or_default())];
    lines.extend(page::text(&rows, &derived));
    if let Some(docs) = &args.docs {
        page::write(docs, &format!("{processor}; load {}", load.unwrap_or_default()), &rows, &derived)?;
        lines.push(format!("wrote {}", docs.display()));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A temporary file that is taken away when this goes.
struct Recording(PathBuf);

impl Recording {
    fn new(name: &str) -> Recording {
        Recording(std::env::temp_dir().join(format!("hotloop-{name}-{}", std::process::id())))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use hotloop::{SimFunction, SimOptions};

    /// A recording without the cycles, of which a model has others.
    fn jobs(path: &Path) -> Vec<Vec<u64>> {
        let bytes = std::fs::read(path).unwrap();
        let mut words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let mut jobs = Vec::new();
        while let Some(head) = words.first_chunk::<8>() {
            let window = 8 * hotloop_driver::Descriptor::from_words(*head).dst_beats as usize;
            let mut job: Vec<u64> = words.drain(..8 + 1 + window).collect();
            job.remove(8);
            jobs.push(job);
        }
        jobs
    }

    /// On the chip, and in two passes: the model's results are the simulated board's, and played they give the proof.
    #[test]
    fn what_is_replayed_is_what_the_simulated_board_wrote() {
        let [simulated, modelled] = [Recording::new("sim"), Recording::new("model")];
        for (columns, log_rows) in [(32, 8), (2, 14)] {
            let statement = Shape { columns, log_rows }.statement().unwrap();
            let board = Arc::new(SimFunction::open(&SimOptions::preset("sim")).unwrap());
            let proof = record(board, statement, &simulated.0).unwrap();
            record(model(), statement, &modelled.0).unwrap();
            let modelled_at = modelled.0.clone();
            let [simulated, modelled] = [&simulated, &modelled].map(|recording| jobs(&recording.0));
            assert_eq!(simulated.len(), modelled.len());
            for (i, (simulated, modelled)) in simulated.iter().zip(&modelled).enumerate() {
                assert!(
                    simulated == modelled,
                    "job {i}: {:?}",
                    hotloop_driver::Descriptor::from_words(*simulated.first_chunk().unwrap())
                );
            }
            let (tape, device) = player(&modelled_at, Check::Full).unwrap();
            for _ in 0..2 {
                played(&tape, &device, statement, &proof).unwrap();
            }
            assert_eq!(proof, reference(statement).unwrap().file.to_bytes());
        }
    }

    /// A tape is for one run: another statement's jobs are not answered.
    #[test]
    fn another_run_is_refused() {
        let recording = Recording::new("other");
        let statement = |log_rows| Shape { columns: 2, log_rows }.statement().unwrap();
        record(model(), statement(8), &recording.0).unwrap();
        let (_, device) = player(&recording.0, Check::Spot).unwrap();
        let error = prove(&Backend::Device(device), statement(9)).unwrap_err();
        assert!(format!("{error:?}").contains("another job"), "{error:?}");
    }
}
