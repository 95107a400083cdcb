//! `hotloop prove`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use hotloop::{Check, Device, ParameterSet};
use hotloop_plonky2::{prove, Backend, Report, Statement};
use serde_json::{json, Map, Value};

use crate::output::{check_writable, write_file, Failure, Output};

/// What to prove, and where.
#[derive(Args)]
pub struct ProveArgs {
    /// `sim`, `sim:<preset>`, `vfio:<address>`, `vfio-user:<socket>`, or `cpu` (the library's own prover, unmodified).
    #[arg(long, default_value = "sim")]
    pub device: String,
    /// Prove a program of this zkVM instead of an AIR.
    #[arg(long, value_enum, requires = "program")]
    pub zkvm: Option<Zkvm>,
    /// The zkVM's program: for Miden a `.masm` file, which may use its core library.
    #[arg(requires = "zkvm")]
    pub program: Option<PathBuf>,
    /// The program's inputs, as Miden's own command has them: JSON with `operand_stack`, `advice_stack`, `advice_map`,
    /// `merkle_store`. Without it all are empty.
    #[arg(long, requires = "zkvm")]
    pub inputs: Option<PathBuf>,
    /// AIR: `fibonacci` or `wide`.
    #[arg(long, default_value = "fibonacci", conflicts_with = "zkvm")]
    air: String,
    /// Columns of the trace, for `wide`: 8, 32, 100 (unless told) or 400.
    #[arg(long, conflicts_with = "zkvm")]
    columns: Option<u32>,
    /// Base-2 logarithm of the rows.
    #[arg(long, default_value_t = 12, conflicts_with = "zkvm")]
    log_rows: u32,
    /// The proof file; beside a program, with `.proof` for its extension, unless told.
    #[arg(long, required_unless_present = "zkvm")]
    pub out: Option<PathBuf>,
    /// What goes to the device.
    #[arg(long, value_enum, default_value_t = Offloaded::All, conflicts_with = "zkvm")]
    offload: Offloaded,
    /// How much of each result is checked before it is used.
    #[arg(long, value_enum, default_value_t = Checked::Spot)]
    check: Checked,
    /// Write a waveform (VCD) of the accelerator; only with a simulated device.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// First cycle of the waveform, counted from power-up.
    #[arg(long, default_value_t = 0, requires = "trace")]
    trace_from: u64,
    /// Cycles of the waveform.
    #[arg(long, default_value_t = 10_000, requires = "trace")]
    trace_cycles: u64,
}

/// zkVMs whose programs can be proved.
#[derive(Clone, Copy, ValueEnum)]
pub enum Zkvm {
    /// miden-vm 0.23.5, with Poseidon2.
    Miden,
}

#[derive(Clone, Copy, ValueEnum)]
enum Offloaded {
    /// Extensions, trees, grinding.
    All,
    /// Trees and grinding, under starky's own, unmodified prover.
    Hashing,
}

#[derive(Clone, Copy, ValueEnum)]
enum Checked {
    /// Random points, leaves and paths.
    Spot,
    /// Everything is computed again on the host.
    Full,
    /// Nothing; the verifier is the only gate.
    Off,
}

/// Runs the command: proves, verifies with starky's own verifier, writes the file.
pub fn run(args: &ProveArgs, output: &Output) -> Result<ExitCode, Failure> {
    let Some(out) = args.out.as_ref().filter(|_| args.zkvm.is_none()) else {
        return zkvm(args, output);
    };
    let statement =
        Statement::new(&args.air, args.columns, args.log_rows).map_err(|e| Failure::usage(e.to_string()))?;
    check_writable(out)?;
    output.progress(&format!("opening {} …", args.device));
    let backend = backend(args)?;
    output.progress(&format!(
        "proving {} of {} columns × 2^{} rows on {} …",
        statement.air(),
        statement.columns(),
        statement.log_rows(),
        args.device
    ));
    let report = prove(&backend, statement).map_err(Failure::new)?;
    output.progress("verifying …");
    let verified = report.file.verify();
    output.progress_done();
    if let Err(error) = verified {
        return Err(Failure::message(format!("no proof was written: {error}")));
    }
    let bytes = report.file.to_bytes();
    write_file(out, &bytes)?;
    output.result(&object(args, &report, bytes.len()), &lines(args, out, &report, bytes.len()))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "miden")]
fn zkvm(args: &ProveArgs, output: &Output) -> Result<ExitCode, Failure> {
    crate::miden::prove(args, output)
}

#[cfg(not(feature = "miden"))]
fn zkvm(_args: &ProveArgs, _output: &Output) -> Result<ExitCode, Failure> {
    Err(Failure::usage("zkVMs are not in this build: build the command with its feature `miden`"))
}

fn backend(args: &ProveArgs) -> Result<Backend, Failure> {
    let Some(device) = open(args, hotloop_plonky2::options())? else { return Ok(Backend::Cpu) };
    Ok(match args.offload {
        Offloaded::All => Backend::Device(device),
        Offloaded::Hashing => Backend::Unmodified(device),
    })
}

