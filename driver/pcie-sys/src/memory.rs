//! [`DmaMemory`]: memory that a board, its model or another process reads and writes while we do.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    sync::atomic::{AtomicU64, AtomicU8, Ordering},
};

use crate::{mapping::Mapping, SysError};

/// Size and alignment of what can be mapped for a board. Fixed at 4096, whatever the machine's page size: IOMMUs and
/// rings count in these.
pub const PAGE_BYTES: u64 = 4096;

/// Shared memory on a memfd, so that one buffer serves an address (VFIO) and a file descriptor (vfio-user).
///
/// The other side may change the contents at any time. They are therefore never seen through a plain reference: all
/// access is by relaxed atomics of one word (one byte at unaligned edges), which costs no more than a plain loop and
/// makes a race give old or new words, not undefined behaviour. Order between accesses comes from
/// [`DmaMemory::load_u64_acquire`] and [`DmaMemory::store_u64_release`].
#[derive(Debug)]
pub struct DmaMemory {
    mapping: Mapping,
    fd: OwnedFd,
}

// SAFETY: all access through `&self` is atomic.
unsafe impl Sync for DmaMemory {}

impl DmaMemory {
    /// Zeroed memory of `bytes`, rounded up to whole pages of [`PAGE_BYTES`].
    pub fn new(bytes: u64) -> Result<DmaMemory, SysError> {
        if bytes == 0 || bytes >= 1 << 62 {
            return Err(SysError::Size { bytes });
        }
        let rounded = bytes.next_multiple_of(PAGE_BYTES);
        // SAFETY: the name is a NUL-terminated constant; the call touches no other memory of ours.
        let fd = unsafe { libc::memfd_create(c"hotloop-dma".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        if fd < 0 {
            return Err(SysError::last("memfd_create for DMA memory"));
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: plain system call on a descriptor that we own; the size is below 2^62, so it fits off_t.
        if unsafe { libc::ftruncate(fd.as_raw_fd(), rounded as libc::off_t) } != 0 {
            return Err(SysError::last("ftruncate of DMA memory"));
        }
        // Nobody, a simulator included, can make the file shorter under a mapping of it.
        // SAFETY: plain system call on a descriptor that we own.
        if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW) } != 0 {
            return Err(SysError::last("sealing of DMA memory"));
        }
        DmaMemory::map(fd, rounded)
    }

    /// All of another process's memory file, as received over a socket. It must be open for reading and writing, and be
    /// sealed against shrinking, as every [`DmaMemory`] and QEMU's memfds are: a file that became shorter under the
    /// mapping would end this process.
    pub fn from_fd(fd: OwnedFd) -> Result<DmaMemory, SysError> {
        // SAFETY: plain system call on a descriptor that we own.
        let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 {
            let source = std::io::Error::other("the file is no memfd that is sealed against shrinking");
            return Err(SysError::System { what: "memory of another process", source });
        }
        let what = "fstat of another process's memory";
        let file = std::fs::File::from(fd);
        let bytes = file.metadata().map_err(|source| SysError::System { what, source })?.len();
        let whole = bytes / PAGE_BYTES * PAGE_BYTES;
        if whole == 0 {
            return Err(SysError::Size { bytes });
        }
        DmaMemory::map(file.into(), whole)
    }

    /// Maps the first `bytes` bytes of a file that has them.
    fn map(fd: OwnedFd, bytes: u64) -> Result<DmaMemory, SysError> {
        let mapping = Mapping::new(fd.as_fd(), 0, bytes, "mmap of DMA memory")?;
        Ok(DmaMemory { mapping, fd })
    }

    /// Bytes, a multiple of [`PAGE_BYTES`].
    // Never empty, so there is no `is_empty`.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.mapping.bytes()
    }

    /// The memfd behind the mapping, for handing it to another process.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Address of the mapping in this process, for handing it to the kernel (VFIO maps by address).
    pub fn address(&self) -> u64 {
        self.mapping.base() as u64
    }

