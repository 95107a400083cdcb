//! What the callers and the line's thread share, and what the thread does.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
    },
    time::{Duration, Instant},
};

use hotloop_regs::link::{to_board, to_host};
use pcie_sys::{DmaMemory, EventFd, SysError, Tty};

use super::{
    config::ConfigSpace,
    frame::{encode, Decoder, Frame},
};

/// How long the thread waits for a byte before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// The line and what is behind it.
pub(super) struct Shared {
    tty: Tty,
    /// Held while a frame is written.
    line: Mutex<()>,
    state: Mutex<State>,
    changed: Condvar,
    over: AtomicBool,
    answer_time: Duration,
}

/// What changes.
pub(super) struct State {
    pub config: ConfigSpace,
    pub mappings: BTreeMap<u64, Arc<DmaMemory>>,
    pub events: Vec<EventFd>,
    /// What is asked: the kind and number of the answer; and the answer.
    waits: Option<(u8, u8)>,
    answer: Option<Vec<u8>>,
    /// The number of the last reset, once there was one.
    greeted: Option<u8>,
    /// The write that was done last: one that comes twice is done once, for its memory may be another's by then.
    written: Option<(u8, bool)>,
    /// Why there is no board any more.
    pub gone: Option<String>,
    /// Frames that did not come whole.
    pub garbled: u64,
}

/// Why a question has no answer.
pub(super) enum NoAnswer {
    Gone(String),
    Silent,
    System(SysError),
}

