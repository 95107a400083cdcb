//! [`FunctionalBoard`]: a board without gates. It serves the rings as docs/jobs.md says and computes with plonky2, so
//! driver and host can be tested without Verilator, and it can be told to misbehave.

mod config;
mod function;
mod jobs;
mod registers;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hotloop_driver::{Completion, Descriptor, DmaMemory, EventFd, FunctionError};
use hotloop_regs::{
    map::{self, CONTROL_ENABLE, CONTROL_RESET, RING_LOG_MAX, STATUS_FAULT},
    Fault, Register, MSIX_VECTORS,
};

use config::ConfigSpace;
use registers::Registers;

/// What a board can be told to do wrong. Each happens once, to the next job or the job that [`FunctionalBoard::inject_at`]
/// names, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// Completes with a tag that nobody gave.
    WrongTag,
    /// Writes the completion twice.
    RepeatedCompletion,
    /// Swaps the completion with the next job's.
    OutOfOrder,
    /// Runs the job but never says so.
    MissingCompletion,
    /// Takes no more jobs, until reset.
    Silence,
    /// Announces a completion that has the phase bit of the last pass.
    WrongPhase,
    /// Writes this over the first word of the completion, except its phase bit.
    Garbage(u64),
    /// Completes without an interrupt.
    LostInterrupt,
    /// Begins this long after the doorbell, on a thread of its own.
    Late(Duration),
    /// Stops the rings with this code, known or not.
    Fault(u32),
    /// Is gone, for ever: registers read as all ones, reset fails.
    Gone,
    /// The next CONTROL.RESET never clears.
    StuckReset,
}

/// Bytes mapped, by I/O address.
type Mappings = BTreeMap<u64, Arc<DmaMemory>>;

struct State {
    config: ConfigSpace,
    registers: Registers,
    mappings: Mappings,
    events: [Option<EventFd>; MSIX_VECTORS as usize],
    vectors: u16,
    /// What to do wrong, and in how many jobs.
    mischief: Option<(u64, Mischief)>,
    silent: bool,
    gone: bool,
    /// A completion held back by [`Mischief::OutOfOrder`].
    held: Option<Completion>,
    doorbells: u64,
}

/// A PCI function with Hotloop's identifiers, registers and behaviour, and no clock.
#[derive(Clone)]
pub struct FunctionalBoard {
    state: Arc<Mutex<State>>,
}

impl Default for FunctionalBoard {
    fn default() -> FunctionalBoard {
        FunctionalBoard::new()
    }
}

impl FunctionalBoard {
    /// A board of preset `model`, with the set plonky2-v1, transforms up to 2^13 and up to 2^4 cosets.
    pub fn new() -> FunctionalBoard {
        let state = State {
            config: ConfigSpace::new(),
            registers: Registers::new(),
            mappings: Mappings::new(),
            events: Default::default(),
            vectors: MSIX_VECTORS,
            mischief: None,
            silent: false,
            gone: false,
            held: None,
            doorbells: 0,
        };
        FunctionalBoard { state: Arc::new(Mutex::new(state)) }
    }

    /// Gives a constant register another value, now and after resets.
    pub fn set_constant(&self, register: &Register, value: u64) {
        self.lock().registers.set_constant(register, value);
    }

    /// What register MONITOR reads from now on.
    pub fn set_monitor(&self, value: u64) {
        self.lock().registers.set(&map::MONITOR, value);
    }

    /// Sets a 16-bit identifier in configuration space.
    pub fn set_config(&self, offset: u16, value: u16) {
        self.lock().config.set(offset, value);
    }

    /// Offers so many interrupt vectors.
    pub fn set_vectors(&self, vectors: u16) {
        self.lock().vectors = vectors;
    }

    /// Misbehaves at the next occasion.
    pub fn inject(&self, mischief: Mischief) {
        self.inject_at(0, mischief);
    }

