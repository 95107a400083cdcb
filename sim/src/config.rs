//! PCI configuration space: identity, command, one base address register, capabilities.

use hotloop_regs::{
    BAR0_BYTES, MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, MSIX_VECTORS, PCI_CLASS, PCI_DEVICE_ID, PCI_VENDOR_ID,
};

use crate::link::PcieLink;

/// PCI Express configuration space, extended part included (which holds no capability).
const BYTES: usize = 4096;

const COMMAND: usize = 0x04;
const COMMAND_MEMORY: u8 = 1 << 1;
const COMMAND_BUS_MASTER: u8 = 1 << 2;
const STATUS: usize = 0x06;
const STATUS_CAPABILITIES: u16 = 1 << 4;
const BAR0: usize = 0x10;
const BAR_64_BIT: u8 = 0b100;
const SUBSYSTEM: usize = 0x2c;
const CAPABILITIES: usize = 0x34;
const INTERRUPT_LINE: usize = 0x3c;

// Capabilities, in the order of their list.
const POWER: usize = 0x40;
const EXPRESS: usize = 0x50;
const MSIX: usize = 0x90;

const POWER_STATE: usize = POWER + 4;
const STATE_MASK: u8 = 0b11;
const DEVICE_CONTROL: usize = EXPRESS + 8;
const INITIATE_RESET: u16 = 1 << 15;
const MSIX_CONTROL: usize = MSIX + 2;
const MSIX_ENABLE: u16 = 1 << 15;
const MSIX_MASK_ALL: u16 = 1 << 14;

/// Configuration space with the bits that the host may write.
pub(crate) struct Config {
    bytes: Box<[u8; BYTES]>,
    writable: Box<[u8; BYTES]>,
}

impl Config {
    /// Bytes there are.
    pub const BYTES: u64 = BYTES as u64;

    /// As after power-up, at a link.
    pub fn new(link: &PcieLink) -> Config {
        let mut config = Config { bytes: Box::new([0; BYTES]), writable: Box::new([0; BYTES]) };
        config.header();
        config.power();
        config.express(link);
        config.msix();
        config
    }

    fn header(&mut self) {
        self.put(0x00, &PCI_VENDOR_ID.to_le_bytes());
        self.put(0x02, &PCI_DEVICE_ID.to_le_bytes());
        // Memory, bus master, parity response, SERR, INTx disable.
        self.allow(COMMAND, &[0x46, 0x05]);
        self.put(STATUS, &STATUS_CAPABILITIES.to_le_bytes());
        self.put(0x09, &PCI_CLASS.to_le_bytes()[..3]);
        // Cache line size: without effect on PCI Express, writable all the same.
        self.allow(0x0c, &[0xff]);
        self.put(BAR0, &[BAR_64_BIT]);
        self.allow(BAR0, &(!(BAR0_BYTES - 1)).to_le_bytes());
        self.put(SUBSYSTEM, &PCI_VENDOR_ID.to_le_bytes());
        self.put(SUBSYSTEM + 2, &PCI_DEVICE_ID.to_le_bytes());
        self.put(CAPABILITIES, &[POWER as u8]);
        self.allow(INTERRUPT_LINE, &[0xff]);
    }

    /// Power management, version 3, with the states that every function has: D0 and D3hot, and no reset between them.
    fn power(&mut self) {
        self.put(POWER, &[0x01, EXPRESS as u8, 0x03, 0x00]);
        self.put(POWER_STATE, &[0x08]);
        self.allow(POWER_STATE, &[STATE_MASK]);
    }