impl Shared {
    pub fn new(tty: Tty, answer_time: Duration) -> Shared {
        let state = State {
            config: ConfigSpace::new(),
            mappings: BTreeMap::new(),
            events: Vec::new(),
            waits: None,
            answer: None,
            greeted: None,
            written: None,
            gone: None,
            garbled: 0,
        };
        Shared {
            tty,
            line: Mutex::default(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
            answer_time,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn send(&self, kind: u8, number: u8, body: &[u8]) -> Result<(), SysError> {
        let _line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.tty.write(&encode(kind, number, body), Instant::now() + self.answer_time)
    }

    /// Sends a question and waits for its answer, which is one of kind `wanted` with the same number.
    pub fn ask(&self, kind: u8, number: u8, body: &[u8], wanted: u8) -> Result<Vec<u8>, NoAnswer> {
        {
            let mut state = self.state();
            if let Some(reason) = &state.gone {
                return Err(NoAnswer::Gone(reason.clone()));
            }
            (state.waits, state.answer) = (Some((wanted, number)), None);
            if kind == to_board::RESET {
                state.greeted = Some(number);
            }
        }
        match self.send(kind, number, body) {
            Ok(()) => {}
            Err(SysError::Timeout { .. }) => return Err(NoAnswer::Silent),
            Err(SysError::Closed { .. }) => return Err(NoAnswer::Gone(UNPLUGGED.into())),
            Err(error) => return Err(NoAnswer::System(error)),
        }
        let waiting = |state: &mut State| state.answer.is_none() && state.gone.is_none();
        let waited = self.changed.wait_timeout_while(self.state(), self.answer_time, waiting);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waits = None;
        match (state.answer.take(), &state.gone) {
            (Some(answer), _) => Ok(answer),
            (None, Some(reason)) => Err(NoAnswer::Gone(reason.clone())),
            (None, None) => Err(NoAnswer::Silent),
        }
    }

    /// The line's thread.
    pub fn serve(&self) {
        let mut decoder = Decoder::default();
        let mut bytes = [0; 4096];
        while !self.over.load(Ordering::Relaxed) {
            let result = self.tty.read(&mut bytes, LOOK).and_then(|count| {
                for byte in &bytes[..count] {
                    if let Some(frame) = decoder.push(*byte) {
                        self.take(&frame)?;
                    }
                }
                Ok(())
            });
            let mut state = self.state();
            state.garbled = decoder.garbled;
            if let Err(error) = result {
                state.gone = Some(match error {
                    SysError::Closed { .. } => UNPLUGGED.into(),
                    error => error.to_string(),
                });
                self.changed.notify_all();
                return;
            }
        }
    }

    fn take(&self, frame: &Frame) -> Result<(), SysError> {
        let Frame { kind, number, body } = frame;
        match *kind {
            to_host::READ => {
                let (status, words) = match self.state().read(body) {
                    Some(words) => (0, words),
                    None => (1, Vec::new()),
                };
                let body: Vec<u8> = [vec![status], words].concat();
                self.answer(to_board::DATA, *number, &body)
            }
            to_host::WRITE => {
                let done = self.state().write(*number, body);
                self.answer(to_board::WRITTEN, *number, &[u8::from(!done)])
            }
            to_host::INTERRUPT => {
                let state = self.state();
                let vectors = body.first().copied().unwrap_or(0);
                for (_, event) in state.events.iter().enumerate().filter(|(i, _)| vectors >> i & 1 == 1) {
                    event.signal()?;
                }
                Ok(())
            }
            _ => {
                let mut state = self.state();
                if *kind == to_host::HELLO {
                    state.written = None;
                    // Answers to a reset that was asked for twice, and what came before the first, mean nothing.
                    if state.waits != Some((*kind, *number))
                        && state.greeted.is_some_and(|last| last != *number)
                        && !state.resets()
                    {
                        state.gone = Some("it was switched on or configured anew meanwhile; open it again".into());
                    }
                }
                if state.waits == Some((*kind, *number)) {
                    state.answer = Some(body.clone());
                }
                self.changed.notify_all();
                Ok(())
            }
        }
    }

    /// An answer that finds no way is asked for again.
    fn answer(&self, kind: u8, number: u8, body: &[u8]) -> Result<(), SysError> {
        match self.send(kind, number, body) {
            Err(SysError::Timeout { .. }) => Ok(()),
            done => done,
        }
    }
}

const UNPLUGGED: &str = "its line closed; plug it in, and open it again";

impl State {
    /// A reset is under way.
    fn resets(&self) -> bool {
        self.waits.is_some_and(|(kind, _)| kind == to_host::HELLO)
    }

    /// The mapping that holds `bytes` bytes from `address`, and the offset in it, if the board may reach memory at all.
    fn target(&self, address: u64, bytes: u64) -> Option<(&DmaMemory, u64)> {
        let (start, memory) = self.mappings.range(..=address).next_back()?;
        let offset = address - start;
        let inside = offset.checked_add(bytes)? <= memory.len();
        (inside && self.config.bus_master()).then_some((memory, offset))
    }

    /// The words that a READ asks for, in bytes; `None` where nothing is mapped.
    fn read(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (address, length) = head(body)?;
        let mut bytes = vec![0; 8 * (usize::from(length) + 1)];
        let (memory, offset) = self.target(address, bytes.len() as u64)?;
        memory.read(offset, &mut bytes).ok()?;
        Some(bytes)
    }

    /// Does what a WRITE says; false where nothing is mapped.
    fn write(&mut self, number: u8, body: &[u8]) -> bool {
        if let Some((_, done)) = self.written.filter(|(last, _)| *last == number) {
            return done;
        }
        let done = self.store(body).is_some();
        self.written = Some((number, done));
        done
    }

    fn store(&self, body: &[u8]) -> Option<()> {
        let (address, length) = head(body)?;
        let words = body.get(9..)?;
        if words.len() != 9 * (usize::from(length) + 1) {
            return None;
        }
        let (memory, offset) = self.target(address, 8 * (u64::from(length) + 1))?;
        // The word with a completion's phase bit is the first of its burst: it is written last.
        for (i, entry) in words.chunks_exact(9).enumerate().rev() {
            let (strobes, word) = entry.split_first()?;
            let at = offset + 8 * i as u64;
            if *strobes == 0xff {
                memory.store_u64_release(at, u64::from_le_bytes(word.try_into().ok()?)).ok()?;
                continue;
            }
            for (byte, value) in word.iter().enumerate().filter(|(byte, _)| strobes >> byte & 1 == 1) {
                memory.write(at + byte as u64, &[*value]).ok()?;
            }
        }
        Some(())
    }
}

/// Address and length of a request: of words, one less.
fn head(body: &[u8]) -> Option<(u64, u8)> {
    let (address, rest) = body.split_first_chunk()?;
    Some((u64::from_le_bytes(*address), *rest.first()?))
}
