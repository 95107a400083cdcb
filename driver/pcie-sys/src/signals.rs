//! [`Signals`]: Ctrl-C and SIGTERM as something to wait for.

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::SysError;

/// SIGINT and SIGTERM, which no longer end the process but make this descriptor readable.
#[derive(Debug)]
pub struct Signals {
    fd: OwnedFd,
}

impl Signals {
    /// Takes the two signals for this thread and all that it starts from now on: to be called before any other thread
    /// exists.
    pub fn take() -> Result<Signals, SysError> {
        // SAFETY: an all-zero sigset_t is a valid one to initialise; the calls only write to this local, which lives
        // through them.
        let fd = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGINT);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            if libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
                return Err(SysError::last("pthread_sigmask"));
            }
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(SysError::last("signalfd"));
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        Ok(Signals { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Readable when a signal has come.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
