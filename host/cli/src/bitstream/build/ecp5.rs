//! The image of an ECP5 board: Yosys, nextpnr-ecp5, ecppack.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use hotloop_boards::{
    ecp5::{Build, BuildError, Made, Report, NETLIST, REPORT, SYNTHESISED},
    manifest::SUFFIX,
    Board,
};
use pcie_sys::{wait_readable, Signals};
use serde_json::json;

use super::{
    project,
    tools::{Found, Tools},
};
use crate::output::{write_file, Failure, Output};

/// How an ECP5 board's image is made.
#[derive(Args)]
pub struct FlowArgs {
    /// ECP5: another preset than the board's; the image is `<board>-<preset>.bit` then.
    #[arg(long)]
    preset: Option<String>,
    /// ECP5: clock of the accelerator in MHz, instead of the board's.
    #[arg(long)]
    clock: Option<f64>,
    /// ECP5: seed of place and route, instead of the board's.
    #[arg(long)]
    seed: Option<u64>,
    /// The longest that it may take, in minutes.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    limit: u64,
    /// ECP5: folder with yosys, nextpnr-ecp5 and ecppack. Those that are neither there nor in PATH are YoWASP's, and installed
    /// there; without it, into `ecp5-tools` where cargo builds.
    #[arg(long)]
    tools: Option<PathBuf>,
    /// ECP5: take YoWASP's programs, whatever else there is.
    #[arg(long)]
    yowasp: bool,
}

impl FlowArgs {
    /// Whether there is something that only the open flow takes.
    pub fn is_given(&self) -> bool {
        self.preset.is_some() || self.clock.is_some() || self.tools.is_some() || self.yowasp
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
        BuildError::Preset { .. } | BuildError::Pll { .. } | BuildError::Line { .. } | BuildError::Bus { .. } => {
            Failure::usage(error.to_string())
        }
        error => Failure::new(error),
    }
}

/// What is made, and where.
struct Job<'a> {
    board: &'a Board,
    preset: &'a str,
    /// Name of the image and its manifest, without an ending.
    name: String,
    /// The tools' folder.
    work: PathBuf,
    seed: u64,
    start: Instant,
}

/// Builds the image and its manifest into `out`. The tools work in a folder beside them, which stays, with their logs;
/// image and manifest are there when all is done, and not before. Ctrl-C takes the folder away, too.
pub fn build(board: &Board, out: &Path, args: &FlowArgs, output: &Output) -> Result<ExitCode, Failure> {
    let signals = Signals::take().map_err(Failure::new)?;
    let interrupted = || wait_readable(&[signals.as_fd()], Duration::ZERO).is_ok_and(|ready| ready[0]);
    let preset = args.preset.as_deref().unwrap_or(&board.preset);
    let name = match preset == board.preset {
        true => board.name.clone(),
        false => format!("{}-{preset}", board.name),
    };
    let start = Instant::now();
    let limit = Duration::from_secs(60 * args.limit);
    let tools = Tools::new(&args.tools(), args.yowasp, limit, &interrupted)?;
    output.progress(&format!("generating {name} …"));
    let build = Build::new(board, preset, args.clock).map_err(failure)?;
    let found = tools.find(&mut |line| progress(output, "tools", start, line), &|text| output.note(text))?;
    let texts: Vec<String> = found.iter().map(Found::text).collect();
    output.note(&format!("tools: {}", texts.join(", ")));
    if found.iter().any(Found::is_packaged) {
        output.note("YoWASP's take about twice as long as programs of this machine (docs/bitstreams.md)");
    }
    let job = Job {
        board,
        preset,
        work: out.join(format!("{name}-work")),
        name,
        seed: args.seed.or(board.seed).unwrap_or(1),
        start,
    };
    fresh(&job.work, &build)?;
    let made = run(&job, &build, &tools, &found, out, output);
    if made.is_err() && interrupted() {
        let _ = std::fs::remove_dir_all(&job.work);
    }
    made
}

