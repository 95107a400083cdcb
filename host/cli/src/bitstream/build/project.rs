//! The Vivado project of a board, with its manifest.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use hotloop_boards::{
    manifest::{Git, Share, Utilisation, SUFFIX},
    vivado::Project,
    Board,
};
use serde_json::json;

use super::synthesis::synthesise;
use crate::output::{write_file, Failure, Output};

/// Writes the project's files and the manifest into `out`. The estimate in it is Yosys' with `synthesis`, which is the
/// longest that it may take, else the area model's.
pub fn write(board: &Board, out: &Path, synthesis: Option<Duration>, output: &Output) -> Result<ExitCode, Failure> {
    output.progress(&format!("generating {} with preset {} …", board.name, board.preset));
    let mut project = Project::new(board).map_err(Failure::new)?;
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
    let mut tools = vec![("hotloop", env!("CARGO_PKG_VERSION"))];
    let asked = project.estimate.multipliers;
    let yosys = synthesis.map(|limit| synthesise(&mut project, board, out, limit, output)).transpose()?;
    tools.extend(yosys.as_ref().map(|version| ("yosys", version.as_str())));
    let manifest = project.manifest(board, git(), &tools);
    let path = out.join(format!("{}-project{SUFFIX}", board.name));
    write_file(&path, manifest.to_json().map_err(Failure::new)?.as_bytes())?;

    let u = &manifest.utilisation;
    let fits = [u.multipliers, u.memories, u.luts, u.registers].iter().all(|share| share.used <= share.available);
    let object = json!({
        "manifest": path,
        "project": manifest,
        "files": written,
        "unchecked": board.unchecked,
        "estimated_by": yosys.as_ref().map_or_else(|| "area model".into(), |version| format!("yosys {version}")),
        "multipliers_asked": asked,
        "fits": fits,
    });
    let script = written.first().cloned().unwrap_or_else(|| PathBuf::from(&manifest.file));
    let mut lines = vec![
        format!("project of {} with preset {}: {} files in {}", board.name, board.preset, written.len(), out.display()),
        format!("manifest {}", path.display()),
        format!(
            "estimate of the accelerator against {}, {}, the shell not in it:",
            board.part,
            yosys.map_or_else(|| "by the area model".into(), |version| format!("by Yosys {version} module by module"))
        ),
    ];
    lines.extend(utilisation_lines(&manifest.utilisation, "DSP48"));
    lines.push(format!(
        "  the preset asks for {asked} DSP48, {} % of them are in it",
        100 * u.multipliers.used / asked.max(1)
    ));
    if !fits {
        lines.push(format!("this is more than {} has", board.part));
    }
    if !board.unchecked.is_empty() {
        lines.push(format!("check on the board before you trust them: {}", board.unchecked.join(", ")));
    }
    lines.push(format!("next: vivado -mode batch -source {}", script.display()));
    output.result(&object, &lines)?;
    Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
