//! [`Tty`]: a serial line, and [`Pty`]: both ends of one that exists in this machine only.

use std::{
    ffi::{CStr, OsStr},
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::SysError;

/// Speeds that Linux knows by name, and what a terminal's settings say for them.
const SPEEDS: &[(u32, libc::speed_t)] = &[
    (9_600, libc::B9600),
    (57_600, libc::B57600),
    (115_200, libc::B115200),
    (230_400, libc::B230400),
    (460_800, libc::B460800),
    (921_600, libc::B921600),
    (1_000_000, libc::B1000000),
    (1_500_000, libc::B1500000),
    (2_000_000, libc::B2000000),
    (3_000_000, libc::B3000000),
];

/// A serial line that carries bytes as they are: eight bits, no parity, one stop bit, no flow control. Nobody else can
/// open it meanwhile.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
}

impl Tty {
    /// Speeds that can be set, in bits a second.
    pub fn speeds() -> impl Iterator<Item = u32> {
        SPEEDS.iter().map(|(baud, _)| *baud)
    }

    /// Opens the terminal at `path` with a speed of [`Tty::speeds`]. What came before is thrown away.
    ///
    /// # Errors
    /// The system's: `ENOENT`, `EACCES`, `EBUSY` if another process has it, `ENOTTY` if it is no terminal, `EINVAL` for another
    /// speed.
    pub fn open(path: &Path, baud: u32) -> Result<Tty, SysError> {
        let what = "open of the serial line";
        let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
        let file = std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
        let tty = Tty { fd: file.map_err(|source| SysError::System { what, source })?.into() };
        let fd = tty.fd.as_raw_fd();
        let invalid =
            || SysError::System { what: "the serial line's speed", source: io::Error::from_raw_os_error(libc::EINVAL) };
        let (_, speed) = SPEEDS.iter().find(|(known, _)| *known == baud).ok_or_else(invalid)?;
        // SAFETY: isatty and flock take no pointers; termios is plain data, of which all zeros is a value, and a local.
        unsafe {
            if libc::isatty(fd) == 0 {
                return Err(SysError::last("isatty"));
            }
            // The lock is for root, whom TIOCEXCL does not stop.
            if libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) < 0 {
                let source = io::Error::from_raw_os_error(libc::EBUSY);
                return Err(SysError::System { what: "lock of the serial line", source });
            }
            if libc::ioctl(fd, libc::TIOCEXCL) < 0 {
                return Err(SysError::last("TIOCEXCL"));
            }
            let mut settings: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(fd, &raw mut settings) < 0 {
                return Err(SysError::last("tcgetattr"));
            }
            libc::cfmakeraw(&raw mut settings);
            settings.c_cflag |= libc::CLOCAL | libc::CREAD;
            settings.c_cflag &= !(libc::CRTSCTS | libc::CSTOPB);
            if libc::cfsetspeed(&raw mut settings, *speed) < 0
                || libc::tcsetattr(fd, libc::TCSANOW, &raw const settings) < 0
                || libc::tcflush(fd, libc::TCIOFLUSH) < 0
            {
                return Err(SysError::last("tcsetattr"));
            }
        }
        Ok(tty)
    }

    /// Reads what there is, waiting for the first byte at most `timeout`; 0 when there was none.
    ///
    /// # Errors
    /// [`SysError::Closed`] when the line is gone: unplugged, or the other end of a pseudo-terminal closed.
    pub fn read(&self, data: &mut [u8], timeout: Duration) -> Result<usize, SysError> {
        read(&self.fd, data, timeout)
    }

    /// Writes all of `data` before `deadline`.
    ///
    /// # Errors
    /// [`SysError::Timeout`], or [`SysError::Closed`] when the line is gone.
    pub fn write(&self, data: &[u8], deadline: Instant) -> Result<(), SysError> {
        write(&self.fd, data, deadline)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // SAFETY: no pointers; exclusive use would outlast this descriptor where the other end of a pseudo-terminal lives on.
        unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::TIOCNXCL) };
    }
}

/// The far end of a pseudo-terminal: for a board that is simulated. What is written here is read from the terminal at
/// [`Pty::path`].
#[derive(Debug)]
pub struct Pty {
    fd: OwnedFd,
    path: PathBuf,
}

