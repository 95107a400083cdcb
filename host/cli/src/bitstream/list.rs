//! `hotloop bitstream list` and `show`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hotloop_boards::{
    hex::Hex32,
    manifest::{Manifest, Source, SUFFIX},
    Board, Link,
};
use serde_json::{json, Value};

use super::{board_failure, BoardsArgs, OUT};
use crate::output::{Failure, Output};

/// Where to look.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    boards: BoardsArgs,
    /// Folder of manifests.
    #[arg(long, default_value = OUT)]
    dir: PathBuf,
}

/// Which manifest.
#[derive(Args)]
pub struct ShowArgs {
    /// The manifest.
    manifest: PathBuf,
}

/// Lists boards and manifests. A manifest that cannot be read is listed with the reason.
pub fn list(args: &ListArgs, output: &Output) -> Result<ExitCode, Failure> {
    let boards = args.boards.folder().map_or_else(hotloop_boards::all, hotloop_boards::load).map_err(board_failure)?;
    let manifests: Vec<(PathBuf, Result<Manifest, String>)> = manifests(&args.dir)?
        .into_iter()
        .map(|path| (path.clone(), Manifest::load(&path).map_err(|e| e.to_string())))
        .collect();
    let object = json!({
        "boards": boards.iter().map(board_json).collect::<Vec<_>>(),
        "manifests": manifests.iter().map(manifest_json).collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = boards
        .iter()
        .map(|b| format!("{:14} {:24} {:9} {:12} {}", b.name, b.part, b.preset, link(b), b.title))
        .collect();
    lines.push(match manifests.len() {
        0 => format!("no manifests in {}", args.dir.display()),
        n => format!("{n} in {}:", args.dir.display()),
    });
    lines.extend(manifests.iter().map(|(path, manifest)| match manifest {
        Ok(m) => format!("{}: {:?} for {}, preset {}", path.display(), m.kind, m.board, m.features.preset),
        Err(reason) => reason.clone(),
    }));
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// The manifests of a folder, by name. A folder that is not there has none.
pub fn manifests(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| Failure::message(format!("{}: {e}", folder.display()));
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(fail)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(fail)?.path();
        if path.to_str().is_some_and(|text| text.ends_with(SUFFIX)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn link(board: &Board) -> String {
    match (board.link, &board.pcie, &board.uart) {
        (Link::Pcie, Some(pcie), _) => format!("gen{}x{}", pcie.generation, pcie.lanes),
        (Link::Uart, _, Some(uart)) => format!("uart {}", uart.baud),
        _ => String::new(),
    }
}

fn board_json(board: &Board) -> Value {
    json!({
        "name": board.name,
        "title": board.title,
        "part": board.part,
        "idcode": Hex32(board.idcode),
        "preset": board.preset,
        "link": link(board),
        "unchecked": board.unchecked,
    })
}

fn manifest_json((path, manifest): &(PathBuf, Result<Manifest, String>)) -> Value {
    match manifest {
        Ok(manifest) => json!({ "path": path, "manifest": manifest }),
        Err(reason) => json!({ "path": path, "error": reason }),
    }
}

/// Shows a manifest.
pub fn show(args: &ShowArgs, output: &Output) -> Result<ExitCode, Failure> {
    let m = Manifest::load(&args.manifest).map_err(Failure::new)?;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let source = match m.utilisation.source {
        Source::Estimate => "estimate",
        Source::Routed => "routed",
    };
    let mut lines = vec![
        format!("{:?} for {}: {}, IDCODE {}", m.kind, m.board, m.part, m.idcode),
        format!("  {:18} {} ({:?}, {} bytes), sha256 {}", "file", m.file, m.format, m.size, m.sha256),
        format!("  {:18} {}, register map {}, build {}", "ABI", m.abi, m.register_map_hash, m.build_id),
        format!("  {:18} {} (accelerator {})", "interface", m.interface_uuid, m.accelerator_uuid),
        format!("  {:18} {}, sets {}", "preset", m.features.preset, m.features.sets.join(", ")),
        format!("  {:18} {} MHz, timing {}", "clock", m.clock_mhz, or_none(m.fmax_mhz.map(|f| format!("{f} MHz")))),
        format!("  {:18} {:?} at {:#x}", "flash", m.flash.slot, m.flash.offset),
    ];
    let u = &m.utilisation;
    let shares =
        [("multipliers", u.multipliers), ("memories of 18 Kbit", u.memories), ("LUT", u.luts), ("FF", u.registers)];
    for (name, share) in shares {
        lines.push(format!("  {name:18} {} of {} ({source})", share.used, share.available));
    }
    if let Some(git) = &m.git {
        lines.push(format!("  {:18} {}{}", "git", git.revision, if git.dirty { ", with changes" } else { "" }));
    }
    lines.extend(m.tools.iter().map(|(tool, version)| format!("  {tool:18} {version}")));
    lines.push(format!("  {:18} {}", "signed by", or_none(m.signature.map(|s| s.key.to_string()))));
    output.result(&m, &lines)?;
    Ok(ExitCode::SUCCESS)
}
