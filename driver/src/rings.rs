//! [`Rings`]: submission and completion ring in the pool's memory.

use std::{
    sync::atomic::{fence, Ordering},
    thread,
    time::{Duration, Instant},
};

use hotloop_regs::{
    map::{self, RING_LOG_MAX, STATUS_FAULT},
    Completion as CompletionTable, Descriptor as DescriptorTable, Error as JobCode,
};
use pcie_sys::{EventFd, PAGE_BYTES};

use crate::{
    bar::Bar,
    buffer::DmaBuf,
    descriptor::{Completion, Descriptor},
    error::{CompletionError, DriverError},
    pool::DmaPool,
};

/// Looks at the completion ring before the wait gives its processor away: some tens of microseconds.
const SPINS: u32 = 2000;
/// First and longest pause before a look at the registers; an interrupt ends a pause at once.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// How a job ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) error: Option<JobCode>,
    pub(crate) cycles: u64,
}

/// The rings of one board. Counts run freely; their low 16 bits are what the registers hold.
pub(crate) struct Rings {
    memory: DmaBuf,
    /// Base-2 logarithms of the entries.
    submission_log: u32,
    completion_log: u32,
    /// Descriptors written, completions read, and completions that the board knows to be read.
    submitted: u64,
    completed: u64,
    acknowledged: u64,
    /// Tag of the oldest job in flight. Goes on over resets, so that a late completion is recognised.
    tag: u32,
}

impl Rings {
    /// Memory for rings of 2^`submission_log` and 2^`completion_log` entries.
    pub(crate) fn new(pool: &DmaPool, submission_log: u32, completion_log: u32) -> Result<Rings, DriverError> {
        for (name, log) in [("submission_log", submission_log), ("completion_log", completion_log)] {
            if !(1..=RING_LOG_MAX).contains(&log) {
                return Err(DriverError::Options { name, value: log.into(), rule: "1 to 12" });
            }
        }
        let bytes = completion_offset(submission_log) + ((CompletionTable::BYTES as u64) << completion_log);
        let memory = pool.alloc_pages(bytes)?;
        Ok(Rings { memory, submission_log, completion_log, submitted: 0, completed: 0, acknowledged: 0, tag: 1 })
    }

    /// Tells a board that was just reset where the rings are.
    pub(crate) fn program(&mut self, bar: &Bar) -> Result<(), DriverError> {
        // An old entry with the first pass's phase bit would pass for a completion.
        self.memory.fill_zero(0, self.memory.len())?;
        self.tag = self.tag.wrapping_add(self.in_flight() as u32);
        (self.submitted, self.completed, self.acknowledged) = (0, 0, 0);
        bar.write(&map::SQ_BASE, self.memory.iova())?;
        bar.write(&map::CQ_BASE, self.memory.iova() + completion_offset(self.submission_log))?;
        bar.write(&map::RING_LOG, u64::from(self.submission_log | self.completion_log << 8))
    }

    /// Submits all of `jobs`, in portions where the ring is shorter, and waits until all have completed.
    ///
    /// After an error of any kind the rings are undefined until they are programmed again.
    pub(crate) fn run(
        &mut self,
        bar: &Bar,
        events: &[EventFd],
        jobs: &[Descriptor],
        timeout: Duration,
    ) -> Result<Vec<Outcome>, DriverError> {
        bar.check()?;
        // With nothing in flight, whatever completes is wrong.
        self.take()?;
        let start = Instant::now();
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut rest = jobs;
        while outcomes.len() < jobs.len() {
            let free = (1usize << self.submission_log) - self.in_flight();
            // At least half a ring at a time: few doorbells, and the board never starves.
            if !rest.is_empty() && free >= rest.len().min(1 << (self.submission_log - 1)) {
                let (now, later) = rest.split_at(rest.len().min(free));
                self.submit(bar, now)?;
                rest = later;
            }
            if !self.wait(bar, events, start, timeout)? {
                return Err(DriverError::Timeout { done: outcomes.len(), jobs: jobs.len(), waited: timeout });
            }
            while let Some(outcome) = self.take()? {
                outcomes.push(outcome);
                // Half the ring, so that the board never waits for long; see also below.
                if self.completed - self.acknowledged >= 1 << (self.completion_log - 1) {
                    self.acknowledge(bar)?;
                }
            }
        }
        self.acknowledge(bar)?;
        Ok(outcomes)
    }

    fn in_flight(&self) -> usize {
        (self.submitted - self.completed) as usize
    }

