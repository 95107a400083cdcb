//! [`MappedRegion`]: registers of a device in this process's addresses.

use std::os::fd::BorrowedFd;

use crate::{mapping::Mapping, SysError};

/// A mapped base address region. Accesses are single volatile loads and stores of the size asked for, which is what
/// reaches the bus.
///
/// A device whose memory is disabled in its command register answers with a bus error, which ends the process: whoever
/// owns this keeps accesses away meanwhile.
#[derive(Debug)]
pub struct MappedRegion(Mapping);

// SAFETY: what is behind it are registers, never Rust objects: accesses of several threads are ordered by the device.
unsafe impl Sync for MappedRegion {}

impl MappedRegion {
    /// Maps `bytes` bytes of a device from `offset` of its descriptor.
    pub fn new(device: BorrowedFd<'_>, offset: u64, bytes: u64) -> Result<MappedRegion, SysError> {
        Ok(MappedRegion(Mapping::new(device, offset, bytes, "mmap of a device's region")?))
    }

    /// Reads 1, 2, 4 or 8 bytes, naturally aligned, in one access.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), SysError> {
        let at = self.at(offset, data.len())?;
        // SAFETY: `at` checked bounds, size and alignment; the mapping lives as long as `self`.
        unsafe {
            match data.len() {
                1 => data.copy_from_slice(&[at.read_volatile()]),
                2 => data.copy_from_slice(&at.cast::<u16>().read_volatile().to_ne_bytes()),
                4 => data.copy_from_slice(&at.cast::<u32>().read_volatile().to_ne_bytes()),
                _ => data.copy_from_slice(&at.cast::<u64>().read_volatile().to_ne_bytes()),
            }
        }
        Ok(())
    }

    /// Writes 1, 2, 4 or 8 bytes, naturally aligned, in one access.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), SysError> {
        let at = self.at(offset, data.len())?;
        let mut word = [0; 8];
        word[..data.len()].copy_from_slice(data);
        let value = u64::from_le_bytes(word);
        // SAFETY: as in `read`.
        unsafe {
            match data.len() {
                1 => at.write_volatile(value as u8),
                2 => at.cast::<u16>().write_volatile((value as u16).to_le()),
                4 => at.cast::<u32>().write_volatile((value as u32).to_le()),
                _ => at.cast::<u64>().write_volatile(value.to_le()),
            }
        }
        Ok(())
    }

    fn at(&self, offset: u64, bytes: usize) -> Result<*mut u8, SysError> {
        let natural = matches!(bytes, 1 | 2 | 4 | 8) && offset.is_multiple_of(bytes as u64);
        if !natural || offset.checked_add(bytes as u64).is_none_or(|end| end > self.0.bytes()) {
            return Err(SysError::Access { offset, bytes, len: self.0.bytes() });
        }
        // SAFETY: inside the mapping, as just checked.
        Ok(unsafe { self.0.base().add(offset as usize) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DmaMemory;

    #[test]
    fn accesses_have_their_size_and_stay_inside() {
        let memory = DmaMemory::new(4096).unwrap();
        let region = MappedRegion::new(memory.as_fd(), 0, 4096).unwrap();
        for bytes in [1, 2, 4, 8] {
            memory.fill_zero(0, 64).unwrap();
            let data: Vec<u8> = (1..=bytes).collect();
            region.write(8, &data).unwrap();
            let mut back = [0xff; 24];
            memory.read(0, &mut back).unwrap();
            let mut wanted = [0; 24];
            wanted[8..8 + data.len()].copy_from_slice(&data);
            assert_eq!(back, wanted);
            let mut read = vec![0; data.len()];
            region.read(8, &mut read).unwrap();
            assert_eq!(read, data);
        }
        for (offset, bytes) in [(0, 3), (0, 0), (2, 4), (4, 8), (4096, 1), (u64::MAX, 1), (4092, 8)] {
            assert!(matches!(region.read(offset, &mut vec![0; bytes]), Err(SysError::Access { .. })));
            assert!(matches!(region.write(offset, &vec![0; bytes]), Err(SysError::Access { .. })));
        }
    }
}
