//! [`Server`]: gives a function to one client at a time.

use std::{
    ops::RangeInclusive,
    os::fd::BorrowedFd,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    thread,
    time::{Duration, Instant},
};

use pcie_sys::{wait_readable, DmaMemory, EventFd, Listener, Socket, SysError};

use super::{
    session::{Request, Session},
    wire::{self, Message},
};
use crate::function::{FunctionError, PciFunction};

/// How long a client may take over the rest of a message that it began, or to take an answer.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
/// How long a second client may take to say who it is.
const GREETING_TIME: Duration = Duration::from_secs(1);
/// How long a client has to let go of a function that is about to go away.
const FAREWELL_TIME: Duration = Duration::from_millis(500);
/// No wait is for ever; this one begins again.
const ROUND: Duration = Duration::from_secs(60);

/// A part of memory that a client shares.
#[derive(Clone, Debug)]
pub struct SharedPart {
    /// The memory; without it, accesses fail.
    pub memory: Option<Arc<DmaMemory>>,
    /// Where the part starts in it; the part is inside.
    pub offset: u64,
    /// Bytes of the part.
    pub bytes: u64,
    /// The function may read.
    pub readable: bool,
    /// The function may write.
    pub writable: bool,
}

/// A function that can be given to another process. What the process asks for has been checked for sizes and alignment,
/// but no more.
pub trait Served: PciFunction {
    /// Bytes of configuration space.
    fn config_bytes(&self) -> u64;

    /// MSI-X vectors that there are.
    fn vectors(&self) -> u16;

    /// As `dma_map`, for a part of memory.
    fn map_part(&self, iova: u64, part: SharedPart) -> Result<(), FunctionError>;

    /// Takes all mappings in a range away, none of which may reach out of it: how many, and their bytes together.
    fn unmap_range(&self, range: RangeInclusive<u64>) -> Result<(usize, u64), FunctionError>;

    /// Gives an MSI-X vector its event, or takes it.
    fn set_vector(&self, vector: u16, event: Option<EventFd>) -> Result<(), FunctionError>;

    /// Signals the event of a vector, if it has one.
    fn fire(&self, vector: u16) -> Result<(), FunctionError>;
}

/// A listening server. Dropping it removes its socket.
pub struct Server {
    listener: Listener,
    served: Arc<dyn Served>,
}

impl Server {
    /// Listens at `path`.
    pub fn bind(path: &Path, served: Arc<dyn Served>) -> Result<Server, SysError> {
        Ok(Server { listener: Listener::bind(path)?, served })
    }

    /// Serves one client after the other, until `stop` becomes readable. A client that comes while another is there is
    /// told that the function is in use. When a client goes, however it does, the function is reset and forgets its
    /// memory; `report` hears of clients that broke the protocol, and of a function that failed.
    ///
    /// When `stop` comes while a client is there, it is told that the function goes, and has half a second to let go.
    pub fn run(&self, stop: BorrowedFd<'_>, report: &(dyn Fn(&str) + Sync)) -> Result<(), SysError> {
        let (busy, request, over) = (AtomicBool::new(false), Request::default(), EventFd::new()?);
        thread::scope(|scope| {
            let result = self.accept(stop, &busy, |socket| {
                let (busy, over, request) = (&busy, &over, &request);
                scope.spawn(move || {
                    if let Err(reason) = self.serve(&socket, over, request) {
                        report(&reason);
                    }
                    request.forget();
                    if let Err(error) = self.clear() {
                        report(&format!("the function does not come back from the reset between clients: {error}"));
                    }
                    busy.store(false, Ordering::Release);
                });
            });
            request.tell();
            let start = Instant::now();
            while busy.load(Ordering::Acquire) && start.elapsed() < FAREWELL_TIME {
                thread::sleep(Duration::from_millis(1));
            }
            result.and(over.signal())
        })
    }

    /// Takes one client after the other until `stop`; `busy` is set for each.
    fn accept(&self, stop: BorrowedFd<'_>, busy: &AtomicBool, start: impl Fn(Socket)) -> Result<(), SysError> {
        loop {
            match wait_readable(&[stop, self.listener.as_fd()], ROUND)?[..] {
                [true, _] => return Ok(()),
                [_, true] => {}
                _ => continue,
            }
            match self.listener.accept()? {
                Some(socket) if busy.swap(true, Ordering::AcqRel) => refuse(&socket),
                Some(socket) => start(socket),
                None => {}
            }
        }
    }

    /// Serves a client until it goes. The error is what it did wrong.
    fn serve(&self, socket: &Socket, over: &EventFd, request: &Request) -> Result<(), String> {
        let mut session = Session::new(&*self.served, request);
        loop {
            let ready = wait_readable(&[over.as_fd(), socket.as_fd()], ROUND).map_err(|e| e.to_string())?;
            match ready[..] {
                [true, _] => return Ok(()),
                [_, true] => {}
                _ => continue,
            }
            let until = Instant::now() + MESSAGE_TIME;
            let message = match Message::receive(socket, until) {
                Ok(message) => message,
                Err(wire::Broken::Socket(SysError::Closed { .. })) => return Ok(()),
                Err(wire::Broken::Socket(error)) => return Err(format!("a client's message: {error}")),
                Err(wire::Broken::Length(bytes)) => return Err(format!("a client sent a message of {bytes} bytes")),
            };
            let header = message.header;
            if header.is_reply() {
                return Err("a client answered where it was to ask".into());
            }
            let result = session.answer(message);
            if header.wants_reply() {
                match wire::answer(socket, &header, result.as_deref().map_err(|errno| *errno), until) {
                    Ok(()) => {}
                    Err(SysError::Closed { .. }) => return Ok(()),
                    Err(error) => return Err(format!("an answer to a client: {error}")),
                }
            }
        }
    }

    /// As before the first client.
    fn clear(&self) -> Result<(), FunctionError> {
        // Reset first: then nothing under way is left that could miss its memory. Every step is tried in any case.
        let mut done = self.served.reset();
        for vector in 0..self.served.vectors() {
            done = done.and(self.served.set_vector(vector, None));
        }
        done.and(self.served.unmap_range(0..=u64::MAX).map(drop))
    }
}

/// Tells a client that somebody else is there.
fn refuse(socket: &Socket) {
    let until = Instant::now() + GREETING_TIME;
    if let Ok(message) = Message::receive(socket, until) {
        // A client that is gone again does not need to know.
        let _ = wire::answer(socket, &message.header, Err(wire::errno::BUSY), until);
    }
}
