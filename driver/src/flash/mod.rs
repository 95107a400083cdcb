//! [`BoardFlash`]: the configuration flash of a running board, through the board's own port to it.
//!
//! An image is written so that a board never starts from half of one: its blocks are erased first of all, the first of
//! them before the others, and its first page, where the part looks for the word that begins an image, is written when all
//! the rest was compared. Whoever pulls the plug meanwhile leaves a slot without an image, and the part goes on to the golden
//! one.

mod error;
mod nor;
mod port;

use std::{ops::Range, sync::Arc};

use hotloop_regs::map::{BUILD_ID, FLASH_BLOCK_BYTES as BLOCK, FLASH_PAGE_BYTES as PAGE, PART_IDCODE};

pub use error::FlashError;
pub use nor::Chip;
use nor::Nor;
use port::Port;

use crate::{config, function::PciFunction, identity};

/// What a piece of work is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Blocks are erased.
    Erase,
    /// Pages are written.
    Write,
    /// The flash is read, and compared where something was written.
    Read,
}

impl Doing {
    /// A word for progress.
    pub fn name(self) -> &'static str {
        match self {
            Doing::Erase => "erase",
            Doing::Write => "write",
            Doing::Read => "read",
        }
    }
}

/// Told now and then: what is done, bytes of it, bytes in all. `false` ends the work.
pub type Tell<'a> = dyn FnMut(Doing, u64, u64) -> bool + 'a;

/// The configuration flash of a running board.
///
/// It needs less of the board than [`crate::Board`] does, so that an image of another release can be replaced: the same major
/// ABI version, and the port. The board's rings are not touched.
pub struct BoardFlash {
    nor: Nor,
    chip: Chip,
    part_idcode: u32,
    build_id: u64,
    abi: u32,
}

impl BoardFlash {
    /// Finds the port and the chip behind it.
    pub fn open(function: Arc<dyn PciFunction>) -> Result<BoardFlash, FlashError> {
        let name = function.name();
        let bar = config::open_bar(&function)?;
        let abi = identity::check_language(&bar, &name, FIRST_ABI)?;
        let (part_idcode, build_id) = (bar.read32(&PART_IDCODE)?, bar.read(&BUILD_ID)?);
        let mut nor = Nor::new(Port::open(bar, &name)?);
        let chip = nor.identify()?;
        Ok(BoardFlash { nor, chip, part_idcode, build_id, abi })
    }

    /// JTAG IDCODE of the part, as the image that runs knows it.
    pub fn part_idcode(&self) -> u32 {
        self.part_idcode
    }

    /// Identity of the image that runs.
    pub fn build_id(&self) -> u64 {
        self.build_id
    }

    /// ABI of the image that runs: major version in bits 31..16, minor in 15..0.
    pub fn abi(&self) -> u32 {
        self.abi
    }

    /// The chip.
    pub fn chip(&self) -> Chip {
        self.chip
    }

    /// Reads `bytes` bytes from a byte on.
    pub fn read(&mut self, at: u64, bytes: u64, tell: &mut Tell) -> Result<Vec<u8>, FlashError> {
        self.inside(&(at..at.saturating_add(bytes)))?;
        let mut found = Vec::new();
        while (found.len() as u64) < bytes {
            step(tell, Doing::Read, found.len() as u64, bytes)?;
            let part = (bytes - found.len() as u64).min(CHUNK);
            found.extend(self.nor.read(at + found.len() as u64, part as usize)?);
        }
        step(tell, Doing::Read, bytes, bytes)?;
        Ok(found)
    }

    /// Writes an image to the start of a slot, and compares it. Nothing outside the slot is touched.
    pub fn write_image(&mut self, slot: Range<u64>, image: &[u8], tell: &mut Tell) -> Result<(), FlashError> {
        self.inside(&slot)?;
        let bytes = image.len() as u64;
        if !(slot.start.is_multiple_of(BLOCK) && slot.end.is_multiple_of(BLOCK)) {
            return Err(FlashError::Unaligned { start: slot.start, end: slot.end, block: BLOCK });
        }
        if bytes == 0 || bytes > slot.end - slot.start {
            return Err(FlashError::Size { bytes, slot: slot.end - slot.start });
        }
        self.nor.unprotected()?;
        // All of them before anything is written: some chips have blocks of four of these.
        for at in (0..bytes).step_by(BLOCK as usize) {
            step(tell, Doing::Erase, at, bytes)?;
            self.nor.erase(slot.start + at)?;
        }
        let (first, rest) = image.split_at(image.len().min(PAGE));
        let from = slot.start + first.len() as u64;
        for (i, page) in rest.chunks(PAGE).enumerate() {
            let at = (i * PAGE) as u64;
            step(tell, Doing::Write, at, bytes)?;
            if page.iter().any(|&byte| byte != ERASED) {
                self.nor.program(from + at, page)?;
            }
        }
        // What was written, and that the first page is empty.
        self.compare(slot.start, &vec![ERASED; first.len()])?;
        for (i, part) in rest.chunks(CHUNK as usize).enumerate() {
            let at = i as u64 * CHUNK;
            step(tell, Doing::Read, at, bytes)?;
            self.compare(from + at, part)?;
        }
        self.nor.program(slot.start, first)?;
        self.compare(slot.start, first)?;
        tell(Doing::Read, bytes, bytes);
        Ok(())
    }

    fn inside(&self, range: &Range<u64>) -> Result<(), FlashError> {
        if range.start <= range.end && range.end <= self.chip.bytes {
            return Ok(());
        }
        Err(FlashError::Outside { start: range.start, end: range.end, bytes: self.chip.bytes })
    }

    fn compare(&mut self, at: u64, wanted: &[u8]) -> Result<(), FlashError> {
        let found = self.nor.read(at, wanted.len())?;
        match found.iter().zip(wanted).position(|(found, wanted)| found != wanted) {
            None => Ok(()),
            Some(i) => Err(FlashError::Differs { at: at + i as u64, found: found[i], wanted: wanted[i] }),
        }
    }
}

/// The first ABI with the port.
const FIRST_ABI: u32 = 0x0001_0003;
/// What an erased byte reads.
const ERASED: u8 = 0xff;
/// Bytes that are read in one go.
const CHUNK: u64 = 4096;

fn step(tell: &mut Tell, doing: Doing, done: u64, all: u64) -> Result<(), FlashError> {
    if tell(doing, done, all) {
        return Ok(());
    }
    Err(FlashError::Interrupted)
}
