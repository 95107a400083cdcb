//! `hotloop flash`: an image onto a board, step by step (`hotloop-flash` has the steps).

mod port;
mod what;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use hotloop_boards::{ecp5::JumpPage, hex::Hex32, manifest::abi_text, SlotKind};
use hotloop_flash::{
    backends::{Backend, Target},
    find_program, flash, plan,
    port::{self as by_port, PortPlan},
    Cable, DeviceCheck, Event, FlashError, Heard, Plan, Report, Running, Step, Verified,
};
use pcie_sys::{wait_readable, Signals};
use serde_json::{json, Value};

use crate::output::{Failure, Output};
use what::What;

/// What goes where.
#[derive(Args)]
pub struct FlashArgs {
    /// A manifest (`*.bitstream.json`, its file beside it), or a board: then bitstreams/out/<board>.bitstream.json.
    what: String,
    /// The cable: xvc:HOST:PORT, a USB cable's name for openFPGALoader or NAME:SERIAL, vivado[:HOST:PORT], xbutil:BDF,
    /// aws:SLOT:AGFI, spi:DEVICE (the running board's own port to its flash). Without it, the one that the board's file names.
    #[arg(long)]
    cable: Option<Cable>,
    /// Print the steps, and touch nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the image to the board's flash, too, once it was loaded and what runs is known.
    #[arg(long)]
    persist: bool,
    /// The slot of the flash; without it, the manifest's.
    #[arg(long, requires = "persist")]
    slot: Option<SlotName>,
    /// Allow the golden slot, which the board falls back to.
    #[arg(long, requires = "persist")]
    golden_override: bool,
    /// With --cable spi:DEVICE, write an image that the board does not run now: nobody has tried it there yet.
    #[arg(long, requires = "persist")]
    untried: bool,
    /// Ask this device who it is, once the image is loaded: vfio:<address> or serial:<tty>. Without it, the part's user code
    /// is asked.
    #[arg(long)]
    verify_device: Option<String>,
    #[command(flatten)]
    files: what::FileArgs,
}

/// Slots by name.
#[derive(Clone, Copy, ValueEnum)]
enum SlotName {
    /// What the board should run.
    User,
    /// What it falls back to.
    Golden,
}

/// A device of this command.
struct Asked(String);

impl DeviceCheck for Asked {
    fn name(&self) -> &str {
        &self.0
    }

    fn running(&self) -> Result<Running, String> {
        // The driver opens boards of its own ABI and register map only.
        let device = crate::open(&self.0).map_err(|failure| failure.text().to_owned())?;
        Ok(Running { build_id: device.identity().build_id, abi: abi_text(hotloop_regs::ABI) })
    }
}

/// Flashes, or says how.
pub fn run(args: &FlashArgs, output: &Output) -> Result<ExitCode, Failure> {
    let what = What::find(&args.what, &args.files)?;
    let cable = args.cable.clone().unwrap_or(Cable::Board);
    let kind = match args.slot {
        Some(SlotName::User) => SlotKind::User,
        Some(SlotName::Golden) => SlotKind::Golden,
        None => what.manifest.flash.slot,
    };
    let slot = |kind| {
        let slot = what.board.flash.slot(kind).cloned();
        slot.ok_or_else(|| Failure::message(format!("the file of board {} has no slot {kind:?}", what.board.name)))
    };
    let (persist, golden) = (if args.persist { Some(slot(kind)?) } else { None }, slot(SlotKind::Golden)?);
    let golden_override = args.golden_override;
    let backend = Backend::of(&cable, what.board.flash.backend == hotloop_boards::Backend::Vivado);
    match (backend, &cable) {
        (None, Cable::Spi { device }) => {
            if args.verify_device.is_some() {
                let text = "with --cable spi:DEVICE the device itself says who it is: leave --verify-device out";
                return Err(Failure::usage(text));
            }
            let device = device.clone();
            let (image, untried) = (what.image(), args.untried);
            let wanted = PortPlan { device, image, slot: persist, golden, golden_override, untried };
            if args.dry_run {
                let steps = by_port::plan(&wanted).map_err(|error| failure(error, output))?;
                return dry_run(&steps, by_port::NAME, None, &what, output);
            }
            let mut port = port::DevicePort::new(&wanted.device);
            let report = watch(output, |interrupted, tell| by_port::flash(&wanted, &mut port, interrupted, tell))?;
            done(&report, by_port::NAME, &cable, &what, output)
        }
        (Some(backend), _) => {
            if args.untried {
                return Err(Failure::usage(
                    "--untried is for --cable spi:DEVICE; by a cable every image is tried first",
                ));
            }
            let target = Target {
                cable: cable.clone().resolved().map_err(|e| Failure::message(format!("{cable}: {e}")))?,
                board: what.board.flash.board.clone(),
                board_cable: what.board.flash.cable.clone(),
                memory: what.board.flash.memory.clone(),
                lattice: what.board.vendor == hotloop_boards::Vendor::Lattice,
            };
            let asked = args.verify_device.clone().map(Asked);
            let device = asked.as_ref().map(|asked| asked as &dyn DeviceCheck);
            let jump = JumpPage::of(&what.board);
            let wanted = Plan { backend, target, image: what.image(), persist, golden, golden_override, jump, device };
            if args.dry_run {
                let steps = plan(&wanted).map_err(|error| failure(error, output))?;
                return dry_run(&steps, backend.name, Some(backend.install), &what, output);
            }
            let report = watch(output, |interrupted, tell| flash(&wanted, interrupted, tell))?;
            done(&report, backend.name, &cable, &what, output)
        }
        (None, _) => Err(Failure::usage(format!("nothing flashes by {cable}"))),
    }
}

