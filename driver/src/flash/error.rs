//! [`FlashError`]: why the configuration flash was not read or written, with a next step.

use std::time::Duration;

use crate::{error::DriverError, function::FunctionError};

/// Why the configuration flash was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// The way to the board.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The image that runs has no port to the flash.
    #[error(
        "{name} has no port to its configuration flash: boards on PCI Express with a single SPI flash have one \
         (docs/bitstreams.md); use a JTAG cable"
    )]
    NoPort {
        /// The board.
        name: String,
    },
    /// Its port is of a kind from the future.
    #[error("{name} has a port to its configuration flash of kind {kind}, which this driver does not know; update it")]
    UnknownPort {
        /// The board.
        name: String,
        /// Field `kind` of FLASH_STATE.
        kind: u32,
    },
    /// No chip answers.
    #[error(
        "{name}: no flash answers at the board's port; is it a board with the flash that the image was made for? Power it \
         off and on, or use a JTAG cable"
    )]
    NoChip {
        /// The board.
        name: String,
    },
    /// A chip of unknown size.
    #[error("{name}: the flash's identity {jedec:02x?} tells no size that this driver knows; use a JTAG cable")]
    UnknownChip {
        /// The board.
        name: String,
        /// Maker, kind and capacity.
        jedec: [u8; 3],
    },
    /// The chip is protected.
    #[error(
        "{name}: the flash is write-protected, nothing was written; `openFPGALoader --unprotect-flash` takes that away, for \
         the golden image too"
    )]
    Protected {
        /// The board.
        name: String,
    },
    /// Something does not come to its end.
    #[error("{name}: the flash's {what} is busy for more than {waited:?}; power the board off and on, and try again")]
    Stuck {
        /// The board.
        name: String,
        /// What of it.
        what: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A range outside the chip.
    #[error("bytes {start:#x} to {end:#x} are not all in the flash, which has {bytes:#x}; is the board's file right about it?")]
    Outside {
        /// First byte.
        start: u64,
        /// The byte behind the last.
        end: u64,
        /// The chip's size.
        bytes: u64,
    },
    /// Erasing the slot would erase what lies beside it.
    #[error("the slot from {start:#x} to {end:#x} shares blocks of {block:#x} bytes with what lies beside it; nothing was written")]
    Unaligned {
        /// First byte.
        start: u64,
        /// The byte behind the last.
        end: u64,
        /// Bytes that are erased at a time.
        block: u64,
    },
    /// The image does not fit.
    #[error("an image of {bytes} bytes does not go into a slot of {slot}; nothing was written")]
    Size {
        /// The image's size.
        bytes: u64,
        /// The slot's.
        slot: u64,
    },
    /// The flash does not hold what was written.
    #[error(
        "the flash has {found:#04x} at {at:#x} instead of {wanted:#04x}: write it again; if that fails again, the flash is \
         worn, or blocks of it are protected. The slot has no image until then"
    )]
    Differs {
        /// Where.
        at: u64,
        /// What is there.
        found: u8,
        /// What should be.
        wanted: u8,
    },
    /// The caller ended it.
    #[error("interrupted; a slot that was being written has no image now: run the same command again")]
    Interrupted,
}

impl From<FunctionError> for FlashError {
    fn from(error: FunctionError) -> FlashError {
        DriverError::from(error).into()
    }
}
