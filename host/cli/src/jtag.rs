//! `hotloop sim jtag`: the model of an ECP5 with its flash, behind a virtual cable.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use hotloop_jtag::{Ecp5, Part, Server, SpiFlash, PARTS};
use pcie_sys::{wait_readable, Signals};
use serde_json::json;

use crate::output::{Failure, Output};

/// Which part, and where.
#[derive(Args)]
pub struct JtagArgs {
    /// Where to listen; flash with `--cable xvc:HOST:PORT`.
    #[arg(long, default_value = "127.0.0.1:3721")]
    listen: String,
    /// The part.
    #[arg(long, default_value = "LFE5UM5G-85F")]
    part: String,
    /// File for the flash's 16 MiB, made if it is not there; without it, the flash is blank at each start.
    #[arg(long)]
    flash: Option<PathBuf>,
}

/// Serves until Ctrl-C or SIGTERM.
pub fn serve(args: &JtagArgs, output: &Output) -> Result<ExitCode, Failure> {
    let signals = Signals::take().map_err(Failure::new)?;
    let part = Part::by_name(&args.part).ok_or_else(|| {
        let known = PARTS.map(|part| part.name).join(", ");
        Failure::usage(format!("there is no ECP5 `{}`; there is: {known}", args.part))
    })?;
    let flash = match &args.flash {
        Some(path) => SpiFlash::in_file(path).map_err(Failure::new)?,
        None => SpiFlash::new(),
    };
    let device = Ecp5::new(part, Some(flash));
    let done = device.status().done();
    let server = Server::start(args.listen.as_str(), device)
        .map_err(|e| Failure::message(format!("cannot listen at {}: {e}", args.listen)))?;
    let cable = format!("xvc:{}", server.address());
    let state = if done { "started from its flash" } else { "empty" };
    let line = format!("serving an {}, {state}, as cable {cable}; Ctrl-C ends it", part.name);
    let idcode = format!("{:#010x}", part.idcode);
    output.result(&json!({ "cable": cable, "part": part.name, "idcode": idcode, "done": done }), &[line])?;
    // Until a signal comes; a wait has an end, so it is begun again.
    while !wait_readable(&[signals.as_fd()], Duration::from_secs(3600)).map_err(Failure::new)?[0] {}
    Ok(ExitCode::SUCCESS)
}
