//! Boards as data: adding a board is adding a file to `bitstreams/boards`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The version of the schema that this crate reads.
pub const SCHEMA: u32 = 1;

/// One board, as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// Name in commands; the file is `<name>.toml`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Whose part it is.
    pub vendor: Vendor,
    /// The part with package and speed grade, as the vendor's tools take it.
    pub part: String,
    /// JTAG IDCODE of the part.
    pub idcode: u32,
    /// The preset it carries.
    pub preset: String,
    /// How the host reaches the accelerator.
    pub link: Link,
    /// The oscillator.
    pub clock: Clock,
    /// How an image gets on it.
    pub flash: Flash,
    /// What the part has.
    pub capacity: Capacity,
}

/// Vendor of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Lattice: the open flow.
    Lattice,
    /// AMD (Xilinx): a Vivado project.
    Xilinx,
}

/// Link between host and board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// PCI Express.
    Pcie,
    /// A serial line, for bring-up.
    Uart,
}

/// The oscillator.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Package pin.
    pub pin: String,
    /// Frequency in MHz.
    pub mhz: f64,
}

/// How an image gets on the board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// The program that does it.
    pub backend: String,
    /// The board's name in that program.
    pub board: String,
    /// Size of the configuration flash.
    pub bytes: u64,
}

/// What the part has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Hardware multipliers (MULT18X18D, DSP48).
    pub multipliers: u32,
    /// Look-up tables.
    pub luts: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// Block RAM in kilobits.
    pub ram_kilobits: u32,
}

/// Why a board file was refused.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file could not be read.
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
        /// The field.
        field: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
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
        let value = |field: &'static str, reason: String| {
            let key = field.rsplit('.').next().unwrap_or(field);
            let line = text.lines().position(|l| l.trim_start().starts_with(key)).map_or(1, |i| i + 1);
            Err(BoardError::Value { path: path.into(), line, field, reason })
        };
        if board.schema != SCHEMA {
            return value("schema", format!("this build reads schema {SCHEMA}, not {}", board.schema));
        }
        if path.file_stem().and_then(|s| s.to_str()) != Some(board.name.as_str()) {
            return value("name", format!("the file of board `{0}` is `{0}.toml`", board.name));
        }
        if board.idcode & 1 == 0 {
            return value("idcode", format!("{:#010x}: bit 0 of an IDCODE is 1 (IEEE 1149.1)", board.idcode));
        }
        if !(1.0..=1000.0).contains(&board.clock.mhz) {
            return value("clock.mhz", format!("{} is not between 1 and 1000 MHz", board.clock.mhz));
        }
        if board.capacity.multipliers == 0 {
            return value("capacity.multipliers", "a part without multipliers cannot hold an engine".into());
        }
        Ok(board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECPIX5: &str = include_str!("../boards/ecpix5-85.toml");

    #[test]
    fn every_board_file_loads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards");
        let mut boards = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            Board::load(&entry.unwrap().path()).unwrap_or_else(|e| panic!("{e}"));
            boards += 1;
        }
        assert!(boards > 0);
    }

    #[test]
    fn errors_name_the_line() {
        let path = Path::new("ecpix5-85.toml");
        for (from, to, expected) in [
            ("schema = 1", "schema = 2", "line 2: schema"),
            ("idcode = 0x81113043", "idcode = 0x81113042", "line 7: idcode"),
            ("mhz = 100.0", "mhz = 0.0", "line 13: clock.mhz"),
            ("name = \"ecpix5-85\"", "name = \"other\"", "line 3: name"),
            ("vendor = \"lattice\"", "vendor = \"acme\"", "line 5"),
            ("pin = \"K23\"", "pin = \"K23\"\nspin = 1", "line 13"),
        ] {
            let text = ECPIX5.replace(from, to);
            assert_ne!(text, ECPIX5);
            let message = Board::parse(path, &text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_missing_file_says_which() {
        let message = Board::load(Path::new("boards/none.toml")).unwrap_err().to_string();
        assert!(message.contains("boards/none.toml"), "{message}");
    }
}
