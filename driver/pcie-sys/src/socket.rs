//! [`Socket`]: a Unix socket that carries file descriptors, and never waits longer than told.

use std::{
    io::ErrorKind,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, fs::FileTypeExt, net::UnixListener},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{poll_millis, SysError};

/// Most descriptors that one message carries.
pub const MAX_DESCRIPTORS: usize = 16;

/// Room for the control message with that many descriptors, as words for its alignment.
const CONTROL_WORDS: usize = 16;
const _: () = assert!(CONTROL_WORDS * 8 >= 16 + MAX_DESCRIPTORS * size_of::<RawFd>());

/// One end of a connected Unix stream socket.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// Connects to the socket at `path`.
    pub fn connect(path: &Path, deadline: Instant) -> Result<Socket, SysError> {
        let (address, length) = address(path)?;
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: a system call without pointers.
        let fd = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
        if fd < 0 {
            return Err(SysError::last("socket"));
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        loop {
            // SAFETY: the address is a local of the length given, which lives through the call.
            let done = unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), length) };
            if done == 0 {
                return Ok(Socket { fd });
            }
            let error = SysError::last("connect to the socket");
            match &error {
                // The listener's queue is full: there is nothing to poll for.
                SysError::System { source, .. } if again(source) => {
                    if Instant::now() >= deadline {
                        return Err(SysError::Timeout { what: "connect to the socket" });
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                _ => return Err(error),
            }
        }
    }

    /// Two ends of one connection.
    pub fn pair() -> Result<(Socket, Socket), SysError> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let mut fds = [0; 2];
        // SAFETY: writes two descriptors into a local that lives through the call.
        if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) } != 0 {
            return Err(SysError::last("socketpair"));
        }
        // SAFETY: the kernel just gave us these descriptors, and nobody else has them.
        let [a, b] = fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        Ok((Socket { fd: a }, Socket { fd: b }))
    }

    /// The descriptor, to wait for.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Sends all of `bytes`, the descriptors with the first of them.
    pub fn send(&self, mut bytes: &[u8], fds: &[BorrowedFd<'_>], deadline: Instant) -> Result<(), SysError> {
        if fds.len() > MAX_DESCRIPTORS || (bytes.is_empty() && !fds.is_empty()) {
            return Err(SysError::Descriptors);
        }
        let mut raw: Vec<RawFd> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
        while !bytes.is_empty() {
            match self.send_some(bytes, &raw) {
                Ok(sent) => {
                    bytes = &bytes[sent..];
                    raw.clear();
                }
                Err(source) => self.after(source, "send on the socket", libc::POLLOUT, deadline)?,
            }
        }
        Ok(())
    }

    /// Fills `bytes`; descriptors that come with them are added to `fds`.
    pub fn receive(&self, bytes: &mut [u8], fds: &mut Vec<OwnedFd>, deadline: Instant) -> Result<(), SysError> {
        let mut done = 0;
        while done < bytes.len() {
            match self.receive_some(&mut bytes[done..], fds)? {
                Ok(0) => return Err(SysError::Closed { what: "receive on the socket" }),
                Ok(more) => done += more,
                Err(source) => self.after(source, "receive on the socket", libc::POLLIN, deadline)?,
            }
        }
        Ok(())
    }

    /// After a call that did not go through: waits where that is all that it takes.
    fn after(
        &self,
        source: std::io::Error,
        what: &'static str,
        events: libc::c_short,
        deadline: Instant,
    ) -> Result<(), SysError> {
        match source.kind() {
            ErrorKind::WouldBlock => {
                let left = deadline.saturating_duration_since(Instant::now());
                if poll(&mut [libc::pollfd { fd: self.fd.as_raw_fd(), events, revents: 0 }], left)? {
                    return Ok(());
                }
                Err(SysError::Timeout { what })
            }
            ErrorKind::Interrupted => Ok(()),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(SysError::Closed { what }),
            _ => Err(SysError::System { what, source }),
        }
    }

    fn send_some(&self, bytes: &[u8], fds: &[RawFd]) -> std::io::Result<usize> {
        let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut control = [0u64; CONTROL_WORDS];
        // SAFETY: an all-zero msghdr is a valid, empty one. Its pointers are to locals and to `bytes`, which live
        // through the call and are only read. The control message fits, as the constants' assertion says: there are at
        // most MAX_DESCRIPTORS.
        let sent = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            if !fds.is_empty() {
                let length = size_of_val(fds) as u32;
                message.msg_control = control.as_mut_ptr().cast();
                message.msg_controllen = libc::CMSG_SPACE(length) as usize;
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = libc::CMSG_LEN(length) as usize;
                std::ptr::copy_nonoverlapping(fds.as_ptr(), libc::CMSG_DATA(header).cast(), fds.len());
            }
            libc::sendmsg(self.fd.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
        };
        usize::try_from(sent).map_err(|_| std::io::Error::last_os_error())
    }

    /// The outer error: more descriptors came than we have room for.
    fn receive_some(&self, bytes: &mut [u8], fds: &mut Vec<OwnedFd>) -> Result<std::io::Result<usize>, SysError> {
        let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let mut control = [0u64; CONTROL_WORDS];
        // SAFETY: an all-zero msghdr is a valid, empty one. Its pointers are to locals and to `bytes`, which live
        // through the call, with their true lengths.
        let (received, message) = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = size_of_val(&control);
            (libc::recvmsg(self.fd.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC), message)
        };
        let Ok(received) = usize::try_from(received) else { return Ok(Err(std::io::Error::last_os_error())) };
        // SAFETY: the kernel filled in the control messages, inside the buffer that `message` still points to. Each
        // descriptor in them is new and ours.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(&raw const message);
            while !header.is_null() {
                if ((*header).cmsg_level, (*header).cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                    let length = (*header).cmsg_len - libc::CMSG_LEN(0) as usize;
                    let data = libc::CMSG_DATA(header).cast::<RawFd>();
                    for i in 0..length / size_of::<RawFd>() {
                        fds.push(OwnedFd::from_raw_fd(data.add(i).read_unaligned()));
                    }
                }
                header = libc::CMSG_NXTHDR(&raw const message, header);
            }
        }
        if message.msg_flags & libc::MSG_CTRUNC != 0 || fds.len() > MAX_DESCRIPTORS {
            return Err(SysError::Descriptors);
        }
        Ok(Ok(received))
    }
}

