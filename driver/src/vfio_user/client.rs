//! [`VfioUserFunction`]: the client.

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    os::fd::BorrowedFd,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Mutex, MutexGuard, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};

use pcie_sys::{vfio, DmaMemory, EventFd, Socket, SysError};

use super::wire::{
    self,
    errno::{BUSY, NO_DEVICE},
    Body, Broken, Command, Fields, Message,
};
use crate::{
    function::{check_config, check_region, FunctionError, PciFunction},
    obstacle::Obstacle,
};

/// How long an answer may take, unless told otherwise. A simulated board may run a thousand cycles before it gives one.
pub const ANSWER_TIME: Duration = Duration::from_secs(20);

/// How long a function may still be in use by whoever had it before.
const BUSY_TIME: Duration = Duration::from_millis(500);

/// Addresses of a PC's IOMMU: the protocol has no question for them.
const RANGES: [RangeInclusive<u64>; 2] = [0..=0xfedf_ffff, 0xfef0_0000..=(1 << 48) - 1];

/// The socket, and how far the conversation is.
struct Line {
    socket: Socket,
    next_id: u16,
    /// Why the conversation is over, if it is.
    over: Option<String>,
}

/// A PCI function in another process. Dropping it closes the connection, upon which the other side forgets all mappings.
pub struct VfioUserFunction {
    name: String,
    answer_time: Duration,
    line: Mutex<Line>,
    /// Bytes of regions 0 to 5, and of configuration space.
    bars: [u64; 6],
    config: u64,
    /// Interrupts by kind.
    interrupts: [u32; vfio::IRQS as usize],
    mappings: Mutex<BTreeMap<u64, Arc<DmaMemory>>>,
    request: EventFd,
    wanted_back: AtomicBool,
}

impl VfioUserFunction {
    /// Connects to the function at `socket`.
    pub fn open(socket: &Path) -> Result<VfioUserFunction, FunctionError> {
        VfioUserFunction::open_with(socket, ANSWER_TIME)
    }

