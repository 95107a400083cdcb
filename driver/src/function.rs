//! What every way to a board offers: the PCI function.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use pcie_sys::{DmaMemory, EventFd, SysError};

use crate::obstacle::Obstacle;

/// A PCI function: config space, regions, DMA mappings, interrupts, reset.
///
/// Backends: kernel VFIO, a vfio-user socket, an in-process model. Everything above is the same code for all. Methods
/// take `&self`; a backend serialises what must be serial.
pub trait PciFunction: Send + Sync {
    /// How the user named it (`sim:sim`, `vfio:0000:01:00.0`), for messages.
    fn name(&self) -> String;

    /// Reads configuration space.
    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError>;

    /// Writes configuration space.
    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError>;

    /// Size of a base address region in bytes; 0 where there is none.
    fn region_bytes(&self, bar: u8) -> u64;

    /// Reads `data.len()` bytes (1, 2, 4 or 8, naturally aligned) from a region.
    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError>;

    /// Writes `data.len()` bytes (1, 2, 4 or 8, naturally aligned) to a region.
    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError>;

    /// The I/O virtual addresses that may be mapped.
    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>>;

    /// Makes the whole of `memory` visible to the board at `iova` (both multiples of 4096). The backend keeps the
    /// memory alive until it is unmapped.
    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError>;

    /// Takes a mapping away, whole. When this returns the board can no longer reach the memory.
    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError>;

    /// Enables MSI-X vectors `0 .. vectors`; each returned event counts its interrupts.
    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError>;

    /// Function-level reset: command register, interrupts and registers as after power-up; DMA mappings stay.
    fn reset(&self) -> Result<(), FunctionError>;

    /// What the function's way here has reported since the last reset, besides answers: an error of the bus, or that
    /// the function is about to be taken out. Cheap.
    fn check(&self) -> Result<(), FunctionError> {
        Ok(())
    }
}

/// Why a PCI function did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The access lies outside the region or is not naturally aligned.
    #[error("access of {bytes} bytes at {offset:#x} of {region} is out of range or misaligned")]
    OutOfRange {
        /// `config`, `BAR0`, …
        region: String,
        /// Byte offset asked for.
        offset: u64,
        /// Bytes asked for.
        bytes: usize,
    },
    /// The mapping overlaps another, lies outside the permitted ranges, or does not exist.
    #[error("DMA mapping at {iova:#x}, {bytes} bytes: {reason}")]
    Mapping {
        /// I/O virtual address.
        iova: u64,
        /// Length.
        bytes: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The function does not have so many interrupt vectors.
    #[error("{asked} interrupt vectors asked for, the function has {available}")]
    Interrupts {
        /// Vectors asked for.
        asked: u16,
        /// Vectors there are.
        available: u16,
    },
    /// The function is gone: unplugged, its process ended, its model stopped.
    #[error("{name} is gone: {reason}")]
    Gone {
        /// The function's name.
        name: String,
        /// What was seen.
        reason: String,
    },
    /// It cannot be opened.
    #[error("{name} cannot be opened: {obstacle}")]
    CannotOpen {
        /// Its name.
        name: String,
        /// Why not, and what to do.
        #[source]
        obstacle: Obstacle,
    },
    /// More memory than this process may lock.
    #[error("{bytes} bytes cannot be locked for the board: this process may lock {limit} bytes altogether; raise that (`ulimit -l` as root, or memlock in /etc/security/limits.conf), or lower the memory limit of the device")]
    Memlock {
        /// Bytes asked for.
        bytes: u64,
        /// The process's limit.
        limit: u64,
    },
    /// The other side of a connection did not answer in time. The connection is of no use any more.
    #[error("{name} did not answer {what} within {waited:?}; end its process and start it again")]
    NoAnswer {
        /// Its name.
        name: String,
        /// What was asked.
        what: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// Nothing came back over a serial line.
    #[error("{name} did not answer {what}, asked {attempts} times ({garbled} garbled frames came); check that the board is configured with a Hotloop image, that the line's speed is the image's (serial:<tty>@<baud>) and the cable, then open it again")]
    Silent {
        /// Its name.
        name: String,
        /// What was asked.
        what: &'static str,
        /// How often.
        attempts: u32,
        /// Frames with a wrong CRC since the line was opened.
        garbled: u64,
    },
    /// The other side of a connection answered what it must not. The connection is of no use any more.
    #[error("{name} does not keep to the vfio-user protocol: {what}")]
    Protocol {
        /// Its name.
        name: String,
        /// What it did.
        what: String,
    },
    /// The host reported an uncorrectable error of the bus.
    #[error("{name}: the host reports an uncorrectable PCI Express error; see the kernel's log, then reset the board")]
    Bus {
        /// Its name.
        name: String,
    },
    /// The host wants to take the function out.
    #[error("{name} is to be unplugged: close it")]
    Unplug {
        /// Its name.
        name: String,
    },
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

impl FunctionError {
    /// A failure of the system, as that of a function.
    pub fn system(error: SysError) -> FunctionError {
        match error {
            SysError::System { what, source } => FunctionError::System { what, source },
            other => FunctionError::System { what: "memory or events", source: std::io::Error::other(other) },
        }
    }

    pub(crate) fn cannot_open(name: &str, obstacle: Obstacle) -> FunctionError {
        FunctionError::CannotOpen { name: name.to_owned(), obstacle }
    }
}

/// Checks that an access to a region of `size` bytes is of 1, 2, 4 or 8 bytes, naturally aligned and inside.
pub fn check_region(bar: u8, size: u64, offset: u64, bytes: usize) -> Result<(), FunctionError> {
    let natural = matches!(bytes, 1 | 2 | 4 | 8) && offset.is_multiple_of(bytes as u64);
    if natural && offset.checked_add(bytes as u64).is_some_and(|end| end <= size) {
        return Ok(());
    }
    Err(FunctionError::OutOfRange { region: format!("BAR{bar}"), offset, bytes })
}

/// Checks that an access to a configuration space of `size` bytes is inside.
pub fn check_config(size: u64, offset: u16, bytes: usize) -> Result<(), FunctionError> {
    if u64::from(offset) + bytes as u64 <= size {
        return Ok(());
    }
    Err(FunctionError::OutOfRange { region: "config".to_owned(), offset: offset.into(), bytes })
}
