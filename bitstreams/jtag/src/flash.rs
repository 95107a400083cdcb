//! A SPI NOR flash, as common parts are: JEDEC identity, status, page program, erase, read.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Winbond W25Q: the identity that `0x9f` reads, but for the last byte, the base-2 logarithm of the size. The data sheet of
/// W25Q128JV has the commands and figures of this file.
const JEDEC: [u8; 2] = [0xef, 0x40];
/// Size of a new one, W25Q128JV.
const BYTES: usize = 16 << 20;
/// Sizes that there are: W25Q128JV and W25Q256JV.
const SIZES: [usize; 2] = [BYTES, 2 * BYTES];
const PAGE: usize = 256;
/// Clocks of a status read or another command for which it stays busy after programming a page, and after an erase.
const PROGRAM_CLOCKS: u32 = 40;
const ERASE_CLOCKS: u32 = 400;
const WIP: u8 = 1;
const WEL: u8 = 2;
/// Block protection: bits 2 to 4 of the status register. What they protect is not modelled finer than all or nothing.
const PROTECTION: u8 = 0b1_1100;

/// Why there is no flash.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// Its file cannot be used.
    #[error("flash file {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Its file is none of a flash.
    #[error("flash file {path} has {bytes} bytes, a flash has {wanted} or twice as many; name a new file", path = path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The flash's.
        wanted: usize,
    },
}

/// Levels of the wires that it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wires {
    /// Chip select, low while it is meant.
    pub select_n: bool,
    /// The clock.
    pub clock: bool,
    /// Its input.
    pub input: bool,
}

/// The flash, in memory, and in a file if it has one.
#[derive(Debug)]
pub struct SpiFlash {
    bytes: Vec<u8>,
    file: Option<File>,
    status: u8,
    busy: u32,
    /// Bytes of the command under way, up to what is needed of them.
    command: Vec<u8>,
    page: Vec<u8>,
    input: u8,
    bits: u8,
    output: u8,
    read_at: Option<usize>,
    /// Its wires, and what it drives, as [`SpiFlash::follow`] last saw them.
    wires: Wires,
    driven: bool,
    worn: Option<(usize, u8)>,
}

impl Default for SpiFlash {
    fn default() -> SpiFlash {
        SpiFlash::new()
    }
}

impl SpiFlash {
    /// A blank one.
    pub fn new() -> SpiFlash {
        SpiFlash::of_size(BYTES)
    }

    fn of_size(bytes: usize) -> SpiFlash {
        SpiFlash {
            bytes: vec![0xff; bytes],
            file: None,
            status: 0,
            busy: 0,
            command: Vec::new(),
            page: Vec::new(),
            input: 0,
            bits: 0,
            output: 0xff,
            read_at: None,
            wires: Wires { select_n: true, clock: false, input: true },
            driven: true,
            worn: None,
        }
    }

    /// One that keeps its contents in a file, which is made if it is not there; of one that is, the flash has the size.
    pub fn in_file(path: &Path) -> Result<SpiFlash, FlashError> {
        let fail = |source| FlashError::File { path: path.into(), source };
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        let Some(size) = SIZES.into_iter().find(|&size| bytes == 0 || bytes == size as u64) else {
            return Err(FlashError::Size { path: path.into(), bytes, wanted: BYTES });
        };
        let mut flash = SpiFlash::of_size(size);
        match bytes {
            0 => file.write_all_at(&flash.bytes, 0).map_err(fail)?,
            _ => file.read_exact_at(&mut flash.bytes, 0).map_err(fail)?,
        }
        flash.file = Some(file);
        Ok(flash)
    }

    /// What is in it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts bytes into it, as a factory does; what lies behind the end is left out.
    pub fn put(&mut self, address: usize, bytes: &[u8]) {
        let address = address.min(self.bytes.len());
        let length = bytes.len().min(self.bytes.len() - address);
        self.bytes[address..address + length].copy_from_slice(&bytes[..length]);
        self.save(address, length);
    }

    /// Protects all of it from being written, as its status register can.
    pub fn protect(&mut self) {
        self.status |= PROTECTION;
    }

    /// Makes a byte of it read one value for ever.
    pub fn wear(&mut self, address: usize, value: u8) {
        let address = address % self.bytes.len();
        self.worn = Some((address, value));
        self.bytes[address] = value;
    }

    /// Chip select goes high: what was commanded happens.
    pub fn deselect(&mut self) {
        let command = std::mem::take(&mut self.command);
        let page = std::mem::take(&mut self.page);
        self.read_at = None;
        (self.bits, self.output) = (0, 0xff);
        let Some(&opcode) = command.first() else { return };
        if self.busy > 0 {
            return;
        }
        match opcode {
            0x06 => self.status |= WEL,
            0x04 => self.status &= !WEL,
            _ if self.status & WEL == 0 => {}
            0x01 if page.len() == 1 => {
                self.status = page[0] & PROTECTION;
                self.busy = PROGRAM_CLOCKS;
            }
            0x02 | 0x12 if !page.is_empty() => self.program(&command, &page),
            0x20 | 0x21 => self.erase(&command, 4 << 10),
            0x52 | 0x5c => self.erase(&command, 32 << 10),
            0xd8 | 0xdc => self.erase(&command, 64 << 10),
            0xc7 | 0x60 => self.erase(&[opcode, 0, 0, 0], self.bytes.len()),
            _ => {}
        }
    }

