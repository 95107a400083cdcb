//! [`EventFd`]: a counter in the kernel that one side adds to and the other waits for.

use std::{
    io::ErrorKind,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    time::{Duration, Instant},
};

use crate::SysError;

/// An eventfd, never blocking except in [`EventFd::wait`].
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// A counter at zero.
    pub fn new() -> Result<EventFd, SysError> {
        // SAFETY: a system call without pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(SysError::last("eventfd"));
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        Ok(EventFd { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Another handle on the same counter.
    pub fn try_clone(&self) -> Result<EventFd, SysError> {
        let fd = self.fd.try_clone().map_err(|source| SysError::System { what: "dup of an eventfd", source })?;
        Ok(EventFd { fd })
    }

    /// An event of another process, received over a socket. Made non-blocking, as all of ours are.
    pub fn from_fd(fd: OwnedFd) -> Result<EventFd, SysError> {
        // SAFETY: plain system calls on a descriptor that we own.
        let failed = unsafe {
            let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
            flags < 0 || libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) < 0
        };
        if failed {
            return Err(SysError::last("fcntl of an eventfd"));
        }
        Ok(EventFd { fd })
    }

    /// The descriptor, for handing it to the kernel or another process.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Adds one. A counter that is full stays full: whoever waits wakes up all the same.
    pub fn signal(&self) -> Result<(), SysError> {
        let one = 1u64;
        // SAFETY: writes eight bytes from a local that lives through the call.
        let done = unsafe { libc::write(self.fd.as_raw_fd(), (&raw const one).cast(), 8) };
        if done == 8 {
            return Ok(());
        }
        let error = SysError::last("write to an eventfd");
        if would_block(&error) {
            return Ok(());
        }
        Err(error)
    }

    /// Takes the count, leaving zero; 0 when nothing was signalled. Never blocks.
    pub fn try_take(&self) -> Result<u64, SysError> {
        let mut count = 0u64;
        // SAFETY: reads eight bytes into a local that lives through the call.
        let done = unsafe { libc::read(self.fd.as_raw_fd(), (&raw mut count).cast(), 8) };
        if done == 8 {
            return Ok(count);
        }
        let error = SysError::last("read of an eventfd");
        if would_block(&error) {
            return Ok(0);
        }
        Err(error)
    }

    /// Waits until the count is not zero, at most `timeout`; true when it is. Takes nothing.
    pub fn wait(&self, timeout: Duration) -> Result<bool, SysError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let left = deadline.map_or(timeout, |d| d.saturating_duration_since(Instant::now()));
            let millis = crate::poll_millis(left);
            let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one pollfd, a local that lives through the call.
            match unsafe { libc::poll(&mut poll, 1, millis) } {
                0 if deadline.is_none_or(|d| d > Instant::now()) => continue,
                0 => return Ok(false),
                1 => return Ok(true),
                _ => {
                    let error = SysError::last("poll of an eventfd");
                    // A signal handler ran: wait for the rest.
                    if !matches!(&error, SysError::System { source, .. } if source.kind() == ErrorKind::Interrupted) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

fn would_block(error: &SysError) -> bool {
    matches!(error, SysError::System { source, .. } if source.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_add_up_and_are_taken_once() {
        let event = EventFd::new().unwrap();
        assert_eq!(event.try_take().unwrap(), 0);
        assert!(!event.wait(Duration::ZERO).unwrap());
        let other = event.try_clone().unwrap();
        other.signal().unwrap();
        other.signal().unwrap();
        assert!(event.wait(Duration::from_secs(60)).unwrap());
        assert_eq!(event.try_take().unwrap(), 2);
        assert_eq!(other.try_take().unwrap(), 0);
    }

    #[test]
    fn a_waiter_wakes_when_another_thread_signals() {
        let event = EventFd::new().unwrap();
        let other = event.try_clone().unwrap();
        let thread = std::thread::spawn(move || other.signal().unwrap());
        assert!(event.wait(Duration::from_secs(60)).unwrap());
        thread.join().unwrap();
    }

    #[test]
    fn a_wait_that_nobody_answers_ends() {
        let event = EventFd::new().unwrap();
        assert!(!event.wait(Duration::from_millis(3)).unwrap());
    }
}
