//! `hotloop bench`: cycles from the board's own counters, against the bound of its multipliers.

mod engines;
mod host;
mod page;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::{
    open,
    output::{Failure, Output},
};

/// What to measure.
#[derive(Args)]
pub struct BenchArgs {
    /// `sim`, `sim:<preset>`.
    #[arg(long, default_value = "sim")]
    device: String,
    /// Which figures.
    #[arg(long, value_enum, default_value_t = Suite::Engines)]
    suite: Suite,
    /// Write the figures into this page of documentation too, between its two marks.
    #[arg(long)]
    docs: Option<PathBuf>,
    /// Of suite `host`: one shape only.
    #[arg(long)]
    quick: bool,
    /// Of suite `host`: these shapes, columns and log2 of the rows, as in `100x16`.
    #[arg(long, value_delimiter = ',')]
    shape: Vec<host::Shape>,
    /// How suite `host` measures memory: in a process that proves once, on `cpu` or from a recording.
    #[arg(long, hide = true)]
    peak_of: Option<String>,
}

/// A group of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Suite {
    /// The engines of one board: cycles against what their multipliers allow.
    Engines,
    /// A prover whose device answers at once, against what the CPU prover does besides; `--device` is ignored.
    Host,
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// Counted by the hardware, or in its netlist.
    Measured,
    /// Computed by a formula that a test holds against the hardware.
    Formula,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
struct Row {
    /// What was measured, shape included.
    name: String,
    /// The figure.
    value: f64,
    /// What it is a figure of.
    unit: &'static str,
    /// Clock cycles of the job, from its completion.
    cycles: Option<u64>,
    /// 64-bit multipliers of the engine at work, counted in its netlist.
    multipliers: Option<u32>,
    method: Method,
    /// What the figure is to reach.
    goal: Option<f64>,
    /// Whether it reaches it.
    reached: Option<bool>,
}

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
}

impl Row {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, method: Method, goal: Goal) -> Row {
        let (goal, reached) = match goal {
            Goal::AtLeast(goal) => (Some(goal), Some(value >= goal)),
            Goal::AtMost(goal) => (Some(goal), Some(value <= goal)),
            Goal::None => (None, None),
        };
        Row { name: name.into(), value, unit, cycles: None, multipliers: None, method, goal, reached }
    }

    fn with(mut self, cycles: u64, multipliers: u32) -> Row {
        self.cycles = Some(cycles);
        self.multipliers = Some(multipliers);
        self
    }
}

/// Runs the command.
pub fn run(args: &BenchArgs, output: &Output) -> Result<ExitCode, Failure> {
    if args.suite == Suite::Host {
        return host::run(args, output);
    }
    let device = open(&args.device)?;
    let mut rows: Vec<Row> = Vec::new();
    for (name, measure) in engines::MEASURES {
        output.progress(&format!("measuring {name} …"));
        rows.extend(measure(&device).map_err(Failure::new)?);
    }
    output.progress_done();
    let preset = &device.identity().preset;
    let object = json!({ "suite": args.suite, "device": device.name(), "preset": preset, "rows": rows });
    let mut lines = vec![format!("device {}, preset {preset}", device.name())];
    lines.extend(page::text(&rows));
    if let Some(path) = &args.docs {
        page::write(path, preset, &rows)?;
        lines.push(format!("wrote {}", path.display()));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}
