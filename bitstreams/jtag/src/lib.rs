//! An ECP5 with its configuration flash, as a programming tool sees it: a JTAG port over Xilinx Virtual Cable.
//!
//! [`Server`] speaks the cable's protocol, [`Tap`] is the port's state machine (IEEE 1149.1), [`Ecp5`] the part's
//! instructions and status register, [`Interpreter`] reads bitstreams as the part's configuration engine does (CRCs,
//! identity, decompression), and [`SpiFlash`] is what it starts from. So stock tools judge images here as on a board:
//! what the part would refuse is refused, with the part's own error code.
//!
//! Left out: what the configured logic does, encryption, readback of frames, partial reconfiguration, time (a busy part is
//! busy for a number of clocks), and flash commands on more than one data line.

mod bitstream;
mod boot;
mod crc;
mod decompress;
mod ecp5;
mod flash;
mod parts;
mod status;
mod tap;
mod xvc;

pub use bitstream::{Configuration, Fault, Interpreter, Progress, Source};
pub use crc::Crc16;
pub use ecp5::{instruction, Ecp5};
pub use flash::{FlashError, SpiFlash, Wires};
pub use parts::{Part, PARTS};
pub use status::Status;
pub use tap::Tap;
pub use xvc::{Server, BUFFER_BYTES};
