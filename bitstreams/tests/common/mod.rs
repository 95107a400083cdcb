//! What tests of Vivado projects share.
#![allow(dead_code)] // Not every test uses all of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hotloop_boards::{vivado::Project, Board};
use hotloop_hdl::Config;

/// A project with bus and rings alone: what is around them is the same.
pub fn small(board: &Board) -> Project {
    Project::with(board, &Config::link(), 200).unwrap_or_else(|e| panic!("{}: {e}", board.name))
}

/// An empty folder of this name.
pub fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a project into a folder of its own.
pub fn written(test: &str, board: &Board, project: &Project) -> PathBuf {
    let folder = fresh(&format!("{test}-{}", board.name));
    for (name, text) in &project.files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Builds the module `bench` of files in a folder with Verilator, and runs it.
pub fn simulate(folder: &Path, arguments: &[String], files: &[String]) -> Output {
    let verilator = std::env::var("VERILATOR").unwrap_or_else(|_| "verilator".into());
    let mut build = Command::new(verilator);
    build.args(["--binary", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "bench", "-Mdir", "model"]);
    // Cargo's own job server is not for the make that Verilator calls.
    let built = build.args(arguments).args(files).current_dir(folder).env_remove("MAKEFLAGS").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Command::new(folder.join("model/Vbench")).output().unwrap()
}