    /// For one whose wires somebody drives level by level, in SPI mode 0: what it drives now, which changes with falling
    /// edges.
    pub fn follow(&mut self, wires: Wires) -> bool {
        let before = std::mem::replace(&mut self.wires, wires);
        match (before.select_n, wires.select_n) {
            (true, true) => {}
            (false, true) => {
                self.deselect();
                self.driven = true;
            }
            (true, false) => self.driven = self.output(),
            (false, false) => match (before.clock, wires.clock) {
                (false, true) => self.clock(wires.input),
                (true, false) => self.driven = self.output(),
                _ => {}
            },
        }
        self.driven
    }

    /// What it drives before the next rising edge of the clock.
    pub fn output(&self) -> bool {
        self.output & 0x80 != 0
    }

    /// A rising edge of the clock while selected.
    pub fn clock(&mut self, input: bool) {
        self.busy = self.busy.saturating_sub(1);
        self.input = self.input << 1 | u8::from(input);
        self.output = self.output << 1 | 1;
        self.bits += 1;
        if self.bits == 8 {
            self.bits = 0;
            self.byte(self.input);
        }
    }

    /// A whole byte came in; what goes out with the next one.
    fn byte(&mut self, byte: u8) {
        if let Some(at) = self.read_at {
            self.output = self.bytes[at % self.bytes.len()];
            self.read_at = Some(at.wrapping_add(1));
            return;
        }
        let opcode = self.command.first().copied().unwrap_or(byte);
        // Command and address, and for a fast read a byte behind it.
        let header = match opcode {
            0x02 | 0x03 | 0x20 | 0x52 | 0xd8 => 4,
            0x0b | 0x12 | 0x13 | 0x21 | 0x5c | 0xdc => 5,
            0x0c => 6,
            _ => 1,
        };
        if self.command.len() < header {
            self.command.push(byte);
        } else if self.page.len() < PAGE {
            self.page.push(byte);
        } else if matches!(opcode, 0x02 | 0x12) {
            // More than a page: the last 256 bytes count, at the addresses that they would have had.
            self.page.rotate_left(1);
            self.page[PAGE - 1] = byte;
            let last = self.command.len() - 1;
            self.command[last] = self.command[last].wrapping_add(1);
        }
        let position = self.page.len();
        let busy = self.busy > 0;
        self.output = match opcode {
            0x05 => self.status & !WIP | u8::from(busy),
            0x9f if !busy => match position {
                0 | 1 => JEDEC[position],
                2 => self.bytes.len().ilog2() as u8,
                _ => 0,
            },
            0x03 | 0x13 | 0x0b | 0x0c if !busy && self.command.len() == header => {
                let at = self.address(&self.command);
                self.read_at = Some(at.wrapping_add(1));
                self.bytes[at]
            }
            _ => 0xff,
        };
    }

    fn address(&self, command: &[u8]) -> usize {
        let bytes = if matches!(command[0], 0x12 | 0x13 | 0x21 | 0x5c | 0xdc | 0x0c) { 4 } else { 3 };
        let address = command.iter().skip(1).take(bytes).fold(0usize, |a, &byte| a << 8 | usize::from(byte));
        address % self.bytes.len()
    }

    /// Clears bits within a page; behind its end it goes on at its start.
    fn program(&mut self, command: &[u8], data: &[u8]) {
        let address = self.address(command);
        let page = address / PAGE * PAGE;
        if self.status & PROTECTION == 0 {
            for (i, byte) in data.iter().enumerate() {
                self.bytes[page + (address + i) % PAGE] &= byte;
            }
            self.save(page, PAGE);
        }
        self.written(PROGRAM_CLOCKS);
    }

    fn erase(&mut self, command: &[u8], size: usize) {
        // Erased when all of the address has come.
        let whole = match command[0] {
            0x20 | 0x52 | 0xd8 => command.len() == 4,
            0x21 | 0x5c | 0xdc => command.len() == 5,
            _ => true,
        };
        if whole && self.status & PROTECTION == 0 {
            let start = self.address(command) / size * size;
            self.bytes[start..start + size].fill(0xff);
            self.save(start, size);
        }
        self.written(ERASE_CLOCKS);
    }

    fn written(&mut self, clocks: u32) {
        if let Some((address, value)) = self.worn {
            self.bytes[address] = value;
        }
        self.status &= !WEL;
        self.busy = clocks;
    }

    fn save(&mut self, start: usize, length: usize) {
        if let Some(file) = &self.file {
            if let Err(error) = file.write_all_at(&self.bytes[start..start + length], start as u64) {
                eprintln!("flash model: its file is no longer written: {error}");
                self.file = None;
            }
        }
    }
}