/// The device that was asked for, with these options and the checks that were; `None` is `cpu`.
pub fn open(args: &ProveArgs, mut options: hotloop::Options) -> Result<Option<Device>, Failure> {
    if args.device == "cpu" {
        if args.trace.is_some() {
            return Err(Failure::usage("--trace shows a simulated board; `cpu` has none"));
        }
        return Ok(None);
    }
    options.check = match args.check {
        Checked::Spot => Check::Spot,
        Checked::Full => Check::Full,
        Checked::Off => Check::Off,
    };
    let device = match &args.trace {
        None => Device::open(&args.device, options).map_err(Failure::new)?,
        Some(path) => {
            check_writable(path)?;
            traced(args, path, options)?
        }
    };
    Ok(Some(device))
}

/// Opens a simulated board that writes a waveform.
#[cfg(feature = "sim")]
fn traced(args: &ProveArgs, path: &Path, options: hotloop::Options) -> Result<Device, Failure> {
    let preset = match args.device.split_once(':') {
        None if args.device == "sim" => hotloop::simulated_preset(options.set),
        Some(("sim", preset)) => preset,
        _ => return Err(Failure::usage(format!("--trace needs a simulated board, not `{}`", args.device))),
    };
    let trace = hotloop::TraceOptions { path: path.to_owned(), from: args.trace_from, cycles: args.trace_cycles };
    let sim = hotloop::SimOptions { trace: Some(trace), ..hotloop::SimOptions::preset(preset) };
    let function = hotloop::SimFunction::open(&sim).map_err(Failure::new)?;
    Device::from_function(std::sync::Arc::new(function), options).map_err(Failure::new)
}

#[cfg(not(feature = "sim"))]
fn traced(_args: &ProveArgs, _path: &Path, _options: hotloop::Options) -> Result<Device, Failure> {
    Err(Failure::usage("--trace needs a simulated board, and this build has none"))
}

fn object(args: &ProveArgs, report: &Report, proof_bytes: usize) -> Value {
    let statement = report.file.statement();
    let mut seconds = Map::new();
    seconds.insert("total".into(), json!((report.trace_time + report.prove_time).as_secs_f64()));
    seconds.insert("trace".into(), json!(report.trace_time.as_secs_f64()));
    seconds.insert("prove".into(), json!(report.prove_time.as_secs_f64()));
    for (stage, time) in &report.stages {
        seconds.insert(stage.replace(' ', "_"), json!(time.as_secs_f64()));
    }
    let mut offloaded = offload(&report.offload);
    offloaded["share"] = json!(report.share);
    json!({
        "verified": true,
        "device": args.device,
        "parameter_set": ParameterSet::Plonky2V1.name(),
        "air": statement.air(),
        "columns": statement.columns(),
        "log_rows": statement.log_rows(),
        "public_inputs": report.file.public_inputs(),
        "seconds": seconds,
        "offload": offloaded,
        "proof_bytes": proof_bytes,
        "out": args.out,
    })
}

/// What a device did.
pub fn offload(o: &hotloop::Offload) -> Value {
    json!({
        "jobs": o.jobs,
        "permutations": o.permutations,
        "butterflies": o.butterflies,
        "cycles": o.cycles,
        "bytes_to_device": o.bytes_to_device,
        "bytes_from_device": o.bytes_from_device,
        "bytes_read_back": o.bytes_read_back,
        "folded": o.folded,
    })
}

fn lines(args: &ProveArgs, out: &Path, report: &Report, proof_bytes: usize) -> Vec<String> {
    let statement = report.file.statement();
    let o = &report.offload;
    let mut lines = vec![
        format!(
            "proved {}: {} columns × 2^{} rows on {} in {:.2} s; verified by starky",
            statement.air(),
            statement.columns(),
            statement.log_rows(),
            args.device,
            (report.trace_time + report.prove_time).as_secs_f64()
        ),
        format!("wrote {} ({proof_bytes} bytes)", out.display()),
    ];
    if o.jobs > 0 {
        lines.push(format!(
            "offloaded {:.2} % of the prover's permutations and butterflies: {} permutations, {} butterflies in {} jobs",
            report.share * 100.0,
            o.permutations,
            o.butterflies,
            o.jobs
        ));
        lines.push(format!(
            "board: {} cycles, {} bytes in, {} bytes out",
            o.cycles, o.bytes_to_device, o.bytes_from_device
        ));
        if o.folded > 0 {
            lines.push(format!("folded on the board: {} coefficients of FRI's polynomials", o.folded));
        }
        if o.bytes_read_back > 0 {
            lines.push(format!(
                "read back: {} bytes of values, 64 a panel and row of commitments beyond what the chip keeps",
                o.bytes_read_back
            ));
        }
    }
    for (stage, time) in &report.stages {
        lines.push(format!("  {stage:<22} {:>8.3} s", time.as_secs_f64()));
    }
    lines
}
