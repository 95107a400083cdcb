//! Every line of `unsafe` of Hotloop's driver: memory shared with a board, events, sockets, serial lines,
//! VFIO.
//!
//! What is safe to call is safe: bounds and alignment are checked, descriptors are owned and closed once.
#![allow(unsafe_code)]

mod event;
mod limits;
mod mapping;
mod memory;
mod region;
mod signals;
mod socket;
mod tty;
pub mod vfio;

use std::time::Duration;

pub use event::EventFd;
pub use limits::memlock_limit;
pub use memory::{DmaMemory, PAGE_BYTES};
pub use region::MappedRegion;
pub use signals::Signals;
pub use socket::{wait_readable, Listener, Socket, MAX_DESCRIPTORS};
pub use tty::{Pty, Tty};

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
    /// An access to a mapped region is not of 1, 2, 4 or 8 bytes, naturally aligned and inside.
    #[error("access of {bytes} bytes at {offset:#x} of a region of {len} bytes is misaligned or outside")]
    Access {
        /// Byte offset asked for.
        offset: u64,
        /// Bytes asked for.
        bytes: usize,
        /// Bytes there are.
        len: u64,
    },
    /// The other side did not answer in time.
    #[error("{what}: no answer in time")]
    Timeout {
        /// What was waited for.
        what: &'static str,
    },
    /// The other side closed the connection, or its process ended.
    #[error("{what}: the connection is closed")]
    Closed {
        /// What was tried.
        what: &'static str,
    },
    /// A path that no socket can have: longer than 107 bytes, or with a zero byte.
    #[error("the socket's path must be 1 to 107 bytes without zero; name one nearer to the root")]
    SocketPath,
    /// More descriptors came with a message than the protocol allows.
    #[error("more file descriptors than expected came with a message")]
    Descriptors,
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
    /// The system's error number, where a system call failed.
    pub fn errno(&self) -> Option<i32> {
        match self {
            SysError::System { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// What kind of failure of the system it is, where it is one.
    pub fn kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            SysError::System { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// The error of the system call that failed just now.
    fn last(what: &'static str) -> SysError {
        SysError::System { what, source: std::io::Error::last_os_error() }
    }
}

/// Milliseconds for poll, rounded up so that a short wait is not a busy loop of none.
fn poll_millis(left: Duration) -> i32 {
    left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32
}