    /// A PCI Express endpoint, version 2, that can be reset as a function.
    fn express(&mut self, link: &PcieLink) {
        self.put(EXPRESS, &[0x10, MSIX as u8, 0x02, 0x00]);
        // Payloads up to 512 bytes, extended tags, role-based errors, function-level reset.
        self.put(EXPRESS + 4, &(0x2u32 | 1 << 5 | 1 << 15 | 1 << 28).to_le_bytes());
        // Relaxed order, extended tags, no snoop; reads of up to 512 bytes.
        self.put(DEVICE_CONTROL, &0x2910u16.to_le_bytes());
        self.allow(DEVICE_CONTROL, &0x7fffu16.to_le_bytes());
        // Speed and lanes: what the link can do, and what it does.
        let speed = u16::from(link.generation) | u16::from(link.lanes) << 4;
        self.put(EXPRESS + 12, &u32::from(speed).to_le_bytes());
        self.allow(EXPRESS + 16, &[0x43, 0x00]);
        self.put(EXPRESS + 18, &speed.to_le_bytes());
        // Completion timeouts may be set; no latency tolerance or the like.
        self.allow(EXPRESS + 40, &[0x1f, 0x00]);
        // All speeds up to that one.
        let speeds = ((1u32 << link.generation) - 1) << 1;
        self.put(EXPRESS + 44, &speeds.to_le_bytes());
        self.put(EXPRESS + 48, &[link.generation]);
    }

    /// MSI-X with table and pending bits in BAR0.
    fn msix(&mut self) {
        self.put(MSIX, &[0x11, 0x00]);
        self.put(MSIX_CONTROL, &(MSIX_VECTORS - 1).to_le_bytes());
        self.allow(MSIX_CONTROL, &(MSIX_ENABLE | MSIX_MASK_ALL).to_le_bytes());
        self.put(MSIX + 4, &MSIX_TABLE_OFFSET.to_le_bytes());
        self.put(MSIX + 8, &MSIX_PBA_OFFSET.to_le_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn allow(&mut self, at: usize, mask: &[u8]) {
        self.writable[at..at + mask.len()].copy_from_slice(mask);
    }

    /// Bytes at `offset`, which must be inside.
    pub fn read(&self, offset: u16, data: &mut [u8]) {
        let at = usize::from(offset);
        data.copy_from_slice(&self.bytes[at..at + data.len()]);
    }

    /// Writes what may be written; true when that asks for a function-level reset.
    #[must_use]
    pub fn write(&mut self, offset: u16, data: &[u8]) -> bool {
        let mut reset = false;
        for (at, &byte) in (usize::from(offset)..).zip(data) {
            // D1 and D2 are not there: who asks for them stays where it is.
            let nowhere = at == POWER_STATE && matches!(byte & STATE_MASK, 1 | 2);
            let mask = if nowhere { 0 } else { self.writable[at] };
            self.bytes[at] = self.bytes[at] & !mask | byte & mask;
            reset |= at == DEVICE_CONTROL + 1 && byte & (INITIATE_RESET >> 8) as u8 != 0;
        }
        reset
    }

    /// The function answers accesses to its regions.
    pub fn memory(&self) -> bool {
        self.awake() && self.bytes[COMMAND] & COMMAND_MEMORY != 0
    }

    /// The function may read and write host memory, and interrupt.
    pub fn bus_master(&self) -> bool {
        self.awake() && self.bytes[COMMAND] & COMMAND_BUS_MASTER != 0
    }

    /// In D0. In D3hot there is configuration space and nothing else.
    fn awake(&self) -> bool {
        self.bytes[POWER_STATE] & STATE_MASK == 0
    }

    /// MSI-X is on.
    pub fn msix_enabled(&self) -> bool {
        self.bytes[MSIX_CONTROL + 1] & (MSIX_ENABLE >> 8) as u8 != 0
    }

    /// All vectors are masked.
    pub fn msix_masked(&self) -> bool {
        self.bytes[MSIX_CONTROL + 1] & (MSIX_MASK_ALL >> 8) as u8 != 0
    }

    /// Switches MSI-X, nothing masked as a whole.
    pub fn set_msix(&mut self, on: bool) {
        self.bytes[MSIX_CONTROL + 1] = if on { (MSIX_ENABLE >> 8) as u8 } else { 0 };
    }
}
