//! Boards as data: adding a board is adding a file to `bitstreams/boards`.
//!
//! The files are part of the program ([`all`]); [`load`] reads others. docs/bitstreams.md has the schema.
//!
//! A [`manifest`] says what an image is, [`image`] what it says about itself, [`sign`] who vouches for it, and
//! [`verify`] holds them against each other. [`vivado`] writes the project of a Xilinx board, [`ecp5`] what the
//! open flow makes a Lattice board's image of.

mod board;
mod check;
pub mod ecp5;
pub mod hex;
pub mod image;
mod line;
pub mod manifest;
pub mod sign;
pub mod verify;
pub mod vivado;

use std::path::{Path, PathBuf};

pub use board::{
    Backend, Board, Capacity, Clock, Configuration, Family, Flash, FlashPins, Leds, Link, Pcie, Pin, Reset, Slot,
    SlotKind, Tie, Uart, Vendor, SCHEMA,
};

/// File name and text of every board of this build.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/boards.rs"));

/// Why a board file was refused.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file, or the folder, could not be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not TOML, or not of the schema; the text names line and column.
    #[error("{path}: {detail}", path = path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        detail: String,
    },
    /// A value that no board can have.
    #[error("{path}: line {line}: {field}: {reason}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line of the field, from 1.
        line: usize,
        /// The field, as `table.key`.
        field: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// There is no such board.
    #[error("there is no board `{name}`; there is: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// Every board of this build, by name.
pub fn all() -> Result<Vec<Board>, BoardError> {
    FILES.iter().map(|(name, text)| Board::parse(Path::new(name), text)).collect()
}

/// Every board of a folder, by name: each `*.toml` in it.
pub fn load(folder: &Path) -> Result<Vec<Board>, BoardError> {
    let fail = |source| BoardError::Read { path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| Board::load(path)).collect()
}

/// The board of a name: of the files in `folder`, or of those of this build.
pub fn find(name: &str, folder: Option<&Path>) -> Result<Board, BoardError> {
    let boards = folder.map_or_else(all, load)?;
    let known = boards.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(", ");
    boards.into_iter().find(|board| board.name == name).ok_or_else(|| BoardError::Unknown { name: name.into(), known })
}

/// Reads a file that should not be larger than `limit` bytes.
fn read(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, ErrorKind, Read};
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(Error::new(ErrorKind::FileTooLarge, format!("larger than {limit} bytes"))),
        false => Ok(bytes),
    }
}

impl Board {
    /// Reads and checks one board file.
    pub fn load(path: &Path) -> Result<Board, BoardError> {
        let text = std::fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.into(), source })?;
        Board::parse(path, &text)
    }

    /// Checks the text of a board file; `path` is for messages and for the board's name.
    pub fn parse(path: &Path, text: &str) -> Result<Board, BoardError> {
        let board: Board = toml::from_str(text)
            .map_err(|e| BoardError::Schema { path: path.into(), detail: e.to_string().trim_end().into() })?;
        check::check(&board, path.file_stem().and_then(|s| s.to_str()), text).map_err(|(field, reason)| {
            BoardError::Value { path: path.into(), line: line::of(text, &field), field, reason }
        })?;
        Ok(board)
    }
}