    /// Misbehaves after `jobs` further jobs.
    pub fn inject_at(&self, jobs: u64, mischief: Mischief) {
        let mut state = self.lock();
        state.gone |= mischief == Mischief::Gone && jobs == 0;
        state.mischief = Some((jobs, mischief));
    }

    /// Writes of SQ_TAIL so far.
    pub fn doorbells(&self) -> u64 {
        self.lock().doorbells
    }

    /// Mappings there are: address and length.
    pub fn mappings(&self) -> Vec<(u64, u64)> {
        self.lock().mappings.iter().map(|(iova, memory)| (*iova, memory.len())).collect()
    }

    /// The memory mapped at `iova`, to be looked at after it was unmapped.
    pub fn memory_at(&self, iova: u64) -> Option<Arc<DmaMemory>> {
        self.lock().mappings.get(&iova).cloned()
    }

    /// True while the host lets the board start DMA.
    pub fn bus_master(&self) -> bool {
        self.lock().config.bus_master()
    }

    /// Gives a vector another event, or none.
    pub(crate) fn set_event(&self, vector: u16, event: Option<EventFd>) {
        self.lock().events[usize::from(vector)] = event;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_here(&self, name: String) -> Result<(), FunctionError> {
        if self.gone {
            return Err(FunctionError::Gone { name, reason: "it was told to go".into() });
        }
        Ok(())
    }

    /// What comes with this job, if its turn has come.
    fn mischief_now(&mut self) -> Option<Mischief> {
        let (left, what) = self.mischief?;
        if left == 0 {
            self.mischief = None;
            return Some(what);
        }
        self.mischief = Some((left - 1, what));
        None
    }

    fn stop(&mut self, code: u32) {
        self.registers.set(&map::FAULT_CODE, code.into());
        self.registers.set(&map::STATUS, STATUS_FAULT.into());
        self.interrupt(1);
    }

    fn interrupt(&self, vector: usize) {
        let enabled = self.registers.get(&map::IRQ_ENABLE) >> vector & 1 == 1;
        if let (true, true, Some(event)) = (enabled, self.config.bus_master(), &self.events[vector]) {
            // A model has nobody to tell; a lost interrupt is something the driver must live with.
            let _ = event.signal();
        }
    }

    /// Takes jobs until there are none, the completion ring is full, or something stops it.
    fn serve(&mut self) {
        loop {
            let get = |register| self.registers.get(register);
            let enabled =
                get(&map::CONTROL) as u32 & CONTROL_ENABLE != 0 && get(&map::STATUS) as u32 & STATUS_FAULT == 0;
            if !enabled || self.silent || self.gone || !self.config.bus_master() {
                return;
            }
            let (sq, cq, logs) = (get(&map::SQ_BASE), get(&map::CQ_BASE), get(&map::RING_LOG) as u32);
            let (sq_log, cq_log) = (logs & 0xff, logs >> 8 & 0xff);
            let log = 1..=RING_LOG_MAX;
            if !sq.is_multiple_of(4096) || !cq.is_multiple_of(4096) || !log.contains(&sq_log) || !log.contains(&cq_log)
            {
                return self.stop(Fault::BadRing.code());
            }
            let (head, tail) = (get(&map::SQ_HEAD) as u16, get(&map::SQ_TAIL) as u16);
            let unread = (get(&map::CQ_TAIL) as u16).wrapping_sub(get(&map::CQ_HEAD) as u16);
            if tail.wrapping_sub(head) > 1 << sq_log || unread > 1 << cq_log {
                return self.stop(Fault::RingOverflow.code());
            }
            if head == tail || unread == 1 << cq_log {
                return;
            }
            let at = sq + 64 * u64::from(head & ((1 << sq_log) - 1));
            let Some(words) = jobs::load(&self.mappings, at) else { return self.stop(Fault::RingRead.code()) };
            self.registers.set(&map::SQ_HEAD, head.wrapping_add(1).into());
            self.job(&Descriptor::from_words(words));
        }
    }

    fn job(&mut self, descriptor: &Descriptor) {
        let done = jobs::run(descriptor, &self.mappings, &self.registers);
        for (register, more) in [
            (&map::CYCLES, done.cycles),
            (&map::BUSY_CYCLES, done.cycles),
            (&map::BYTES_READ, done.bytes_read + 64),
            (&map::BYTES_WRITTEN, done.bytes_written + 16),
            (&map::PERMUTATIONS, done.permutations),
            (&map::POSEIDON_CYCLES, if done.permutations > 0 { done.cycles } else { 0 }),
            (&map::NTT_BEATS, done.ntt_beats),
            (&map::NTT_CYCLES, if done.ntt_beats > 0 { done.cycles } else { 0 }),
            (&map::JOBS, 1),
        ] {
            self.registers.set(register, self.registers.get(register).wrapping_add(more));
        }
        let status = done.error.map_or(0, |error| error.code() as u16);
        let completion = Completion { tag: descriptor.tag, status, phase: 0, cycles: done.cycles };
        let mischief = self.mischief_now();
        match mischief {
            Some(Mischief::MissingCompletion) => return,
            Some(Mischief::Silence) => {
                self.silent = true;
                return;
            }
            Some(Mischief::Gone) => {
                self.gone = true;
                return;
            }
            Some(Mischief::Fault(code)) => return self.stop(code),
            Some(Mischief::OutOfOrder) => {
                self.held = Some(completion);
                return;
            }
            Some(Mischief::WrongTag) => self.complete(Completion { tag: !completion.tag, ..completion }, mischief),
            Some(Mischief::RepeatedCompletion) => {
                self.complete(completion, None);
                self.complete(completion, None);
            }
            _ => self.complete(completion, mischief),
        }
        if let Some(held) = self.held.take() {
            self.complete(held, None);
        }
        if mischief != Some(Mischief::LostInterrupt) {
            self.interrupt(0);
        }
    }

    /// Writes a completion: the word with the phase bit last, as it is what the host waits for.
    fn complete(&mut self, completion: Completion, mischief: Option<Mischief>) {
        let log = self.registers.get(&map::RING_LOG) as u32 >> 8;
        let tail = self.registers.get(&map::CQ_TAIL) as u16;
        let mut phase = !(tail >> log) & 1;
        if mischief == Some(Mischief::WrongPhase) {
            phase ^= 1;
        }
        let [mut word, cycles] = Completion { phase, ..completion }.to_words();
        if let Some(Mischief::Garbage(garbage)) = mischief {
            word = garbage & !(1 << 48) | u64::from(phase) << 48;
        }
        let at = self.registers.get(&map::CQ_BASE) + 16 * u64::from(tail & ((1 << log) - 1));
        let written = jobs::reach(&self.mappings, at, 16).is_some_and(|(memory, offset)| {
            memory.write_words(offset + 8, &[cycles]).is_ok() && memory.store_u64_release(offset, word).is_ok()
        });
        if !written {
            return self.stop(Fault::RingWrite.code());
        }
        self.registers.set(&map::CQ_TAIL, tail.wrapping_add(1).into());
    }

    fn write_register(&mut self, offset: u64, word: u32) -> Option<Mischief> {
        self.registers.write(offset as u32, word);
        if offset == map::CONTROL.offset.into() && word & CONTROL_RESET != 0 {
            if let Some((0, Mischief::StuckReset)) = self.mischief {
                self.mischief = None;
                return None;
            }
            self.registers.clear();
            self.silent = false;
            self.held = None;
        }
        if offset == map::SQ_TAIL.offset.into() {
            self.doorbells += 1;
            if let Some((0, late @ Mischief::Late(_))) = self.mischief {
                self.mischief = None;
                return Some(late);
            }
        }
        self.serve();
        None
    }
}
