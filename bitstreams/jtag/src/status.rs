//! The status register.

use crate::bitstream::Fault;

/// Bits of `LSC_READ_STATUS` (Lattice FPGA-TN-02039, table "device status register").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(pub u32);

impl Status {
    /// The port is in use.
    pub const JTAG_ACTIVE: u32 = 1 << 4;
    /// Configured.
    pub const DONE: u32 = 1 << 8;
    /// Configuration commands are taken.
    pub const ISC_ENABLE: u32 = 1 << 9;
    /// Configuration memory may be written.
    pub const WRITE_ENABLE: u32 = 1 << 10;
    /// Configuration memory may be read.
    pub const READ_ENABLE: u32 = 1 << 11;
    /// A command is under way.
    pub const BUSY: u32 = 1 << 12;
    /// A command was refused.
    pub const FAIL: u32 = 1 << 13;
    /// A preamble was seen.
    pub const STANDARD_PREAMBLE: u32 = 1 << 21;
    /// The first image in the flash did not start.
    pub const SPI_FAIL_1: u32 = 1 << 22;
    /// A bitstream was refused.
    pub const EXECUTION_ERROR: u32 = 1 << 26;
    /// A bitstream is for another part.
    pub const ID_ERROR: u32 = 1 << 27;

    /// DONE is set.
    pub fn done(self) -> bool {
        self.0 & Status::DONE != 0
    }

    /// Why a bitstream was refused: bits 23 to 25, the "BSE error code".
    pub fn fault(self) -> Option<Fault> {
        let code = self.0 >> 23 & 7;
        Fault::ALL.into_iter().find(|fault| *fault as u32 == code)
    }

    pub(crate) fn of_fault(fault: Fault) -> u32 {
        let id = if fault == Fault::Id { Status::ID_ERROR } else { 0 };
        (fault as u32) << 23 | Status::EXECUTION_ERROR | id
    }
}