/// A listening Unix socket. Dropping it removes its path.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `path`. A socket there that nobody listens at is one that a killed process left, and is replaced.
    pub fn bind(path: &Path) -> Result<Listener, SysError> {
        let system = |what| move |source| SysError::System { what, source };
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
        if is_socket {
            let refused = Some(libc::ECONNREFUSED);
            match Socket::connect(path, Instant::now()) {
                Err(error) if error.errno() == refused => {
                    std::fs::remove_file(path).map_err(system("removal of an old socket"))?;
                }
                // Somebody is there, or it cannot be told: bind then says what is wrong.
                _ => {}
            }
        }
        let listener = UnixListener::bind(path).map_err(system("bind of the socket"))?;
        let listener = Listener { listener, path: path.to_owned() };
        listener.listener.set_nonblocking(true).map_err(system("fcntl of the socket"))?;
        Ok(listener)
    }

    /// Readable when somebody connects.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// The next connection, if there is one.
    pub fn accept(&self) -> Result<Option<Socket>, SysError> {
        let what = "accept on the socket";
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true).map_err(|source| SysError::System { what, source })?;
                Ok(Some(Socket { fd: stream.into() }))
            }
            Err(source) if matches!(source.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            // Whoever connected is gone again.
            Err(source) if source.kind() == ErrorKind::ConnectionAborted => Ok(None),
            Err(source) => Err(SysError::System { what, source }),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Nobody is left to tell; the next listener at this path replaces what stays.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Waits until one of `fds` can be read or is closed, at most `timeout`: a flag for each. All false: the time is up.
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Duration) -> Result<Vec<bool>, SysError> {
    let poll_fd = |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polled: Vec<libc::pollfd> = fds.iter().map(poll_fd).collect();
    poll(&mut polled, timeout)?;
    Ok(polled.iter().map(|fd| fd.revents != 0).collect())
}

