//! `hotloop bitstream check` and `compare`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hotloop_boards::{
    hex::Sha,
    manifest::Manifest,
    verify::{self, Against},
    BoardError,
};
use serde_json::json;

use super::BoardsArgs;
use crate::output::{Failure, Output};

/// What to check.
#[derive(Args)]
pub struct CheckArgs {
    /// The manifest; its file lies beside it.
    manifest: PathBuf,
    #[command(flatten)]
    boards: BoardsArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Whose signatures count.
#[derive(Args)]
pub struct TrustArgs {
    /// File of trusted public keys, one a line.
    #[arg(long)]
    trusted: Option<PathBuf>,
    /// Refuse what is not signed by a trusted key.
    #[arg(long, requires = "trusted")]
    pub require_signed: bool,
}

impl TrustArgs {
    /// The trusted keys.
    pub fn keys(&self) -> Result<Vec<Sha>, Failure> {
        let Some(path) = &self.trusted else { return Ok(Vec::new()) };
        let fail = |e: &dyn std::fmt::Display| Failure::message(format!("{}: {e}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| fail(&e))?;
        hotloop_boards::sign::keys(&text).map_err(|e| fail(&e))
    }
}

/// Checks an image: status 1 if anything is not as it should be.
pub fn check(args: &CheckArgs, output: &Output) -> Result<ExitCode, Failure> {
    let manifest = Manifest::load(&args.manifest).map_err(Failure::new)?;
    let board = match hotloop_boards::find(&manifest.board, args.boards.folder()) {
        Ok(board) => Some(board),
        Err(BoardError::Unknown { .. }) => None,
        Err(e) => return Err(Failure::new(e)),
    };
    let against = Against {
        board: board.as_ref(),
        map_hash: hotloop_regs::MAP_HASH,
        trusted: &args.trust.keys()?,
        require_signed: args.trust.require_signed,
    };
    let findings = verify::verify(&args.manifest, &manifest, &against).map_err(Failure::new)?;
    let ok = findings.iter().all(|f| f.ok);
    let object = json!({
        "ok": ok,
        "checks": findings.iter().map(|f| json!({ "check": f.check, "ok": f.ok, "detail": f.detail })).collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = findings
        .iter()
        .map(|f| format!("{:12} {} {}", f.check, if f.ok { "ok   " } else { "WRONG" }, f.detail))
        .collect();
    lines.push(match ok {
        true => format!("{} is what its manifest says", manifest.file),
        false => format!("{} must not be used: fetch it again, or build it anew", manifest.file),
    });
    output.result(&object, &lines)?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What to compare.
#[derive(Args)]
pub struct CompareArgs {
    /// The manifest of what is on the board.
    old: PathBuf,
    /// The manifest of what may replace it.
    new: PathBuf,
}

/// Compares two manifests: status 1 if the new one may not replace the old one.
pub fn compare(args: &CompareArgs, output: &Output) -> Result<ExitCode, Failure> {
    let load = |path: &Path| Manifest::load(path).map_err(Failure::new);
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let comparison = verify::compare(&old, &new).map_err(Failure::new)?;
    let replaces = comparison.obstacles.is_empty();
    let differences = comparison.differences.iter().map(|(field, a, b)| json!({ "field": field, "old": a, "new": b }));
    let object = json!({
        "may_replace": replaces,
        "obstacles": comparison.obstacles,
        "differences": differences.collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> =
        comparison.differences.iter().map(|(field, a, b)| format!("{field}: {a} -> {b}")).collect();
    lines.extend(comparison.obstacles.iter().map(|text| format!("may not replace: {text}")));
    if replaces {
        lines.push("may replace".into());
    }
    output.result(&object, &lines)?;
    Ok(if replaces { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