/// What a program says, behind the step and its time in minutes.
fn progress(output: &Output, step: &str, start: Instant, line: &str) {
    let seconds = start.elapsed().as_secs();
    let short: String = line.trim_start_matches("Info: ").trim().chars().take(70).collect();
    output.progress(&format!("{step}, {}:{:02}: {short}", seconds / 60, seconds % 60));
}

fn run(
    job: &Job,
    build: &Build,
    tools: &Tools,
    found: &[Found; 3],
    out: &Path,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let progress = |step: &str, line: &str| progress(output, step, job.start, line);
    let [yosys, nextpnr, ecppack] = found;
    let file = format!("{}.bit", job.name);
    let timed = |step, found, arguments, hear: &mut dyn FnMut(&str)| {
        let begun = Instant::now();
        if !output.is_watched() {
            output.note(&format!("{step} …"));
        }
        tools.run(found, arguments, &job.work, hear).map(|_| (step, begun.elapsed().as_secs_f64()))
    };
    let synthesis = timed("synthesis", yosys, build.yosys(), &mut |line| {
        // Each pass has a heading with its number.
        if line.contains(". Executing ") {
            progress("synthesis", line);
        }
    })?;
    let read = |name: &str| {
        let path = job.work.join(name);
        std::fs::read(&path).map_err(|e| Failure::message(format!("{}: {e}", path.display())))
    };
    let (netlist, shortened, placed) = build.netlist(&read(SYNTHESISED)?).map_err(failure)?;
    write_file(&job.work.join(NETLIST), netlist.as_bytes())?;
    output.note(&format!(
        "netlist: {} carry chains begin and {} end without a cell of their own, {} look-up tables went into them; {placed} \
         multipliers and memories have places",
        shortened.begun, shortened.ended, shortened.absorbed
    ));
    let placing = timed("place", nextpnr, build.place(job.board, job.seed), &mut |line| progress("place", line))?;
    let routing = timed("route", nextpnr, build.route(job.board), &mut |line| progress("route", line))?;
    let report = Report::parse(&read(REPORT)?).map_err(Failure::message)?;
    let image = timed("image", ecppack, build.ecppack(&file), &mut |line| progress("image", line))?;
    let bytes = read(&file)?;
    let mut versions = vec![("hotloop".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    versions.extend(found.iter().map(Found::versions));
    let made =
        Made { file: &file, bytes: &bytes, report: &report, seed: job.seed, tools: &versions, git: project::git() };
    let manifest = build.manifest(job.board, made).map_err(failure)?;

    let path = out.join(format!("{}{SUFFIX}", job.name));
    write_file(&out.join(&file), &bytes)?;
    write_file(&path, manifest.to_json().map_err(Failure::new)?.as_bytes())?;
    output.progress_done();
    let steps = [synthesis, placing, routing, image];
    let object = json!({
        "manifest": path,
        "image": manifest,
        "baud": build.baud,
        "seconds": job.start.elapsed().as_secs_f64(),
        "steps": steps.map(|(step, seconds)| json!({ "step": step, "seconds": seconds })),
        "unchecked": job.board.unchecked,
    });
    let took = steps.map(|(step, seconds)| format!("{step} {seconds:.0} s")).join(", ");
    let mut lines = vec![
        format!("{file}: preset {} at {} MHz, build {}", job.preset, build.clock_mhz, manifest.build_id),
        format!("manifest {}", path.display()),
        format!("its link is a serial line of {0} bits a second: serial:<tty>@{0} (docs/serial.md)", build.baud),
        format!("{took}; seed {}", job.seed),
        format!("timing allows {:.1} MHz; routed on {}:", manifest.fmax_mhz.unwrap_or_default(), job.board.part),
    ];
    lines.extend(project::utilisation_lines(&manifest.utilisation, "MULT18X18D"));
    if !job.board.unchecked.is_empty() {
        lines.push(format!("check on the board before you trust them: {}", job.board.unchecked.join(", ")));
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
