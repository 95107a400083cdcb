//! Configuration space of the model: header, BAR0, MSI-X.

use hotloop_driver::FunctionError;
use hotloop_regs::{
    BAR0_BYTES, MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, MSIX_VECTORS, PCI_CLASS, PCI_DEVICE_ID, PCI_VENDOR_ID,
};

const BYTES: usize = 256;
const COMMAND: usize = 0x04;
const MEMORY_ENABLE: u16 = 1 << 1;
const BUS_MASTER: u16 = 1 << 2;
const INTERRUPT_DISABLE: u16 = 1 << 10;
const BAR0: usize = 0x10;
/// Where the MSI-X capability sits, and its identifier.
const MSIX: usize = 0x40;
const MSIX_ID: u8 = 0x11;

pub(super) struct ConfigSpace {
    bytes: [u8; BYTES],
}

impl ConfigSpace {
    pub(super) fn new() -> ConfigSpace {
        let mut space = ConfigSpace { bytes: [0; BYTES] };
        space.set(0x00, PCI_VENDOR_ID);
        space.set(0x02, PCI_DEVICE_ID);
        // Status: there is a list of capabilities.
        space.set(0x06, 1 << 4);
        space.put(0x08, &(PCI_CLASS << 8).to_le_bytes());
        space.bytes[0x34] = MSIX as u8;
        space.bytes[MSIX] = MSIX_ID;
        space.set(MSIX as u16 + 2, MSIX_VECTORS - 1);
        space.put(MSIX + 4, &MSIX_TABLE_OFFSET.to_le_bytes());
        space.put(MSIX + 8, &MSIX_PBA_OFFSET.to_le_bytes());
        space
    }

    /// What a function-level reset clears.
    pub(super) fn reset(&mut self) {
        self.set(COMMAND as u16, 0);
        self.put(BAR0, &[0; 4]);
        self.set(MSIX as u16 + 2, MSIX_VECTORS - 1);
    }

    pub(super) fn set(&mut self, offset: u16, value: u16) {
        self.put(offset.into(), &value.to_le_bytes());
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn command(&self) -> u16 {
        u16::from_le_bytes([self.bytes[COMMAND], self.bytes[COMMAND + 1]])
    }

    pub(super) fn memory_enabled(&self) -> bool {
        self.command() & MEMORY_ENABLE != 0
    }

    pub(super) fn bus_master(&self) -> bool {
        self.command() & BUS_MASTER != 0
    }

    pub(super) fn read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        let range = Self::range(offset, data.len())?;
        data.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    pub(super) fn write(&mut self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        for (at, byte) in Self::range(offset, data.len())?.zip(data) {
            let writable = Self::writable(at);
            self.bytes[at] = self.bytes[at] & !writable | byte & writable;
        }
        Ok(())
    }

    /// Bits of a byte that the host may change.
    fn writable(at: usize) -> u8 {
        let command = (MEMORY_ENABLE | BUS_MASTER | INTERRUPT_DISABLE).to_le_bytes();
        let bar0 = (!(BAR0_BYTES as u32 - 1)).to_le_bytes();
        match at {
            COMMAND | 0x05 => command[at - COMMAND],
            BAR0..=0x13 => bar0[at - BAR0],
            // MSI-X message control: enable and mask all.
            0x43 => 0xc0,
            _ => 0,
        }
    }

    fn range(offset: u16, bytes: usize) -> Result<std::ops::Range<usize>, FunctionError> {
        let start = usize::from(offset);
        if start + bytes > BYTES {
            return Err(FunctionError::OutOfRange { region: "config".into(), offset: offset.into(), bytes });
        }
        Ok(start..start + bytes)
    }
}
