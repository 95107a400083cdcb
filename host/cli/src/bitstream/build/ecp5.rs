//! The image of an ECP5 board: Yosys, nextpnr-ecp5, ecppack.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use hotloop_boards::{
    ecp5::{Build, BuildError, Made, Report, LINK},
    manifest::SUFFIX,
    Board,
};
use pcie_sys::{wait_readable, Signals};
use serde_json::json;

use super::{
    project,
    tools::{Tools, ECPPACK, NEXTPNR, YOSYS},
};
use crate::output::{write_file, Failure, Output};

/// How an ECP5 board's image is made.
#[derive(Args)]
pub struct FlowArgs {
    /// ECP5: another preset than the board's; the image is `<board>-<preset>.bit` then.
    #[arg(long)]
    preset: Option<String>,
    /// ECP5: clock of the accelerator in MHz, instead of the preset's.
    #[arg(long)]
    clock: Option<f64>,
    /// ECP5: seed of place and route.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest that it may take, in minutes.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    limit: u64,
    /// ECP5: folder for programs that are not in PATH; without it, `ecp5-tools` where cargo builds.
    #[arg(long)]
    tools: Option<PathBuf>,
}

impl FlowArgs {
    /// Whether there is something that only the open flow takes.
    pub fn is_given(&self) -> bool {
        self.preset.is_some() || self.clock.is_some() || self.tools.is_some()
    }

    fn tools(&self) -> PathBuf {
        let cargos = || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.tools.clone().unwrap_or_else(|| cargos().join("ecp5-tools"))
    }

    /// The longest that it may take.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(60 * self.limit)
    }
}

/// A wrong call, or what the tools made of a right one.
fn failure(error: BuildError) -> Failure {
    match error {
        BuildError::Preset { .. } | BuildError::Pll { .. } => Failure::usage(error.to_string()),
        error => Failure::new(error),
    }
}

/// Builds the image and its manifest into `out`. The tools work in a folder beside them, which stays, with their logs;
/// image and manifest are there when all is done, and not before.
pub fn build(board: &Board, out: &Path, args: &FlowArgs, output: &Output) -> Result<ExitCode, Failure> {
    let signals = Signals::take().map_err(Failure::new)?;
    let interrupted = || wait_readable(&[signals.as_fd()], Duration::ZERO).is_ok_and(|ready| ready[0]);
    let start = Instant::now();
    let preset = args.preset.as_deref().unwrap_or(&board.preset);
    output.progress(&format!("generating {} with preset {preset} …", board.name));
    let build = Build::new(board, preset, args.clock).map_err(failure)?;
    let name = match &args.preset {
        Some(preset) if *preset != board.preset => format!("{}-{preset}", board.name),
        _ => board.name.clone(),
    };
    let work = out.join(format!("{name}-work"));
    fresh(&work, &build)?;

    let tools = Tools::new(&args.tools(), Duration::from_secs(60 * args.limit), &interrupted)?;
    let progress = |step: &str, line: &str| {
        let seconds = start.elapsed().as_secs();
        let short: String = line.trim_start_matches("Info: ").trim().chars().take(70).collect();
        output.progress(&format!("{step}, {}:{:02}: {short}", seconds / 60, seconds % 60));
    };
    tools.install(&mut |line| progress("tools", line))?;
    let mut versions = vec![("hotloop".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    for program in [YOSYS, NEXTPNR, ECPPACK] {
        progress("tools", "versions");
        versions.push(tools.version(program)?);
    }
    let file = format!("{name}.bit");
    tools.run(YOSYS, build.yosys(), &work, &mut |line| {
        // Each pass has a heading with its number.
        if line.contains(". Executing ") {
            progress("synthesis", line);
        }
    })?;
    tools.run(NEXTPNR, build.nextpnr(board, args.seed), &work, &mut |line| progress("place and route", line))?;
    let read = |name: &str| {
        let path = work.join(name);
        std::fs::read(&path).map_err(|e| Failure::message(format!("{}: {e}", path.display())))
    };
    let report = Report::parse(&read("report.json")?).map_err(Failure::message)?;
    tools.run(ECPPACK, build.ecppack(&file), &work, &mut |line| progress("image", line))?;
    let bytes = read(&file)?;
    let made =
        Made { file: &file, bytes: &bytes, report: &report, seed: args.seed, tools: &versions, git: project::git() };
    let manifest = build.manifest(board, made).map_err(failure)?;

    let path = out.join(format!("{name}{SUFFIX}"));
    write_file(&out.join(&file), &bytes)?;
    write_file(&path, manifest.to_json().map_err(Failure::new)?.as_bytes())?;
    output.progress_done();
    let object = json!({
        "manifest": path,
        "image": manifest,
        "link": LINK,
        "seconds": start.elapsed().as_secs_f64(),
        "unchecked": board.unchecked,
    });
    let mut lines = vec![
        format!("{}: preset {preset} at {} MHz, build {}", file, build.clock_mhz, manifest.build_id),
        format!("manifest {}", path.display()),
        format!("its link is `{LINK}` (docs/bitstreams.md)"),
        format!("timing allows {:.1} MHz; routed on {}:", manifest.fmax_mhz.unwrap_or_default(), board.part),
    ];
    lines.extend(project::utilisation_lines(&manifest.utilisation, "MULT18X18D"));
    if !board.unchecked.is_empty() {
        lines.push(format!("check on the board before you trust them: {}", board.unchecked.join(", ")));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A folder with the build's files and nothing else.
fn fresh(work: &Path, build: &Build) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::message(format!("{}: {e}", work.display()));
    match std::fs::remove_dir_all(work) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(fail(e)),
        _ => {}
    }
    std::fs::create_dir_all(work).map_err(fail)?;
    for (name, text) in &build.files {
        std::fs::write(work.join(name), text).map_err(fail)?;
    }
    Ok(())
}
