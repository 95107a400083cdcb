//! [`DmaBuf`]: a part of the pool's memory.

use std::{fmt, sync::Arc};

use hotloop_regs::BEAT_BYTES;
use pcie_sys::DmaMemory;

use crate::{descriptor::Window, error::DriverError, pool::Shared};

/// The space behind a buffer; given back when the last handle goes.
pub(crate) struct Allocation {
    pub(crate) pool: Arc<Shared>,
    pub(crate) memory: Arc<DmaMemory>,
    /// Offset in `memory`.
    pub(crate) offset: u64,
    /// Whole beats.
    pub(crate) bytes: u64,
    pub(crate) iova: u64,
}

impl Drop for Allocation {
    fn drop(&mut self) {
        Arc::clone(&self.pool).give_back(self);
    }
}

/// Memory that the board reaches, at [`DmaBuf::iova`]; a multiple of 64 there and in length.
///
/// Clones are handles on the same bytes. The space is given back when the last handle is dropped, but not while a job
/// uses it: the driver holds a handle of its own until the job is done, or until the board is reset if it never is.
/// Both sides may write at any time; what a job has written is there when it is reported done.
#[derive(Clone)]
pub struct DmaBuf {
    allocation: Arc<Allocation>,
    bytes: u64,
}

impl DmaBuf {
    pub(crate) fn new(allocation: Arc<Allocation>, bytes: u64) -> DmaBuf {
        DmaBuf { allocation, bytes }
    }

    /// The board's address of the first byte.
    pub fn iova(&self) -> u64 {
        self.allocation.iova
    }

    /// Bytes asked for. Never 0, so there is no `is_empty`.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// All of the buffer, in whole beats.
    pub fn window(&self) -> Window {
        // The pool's regions end below 2^40, but a beat count has 32 bits: a larger buffer is used in parts.
        let beats = self.allocation.bytes / BEAT_BYTES as u64;
        Window { iova: self.iova(), beats: u32::try_from(beats).unwrap_or(u32::MAX) }
    }

    /// The `beats` beats from byte `offset` (a multiple of 64).
    pub fn window_at(&self, offset: u64, beats: u32) -> Result<Window, DriverError> {
        let bytes = u64::from(beats) * BEAT_BYTES as u64;
        self.check(offset, bytes, self.allocation.bytes)?;
        Ok(Window { iova: self.iova() + offset, beats })
    }

    /// Copies bytes out.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), DriverError> {
        self.check(offset, data.len() as u64, self.bytes)?;
        Ok(self.allocation.memory.read(self.allocation.offset + offset, data)?)
    }

    /// Copies bytes in.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check(offset, data.len() as u64, self.bytes)?;
        Ok(self.allocation.memory.write(self.allocation.offset + offset, data)?)
    }

    /// Copies words out, from a byte offset that is a multiple of 8.
    pub fn read_words(&self, offset: u64, data: &mut [u64]) -> Result<(), DriverError> {
        self.check(offset, size_of_val(data) as u64, self.bytes)?;
        Ok(self.allocation.memory.read_words(self.allocation.offset + offset, data)?)
    }

    /// Copies words in, to a byte offset that is a multiple of 8.
    pub fn write_words(&self, offset: u64, data: &[u64]) -> Result<(), DriverError> {
        self.check(offset, size_of_val(data) as u64, self.bytes)?;
        Ok(self.allocation.memory.write_words(self.allocation.offset + offset, data)?)
    }

    /// Writes zero to `bytes` bytes from `offset`.
    pub fn fill_zero(&self, offset: u64, bytes: u64) -> Result<(), DriverError> {
        self.check(offset, bytes, self.bytes)?;
        Ok(self.allocation.memory.fill_zero(self.allocation.offset + offset, bytes)?)
    }

    /// Reads a word that the board writes last.
    pub(crate) fn load_acquire(&self, offset: u64) -> Result<u64, DriverError> {
        self.check(offset, 8, self.bytes)?;
        Ok(self.allocation.memory.load_u64_acquire(self.allocation.offset + offset)?)
    }

    fn check(&self, offset: u64, bytes: u64, len: u64) -> Result<(), DriverError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= len => Ok(()),
            _ => Err(DriverError::OutsideBuffer { offset, bytes, len }),
        }
    }
}

impl fmt::Debug for DmaBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DmaBuf({:#x}, {} bytes)", self.iova(), self.bytes)
    }
}
