//! [`SerialFunction`]: a board at the end of a serial line, as a PCI function.
//!
//! The bridge on the board speaks the frames of docs/serial.md. A thread serves its memory requests from what is
//! mapped, and nothing else; configuration space is kept here.

mod config;
mod frame;
mod shared;

use std::{
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use hotloop_regs::{
    link::{to_board, to_host, VERSION},
    BAR0_BYTES, MSIX_VECTORS,
};
use pcie_sys::{DmaMemory, EventFd, Tty, PAGE_BYTES};

use crate::{
    function::{check_config, check_region, FunctionError, PciFunction},
    obstacle::Obstacle,
};
use config::ConfigSpace;
use shared::{NoAnswer, Shared};

/// Speed of a line that is named without one, in bits a second: that of the boards in bitstreams/boards.
pub const BAUD: u32 = 3_000_000;
/// How long a question waits for its answer before it is asked again: the longest burst takes a fifth of a second at
/// 115,200 bits a second.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How often a question is asked.
const ATTEMPTS: u32 = 3;
/// I/O addresses: all that the board's 64 bits reach but the first page and the last.
const RANGES: [RangeInclusive<u64>; 1] = [PAGE_BYTES..=u64::MAX - PAGE_BYTES];

/// A board at the end of a serial line. One process at a time can have it open; dropping it ends its thread.
pub struct SerialFunction {
    name: String,
    shared: Arc<Shared>,
    /// The number of the last question; held while one is open.
    number: Mutex<u8>,
    thread: Option<JoinHandle<()>>,
}

impl SerialFunction {
    /// Opens the board at `line`: the terminal's path, with `@` and a speed behind it if that is not [`BAUD`]. The
    /// board is reset.
    pub fn open(line: &str) -> Result<SerialFunction, FunctionError> {
        SerialFunction::open_with(line, ANSWER_TIME)
    }

    /// As [`SerialFunction::open`]; a question is asked again after `answer_time`, three times in all.
    pub fn open_with(line: &str, answer_time: Duration) -> Result<SerialFunction, FunctionError> {
        let name = format!("serial:{line}");
        let cannot = |obstacle| FunctionError::cannot_open(&name, obstacle);
        let (path, baud) = match line.rsplit_once('@') {
            None => (line, Some(BAUD)),
            Some((path, baud)) => (path, baud.parse().ok()),
        };
        let speed = || {
            let known: Vec<String> = Tty::speeds().map(|speed| speed.to_string()).collect();
            cannot(Obstacle::Speed { known: known.join(", ") })
        };
        let baud = baud.filter(|baud| Tty::speeds().any(|speed| speed == *baud)).ok_or_else(speed)?;
        let path = Path::new(path);
        let tty = Tty::open(path, baud).map_err(|error| {
            use std::io::ErrorKind::{NotFound, PermissionDenied, ResourceBusy};
            let path = path.to_owned();
            match error.kind() {
                Some(NotFound) => cannot(Obstacle::NoLine { path }),
                Some(PermissionDenied) => cannot(Obstacle::NoLinePermission { path }),
                Some(ResourceBusy) => cannot(Obstacle::Busy),
                _ if !is_terminal(&error) => cannot(Obstacle::NoTerminal { path }),
                _ => FunctionError::system(error),
            }
        })?;
        let shared = Arc::new(Shared::new(tty, answer_time));
        let server = Arc::clone(&shared);
        let thread = Builder::new().name("hotloop-serial".into()).spawn(move || server.serve());
        let thread = thread.map_err(|source| FunctionError::System { what: "the line's thread", source })?;
        let function = SerialFunction { name, shared, number: Mutex::new(0), thread: Some(thread) };
        function.reset()?;
        Ok(function)
    }

    /// Frames that did not arrive whole since the line was opened: noise, or another speed than the board's.
    pub fn garbled(&self) -> u64 {
        self.shared.state().garbled
    }

    /// Asks until an answer comes.
    fn ask(&self, what: &'static str, kind: u8, body: &[u8], wanted: u8) -> Result<Vec<u8>, FunctionError> {
        let mut last = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        // Zero is what a board greets with that was just switched on.
        *last = last.wrapping_add(1).max(1);
        for _ in 0..ATTEMPTS {
            match self.shared.ask(kind, *last, body, wanted) {
                Ok(answer) => return Ok(answer),
                Err(NoAnswer::Silent) => {}
                Err(NoAnswer::Gone(reason)) => return Err(FunctionError::Gone { name: self.name.clone(), reason }),
                Err(NoAnswer::System(error)) => return Err(FunctionError::system(error)),
            }
        }
        let garbled = self.garbled();
        Err(FunctionError::Silent { name: self.name.clone(), what, attempts: ATTEMPTS, garbled })
    }

    /// One access to a word of the registers; strobes of 0 read.
    fn register(&self, offset: u64, strobes: u8, value: u32) -> Result<u32, FunctionError> {
        let mut body = (offset as u16 & 0xfffc).to_le_bytes().to_vec();
        body.push(strobes);
        body.extend(value.to_le_bytes());
        let answer = self.ask("a register access", to_board::REGISTER, &body, to_host::REGISTER)?;
        match answer[..] {
            [0, a, b, c, d] => Ok(u32::from_le_bytes([a, b, c, d])),
            // As on PCI: what nobody answers for reads as ones.
            _ => Ok(u32::MAX),
        }
    }
}

/// The descriptor was that of a terminal, if an error says nothing else.
fn is_terminal(error: &pcie_sys::SysError) -> bool {
    // ENOTTY and EINVAL, which have no kind of their own in the library.
    const NO_TERMINAL: i32 = 25;
    error.errno() != Some(NO_TERMINAL)
}

impl PciFunction for SerialFunction {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        check_config(ConfigSpace::BYTES, offset, data.len())?;
        self.shared.state().config.read(offset, data);
        Ok(())
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        check_config(ConfigSpace::BYTES, offset, data.len())?;
        self.shared.state().config.write(offset, data);
        Ok(())
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        if bar == 0 {
            BAR0_BYTES
        } else {
            0
        }
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        let enabled = self.shared.state().config.memory();
        for (at, part) in (offset..).step_by(4).zip(data.chunks_mut(4)) {
            let word = if enabled { self.register(at, 0, 0)? } else { u32::MAX };
            let from = (at % 4) as usize;
            part.copy_from_slice(&word.to_le_bytes()[from..from + part.len()]);
        }
        Ok(())
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        if !self.shared.state().config.memory() {
            return Ok(());
        }
        for (at, part) in (offset..).step_by(4).zip(data.chunks(4)) {
            let (from, mut word) = ((at % 4) as usize, [0; 4]);
            word[from..from + part.len()].copy_from_slice(part);
            let strobes = ((1u8 << part.len()) - 1) << from;
            self.register(at, strobes, u32::from_le_bytes(word))?;
        }
        Ok(())
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        RANGES.to_vec()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        let bytes = memory.len();
        let refuse = |reason| Err(FunctionError::Mapping { iova, bytes, reason });
        let last =
            iova.checked_add(bytes - 1).filter(|last| RANGES.iter().any(|r| r.contains(&iova) && r.contains(last)));
        let Some(last) = last.filter(|_| iova.is_multiple_of(PAGE_BYTES)) else {
            return refuse("outside the ranges that may be mapped, or no multiple of 4096");
        };
        let mappings = &mut self.shared.state().mappings;
        if mappings.range(..=last).next_back().is_some_and(|(start, other)| start + (other.len() - 1) >= iova) {
            return refuse("overlaps another mapping");
        }
        mappings.insert(iova, Arc::clone(memory));
        Ok(())
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        // The thread reaches memory with the state locked only, so from here on the board does not.
        let mappings = &mut self.shared.state().mappings;
        if mappings.get(&iova).is_none_or(|memory| memory.len() != bytes) {
            let reason = "there is no mapping of this place and length";
            return Err(FunctionError::Mapping { iova, bytes, reason });
        }
        mappings.remove(&iova);
        Ok(())
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        if vectors > MSIX_VECTORS {
            return Err(FunctionError::Interrupts { asked: vectors, available: MSIX_VECTORS });
        }
        let events = (0..vectors).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>();
        let events = events.map_err(FunctionError::system)?;
        let ours = events.iter().map(EventFd::try_clone).collect::<Result<Vec<_>, _>>();
        self.shared.state().events = ours.map_err(FunctionError::system)?;
        Ok(events)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        let version = self.ask("the greeting", to_board::RESET, &[], to_host::HELLO)?;
        if version != [VERSION] {
            let found = version.first().copied().unwrap_or(0);
            return Err(FunctionError::cannot_open(&self.name, Obstacle::LinkVersion { found, known: VERSION }));
        }
        let mut state = self.shared.state();
        state.config = ConfigSpace::new();
        state.events.clear();
        Ok(())
    }

    fn check(&self) -> Result<(), FunctionError> {
        match &self.shared.state().gone {
            Some(reason) => Err(FunctionError::Gone { name: self.name.clone(), reason: reason.clone() }),
            None => Ok(()),
        }
    }
}

impl Drop for SerialFunction {
    fn drop(&mut self) {
        self.shared.end();
        // It ends within a moment; a panic of it was reported already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
