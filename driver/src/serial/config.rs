//! Configuration space of a board that has none: what a driver asks of it.

use hotloop_regs::{BAR0_BYTES, PCI_CLASS, PCI_DEVICE_ID, PCI_VENDOR_ID};

const COMMAND: usize = 0x04;
const MEMORY_ENABLE: u8 = 1 << 1;
const BUS_MASTER: u8 = 1 << 2;
const BAR0: usize = 0x10;

/// Identifiers, the command register, and one region.
pub(super) struct ConfigSpace {
    bytes: [u8; ConfigSpace::BYTES as usize],
}

impl ConfigSpace {
    /// Bytes there are.
    pub const BYTES: u64 = 256;

    /// As after power-up.
    pub fn new() -> ConfigSpace {
        let mut bytes = [0; ConfigSpace::BYTES as usize];
        bytes[0..2].copy_from_slice(&PCI_VENDOR_ID.to_le_bytes());
        bytes[2..4].copy_from_slice(&PCI_DEVICE_ID.to_le_bytes());
        bytes[8..12].copy_from_slice(&(PCI_CLASS << 8).to_le_bytes());
        ConfigSpace { bytes }
    }

    /// Bytes from `offset`, which are inside.
    pub fn read(&self, offset: u16, data: &mut [u8]) {
        let at = usize::from(offset);
        data.copy_from_slice(&self.bytes[at..at + data.len()]);
    }

    /// Writes what may be written of bytes that are inside.
    pub fn write(&mut self, offset: u16, data: &[u8]) {
        let region = (!(BAR0_BYTES as u32 - 1)).to_le_bytes();
        for (at, byte) in (usize::from(offset)..).zip(data) {
            let writable = match at {
                COMMAND => MEMORY_ENABLE | BUS_MASTER,
                BAR0..=0x13 => region[at - BAR0],
                _ => 0,
            };
            self.bytes[at] = self.bytes[at] & !writable | byte & writable;
        }
    }

    /// The board answers register accesses.
    pub fn memory(&self) -> bool {
        self.bytes[COMMAND] & MEMORY_ENABLE != 0
    }

    /// The board may reach host memory, and interrupt.
    pub fn bus_master(&self) -> bool {
        self.bytes[COMMAND] & BUS_MASTER != 0
    }
}
