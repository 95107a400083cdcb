//! What can go wrong, and what to do then.

use std::path::PathBuf;

use hotloop_boards::hex::{Hex32, Hex64, Sha};

use crate::run::RunError;

/// Why an image is not on the board. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not the manifest's.
    #[error(
        "{path}: sha256 is {found}, the manifest says {wanted}: the file was changed or cut off; fetch or build it again. \
         Nothing was touched", path = path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: Sha,
        /// The manifest's.
        wanted: Sha,
    },
    /// It is for another part.
    #[error(
        "wrong part: the attached part has IDCODE {found}, the image is for {wanted}; name the image of this board. Nothing \
         was touched"
    )]
    Part {
        /// The part's.
        found: Hex32,
        /// The image's.
        wanted: Hex32,
    },
    /// The backend should have told the IDCODE.
    #[error("{name} did not tell the part's IDCODE ({last}); nothing was touched")]
    NoPart {
        /// The backend.
        name: &'static str,
        /// What it said.
        last: String,
    },
    /// The golden image would be overwritten.
    #[error(
        "that is the golden slot, which the board falls back to when all else fails: --golden-override writes it \
         nevertheless, --slot user the other one. Nothing was touched"
    )]
    Golden,
    /// It does not fit.
    #[error("{0}. Nothing was touched")]
    Slot(String),
    /// What the backend cannot.
    #[error("{0}")]
    NotThere(String),
    /// A backend's program is not installed.
    #[error("{program} is not installed: {install}")]
    Missing {
        /// The program.
        program: &'static str,
        /// How to get it.
        install: &'static str,
    },
    /// A program did not come to its end.
    #[error("{step}: {source}. {after}")]
    Run {
        /// The step.
        step: &'static str,
        /// What happened.
        source: RunError,
        /// How the board is now.
        after: &'static str,
    },
    /// A program failed.
    #[error("{step}: {meaning}. {after}")]
    Failed {
        /// The step.
        step: &'static str,
        /// What is wrong, and what to do.
        meaning: String,
        /// How the board is now.
        after: &'static str,
        /// What the program printed.
        output: String,
    },
    /// Something else runs than what was loaded.
    #[error(
        "{by} says {found}, the image is {wanted}: another design runs than the one loaded. The flash is untouched"
    )]
    Identity {
        /// What was asked.
        by: String,
        /// What it said.
        found: String,
        /// What it should have said.
        wanted: String,
    },
    /// Over PCI Express: another image runs than the one that shall be written.
    #[error(
        "the board runs build {running}, the image is {wanted}: over PCI Express an image cannot be tried before it is in \
         flash. Load it by a JTAG cable first, or --untried writes it all the same: the golden image stays, and the board \
         starts from that one should this one fail. Nothing was touched"
    )]
    Untried {
        /// Build that runs.
        running: Hex64,
        /// The image's.
        wanted: Hex64,
    },
    /// Over PCI Express: the golden image shall be one that nobody tried.
    #[error("the golden image is never one that was not tried: leave --untried out. Nothing was touched")]
    UntriedGolden,
    /// The board's own port failed.
    #[error("{name}: {reason}")]
    Port {
        /// The board.
        name: String,
        /// What happened, what to do, and how the flash is.
        reason: String,
    },
    /// What runs cannot be asked.
    #[error("{name}: {reason}. The image is loaded, the flash untouched")]
    Device {
        /// The device.
        name: String,
        /// Why.
        reason: String,
    },
    /// It shall persist, but nothing tells what runs.
    #[error(
        "nothing tells what runs now, so it is not written to flash: name the board with --verify-device (vfio:ADDRESS), as \
         {0} does not read this part's user code. The image is loaded, the flash untouched"
    )]
    NotVerified(&'static str),
}