    /// Writes descriptors, of which there is room, and rings the doorbell once.
    fn submit(&mut self, bar: &Bar, jobs: &[Descriptor]) -> Result<(), DriverError> {
        for job in jobs {
            let entry = self.submitted & ((1 << self.submission_log) - 1);
            let tag = self.tag.wrapping_add(self.in_flight() as u32);
            let words = Descriptor { tag, ..*job }.to_words();
            self.memory.write_words(entry * DescriptorTable::BYTES as u64, &words)?;
            self.submitted += 1;
        }
        // The descriptors are in memory before the doorbell is.
        fence(Ordering::SeqCst);
        bar.write(&map::SQ_TAIL, self.submitted & 0xffff)
    }

    fn acknowledge(&mut self, bar: &Bar) -> Result<(), DriverError> {
        self.acknowledged = self.completed;
        bar.write(&map::CQ_HEAD, self.completed & 0xffff)
    }

    /// Entry of the completion ring that comes next, its place, and the phase bit it will have.
    fn next(&self) -> (u32, u64, u64) {
        let entry = self.completed & ((1 << self.completion_log) - 1);
        let offset = completion_offset(self.submission_log) + entry * CompletionTable::BYTES as u64;
        let phase = !(self.completed >> self.completion_log) & 1;
        (entry as u32, offset, phase)
    }

    /// True when the next completion is there.
    fn ready(&self) -> Result<bool, DriverError> {
        let (_, offset, phase) = self.next();
        Ok(self.memory.load_acquire(offset)? >> CompletionTable::phase.bit & 1 == phase)
    }

    /// Takes the next completion, if it is there.
    fn take(&mut self) -> Result<Option<Outcome>, DriverError> {
        let (entry, offset, phase) = self.next();
        let word = self.memory.load_acquire(offset)?;
        let mut cycles = [0];
        self.memory.read_words(offset + 8, &mut cycles)?;
        let completion = Completion::from_words([word, cycles[0]]);
        if u64::from(completion.phase & 1) != phase {
            return Ok(None);
        }
        self.check_tag(entry, completion.tag)?;
        let error = match JobCode::from_code(completion.status.into()) {
            None if completion.status != 0 => return Err(CompletionError::BadStatus { entry, word }.into()),
            error => error,
        };
        if completion.phase > 1 {
            return Err(CompletionError::BadStatus { entry, word }.into());
        }
        self.completed += 1;
        self.tag = self.tag.wrapping_add(1);
        Ok(Some(Outcome { error, cycles: completion.cycles }))
    }

    /// The board takes and answers jobs in order, so only one tag can come next.
    fn check_tag(&self, entry: u32, tag: u32) -> Result<(), DriverError> {
        let (ahead, behind) = (u64::from(tag.wrapping_sub(self.tag)), u64::from(self.tag.wrapping_sub(tag)));
        let in_flight = self.in_flight() as u64;
        let expected = self.tag;
        Err(match ahead {
            0 if in_flight > 0 => return Ok(()),
            _ if ahead < in_flight => CompletionError::OutOfOrder { entry, tag, expected },
            _ if (1..=self.completed).contains(&behind) => CompletionError::Repeated { entry, tag },
            _ => CompletionError::UnknownTag { entry, tag, expected },
        }
        .into())
    }

    /// Waits for the next completion: true when it is there, false when `timeout` since `start` has passed.
    fn wait(&self, bar: &Bar, events: &[EventFd], start: Instant, timeout: Duration) -> Result<bool, DriverError> {
        for _ in 0..SPINS {
            if self.ready()? {
                return Ok(true);
            }
            std::hint::spin_loop();
        }
        let mut pause = PAUSES.0;
        let mut announced = false;
        loop {
            // The interrupt comes before a look at the registers, which costs more than a job may take.
            let left = timeout.saturating_sub(start.elapsed());
            match events.first() {
                // It is a hint: it may be early, late, or lost.
                Some(event) if event.wait(pause.min(left))? => drop(event.try_take()?),
                Some(_) => {}
                None => thread::sleep(pause.min(left)),
            }
            if self.ready()? {
                return Ok(true);
            }
            bar.check()?;
            if bar.read32(&map::STATUS)? & STATUS_FAULT != 0 {
                return Err(DriverError::Fault { code: bar.read32(&map::FAULT_CODE)? });
            }
            let behind = bar.read32(&map::CQ_TAIL)? as u16 != self.completed as u16;
            if self.ready()? {
                return Ok(true);
            }
            // Seen twice: once it may be a write that is still on its way to memory.
            if behind && announced {
                return Err(CompletionError::BadPhase { entry: self.next().0 }.into());
            }
            announced = behind;
            if timeout.saturating_sub(start.elapsed()).is_zero() {
                return Ok(false);
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Where the completion ring starts: at the first page behind the submission ring.
fn completion_offset(submission_log: u32) -> u64 {
    ((DescriptorTable::BYTES as u64) << submission_log).next_multiple_of(PAGE_BYTES)
}
