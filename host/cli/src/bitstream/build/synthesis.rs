//! The estimate of a Xilinx board by Yosys.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hotloop_boards::{
    vivado::{counted, Project, COUNTS},
    Board,
};
use hotloop_flash::{find_program, last_words, run_at, Call, Heard, Place};
use pcie_sys::{wait_readable, Signals};

use crate::output::{Failure, Output};

/// Synthesises the accelerator of a project whose files are in `out`, and takes the cells for the project's estimate. Gives
/// Yosys' version.
pub fn synthesise(
    project: &mut Project,
    board: &Board,
    out: &Path,
    limit: Duration,
    output: &Output,
) -> Result<String, Failure> {
    let path = find_program("yosys").ok_or_else(|| {
        Failure::message(
            "no yosys in PATH: `scripts/setup.sh yosys` installs it, and without --synthesise it is not needed",
        )
    })?;
    let signals = Signals::take().map_err(Failure::new)?;
    let interrupted = || wait_readable(&[signals.as_fd()], Duration::ZERO).is_ok_and(|ready| ready[0]);
    let (start, folder) = (Instant::now(), out.join(&board.name));
    let place = Place { path: Some(path), folder: Some(folder.clone()), ..Place::default() };
    let call = Call { program: "yosys", arguments: project.yosys(board), input: None, limit };
    let ended = run_at(&call, &place, &interrupted, &mut |heard| {
        // Each pass has a heading with its number.
        if let Heard::Line(line) = heard {
            if line.contains(". Executing ") {
                let (seconds, short) = (start.elapsed().as_secs(), line.chars().take(70).collect::<String>());
                output.progress(&format!("synthesis, {}:{:02}: {short}", seconds / 60, seconds % 60));
            }
        }
    });
    let ended = ended.map_err(Failure::new)?;
    if !ended.good {
        let wrong = ended.output.lines().rfind(|line| line.starts_with("ERROR"));
        let said = wrong.map_or_else(|| last_words(&ended.output), str::to_owned);
        return Err(Failure::message(format!("yosys ended with {}: {said}", ended.how)));
    }
    let path = folder.join(COUNTS);
    let fail = |e: &dyn std::fmt::Display| Failure::message(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|e| fail(&e))?;
    project.estimate = counted(&text).map_err(|e| fail(&e))?;
    output.progress_done();
    // Its last line but one: `Yosys 0.23 (git sha1 7ce5011c24b)`.
    let version = ended.output.lines().rev().find_map(|line| line.strip_prefix("Yosys "));
    Ok(version.unwrap_or("unknown").trim().to_owned())
}
