//! Frames of the serial link: what the bridge on a board and the driver agree on. docs/serial.md describes them.

/// Stands between frames.
pub const FLAG: u8 = 0x7e;
/// Says that the next byte is another one, changed by [`FLIP`].
pub const ESCAPE: u8 = 0x7d;
/// What an escaped byte is changed by.
pub const FLIP: u8 = 0x20;
/// CRC-32 of IEEE 802.3, bits reversed: the polynomial.
pub const CRC_POLYNOMIAL: u32 = 0xedb8_8320;
/// The CRC's register behind a whole frame with its CRC.
pub const CRC_RESIDUE: u32 = 0xdebb_20e3;
/// What the bridge says of itself in its greeting.
pub const VERSION: u8 = 1;
/// Words of 64 bits in the longest burst.
pub const BURST_WORDS: usize = 256;

/// Kinds of frames to the board.
pub mod to_board {
    /// Resets bridge and accelerator.
    pub const RESET: u8 = 0x01;
    /// One register access.
    pub const REGISTER: u8 = 0x02;
    /// The words of a memory read.
    pub const DATA: u8 = 0x03;
    /// A memory write is done.
    pub const WRITTEN: u8 = 0x04;
}

/// Kinds of frames to the host.
pub mod to_host {
    /// The board is out of reset.
    pub const HELLO: u8 = 0x81;
    /// The answer to a register access.
    pub const REGISTER: u8 = 0x82;
    /// Memory is to be read.
    pub const READ: u8 = 0x83;
    /// Memory is to be written.
    pub const WRITE: u8 = 0x84;
    /// Interrupts.
    pub const INTERRUPT: u8 = 0x85;
}
