//! Commands of SPI NOR flashes, those that all makers' have alike: the data sheets of Winbond W25Q, Micron MT25Q and N25Q,
//! Infineon S25FL-S and Macronix MX25L.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{port::Port, FlashError};

const READ_IDENTITY: u8 = 0x9f;
const READ_STATUS: u8 = 0x05;
const WRITE_ENABLE: u8 = 0x06;
/// With three bytes of an address, and with four: what of a chip lies beyond three bytes needs those.
const READ: [u8; 2] = [0x03, 0x13];
const PROGRAM: [u8; 2] = [0x02, 0x12];
/// Of [`hotloop_regs::map::FLASH_BLOCK_BYTES`]; where the chip's own blocks are larger, of one of those.
const ERASE: [u8; 2] = [0xd8, 0xdc];
/// Bytes that three of an address reach.
const SHORT: u64 = 1 << 24;
/// Status: busy; block protection.
const BUSY: u8 = 1;
const PROTECTED: u8 = 0b1_1100;

/// Longest times of the data sheets, and a margin: a page 5 ms, a block 3 s.
const PAGE_TIME: Duration = Duration::from_millis(500);
const BLOCK_TIME: Duration = Duration::from_secs(10);

/// A chip, by what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Maker, kind and capacity, as JEDEC's command 9fh reads them.
    pub jedec: [u8; 3],
    /// Its size.
    pub bytes: u64,
}

/// Bytes from the third byte of the identity: a power of two, with a gap between the codes of up to 512 Mbit that all
/// makers share (10h to 1fh) and those from 20h on (Winbond, Micron, Infineon).
fn capacity(code: u8) -> Option<u64> {
    match code {
        0x10..=0x1f => Some(1 << code),
        0x20..=0x22 => Some(1 << (code - 6)),
        _ => None,
    }
}

pub(super) struct Nor {
    port: Port,
    long: bool,
}

impl Nor {
    pub(super) fn new(port: Port) -> Nor {
        Nor { port, long: false }
    }

    pub(super) fn identify(&mut self) -> Result<Chip, FlashError> {
        let found = self.port.exchange(&[READ_IDENTITY], 3)?;
        let jedec = [found[0], found[1], found[2]];
        let name = || self.port.name().to_owned();
        if [[0; 3], [0xff; 3]].contains(&jedec) {
            return Err(FlashError::NoChip { name: name() });
        }
        let bytes = capacity(jedec[2]).ok_or_else(|| FlashError::UnknownChip { name: name(), jedec })?;
        self.long = bytes > SHORT;
        Ok(Chip { jedec, bytes })
    }

    /// Nothing of it may be protected: writes would be lost without a word.
    pub(super) fn unprotected(&mut self) -> Result<(), FlashError> {
        match self.status()? & PROTECTED {
            0 => Ok(()),
            _ => Err(FlashError::Protected { name: self.port.name().to_owned() }),
        }
    }

    pub(super) fn read(&mut self, at: u64, bytes: usize) -> Result<Vec<u8>, FlashError> {
        let command = self.command(READ, at);
        self.port.exchange(&command, bytes)
    }

    /// The block of an address.
    pub(super) fn erase(&mut self, at: u64) -> Result<(), FlashError> {
        let command = self.command(ERASE, at);
        self.change(&command, BLOCK_TIME)
    }

    /// Within a page.
    pub(super) fn program(&mut self, at: u64, bytes: &[u8]) -> Result<(), FlashError> {
        let mut command = self.command(PROGRAM, at);
        command.extend_from_slice(bytes);
        self.change(&command, PAGE_TIME)
    }

    fn command(&self, opcodes: [u8; 2], at: u64) -> Vec<u8> {
        let address = (at as u32).to_be_bytes();
        let (opcode, address) = if self.long { (opcodes[1], &address[..]) } else { (opcodes[0], &address[1..]) };
        [&[opcode], address].concat()
    }

    fn status(&mut self) -> Result<u8, FlashError> {
        Ok(self.port.exchange(&[READ_STATUS], 1)?[0])
    }

    fn change(&mut self, command: &[u8], longest: Duration) -> Result<(), FlashError> {
        self.port.exchange(&[WRITE_ENABLE], 0)?;
        self.port.exchange(command, 0)?;
        let start = Instant::now();
        while self.status()? & BUSY != 0 {
            if start.elapsed() > longest {
                let name = self.port.name().to_owned();
                return Err(FlashError::Stuck { name, what: "chip", waited: longest });
            }
            thread::sleep(Duration::from_micros(20));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_known_chips() {
        // W25Q128, S25FL256S, MT25QU512, MT25QU01G, MT25QU02G.
        for (code, mebibytes) in [(0x18, 16), (0x19, 32), (0x20, 64), (0x21, 128), (0x22, 256)] {
            assert_eq!(capacity(code), Some(mebibytes << 20), "{code:#x}");
        }
        assert_eq!((capacity(0x00), capacity(0x23), capacity(0xff)), (None, None, None));
    }
}
