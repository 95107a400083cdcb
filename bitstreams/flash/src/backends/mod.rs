//! The programs that get an image on a board, as data: what is called for each step, and how its output is read.

mod aws;
mod open_fpga_loader;
mod vivado;
mod xbutil;

use std::path::Path;

use crate::{
    cable::Cable,
    run::{Call, Ended},
};

/// What a backend must know of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How it is reached.
    pub cable: Cable,
    /// The board's name in the backend, if it has one.
    pub board: Option<String>,
    /// The cable's name in the backend, where the board's name does not imply it.
    pub board_cable: Option<String>,
    /// The flash's name in the backend, for one that must be told.
    pub memory: Option<String>,
    /// A Lattice part: its tool reads identities that it does not of others.
    pub lattice: bool,
}

/// What is done with an image.
#[derive(Clone, Copy, Debug)]
pub enum Work<'a> {
    /// Ask the part for its IDCODE.
    Identify,
    /// Put the image into configuration memory.
    Load(&'a Path),
    /// Write the image to the flash, from a byte on, and compare.
    Persist(&'a Path, u64),
}

/// Why a backend has no call for something: what is not there, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThere(pub String);

/// A text in a program's output, and what it means.
pub struct Sign {
    /// What is looked for.
    pub text: &'static str,
    /// What is wrong, and what to do.
    pub meaning: &'static str,
    /// The program ended before it changed anything.
    pub untouched: bool,
}

/// A complaint from before anything was changed.
const fn early(text: &'static str, meaning: &'static str) -> Sign {
    Sign { text, meaning, untouched: true }
}

/// A complaint from amid the work.
const fn late(text: &'static str, meaning: &'static str) -> Sign {
    Sign { text, meaning, untouched: false }
}

/// One program.
pub struct Backend {
    /// Its name here.
    pub name: &'static str,
    /// How one gets it.
    pub install: &'static str,
    /// The call for a piece of work.
    pub call: fn(&Target, Work) -> Result<Call, NotThere>,
    /// Whether it tells the part's IDCODE; the others compare image and shell by themselves.
    pub tells_idcode: bool,
    /// The IDCODE in what [`Work::Identify`] or [`Work::Load`] printed, and those bits of it that were told.
    pub idcode: fn(&str) -> Option<(u32, u32)>,
    /// The user code in what [`Work::Load`] printed: what the part holds now.
    pub usercode: fn(&str) -> Option<u32>,
    /// Whether work was done, when the exit status does not tell.
    pub done: fn(&str) -> bool,
    /// Whether the flash holds what was written, although the program failed: the part did not start from it.
    pub written: fn(&str) -> bool,
    /// What its complaints mean, the first one that fits.
    pub signs: &'static [Sign],
}

impl Backend {
    /// The one for a cable; `vivado` where the board's file names it and no cable was given. `None` for
    /// [`crate::port`].
    pub fn of(cable: &Cable, vivado: bool) -> Option<&'static Backend> {
        Some(match cable {
            Cable::Board if vivado => &vivado::BACKEND,
            Cable::Board | Cable::Xvc { .. } | Cable::Usb { .. } => &open_fpga_loader::BACKEND,
            Cable::Vivado { .. } => &vivado::BACKEND,
            Cable::Xbutil { .. } => &xbutil::BACKEND,
            Cable::Aws { .. } => &aws::BACKEND,
            Cable::Spi { .. } => return None,
        })
    }

    /// What is wrong, from what a program printed, and whether it ended before it changed anything.
    pub fn explain(&self, ended: &Ended) -> (String, bool) {
        match self.signs.iter().find(|sign| ended.output.contains(sign.text)) {
            Some(sign) => (sign.meaning.to_owned(), sign.untouched),
            None => {
                let last = crate::run::last_words(&ended.output);
                (format!("{} ended with {}: {last}", self.name, ended.how), false)
            }
        }
    }
}

/// The first hexadecimal number behind a label, with or without `0x`.
fn hex_after(output: &str, label: &str) -> Option<u32> {
    let rest = output.split(label).nth(1)?.trim_start_matches([' ', ':', '=', '\t']);
    let rest = rest.strip_prefix("0x").unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    u32::from_str_radix(&rest[..end], 16).ok()
}