/// True when one of `fds` is ready, false when the time is up.
fn poll(fds: &mut [libc::pollfd], timeout: Duration) -> Result<bool, SysError> {
    let deadline = Instant::now().checked_add(timeout);
    loop {
        let left = deadline.map_or(timeout, |d| d.saturating_duration_since(Instant::now()));
        // SAFETY: a slice of pollfd and its length.
        match unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, poll_millis(left)) } {
            0 if deadline.is_none_or(|d| d > Instant::now()) => {}
            0 => return Ok(false),
            1.. => return Ok(true),
            _ => {
                let error = SysError::last("poll");
                if error.errno() != Some(libc::EINTR) {
                    return Err(error);
                }
            }
        }
    }
}

fn again(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn address(path: &Path) -> Result<(libc::sockaddr_un, libc::socklen_t), SysError> {
    // SAFETY: all zeros is a valid sockaddr_un.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(SysError::SocketPath);
    }
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    Ok((address, size_of::<libc::sockaddr_un>() as libc::socklen_t))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventFd;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn descriptors_travel_with_bytes() {
        let (a, b) = Socket::pair().unwrap();
        let events: Vec<EventFd> = (0..MAX_DESCRIPTORS).map(|_| EventFd::new().unwrap()).collect();
        let fds: Vec<BorrowedFd<'_>> = events.iter().map(EventFd::as_fd).collect();
        a.send(b"hello", &fds, soon()).unwrap();
        a.send(b" there", &[], soon()).unwrap();
        let (mut text, mut received) = ([0; 11], Vec::new());
        b.receive(&mut text, &mut received, soon()).unwrap();
        assert_eq!((&text, received.len()), (b"hello there", MAX_DESCRIPTORS));
        let last = EventFd::from_fd(received.pop().unwrap()).unwrap();
        events[MAX_DESCRIPTORS - 1].signal().unwrap();
        assert_eq!(last.try_take().unwrap(), 1);
        let more = vec![events[0].as_fd(); MAX_DESCRIPTORS + 1];
        assert!(matches!(a.send(b"x", &more, soon()), Err(SysError::Descriptors)));
    }

    #[test]
    fn waits_end() {
        let (a, b) = Socket::pair().unwrap();
        let short = || Instant::now() + Duration::from_millis(5);
        assert!(matches!(b.receive(&mut [0], &mut Vec::new(), short()), Err(SysError::Timeout { .. })));
        // Nobody reads: at some point the other side is full.
        let filled = (0..1 << 20).find_map(|_| a.send(&[0; 4096], &[], short()).err());
        assert!(matches!(filled, Some(SysError::Timeout { .. })));
        assert_eq!(wait_readable(&[a.as_fd(), b.as_fd()], Duration::ZERO).unwrap(), [false, true]);
        drop(b);
        assert!(matches!(a.send(&[0], &[], soon()), Err(SysError::Closed { .. })));
        assert!(matches!(a.receive(&mut [0], &mut Vec::new(), soon()), Err(SysError::Closed { .. })));
    }

    #[test]
    fn a_socket_that_a_killed_process_left_is_replaced_and_a_live_one_is_not() {
        let path = std::env::temp_dir().join(format!("hotloop-socket-{}", std::process::id()));
        drop(UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(Listener::bind(&path).unwrap_err().errno(), Some(libc::EADDRINUSE));
        let client = Socket::connect(&path, soon()).unwrap();
        // The attempt to bind was a connection, too.
        let accepted: Vec<Socket> = std::iter::from_fn(|| listener.accept().unwrap()).collect();
        assert_eq!(accepted.len(), 2);
        client.send(&[1], &[], soon()).unwrap();
        drop(listener);
        assert!(!path.exists());
        assert_eq!(Socket::connect(&path, soon()).unwrap_err().errno(), Some(libc::ENOENT));
        std::fs::write(&path, "a file").unwrap();
        assert!(Listener::bind(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a file");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Socket::connect(Path::new(&"x".repeat(108)), soon()), Err(SysError::SocketPath)));
    }
}
