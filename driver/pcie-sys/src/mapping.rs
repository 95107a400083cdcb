//! [`Mapping`]: a file's bytes in this process's addresses.

use std::{
    ffi::c_void,
    os::fd::{AsRawFd, BorrowedFd},
    ptr::NonNull,
};

use crate::SysError;

/// A shared mapping for reading and writing, which is taken away when this goes. It gives out no references: how what is
/// behind it may be accessed, and whether by several threads, is its owner's matter.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: u64,
}

// SAFETY: the mapping belongs to this value alone and is freed by its `Drop`; no thread owns any part of it.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `bytes` bytes from `offset` of a file; `what` is what an error says was tried.
    pub fn new(file: BorrowedFd<'_>, offset: u64, bytes: u64, what: &'static str) -> Result<Mapping, SysError> {
        let (Ok(length), Ok(offset)) = (usize::try_from(bytes), libc::off_t::try_from(offset)) else {
            return Err(SysError::Size { bytes });
        };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice; it overlaps nothing of ours.
        let address =
            unsafe { libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), offset) };
        if address == libc::MAP_FAILED {
            return Err(SysError::last(what));
        }
        let base = NonNull::new(address.cast::<u8>()).ok_or(SysError::Size { bytes })?;
        Ok(Mapping { base, bytes })
    }

    /// Its first byte.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Its length in bytes.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `new`; its owner hands out no reference that outlives it.
        unsafe {
            libc::munmap(self.base().cast::<c_void>(), self.bytes as usize);
        }
    }
}
