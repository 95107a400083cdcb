//! The Vivado project of a board, with its manifest.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use hotloop_boards::{
    manifest::{Git, Share, Utilisation, SUFFIX},
    vivado::Project,
    Board,
};
use serde_json::json;

use crate::output::{write_file, Failure, Output};

/// Writes the project's files and the manifest into `out`.
pub fn write(board: &Board, out: &Path, output: &Output) -> Result<ExitCode, Failure> {
    output.progress(&format!("generating {} with preset {} …", board.name, board.preset));
    let project = Project::new(board).map_err(Failure::new)?;
    let mut written = Vec::new();
    for (name, text) in &project.files {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| Failure::message(format!("cannot make folder {}: {e}", folder.display())))?;
        }
        write_file(&path, text.as_bytes())?;
        written.push(path);
    }
    output.progress_done();
    let manifest = project.manifest(board, git(), &[("hotloop", env!("CARGO_PKG_VERSION"))]);
    let path = out.join(format!("{}-project{SUFFIX}", board.name));
    write_file(&path, manifest.to_json().map_err(Failure::new)?.as_bytes())?;

    let object = json!({ "manifest": path, "project": manifest, "files": written, "unchecked": board.unchecked });
    let script = written.first().cloned().unwrap_or_else(|| PathBuf::from(&manifest.file));
    let mut lines = vec![
        format!("project of {} with preset {}: {} files in {}", board.name, board.preset, written.len(), out.display()),
        format!("manifest {}", path.display()),
        format!("estimate of the accelerator against {}, the shell not in it:", board.part),
    ];
    lines.extend(utilisation_lines(&manifest.utilisation, "DSP48"));
    if !board.unchecked.is_empty() {
        lines.push(format!("check on the board before you trust them: {}", board.unchecked.join(", ")));
    }
    lines.push(format!("next: vivado -mode batch -source {}", script.display()));
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A utilisation as lines; multipliers by the name that the family has for them.
pub fn utilisation_lines(u: &Utilisation, multiplier: &str) -> Vec<String> {
    let shares = [
        (multiplier, u.multipliers),
        ("memories of 18 Kbit", u.memories),
        ("look-up tables", u.luts),
        ("flip-flops", u.registers),
    ];
    let line = |(name, share): (&str, Share)| {
        let percent = 100 * share.used / share.available.max(1);
        format!("  {name:22} {:>8} of {:>8}, {percent} %", share.used, share.available)
    };
    shares.into_iter().map(line).collect()
}

/// Writes the manifest of an image that Vivado made from the board's project, beside the image.
pub fn adopt(board: &Board, image: &Path, fmax_mhz: Option<f64>, output: &Output) -> Result<ExitCode, Failure> {
    let fail = |e: &dyn std::fmt::Display| Failure::message(format!("{}: {e}", image.display()));
    let name = image.file_name().and_then(|name| name.to_str()).ok_or_else(|| fail(&"not the name of a file"))?;
    let bytes = std::fs::read(image).map_err(|e| fail(&e))?;
    let found = hotloop_boards::image::inspect(&bytes).map_err(|e| fail(&e))?;
    let project = Project::new(board).map_err(Failure::new)?;
    let manifest = project.image_manifest(board, git(), (name, &bytes), &found, fmax_mhz).map_err(|e| fail(&e))?;
    let path = image.with_file_name(format!("{}{SUFFIX}", name.strip_suffix(".bit").unwrap_or(name)));
    write_file(&path, manifest.to_json().map_err(Failure::new)?.as_bytes())?;
    output.result(&json!({ "manifest": path, "image": manifest }), &[format!("manifest {}", path.display())])?;
    Ok(ExitCode::SUCCESS)
}

/// The state of the repository that the command is run in, if it is one and git is there.
pub fn git() -> Option<Git> {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let revision = git(&["rev-parse", "HEAD"])?.trim().to_owned();
    let dirty = !git(&["status", "--porcelain"])?.trim().is_empty();
    Some(Git { revision, dirty })
}
