//! `hotloop bitstream build`: ECP5 boards by the open flow, Xilinx boards as a Vivado project.

mod ecp5;
mod project;
mod synthesis;
mod tools;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use hotloop_boards::Vendor;

use super::{board_failure, BoardsArgs, OUT};
use crate::output::{Failure, Output};

/// What to build.
#[derive(Args)]
pub struct BuildArgs {
    /// The board.
    board: String,
    /// Write the project and stop; the vendor's tools make the image from it.
    #[arg(long)]
    project_only: bool,
    /// With --project-only: let Yosys synthesise the accelerator for the estimate, instead of the area model. Minutes.
    #[arg(long, requires = "project_only")]
    synthesise: bool,
    /// The `.bit` file that Vivado made from the project: a manifest is written beside it.
    #[arg(long, conflicts_with = "project_only")]
    image: Option<PathBuf>,
    /// With --image: the clock in MHz that timing analysis allows.
    #[arg(long, requires = "image")]
    fmax: Option<f64>,
    /// Folder for the results; made if missing.
    #[arg(long, default_value = OUT)]
    out: PathBuf,
    #[command(flatten)]
    boards: BoardsArgs,
    #[command(flatten)]
    flow: ecp5::FlowArgs,
}

/// Runs the command.
pub fn run(args: &BuildArgs, output: &Output) -> Result<ExitCode, Failure> {
    let board = hotloop_boards::find(&args.board, args.boards.folder()).map_err(board_failure)?;
    if board.vendor == Vendor::Xilinx && args.flow.is_given() {
        return Err(Failure::usage(
            "--preset, --clock, --tools, --yowasp: for ECP5 boards; a Vivado project is its board's",
        ));
    }
    match (board.vendor, &args.image) {
        (Vendor::Xilinx, Some(image)) => return project::adopt(&board, image, args.fmax, output),
        (Vendor::Lattice, Some(_)) => {
            return Err(Failure::usage(format!(
                "--image is for Xilinx boards: the image of {} is built here",
                board.name
            )))
        }
        (_, None) => {}
    }
    match (board.vendor, args.project_only) {
        (Vendor::Xilinx, true) => project::write(&board, &args.out, args.synthesise.then(|| args.flow.limit()), output),
        (Vendor::Xilinx, false) => Err(Failure::usage(format!(
            "only Vivado makes an image for {0}: `hotloop bitstream build {0} --project-only` writes the project for it, \
             and `--image` takes what Vivado made",
            board.name
        ))),
        (Vendor::Lattice, true) => {
            Err(Failure::usage(format!("{} has no project: --project-only is for Xilinx boards", board.name)))
        }
        (Vendor::Lattice, false) => ecp5::build(&board, &args.out, &args.flow, output),
    }
}