impl Pty {
    /// A new pair, the near end of which nobody has opened.
    pub fn new() -> Result<Pty, SysError> {
        let mut name = [0; 128];
        // SAFETY: system calls without pointers, and one with a buffer of the length given.
        let fd = unsafe {
            let fd = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK);
            if fd < 0 {
                return Err(SysError::last("posix_openpt"));
            }
            let fd = OwnedFd::from_raw_fd(fd);
            let raw = fd.as_raw_fd();
            if libc::grantpt(raw) < 0
                || libc::unlockpt(raw) < 0
                || libc::ptsname_r(raw, name.as_mut_ptr(), name.len()) != 0
            {
                return Err(SysError::last("unlockpt"));
            }
            fd
        };
        // SAFETY: ptsname_r wrote a string with its zero into the buffer.
        let path = unsafe { CStr::from_ptr(name.as_ptr()) };
        Ok(Pty { fd, path: PathBuf::from(OsStr::from_bytes(path.to_bytes())) })
    }

    /// The near end.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As [`Tty::read`]; [`SysError::Closed`] while nobody has the near end open.
    pub fn read(&self, data: &mut [u8], timeout: Duration) -> Result<usize, SysError> {
        read(&self.fd, data, timeout)
    }

    /// As [`Tty::write`].
    pub fn write(&self, data: &[u8], deadline: Instant) -> Result<(), SysError> {
        write(&self.fd, data, deadline)
    }
}

fn read(fd: &OwnedFd, data: &mut [u8], timeout: Duration) -> Result<usize, SysError> {
    let what = "read from the serial line";
    if !ready(fd, libc::POLLIN, Instant::now() + timeout)? {
        return Ok(0);
    }
    // SAFETY: a buffer of the length given.
    let count = unsafe { libc::read(fd.as_raw_fd(), data.as_mut_ptr().cast(), data.len()) };
    match count {
        0 => Err(SysError::Closed { what }),
        1.. => Ok(count as usize),
        _ => match SysError::last(what) {
            error if error.errno() == Some(libc::EIO) => Err(SysError::Closed { what }),
            error if matches!(error.kind(), Some(io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)) => Ok(0),
            error => Err(error),
        },
    }
}

fn write(fd: &OwnedFd, mut data: &[u8], deadline: Instant) -> Result<(), SysError> {
    let what = "write to the serial line";
    while !data.is_empty() {
        if !ready(fd, libc::POLLOUT, deadline)? {
            return Err(SysError::Timeout { what });
        }
        // SAFETY: a buffer of the length given.
        let count = unsafe { libc::write(fd.as_raw_fd(), data.as_ptr().cast(), data.len()) };
        if count >= 0 {
            data = &data[count as usize..];
            continue;
        }
        match SysError::last(what) {
            error if error.errno() == Some(libc::EIO) => return Err(SysError::Closed { what }),
            error if matches!(error.kind(), Some(io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)) => {}
            error => return Err(error),
        }
    }
    Ok(())
}

/// Waits until there is something to read or room to write; false when the deadline passed. A line that is gone is ready: the
/// next call says so.
fn ready(fd: &OwnedFd, events: i16, deadline: Instant) -> Result<bool, SysError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
        // SAFETY: one pollfd, a local that lives through the call.
        match unsafe { libc::poll(&raw mut poll, 1, crate::poll_millis(left)) } {
            0 if left.is_zero() => return Ok(false),
            0 => {}
            1 => return Ok(true),
            _ => {
                let error = SysError::last("poll of the serial line");
                if error.kind() != Some(io::ErrorKind::Interrupted) {
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_arrives_as_it_is_and_nobody_else_gets_in() {
        let pty = Pty::new().unwrap();
        let tty = Tty::open(pty.path(), 3_000_000).unwrap();
        let all: Vec<u8> = (0..=255).collect();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut found = vec![0; 512];
        tty.write(&all, deadline).unwrap();
        assert_eq!(pty.read(&mut found, Duration::from_secs(10)).unwrap(), 256);
        assert_eq!(found[..256], all);
        pty.write(&all, deadline).unwrap();
        assert_eq!(tty.read(&mut found, Duration::from_secs(10)).unwrap(), 256);
        assert_eq!(found[..256], all);
        assert_eq!(tty.read(&mut found, Duration::from_millis(1)).unwrap(), 0);
        assert_eq!(Tty::open(pty.path(), 115_200).unwrap_err().errno(), Some(libc::EBUSY));
        drop(tty);
        let tty = Tty::open(pty.path(), 115_200).unwrap();
        drop(pty);
        assert!(matches!(tty.read(&mut found, Duration::from_secs(10)), Err(SysError::Closed { .. })));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let open = |path: &str, baud| Tty::open(Path::new(path), baud).unwrap_err().errno();
        assert_eq!(open("/dev/no-such-line", 115_200), Some(libc::ENOENT));
        assert_eq!(open("/dev/null", 115_200), Some(libc::ENOTTY));
        assert_eq!(open(Pty::new().unwrap().path().to_str().unwrap(), 12_345), Some(libc::EINVAL));
    }
}
