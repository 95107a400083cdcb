//! `hotloop sim serve`: a simulated board for other processes.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Subcommand};
use hotloop::{LinkOptions, PcieLink, SimFunction, SimOptions};
use hotloop_driver::vfio_user::Server;
use pcie_sys::Signals;
use serde_json::json;

use crate::output::{Failure, Output};

/// What to do with simulated boards.
#[derive(Subcommand)]
pub enum SimCommand {
    /// Serve a simulated board at a vfio-user socket, to this machine's processes and to QEMU.
    Serve(ServeArgs),
}

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
}

/// Serves until Ctrl-C or SIGTERM.
pub fn serve(args: &ServeArgs, output: &Output) -> Result<ExitCode, Failure> {
    // Before the model has its thread.
    let signals = Signals::take().map_err(Failure::new)?;
    let link = LinkOptions { pcie: args.link, ..LinkOptions::default() };
    let board = SimFunction::open(&SimOptions { link, ..SimOptions::preset(&args.preset) }).map_err(Failure::new)?;
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
