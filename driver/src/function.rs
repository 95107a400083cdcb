//! What every way to a board offers: the PCI function.

use std::{ops::RangeInclusive, sync::Arc};

use pcie_sys::{DmaMemory, EventFd};

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

    /// Function-level reset: config space and registers as after power-up; DMA mappings stay.
    fn reset(&self) -> Result<(), FunctionError>;
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