    /// Connects; no answer may take longer than `answer_time`. A function that is in use is asked for again for a moment:
    /// whoever had it before may be on the way out.
    pub fn open_with(path: &Path, answer_time: Duration) -> Result<VfioUserFunction, FunctionError> {
        let start = Instant::now();
        loop {
            match VfioUserFunction::connect(path, answer_time) {
                Err(FunctionError::CannotOpen { obstacle: Obstacle::Busy, .. }) if start.elapsed() < BUSY_TIME => {
                    thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }

    fn connect(path: &Path, answer_time: Duration) -> Result<VfioUserFunction, FunctionError> {
        let name = format!("vfio-user:{}", path.display());
        let socket = Socket::connect(path, Instant::now() + answer_time).map_err(|error| match error.kind() {
            Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                FunctionError::cannot_open(&name, Obstacle::NoServer { path: path.to_owned() })
            }
            Some(io::ErrorKind::PermissionDenied) => {
                FunctionError::cannot_open(&name, Obstacle::NoPermission { path: path.to_owned() })
            }
            _ => FunctionError::system(error),
        })?;
        VfioUserFunction::over(name, socket, answer_time)
    }

    /// As [`VfioUserFunction::open_with`], over a connection that there is already.
    pub fn over(name: String, socket: Socket, answer_time: Duration) -> Result<VfioUserFunction, FunctionError> {
        let line = Mutex::new(Line { socket, next_id: 0, over: None });
        let request = EventFd::new().map_err(FunctionError::system)?;
        let mut function = VfioUserFunction {
            name,
            answer_time,
            line,
            bars: [0; 6],
            config: 0,
            interrupts: [0; vfio::IRQS as usize],
            mappings: Mutex::default(),
            request,
            wanted_back: AtomicBool::new(false),
        };
        function.get_to_know()?;
        Ok(function)
    }

    fn get_to_know(&mut self) -> Result<(), FunctionError> {
        let theirs = self.ask("VERSION", Command::Version, &wire::version(), &[])?;
        let major = Fields(&theirs).half();
        if major != Some(0) {
            return Err(self.broke(format!("major version {major:?}, not 0")));
        }
        let device = self.ask("DEVICE_GET_INFO", Command::DeviceInfo, &Body::default().words(&[16, 0, 0, 0]).0, &[])?;
        let Some([_, _, regions, kinds]) = Fields(&device).words() else { return Err(self.short("DEVICE_GET_INFO")) };
        for index in (0..6).chain([vfio::CONFIG_REGION]).filter(|index| *index < regions) {
            let bytes = self.region(index)?;
            match self.bars.get_mut(index as usize) {
                Some(bar) => *bar = bytes,
                None => self.config = bytes,
            }
        }
        for index in 0..kinds.min(vfio::IRQS) {
            let what = "DEVICE_GET_IRQ_INFO";
            let body = self.ask(what, Command::IrqInfo, &Body::default().words(&[16, 0, index, 0]).0, &[])?;
            let Some([_, _, _, count]) = Fields(&body).words() else { return Err(self.short(what)) };
            self.interrupts[index as usize] = count;
        }
        if self.interrupts[vfio::REQ_IRQ as usize] != 0 {
            let event = self.request.try_clone().map_err(FunctionError::system)?;
            self.set_interrupts(vfio::REQ_IRQ, &[event])?;
        }
        Ok(())
    }

    fn region(&self, index: u32) -> Result<u64, FunctionError> {
        let what = "DEVICE_GET_REGION_INFO";
        let body = Body::default().words(&[32, 0, index, 0]).longs(&[0, 0]).0;
        let body = self.ask(what, Command::RegionInfo, &body, &[])?;
        let mut fields = Fields(&body);
        let (Some([..]), Some(bytes)) = (fields.words::<4>(), fields.long()) else { return Err(self.short(what)) };
        Ok(bytes)
    }

    /// Gives the first interrupts of a kind these events; with none, all are off.
    fn set_interrupts(&self, kind: u32, events: &[EventFd]) -> Result<(), FunctionError> {
        let data = if events.is_empty() { vfio::DATA_NONE } else { vfio::DATA_EVENTFD };
        let words = [20, data | vfio::ACTION_TRIGGER, kind, 0, events.len() as u32];
        let fds: Vec<BorrowedFd<'_>> = events.iter().map(EventFd::as_fd).collect();
        self.ask("DEVICE_SET_IRQS", Command::SetIrqs, &Body::default().words(&words).0, &fds).map(drop)
    }

    /// One question and its answer.
    fn ask(
        &self,
        what: &'static str,
        command: Command,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Vec<u8>, FunctionError> {
        let mut line = self.lock();
        let name = || self.name.clone();
        if let Some(reason) = &line.over {
            return Err(FunctionError::Gone { name: name(), reason: reason.clone() });
        }
        let deadline = Instant::now() + self.answer_time;
        let id = line.next_id;
        line.next_id = id.wrapping_add(1);
        let answer = wire::ask(&line.socket, id, command, body, fds, deadline)
            .map_err(Broken::from)
            .and_then(|()| Message::receive(&line.socket, deadline));
        let error = match answer {
            Ok(message) => match self.understood(what, id, command, message) {
                Err(error @ FunctionError::Protocol { .. }) => error,
                understood => return understood,
            },
            Err(Broken::Length(bytes)) => {
                FunctionError::Protocol { name: name(), what: format!("an answer of {bytes} bytes to {what}") }
            }
            Err(Broken::Socket(SysError::Timeout { .. })) => {
                FunctionError::NoAnswer { name: name(), what, waited: self.answer_time }
            }
            Err(Broken::Socket(SysError::Closed { .. })) => {
                FunctionError::Gone { name: name(), reason: "its process ended or closed the connection".into() }
            }
            Err(Broken::Socket(SysError::Descriptors)) => {
                FunctionError::Protocol { name: name(), what: format!("too many descriptors in answer to {what}") }
            }
            Err(Broken::Socket(error)) => FunctionError::system(error),
        };
        // What is on its way now cannot be told from an answer to a later question.
        line.over = Some(error.to_string());
        Err(error)
    }

    fn understood(
        &self,
        what: &'static str,
        id: u16,
        command: Command,
        message: Message,
    ) -> Result<Vec<u8>, FunctionError> {
        let header = message.header;
        if !header.is_reply() || header.id != id || header.command != command as u16 || !message.fds.is_empty() {
            let found = format!(
                "message {} with command {} in answer to {what} (message {id}, command {})",
                header.id, header.command, command as u16
            );
            return Err(FunctionError::Protocol { name: self.name.clone(), what: found });
        }
        match header.error() {
            None => Ok(message.body),
            Some(BUSY) if command == Command::Version => Err(FunctionError::cannot_open(&self.name, Obstacle::Busy)),
            Some(NO_DEVICE) => {
                Err(FunctionError::Gone { name: self.name.clone(), reason: format!("its process says so to {what}") })
            }
            Some(errno) => {
                Err(FunctionError::System { what, source: io::Error::from_raw_os_error(errno.clamp(0, 4095)) })
            }
        }
    }

    fn short(&self, what: &str) -> FunctionError {
        self.broke(format!("an answer to {what} that is too short"))
    }

    fn broke(&self, what: String) -> FunctionError {
        let error = FunctionError::Protocol { name: self.name.clone(), what };
        self.lock().over = Some(error.to_string());
        error
    }

    /// One access to a region; `data` is what is written, or takes what was read.
    fn access(&self, region: u32, offset: u64, data: Access<'_>) -> Result<(), FunctionError> {
        let (what, command, sent, count) = match &data {
            Access::Read(data) => ("REGION_READ", Command::RegionRead, &[][..], data.len()),
            Access::Write(data) => ("REGION_WRITE", Command::RegionWrite, *data, data.len()),
        };
        let body = Body::default().longs(&[offset]).words(&[region, count as u32]).data(sent).0;
        let answer = self.ask(what, command, &body, &[])?;
        let mut fields = Fields(&answer);
        let head = (fields.long(), fields.words());
        if head != (Some(offset), Some([region, count as u32])) {
            return Err(self.broke(format!("an answer about another access than the {what} that was asked for")));
        }
        match data {
            Access::Read(data) if fields.0.len() == data.len() => data.copy_from_slice(fields.0),
            Access::Write(_) if fields.0.is_empty() => {}
            _ => return Err(self.broke(format!("{} bytes of data in answer to {what}", fields.0.len()))),
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Access<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

impl PciFunction for VfioUserFunction {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        check_config(self.config, offset, data.len())?;
        self.access(vfio::CONFIG_REGION, offset.into(), Access::Read(data))
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        check_config(self.config, offset, data.len())?;
        self.access(vfio::CONFIG_REGION, offset.into(), Access::Write(data))
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        self.bars.get(usize::from(bar)).copied().unwrap_or(0)
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        self.access(bar.into(), offset, Access::Read(data))
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        self.access(bar.into(), offset, Access::Write(data))
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        RANGES.to_vec()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        let bytes = memory.len();
        let refuse = |reason| Err(FunctionError::Mapping { iova, bytes, reason });
        let last = iova.checked_add(bytes - 1);
        let inside = |range: &RangeInclusive<u64>| range.contains(&iova) && last.is_some_and(|l| range.contains(&l));
        if !iova.is_multiple_of(pcie_sys::PAGE_BYTES) || !RANGES.iter().any(inside) {
            return refuse("outside the ranges that may be mapped, or no multiple of 4096");
        }
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.and_then(|last| mappings.range(..=last).next_back());
        if before.is_some_and(|(start, other)| start + (other.len() - 1) >= iova) {
            return refuse("overlaps another mapping");
        }
        let body = Body::default().words(&[32, wire::MAP_READ | wire::MAP_WRITE]).longs(&[0, iova, bytes]).0;
        self.ask("DMA_MAP", Command::DmaMap, &body, &[memory.as_fd()])?;
        mappings.insert(iova, Arc::clone(memory));
        Ok(())
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        match mappings.get(&iova) {
            Some(memory) if memory.len() == bytes => {}
            _ => {
                let reason = "there is no mapping of this place and length";
                return Err(FunctionError::Mapping { iova, bytes, reason });
            }
        }
        let body = Body::default().words(&[24, 0]).longs(&[iova, bytes]).0;
        let asked = self.ask("DMA_UNMAP", Command::DmaUnmap, &body, &[]);
        if matches!(asked, Err(FunctionError::System { .. })) {
            // Refused: the memory stays alive, since the board may still reach it.
            return asked.map(drop);
        }
        // Otherwise done, or there is nobody any more who could reach it.
        mappings.remove(&iova);
        asked.map(drop)
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        let available = self.interrupts[vfio::MSIX_IRQ as usize].min(u16::MAX.into()) as u16;
        if vectors > available {
            return Err(FunctionError::Interrupts { asked: vectors, available });
        }
        let events =
            (0..vectors).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>().map_err(FunctionError::system)?;
        // Off first, so that vectors beyond the new ones are.
        self.set_interrupts(vfio::MSIX_IRQ, &[])?;
        if vectors != 0 {
            self.set_interrupts(vfio::MSIX_IRQ, &events)?;
        }
        Ok(events)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        self.ask("DEVICE_RESET", Command::Reset, &[], &[]).map(drop)
    }

    fn check(&self) -> Result<(), FunctionError> {
        if self.request.try_take().map_err(FunctionError::system)? != 0 {
            self.wanted_back.store(true, Ordering::Relaxed);
        }
        if self.wanted_back.load(Ordering::Relaxed) {
            return Err(FunctionError::Unplug { name: self.name.clone() });
        }
        Ok(())
    }
}