    /// Copies `data.len()` bytes out, from any offset.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), SysError> {
        self.check(offset, data.len() as u64)?;
        let head = edge(offset, data.len());
        let (front, rest) = data.split_at_mut(head);
        for (i, byte) in front.iter_mut().enumerate() {
            *byte = self.byte(offset + i as u64).load(Ordering::Relaxed);
        }
        let mut at = offset + head as u64;
        let mut words = rest.chunks_exact_mut(8);
        for chunk in &mut words {
            chunk.copy_from_slice(&self.word(at).load(Ordering::Relaxed).to_ne_bytes());
            at += 8;
        }
        for (i, byte) in words.into_remainder().iter_mut().enumerate() {
            *byte = self.byte(at + i as u64).load(Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies `data` in, at any offset.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), SysError> {
        self.check(offset, data.len() as u64)?;
        let (front, rest) = data.split_at(edge(offset, data.len()));
        for (i, byte) in front.iter().enumerate() {
            self.byte(offset + i as u64).store(*byte, Ordering::Relaxed);
        }
        let mut at = offset + front.len() as u64;
        let (words, tail) = rest.as_chunks::<8>();
        for chunk in words {
            self.word(at).store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
            at += 8;
        }
        for (i, byte) in tail.iter().enumerate() {
            self.byte(at + i as u64).store(*byte, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies whole words out; `offset` is a multiple of 8. Words are in this machine's order (little-endian on every
    /// machine that Hotloop runs on).
    pub fn read_words(&self, offset: u64, data: &mut [u64]) -> Result<(), SysError> {
        self.check_words(offset, data.len())?;
        for (word, at) in data.iter_mut().zip((offset..).step_by(8)) {
            *word = self.word(at).load(Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies whole words in; `offset` is a multiple of 8.
    pub fn write_words(&self, offset: u64, data: &[u64]) -> Result<(), SysError> {
        self.check_words(offset, data.len())?;
        for (word, at) in data.iter().zip((offset..).step_by(8)) {
            self.word(at).store(*word, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes zero to `bytes` bytes from `offset`.
    pub fn fill_zero(&self, offset: u64, bytes: u64) -> Result<(), SysError> {
        const ZERO: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];
        self.check(offset, bytes)?;
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let part = (end - at).min(PAGE_BYTES);
            self.write(at, &ZERO[..part as usize])?;
            at += part;
        }
        Ok(())
    }

    /// Reads a word; what the other side wrote before it wrote this word is visible afterwards.
    pub fn load_u64_acquire(&self, offset: u64) -> Result<u64, SysError> {
        self.check_words(offset, 1)?;
        Ok(self.word(offset).load(Ordering::Acquire))
    }

    /// Writes a word; whoever reads it with acquire sees everything written before it.
    pub fn store_u64_release(&self, offset: u64, value: u64) -> Result<(), SysError> {
        self.check_words(offset, 1)?;
        self.word(offset).store(value, Ordering::Release);
        Ok(())
    }

    fn check(&self, offset: u64, bytes: u64) -> Result<(), SysError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.mapping.bytes() => Ok(()),
            _ => Err(SysError::OutOfBounds { offset, bytes, len: self.mapping.bytes() }),
        }
    }

    fn check_words(&self, offset: u64, words: usize) -> Result<(), SysError> {
        if !offset.is_multiple_of(8) {
            return Err(SysError::Misaligned { offset });
        }
        self.check(offset, words as u64 * 8)
    }

    /// The byte at `offset`, which the caller has checked.
    #[inline]
    fn byte(&self, offset: u64) -> &AtomicU8 {
        debug_assert!(offset < self.mapping.bytes());
        // SAFETY: inside the mapping (checked by every caller), which lives as long as `self`; all access is atomic.
        unsafe { AtomicU8::from_ptr(self.mapping.base().add(offset as usize)) }
    }

    /// The word at `offset`, which the caller has checked for bounds and alignment.
    #[inline]
    fn word(&self, offset: u64) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= self.mapping.bytes());
        // SAFETY: inside the mapping and aligned (checked by every caller; the base is page aligned), and the mapping
        // lives as long as `self`; all access is atomic.
        unsafe { AtomicU64::from_ptr(self.mapping.base().add(offset as usize).cast()) }
    }
}

/// Bytes before the first multiple of 8 at or after `offset`, at most `bytes`.
fn edge(offset: u64, bytes: usize) -> usize {
    (offset.wrapping_neg() % 8).min(bytes as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_pages_and_never_zero() {
        assert_eq!(DmaMemory::new(1).unwrap().len(), 4096);
        assert_eq!(DmaMemory::new(4097).unwrap().len(), 8192);
        assert!(matches!(DmaMemory::new(0), Err(SysError::Size { bytes: 0 })));
        assert!(DmaMemory::new(u64::MAX).is_err());
    }

    #[test]
    fn bytes_and_words_agree_at_every_alignment() {
        let memory = DmaMemory::new(4096).unwrap();
        let pattern: Vec<u8> = (0..64u8).map(|i| i.wrapping_mul(37) ^ 0x5a).collect();
        for offset in 0..17u64 {
            for bytes in 0..33usize {
                memory.fill_zero(0, 4096).unwrap();
                memory.write(offset, &pattern[..bytes]).unwrap();
                let mut all = [0xffu8; 80];
                memory.read(0, &mut all).unwrap();
                let mut wanted = [0u8; 80];
                wanted[offset as usize..offset as usize + bytes].copy_from_slice(&pattern[..bytes]);
                assert_eq!(all, wanted);
                let mut part = vec![0u8; bytes];
                memory.read(offset, &mut part).unwrap();
                assert_eq!(part, pattern[..bytes]);
                let mut words = [0u64; 10];
                memory.read_words(0, &mut words).unwrap();
                let flat: Vec<u8> = words.iter().flat_map(|w| w.to_ne_bytes()).collect();
                assert_eq!(flat, wanted);
            }
        }
    }

    #[test]
    fn accesses_outside_are_refused() {
        let memory = DmaMemory::new(4096).unwrap();
        assert!(matches!(memory.read(4095, &mut [0; 2]), Err(SysError::OutOfBounds { .. })));
        assert!(matches!(memory.write(u64::MAX, &[0]), Err(SysError::OutOfBounds { .. })));
        assert!(matches!(memory.read_words(4, &mut [0]), Err(SysError::Misaligned { offset: 4 })));
        assert!(memory.write_words(4096, &[1]).is_err());
        assert!(memory.write_words(4096, &[]).is_ok());
        assert!(memory.fill_zero(1, 4096).is_err());
        assert!(memory.load_u64_acquire(4092).is_err());
        assert!(memory.store_u64_release(4096, 1).is_err());
    }

    #[test]
    fn only_memory_that_cannot_shrink_is_taken_from_others() {
        let memory = DmaMemory::new(8192).unwrap();
        let other = DmaMemory::from_fd(memory.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(other.len(), 8192);
        memory.store_u64_release(4096, 7).unwrap();
        assert_eq!(other.load_u64_acquire(4096).unwrap(), 7);
        let file = std::fs::File::from(memory.as_fd().try_clone_to_owned().unwrap());
        assert!(file.set_len(4096).is_err());
        let path = std::env::temp_dir().join(format!("hotloop-unsealed-{}", std::process::id()));
        std::fs::write(&path, [0; 8192]).unwrap();
        let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(DmaMemory::from_fd(file.into()).is_err());
    }

    #[test]
    fn another_mapping_of_the_descriptor_sees_the_words() {
        let memory = DmaMemory::new(4096).unwrap();
        memory.store_u64_release(8, 0x0102_0304_0506_0708).unwrap();
        let mut file = std::fs::File::from(memory.as_fd().try_clone_to_owned().unwrap());
        let mut bytes = [0u8; 16];
        std::io::Read::read_exact(&mut file, &mut bytes).unwrap();
        assert_eq!(bytes[8..], 0x0102_0304_0506_0708u64.to_ne_bytes());
        assert_eq!(memory.load_u64_acquire(8).unwrap(), 0x0102_0304_0506_0708);
    }
}
