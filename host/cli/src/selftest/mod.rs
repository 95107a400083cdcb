//! `hotloop selftest`: every operation of a device against plonky2's own results.

mod board;
mod hashing;
mod transforms;

use std::process::ExitCode;

use clap::Args;
use hotloop::{Device, HotloopError};
use hotloop_regs::ParameterSet;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        types::{Field, PrimeField64},
    },
    hash::poseidon::PoseidonHash,
    plonk::config::Hasher,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    open,
    output::{Failure, Output},
};

/// What to test.
#[derive(Args)]
pub struct SelftestArgs {
    /// `sim`, `sim:<preset>`.
    #[arg(long, default_value = "sim")]
    device: String,
    /// Random states for the permutation.
    #[arg(long, default_value_t = 2000)]
    vectors: usize,
    /// `all`, or a parameter set: its board is tested too. `make prove` builds without the others' boards: `make build` adds them.
    #[arg(long)]
    sets: Option<String>,
}

/// The answer of one check: what was compared, or what differs.
pub type Answer = Result<String, String>;

#[derive(Serialize)]
struct Checked {
    name: &'static str,
    /// False where the check failed.
    passed: bool,
    /// The board lacks what would be checked.
    skipped: bool,
    detail: String,
}

/// Runs the command: exit status 0 when everything passed, else 1.
pub fn run(args: &SelftestArgs, output: &Output) -> Result<ExitCode, Failure> {
    let device = open(&args.device)?;
    let vectors = args.vectors;
    type Check<'a> = (&'static str, Box<dyn Fn() -> Answer + 'a>);
    let checks: Vec<Check<'_>> = vec![
        ("registers", Box::new(|| board::registers(&device))),
        ("loopback", Box::new(|| board::loopback(&device))),
        ("permute", Box::new(|| hashing::permute(&device, vectors))),
        ("hash leaves", Box::new(|| hashing::leaves(&device))),
        ("trees", Box::new(|| hashing::trees(&device))),
        ("grind", Box::new(|| hashing::grind(&device))),
        ("forward transforms", Box::new(|| transforms::forward(&device))),
        ("inverse transforms", Box::new(|| transforms::inverse(&device))),
        ("low-degree extensions", Box::new(|| transforms::extensions(&device))),
        ("commitments", Box::new(|| transforms::commitments(&device))),
        ("folding", Box::new(|| transforms::folding(&device))),
        ("refused jobs", Box::new(|| board::refusals(&device))),
        ("counters", Box::new(|| board::counters(&device))),
    ];
    let mut report = Vec::new();
    let lacking = lacking(&device);
    for (name, check) in checks {
        if let Some((_, detail)) = lacking.iter().find(|(checks, _)| checks.contains(&name)) {
            report.push(Checked { name, passed: true, skipped: true, detail: detail.clone() });
            continue;
        }
        output.progress(&format!("checking {name} …"));
        let answer = check();
        let (passed, detail) = match answer {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        report.push(Checked { name, passed, skipped: false, detail });
    }
    report.extend(other_sets(args, output)?);
    output.progress_done();
    let failed = report.iter().filter(|c| !c.passed).count();
    let skipped = report.iter().filter(|c| c.skipped).count();
    let passed = report.len() - failed - skipped;
    let mut lines: Vec<String> = report
        .iter()
        .map(|c| {
            let state = match (c.passed, c.skipped) {
                (_, true) => "lacks ",
                (true, _) => "ok    ",
                (false, _) => "FAILED",
            };
            format!("{state} {:<22} {}", c.name, c.detail)
        })
        .collect();
    lines.push(match skipped {
        0 => format!("{passed} passed, {failed} failed"),
        _ => format!("{passed} passed, {failed} failed, {skipped} of what this board lacks"),
    });
    let object = json!({
        "device": device.name(), "passed": passed, "failed": failed, "skipped": skipped, "checks": report
    });
    output.result(&object, &lines)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks of engines that the board lacks, and the reason to show.
fn lacking(device: &Device) -> Vec<(&'static [&'static str], String)> {
    let identity = device.identity();
    let reason = |engine: &str| format!("preset {} has no {engine} engine", identity.preset);
    let mut lacking: Vec<(&'static [&'static str], String)> = Vec::new();
    if identity.poseidon_units == 0 {
        lacking.push((&["permute", "hash leaves", "trees", "grind", "commitments"], reason("Poseidon")));
    }
    if identity.lanes == 0 {
        lacking.push((
            &["forward transforms", "inverse transforms", "low-degree extensions", "commitments"],
            reason("transform"),
        ));
    }
    if identity.fold_max_log == 0 {
        lacking.push((&["folding"], reason("folding")));
    }
    lacking
}

/// The boards of other parameter sets that `--sets` names.
fn other_sets(args: &SelftestArgs, output: &Output) -> Result<Vec<Checked>, Failure> {
    let Some(asked) = args.sets.as_deref() else { return Ok(Vec::new()) };
    let known: Vec<&str> = ParameterSet::ALL.iter().map(|set| set.name()).collect();
    if asked != "all" && !known.contains(&asked) {
        return Err(Failure::usage(format!(
            "there is no parameter set `{asked}`; there is: all, {}",
            known.join(", ")
        )));
    }
    let others = ParameterSet::ALL.iter().copied().filter(|&set| set != ParameterSet::Plonky2V1);
    let wanted = others.filter(|set| asked == "all" || set.name() == asked);
    Ok(wanted
        .map(|set| {
            output.progress(&format!("checking {} …", set.name()));
            let (passed, detail) = match other_set(set, args.vectors) {
                Ok(detail) => (true, detail),
                Err(detail) => (false, detail),
            };
            Checked { name: set.name(), passed, skipped: false, detail }
        })
        .collect())
}

#[cfg(feature = "sets")]
fn other_set(set: ParameterSet, vectors: usize) -> Answer {
    let board = crate::sets::BOARDS.iter().find(|(held, _)| *held == set);
    let (_, board) = board.ok_or("no board holds this set")?;
    crate::sets::check(set, board, vectors)
}

#[cfg(not(feature = "sets"))]
fn other_set(_set: ParameterSet, _vectors: usize) -> Answer {
    Err("no board with this set in this build: `make build`, or build hotloop-cli with its feature `sets`".into())
}

pub fn text(error: HotloopError) -> String {
    Failure::new(error).text().to_owned()
}

pub fn expect<T: PartialEq>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what} differs from the library's"))
    }
}

fn elements(words: &[u64]) -> Vec<F> {
    words.iter().map(|&w| F::from_noncanonical_u64(w)).collect()
}

fn canonical(elements: &[F]) -> Vec<u64> {
    elements.iter().map(|x| x.to_canonical_u64()).collect()
}

/// plonky2's digest of a leaf.
pub fn plonky2_leaf(leaf: &[u64]) -> [u64; 4] {
    PoseidonHash::hash_or_noop(&elements(leaf)).elements.map(|x| x.to_canonical_u64())
}
