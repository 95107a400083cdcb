//! `hotloop bitstream`: boards, images and their manifests.

mod build;
pub mod check;
mod keys;
mod list;
mod report;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use hotloop_boards::{manifest::JSON_SCHEMA, BoardError};

pub use list::manifests;

use crate::output::{Failure, Output};

/// Where images and manifests go, and where `list` looks.
pub const OUT: &str = "bitstreams/out";

/// What to do.
#[derive(Subcommand)]
pub enum BitstreamCommand {
    /// List boards, and the manifests of a folder.
    List(list::ListArgs),
    /// Show a manifest.
    Show(list::ShowArgs),
    /// Check an image against its manifest, its board and this build.
    Check(check::CheckArgs),
    /// Show what differs between two manifests, and whether the new one may replace the old one.
    Compare(check::CompareArgs),
    /// Make an image, or the project that makes it.
    Build(build::BuildArgs),
    /// Show what each board's image takes of its part, and what it does a second.
    Report(report::ReportArgs),
    /// Sign a manifest.
    Sign(keys::SignArgs),
    /// Make a key to sign with.
    Keygen(keys::KeygenArgs),
    /// Print the JSON Schema of manifests.
    Schema,
}

/// Which board files.
#[derive(Args)]
pub struct BoardsArgs {
    /// Folder of board files, instead of those of this build.
    #[arg(long)]
    boards: Option<PathBuf>,
}

impl BoardsArgs {
    /// The folder, if one was named.
    pub fn folder(&self) -> Option<&Path> {
        self.boards.as_deref()
    }
}

/// Runs the command.
pub fn run(command: &BitstreamCommand, output: &Output) -> Result<ExitCode, Failure> {
    match command {
        BitstreamCommand::List(args) => list::list(args, output),
        BitstreamCommand::Show(args) => list::show(args, output),
        BitstreamCommand::Check(args) => check::check(args, output),
        BitstreamCommand::Compare(args) => check::compare(args, output),
        BitstreamCommand::Build(args) => build::run(args, output),
        BitstreamCommand::Report(args) => report::run(args, output),
        BitstreamCommand::Sign(args) => keys::sign(args, output),
        BitstreamCommand::Keygen(args) => keys::keygen(args, output),
        BitstreamCommand::Schema => {
            let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).map_err(Failure::new)?;
            output.result(&schema, &[JSON_SCHEMA.trim_end().into()])?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A board that is not there is a wrong call; a file that is wrong is not.
pub fn board_failure(error: BoardError) -> Failure {
    match error {
        BoardError::Unknown { .. } => Failure::usage(error.to_string()),
        _ => Failure::new(error),
    }
}
