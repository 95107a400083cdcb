//! `hotloop bitstream build`: ECP5 boards by the open flow, Xilinx boards as a Vivado project.

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
    /// Folder for the results; made if missing.
    #[arg(long, default_value = OUT)]
    out: PathBuf,
    #[command(flatten)]
    boards: BoardsArgs,
}

/// Runs the command.
pub fn run(args: &BuildArgs, _output: &Output) -> Result<ExitCode, Failure> {
    let board = hotloop_boards::find(&args.board, args.boards.folder()).map_err(board_failure)?;
    match board.vendor {
        Vendor::Xilinx => Err(Failure::message("not here yet")),
        Vendor::Lattice => Err(Failure::message("not here yet")),
    }
}
