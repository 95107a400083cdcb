//! MSI-X: the table, the pending bits, and the events that stand for messages.

use hotloop_regs::{MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, MSIX_VECTORS};
use pcie_sys::EventFd;

const VECTORS: usize = MSIX_VECTORS as usize;
const ENTRY_BYTES: u64 = 16;
/// Offset of the mask bit's word in an entry.
const CONTROL: usize = 12;
const TABLE: u64 = MSIX_TABLE_OFFSET as u64;
const PENDING: u64 = MSIX_PBA_OFFSET as u64;

/// Vectors of the function. The table belongs to the shell around an accelerator, so it is here and not in the RTL.
pub(crate) struct Msix {
    table: [u8; VECTORS * ENTRY_BYTES as usize],
    pending: u64,
    events: [Option<EventFd>; VECTORS],
}

impl Msix {
    /// As after power-up: all masked.
    pub fn new() -> Msix {
        let mut msix = Msix { table: [0; VECTORS * ENTRY_BYTES as usize], pending: 0, events: Default::default() };
        for vector in 0..VECTORS {
            msix.mask(vector, true);
        }
        msix
    }

    /// Gives a vector its event and unmasks it, or takes the event and masks the vector.
    pub fn set_event(&mut self, vector: usize, event: Option<EventFd>) {
        self.mask(vector, event.is_none());
        self.events[vector] = event;
    }

    /// True when a vector has an event.
    pub fn any_event(&self) -> bool {
        self.events.iter().any(Option::is_some)
    }

    /// Signals the event of a vector.
    pub fn fire(&self, vector: usize) {
        if let Some(event) = &self.events[vector] {
            // A failure would be of the host's own event; interrupts are a hint, polling finds the rest.
            let _ = event.signal();
        }
    }

    fn mask(&mut self, vector: usize, masked: bool) {
        self.table[vector * ENTRY_BYTES as usize + CONTROL] = u8::from(masked);
    }

    fn masked(&self, vector: usize) -> bool {
        self.table[vector * ENTRY_BYTES as usize + CONTROL] & 1 != 0
    }

    /// The vectors in `pulses` (bit v = vector v) ask for an interrupt.
    pub fn raise(&mut self, pulses: u64) {
        self.pending |= pulses;
    }

    /// Sends what is pending and may be sent. `open`: the function as a whole may interrupt.
    pub fn deliver(&mut self, open: bool) {
        if !open || self.pending == 0 {
            return;
        }
        for vector in 0..VECTORS {
            if self.pending >> vector & 1 != 0 && !self.masked(vector) {
                self.pending &= !(1 << vector);
                self.fire(vector);
            }
        }
    }

    /// Forgets what is pending: with MSI-X off there are no messages to send later.
    pub fn discard(&mut self) {
        self.pending = 0;
    }

    /// True for the offsets of BAR0 that are not the accelerator's.
    pub fn owns(offset: u64) -> bool {
        offset >= TABLE
    }

    /// Reads from the table or the pending bits; zero elsewhere.
    pub fn read(&self, offset: u64, data: &mut [u8]) {
        for (at, byte) in (offset..).zip(data) {
            *byte = match (at.checked_sub(TABLE), at.checked_sub(PENDING)) {
                (_, Some(i @ 0..8)) => (self.pending >> (8 * i)) as u8,
                (Some(i), _) => self.table.get(i as usize).copied().unwrap_or(0),
                _ => 0,
            };
        }
    }

    /// Writes to the table; pending bits cannot be written.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        for (at, &byte) in (offset..).zip(data) {
            let Some(i) = at.checked_sub(TABLE).filter(|&i| i < self.table.len() as u64) else { continue };
            // Of the control word only the mask bit is there; messages go to addresses of whole words.
            let writable = match i % ENTRY_BYTES {
                0 => 0xfc,
                1..=11 => 0xff,
                12 => 0x01,
                _ => 0,
            };
            self.table[i as usize] = byte & writable;
        }
    }
}
