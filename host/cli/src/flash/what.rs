//! What is named on the command line: a manifest or a board, and what both say of each other.

use std::path::{Path, PathBuf};

use clap::Args;
use hotloop_boards::{
    manifest::{Kind, Manifest, SUFFIX},
    verify::{verify, Against},
    Board,
};
use hotloop_flash::Image;

use crate::{
    bitstream::{board_failure, check::TrustArgs, manifests, BoardsArgs, OUT},
    output::Failure,
};

/// Files besides the manifest.
#[derive(Args)]
pub struct FileArgs {
    #[command(flatten)]
    boards: BoardsArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// An image and its board.
pub struct What {
    path: PathBuf,
    /// What the image is.
    pub manifest: Manifest,
    /// The board that it is for.
    pub board: Board,
}

/// Other images for a board: of other presets.
fn others(board: &str) -> Result<String, Failure> {
    let paths = manifests(Path::new(OUT))?.into_iter();
    let its = |path: &PathBuf| Manifest::load(path).is_ok_and(|m| m.kind == Kind::Bitstream && m.board == board);
    let found: Vec<String> = paths.filter(its).map(|path| path.display().to_string()).collect();
    Ok(if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) })
}

impl What {
    /// Reads the manifest and holds it against its file, its board and this build, as `hotloop bitstream check` does.
    pub fn find(name: &str, files: &FileArgs) -> Result<What, Failure> {
        let path = match name.ends_with(".json") || name.contains('/') {
            true => PathBuf::from(name),
            false => {
                let board = hotloop_boards::find(name, files.boards.folder()).map_err(board_failure)?;
                let path = Path::new(OUT).join(format!("{}{SUFFIX}", board.name));
                if !path.exists() {
                    let others = others(name)?;
                    let text = format!(
                        "there is no {}: `hotloop bitstream build {name}` makes it, or name a manifest{others}",
                        path.display()
                    );
                    return Err(Failure::message(text));
                }
                path
            }
        };
        let manifest = Manifest::load(&path).map_err(Failure::new)?;
        if manifest.kind != Kind::Bitstream {
            let text = format!("{} describes no image but a {:?}: build it first", path.display(), manifest.kind);
            return Err(Failure::message(text));
        }
        let board = hotloop_boards::find(&manifest.board, files.boards.folder()).map_err(board_failure)?;
        let against = Against {
            board: Some(&board),
            map_hash: hotloop_regs::MAP_HASH,
            trusted: &files.trust.keys()?,
            require_signed: files.trust.require_signed,
        };
        let findings = verify(&path, &manifest, &against).map_err(Failure::new)?;
        let wrong: Vec<String> =
            findings.iter().filter(|finding| !finding.ok).map(|f| format!("{}: {}", f.check, f.detail)).collect();
        if !wrong.is_empty() {
            let text = format!(
                "{} must not be used: {}. Fetch it again, or build it anew; nothing was touched",
                path.display(),
                wrong.join("; ")
            );
            return Err(Failure::message(text));
        }
        Ok(What { path, manifest, board })
    }

    /// The image, for the steps.
    pub fn image(&self) -> Image {
        // Whole, so that no name can look like an option to the program that gets it.
        let path = self.manifest.file_beside(&self.path);
        Image {
            path: std::path::absolute(&path).unwrap_or(path),
            sha256: self.manifest.sha256,
            size: self.manifest.size,
            idcode: self.manifest.idcode.0,
            idcode_mask: self.board.idcode_mask,
            build_id: self.manifest.build_id.0,
            abi: self.manifest.abi.clone(),
        }
    }
}
