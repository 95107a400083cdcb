//! Simulated boards: what there are, and `hotloop sim serve`, which gives one to other processes.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use hotloop::{FlashChip, LinkOptions, ParameterSet, PcieLink, SimFunction, SimOptions};
use hotloop_driver::{vfio_user::Server, Board};
use hotloop_jtag::{SpiFlash, Wires};
use pcie_sys::Signals;
use serde_json::{json, Value};

use crate::{
    output::{Failure, Output},
    status,
};

/// Which board, and where.
#[derive(Args)]
pub struct ServeArgs {
    /// The socket; device `vfio-user:<socket>` for others.
    #[arg(long)]
    socket: PathBuf,
    /// The board's preset.
    #[arg(long, default_value = "sim")]
    preset: String,
    /// The PCI Express link to host memory, such as gen3x8, or gen3x8,payload=256,request=512,tags=64,credits=16384,
    /// latency=1000,clock=250 (bytes, nanoseconds, MHz); without it, memory is as near as can be.
    #[arg(long)]
    link: Option<PcieLink>,
    /// A model of a SPI flash at the board's port to it (preset `link` has one), to try `flash --cable spi:vfio-user:<socket>`
    /// without a board: a file of 16 or 32 MiB, made with 16 if it is not there.
    #[arg(long)]
    flash: Option<PathBuf>,
    /// Register PART_IDCODE: the part that the simulated board says it is.
    #[arg(long, default_value = "0x0", value_parser = idcode)]
    idcode: u32,
}

/// Names of the parameter sets that the simulated board of a preset holds.
fn sets_of(preset: &str) -> String {
    let held = ParameterSet::ALL.iter().filter(|set| hotloop::simulated_preset(**set) == preset);
    held.map(|set| set.name()).collect::<Vec<_>>().join(", ")
}

/// The simulated boards for `hotloop devices`, `sim` first, and those that other builds have.
pub fn list() -> Vec<Value> {
    let mut presets = hotloop::presets();
    presets.sort_by_key(|preset| preset != "sim");
    let all = ParameterSet::ALL.iter().map(|set| hotloop::simulated_preset(*set));
    let mut missing: Vec<&str> = all.filter(|preset| !presets.iter().any(|p| p == preset)).collect();
    missing.dedup();
    let name = |preset: &str| if preset == "sim" { "sim".to_owned() } else { format!("sim:{preset}") };
    let unusable = |preset: &str, reason: &str| json!({ "name": name(preset), "kind": "simulated board", "usable": false, "reason": reason });
    let here = presets.iter().map(|preset| match open(preset) {
        Ok(identity) => {
            json!({ "name": name(preset), "kind": "simulated board", "usable": true, "identity": identity })
        }
        Err(failure) => unusable(preset, failure.text()),
    });
    let elsewhere = missing.iter().map(|preset| {
        let reason = match *preset {
            "sim" => "not in this build; install Verilator and build again".into(),
            _ => {
                let set = sets_of(preset);
                format!("set {set} is not in this build; build hotloop-cli with its feature `sets`")
            }
        };
        unusable(preset, &reason)
    });
    here.chain(elsewhere).collect()
}

/// The identity of a simulated board, whatever its parameter set.
fn open(preset: &str) -> Result<Value, Failure> {
    let board = hotloop_sim::open_sim(preset).map_err(Failure::new)?;
    Ok(status::identity(Board::open(board).map_err(Failure::new)?.identity()))
}

fn idcode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").ok_or("a hexadecimal number, such as 0x03636093")?;
    u32::from_str_radix(digits, 16).map_err(|e| e.to_string())
}

/// The model of a flash, at a simulated board's wires.
fn chip(path: &Path) -> Result<FlashChip, Failure> {
    let mut flash = SpiFlash::in_file(path).map_err(Failure::new)?;
    Ok(FlashChip(Box::new(move |pins| {
        flash.follow(Wires { select_n: pins.select_n, clock: pins.clock, input: pins.mosi })
    })))
}

/// Serves until Ctrl-C or SIGTERM.
pub fn serve(args: &ServeArgs, output: &Output) -> Result<ExitCode, Failure> {
    // Before the model has its thread.
    let signals = Signals::take().map_err(Failure::new)?;
    let link = LinkOptions { pcie: args.link, ..LinkOptions::default() };
    let chip = args.flash.as_deref().map(chip).transpose()?;
    let options = SimOptions { link, part_idcode: args.idcode, ..SimOptions::preset(&args.preset) };
    let board = SimFunction::open_with(&options, chip).map_err(Failure::new)?;
    let server = Server::bind(&args.socket, Arc::new(board)).map_err(|error| match error.kind() {
        Some(std::io::ErrorKind::AddrInUse) => {
            let text = format!("{} is there already, and in use; name another socket", args.socket.display());
            Failure::message(text)
        }
        _ => Failure::new(error),
    })?;
    let device = format!("vfio-user:{}", args.socket.display());
    let line = format!("serving preset {} as device {device}; Ctrl-C ends it", args.preset);
    let link = args.link.map(|link| link.to_string());
    output.result(&json!({ "device": device, "preset": args.preset, "link": link }), &[line])?;
    server.run(signals.as_fd(), &|text| eprintln!("hotloop: {text}")).map_err(Failure::new)?;
    Ok(ExitCode::SUCCESS)
}
