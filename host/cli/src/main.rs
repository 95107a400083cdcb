//! The `hotloop` command.
//!
//! Exit status: 0 done; 1 not done, or a negative answer (proof not valid, self-test failed); 2 wrong call. With
//! `--json` one object goes to standard output and nothing else; messages and progress go to standard error.

mod bench;
mod bitstream;
mod devices;
mod emit;
mod flash;
mod jtag;
#[cfg(feature = "miden")]
mod miden;
mod output;
mod presets;
mod prove;
mod random;
mod selftest;
#[cfg(feature = "sets")]
mod sets;
#[cfg(feature = "sim")]
mod sim;
mod slots;
mod status;
mod verify;

use std::process::ExitCode;

#[cfg(feature = "sim-miden")]
use hotloop_sim_sets as _;

use clap::{Args, Parser, Subcommand};

use output::{Failure, Output};

/// Proofs on an FPGA, or on its simulation.
#[derive(Parser)]
#[command(name = "hotloop", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object on standard output.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Prove an AIR by name, or a zkVM's program; the proof goes to a file.
    Prove(prove::ProveArgs),
    /// Verify a proof file with the prover library's own verifier.
    Verify(verify::VerifyArgs),
    /// List the devices that are here, and why one cannot be opened.
    Devices,
    /// Give a board in a slot to vfio-pci (as root).
    Bind(slots::SlotArgs),
    /// Take a board in a slot from vfio-pci (as root).
    Unbind(slots::SlotArgs),
    /// Simulated boards.
    #[command(subcommand)]
    Sim(SimCommand),
    /// Put an image on a board: into the part, and with --persist into its flash.
    Flash(flash::FlashArgs),
    /// Show what a device is and how it is: identity, link, faults, counters.
    #[command(visible_alias = "info")]
    Status(status::StatusArgs),
    /// Compare every operation of a device with the prover library's results.
    Selftest(selftest::SelftestArgs),
    /// Measure cycles and utilisation with the hardware's own counters.
    Bench(bench::BenchArgs),
    /// Write the Verilog and the register map of a preset.
    Emit(emit::EmitArgs),
    /// List the presets of boards, with estimates of what they take of their parts.
    Presets(presets::PresetsArgs),
    /// Boards, bitstreams and their manifests.
    #[command(subcommand)]
    Bitstream(bitstream::BitstreamCommand),
}

/// What to do with simulated boards.
#[derive(Subcommand)]
enum SimCommand {
    /// Serve a simulated board at a vfio-user socket, to this machine's processes and to QEMU.
    #[cfg(feature = "sim")]
    Serve(sim::ServeArgs),
    /// Serve an ECP5's JTAG port with its flash over Xilinx Virtual Cable, to try flashing without a board.
    Jtag(jtag::JtagArgs),
}

/// Which device.
#[derive(Args, Clone)]
pub struct DeviceArgs {
    /// `sim`, `sim:<preset>`, `vfio:<address>`, `vfio-user:<socket>`, `serial:<tty>`.
    #[arg(long, default_value = "sim")]
    pub device: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let result = match cli.command {
        Command::Prove(args) => prove::run(&args, &output),
        Command::Verify(args) => verify::run(&args, &output),
        Command::Devices => devices::list(&output),
        Command::Bind(args) => slots::bind(&args, &output),
        Command::Unbind(args) => slots::unbind(&args, &output),
        #[cfg(feature = "sim")]
        Command::Sim(SimCommand::Serve(args)) => sim::serve(&args, &output),
        Command::Sim(SimCommand::Jtag(args)) => jtag::serve(&args, &output),
        Command::Flash(args) => flash::run(&args, &output),
        Command::Status(args) => status::run(&args, &output),
        Command::Selftest(args) => selftest::run(&args, &output),
        Command::Bench(args) => bench::run(&args, &output),
        Command::Emit(args) => emit::run(&args, &output),
        Command::Presets(args) => presets::run(&args, &output),
        Command::Bitstream(command) => bitstream::run(&command, &output),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(&output),
    }
}

/// Opens a device as every command does: with plonky2's own permutation to check results against.
fn open(name: &str) -> Result<hotloop::Device, Failure> {
    if name == "cpu" {
        return Err(Failure::usage(
            "`cpu` is the prover library itself, for `prove` only; name a board, such as `sim`",
        ));
    }
    hotloop::Device::open(name, hotloop_plonky2::options()).map_err(Failure::new)
}
