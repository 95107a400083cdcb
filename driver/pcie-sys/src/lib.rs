//! Every line of `unsafe` of Hotloop's driver: memory shared with a board, and events.
//!
//! What is safe to call is safe: bounds and alignment are checked, descriptors are owned and closed once.
#![allow(unsafe_code)]

mod event;
mod memory;

pub use event::EventFd;
pub use memory::{DmaMemory, PAGE_BYTES};

/// Why shared memory or an event did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum SysError {
    /// An access lies outside the memory.
    #[error("access of {bytes} bytes at offset {offset:#x} lies outside the {len} bytes of the memory")]
    OutOfBounds {
        /// Byte offset asked for.
        offset: u64,
        /// Bytes asked for.
        bytes: u64,
        /// Bytes there are.
        len: u64,
    },
    /// A word access does not start at a multiple of eight.
    #[error("word access at offset {offset:#x}, which is not a multiple of 8")]
    Misaligned {
        /// Byte offset asked for.
        offset: u64,
    },
    /// No memory of this size can be had: zero, or more than the address space holds.
    #[error("{bytes} bytes of shared memory asked for; ask for at least one and fewer than 2^62")]
    Size {
        /// Bytes asked for.
        bytes: u64,
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

impl SysError {
    /// The error of the system call that failed just now.
    fn last(what: &'static str) -> SysError {
        SysError::System { what, source: std::io::Error::last_os_error() }
    }
}