/// Runs the steps with their progress, until they end or somebody interrupts.
fn watch(
    output: &Output,
    work: impl FnOnce(&dyn Fn() -> bool, &mut dyn FnMut(Event)) -> Result<Report, FlashError>,
) -> Result<Report, Failure> {
    let signals = Signals::take().map_err(Failure::new)?;
    let interrupted = || wait_readable(&[signals.as_fd()], Duration::ZERO).is_ok_and(|ready| ready[0]);
    let mut step = "";
    let report = work(&interrupted, &mut |event| match event {
        Event::Begin(begun) => {
            step = begun.kind.name();
            output.progress(&format!("{step}: {}", begun.text));
        }
        Event::Heard(Heard::Progress(what, per_cent)) => output.progress(&format!("{step}: {what} {per_cent:.0} %")),
        Event::Heard(Heard::Line(_)) | Event::End(_) => {}
    });
    output.progress_done();
    report.map_err(|error| failure(error, output))
}

fn done(report: &Report, way: &str, cable: &Cable, what: &What, output: &Output) -> Result<ExitCode, Failure> {
    let verified = match report.verified {
        Verified::Device => Some("device"),
        Verified::Usercode => Some("usercode"),
        Verified::Nothing => None,
    };
    let mut lines: Vec<String> = report.steps.iter().map(|step| line(step, "done")).collect();
    let file = &what.manifest.file;
    lines.push(match (report.persisted, report.verified) {
        (true, Verified::Nothing) => {
            format!("{file} is in flash; a power cycle starts it, and `hotloop status` says who runs")
        }
        (true, _) => format!("{file} runs, and is in flash"),
        (false, _) => format!("{file} runs until the power goes; --persist writes it to flash"),
    });
    let object = json!({
        "board": what.board.name,
        "file": file,
        "sha256": what.manifest.sha256.to_string(),
        "cable": cable.to_string(),
        "backend": way,
        "idcode": report.idcode.map(|idcode| Hex32(idcode).to_string()),
        "verified": verified,
        "persisted": report.persisted,
        "steps": report.steps.iter().map(value).collect::<Vec<_>>(),
    });
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// The steps, and whether the program that does them is there; `install` is how one gets it.
fn dry_run(
    steps: &[Step],
    way: &str,
    install: Option<&str>,
    what: &What,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let mut lines: Vec<String> = Vec::new();
    for step in steps {
        lines.push(line(step, "would"));
        lines.extend(step.call.iter().map(|call| format!("           $ {}", call.text())));
    }
    let program = steps.iter().find_map(|step| step.call.as_ref()).map(|call| call.program);
    let missing = program.filter(|program| find_program(program).is_none());
    lines.extend(missing.map(|program| format!("{program} is not installed: {}", install.unwrap_or_default())));
    let object = json!({
        "dry_run": true,
        "board": what.board.name,
        "file": what.manifest.file,
        "backend": way,
        "installed": missing.is_none(),
        "steps": steps.iter().map(value).collect::<Vec<_>>(),
    });
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn line(step: &Step, verb: &str) -> String {
    let took = step.took.map(|took| format!(" ({:.1} s)", took.as_secs_f64())).unwrap_or_default();
    format!("{verb}: {:<10} {}{took}", step.kind.name(), step.text)
}

fn value(step: &Step) -> Value {
    json!({
        "step": step.kind.name(),
        "text": step.text,
        "command": step.call.as_ref().map(|call| call.text()),
        "seconds": step.took.map(|took| took.as_secs_f64()),
    })
}

/// A failure; what the program said goes to people who watch.
fn failure(error: FlashError, output: &Output) -> Failure {
    if let (FlashError::Failed { output: said, .. }, false) = (&error, output.is_json()) {
        if std::io::stderr().is_terminal() {
            let lines: Vec<&str> = said.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).collect();
            lines.iter().skip(lines.len().saturating_sub(12)).for_each(|line| eprintln!("    {line}"));
        }
    }
    match error {
        FlashError::Golden | FlashError::UntriedGolden => Failure::usage(error.to_string()),
        error => Failure::message(error.to_string()),
    }
}
