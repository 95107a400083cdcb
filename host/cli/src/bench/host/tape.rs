//! [`Tape`]: what a board wrote, job by job, recorded in a file; and a board that answers at once, which plays it.
//!
//! Both are a PCI function around another one. While it records, everything goes through; when the host takes completions
//! off the ring, the windows that those jobs could write are copied to the file. While it plays, jobs do not reach the
//! function behind: their windows come from the file, in the order of the recording, and the completions are there when
//! the doorbell's write returns. Everything above is what a board in a slot has: rings, buffers, checks.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hotloop_driver::{Completion, Descriptor, DmaMemory, EventFd, FunctionError, PciFunction};
use hotloop_regs::{
    map::{self, CONTROL_RESET},
    Register, BEAT_WORDS,
};

/// Words that are copied at a time: 128 KiB.
const PART: usize = 1 << 14;
/// Words of a record's head: the descriptor without addresses and tag, and the cycles.
const HEAD: usize = BEAT_WORDS + 1;

enum Reel {
    Record(BufWriter<File>),
    Play(BufReader<File>),
}

struct State {
    reel: Reel,
    memory: BTreeMap<u64, Arc<DmaMemory>>,
    /// Jobs of the doorbell that are not in the file yet.
    running: VecDeque<Descriptor>,
    /// Free-running counts of descriptors seen and of completions taken or written.
    submitted: u16,
    completed: u16,
    /// What playing took: the copies, which a board does by DMA.
    played: Duration,
}

/// A function that records, or plays: see the module.
pub struct Tape {
    inner: Arc<dyn PciFunction>,
    state: Mutex<State>,
}

impl Tape {
    /// Records what `inner` does into a file.
    pub fn record(inner: Arc<dyn PciFunction>, path: &Path) -> io::Result<Tape> {
        Ok(Tape::new(inner, Reel::Record(BufWriter::new(File::create(path)?))))
    }

    /// Plays a file. `inner` says what the board is, and does nothing else.
    pub fn play(inner: Arc<dyn PciFunction>, path: &Path) -> io::Result<Tape> {
        Ok(Tape::new(inner, Reel::Play(BufReader::with_capacity(8 * PART, File::open(path)?))))
    }

    fn new(inner: Arc<dyn PciFunction>, reel: Reel) -> Tape {
        let state = State {
            reel,
            memory: BTreeMap::new(),
            running: VecDeque::new(),
            submitted: 0,
            completed: 0,
            played: Duration::ZERO,
        };
        Tape { inner, state: Mutex::new(state) }
    }

    /// From the first job on again; gives the time that playing took since this was last asked for.
    pub fn rewind(&self) -> io::Result<Duration> {
        let mut state = self.lock();
        match &mut state.reel {
            Reel::Record(file) => file.flush()?,
            Reel::Play(file) => file.rewind()?,
        }
        Ok(std::mem::take(&mut state.played))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A tape that broke in the middle shows as another job than the next.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, register: &Register) -> Result<u64, FunctionError> {
        let mut bytes = [0; 8];
        for (word, at) in bytes.as_chunks_mut::<4>().0.iter_mut().zip((u64::from(register.offset)..).step_by(4)) {
            if at < u64::from(register.offset + register.width / 8) {
                self.inner.region_read(0, at, word)?;
            }
        }
        Ok(u64::from_le_bytes(bytes))
    }

    /// The descriptors that a doorbell announces.
    fn announced(&self, state: &mut State, tail: u16) -> Result<Vec<Descriptor>, FunctionError> {
        let (base, log) = (self.register(&map::SQ_BASE)?, self.register(&map::RING_LOG)? & 0xff);
        let mut jobs = Vec::new();
        while state.submitted != tail {
            let mut words = [0; BEAT_WORDS];
            state.read(base + 64 * (u64::from(state.submitted) & ((1 << log) - 1)), &mut words)?;
            jobs.push(Descriptor::from_words(words));
            state.submitted = state.submitted.wrapping_add(1);
        }
        Ok(jobs)
    }

    /// Answers jobs from the file.
    fn answer(&self, state: &mut State, jobs: &[Descriptor]) -> Result<(), FunctionError> {
        let (base, log) = (self.register(&map::CQ_BASE)?, self.register(&map::RING_LOG)? >> 8 & 0xff);
        for job in jobs {
            let mut head = [0; HEAD];
            state.next(&mut head)?;
            if head[..BEAT_WORDS] != identity(job) {
                return Err(failed(io::Error::other("another job than the one that was recorded")));
            }
            state.copy(job)?;
            let (done, phase) = (u64::from(state.completed), !(state.completed >> log) & 1);
            let [word, cycles] = Completion { tag: job.tag, status: 0, phase, cycles: head[BEAT_WORDS] }.to_words();
            let at = base + 16 * (done & ((1 << log) - 1));
            state.write(at + 8, &[cycles])?;
            state.write(at, &[word])?;
            state.completed = state.completed.wrapping_add(1);
        }
        Ok(())
    }
}

/// What of a descriptor is the same whenever the job comes.
fn identity(job: &Descriptor) -> [u64; BEAT_WORDS] {
    Descriptor { tag: 0, src: 0, dst: 0, param: 0, ..*job }.to_words()
}

fn failed(source: io::Error) -> FunctionError {
    FunctionError::System { what: "the recording of a run", source }
}

impl State {
    fn reach(&self, iova: u64) -> Result<(&Arc<DmaMemory>, u64), FunctionError> {
        let found = self.memory.range(..=iova).next_back().map(|(start, memory)| (memory, iova - start));
        found.ok_or_else(|| failed(io::Error::other("a job outside of what is mapped")))
    }

    fn read(&self, iova: u64, words: &mut [u64]) -> Result<(), FunctionError> {
        let (memory, offset) = self.reach(iova)?;
        memory.read_words(offset, words).map_err(FunctionError::system)
    }

    fn write(&self, iova: u64, words: &[u64]) -> Result<(), FunctionError> {
        let (memory, offset) = self.reach(iova)?;
        memory.write_words(offset, words).map_err(FunctionError::system)
    }

    /// Words of the file.
    fn next(&mut self, words: &mut [u64]) -> Result<(), FunctionError> {
        let Reel::Play(file) = &mut self.reel else { return Ok(()) };
        let mut bytes = [0; 8];
        words.iter_mut().try_for_each(|word| {
            file.read_exact(&mut bytes).map_err(failed)?;
            *word = u64::from_le_bytes(bytes);
            Ok(())
        })
    }

    /// A job's window, between memory and the file.
    fn copy(&mut self, job: &Descriptor) -> Result<(), FunctionError> {
        let mut part = vec![0; PART];
        let words = job.dst_beats as usize * BEAT_WORDS;
        for first in (0..words).step_by(PART) {
            let part = &mut part[..PART.min(words - first)];
            let at = job.dst + 8 * first as u64;
            if let Reel::Play(_) = self.reel {
                self.next(part)?;
                self.write(at, part)?;
            } else {
                self.read(at, part)?;
                self.keep(part)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, words: &[u64]) -> Result<(), FunctionError> {
        let Reel::Record(file) = &mut self.reel else { return Ok(()) };
        words.iter().try_for_each(|word| file.write_all(&word.to_le_bytes())).map_err(failed)
    }

    /// Keeps what jobs wrote whose completions the host has taken.
    fn taken(&mut self, count: u16, completions: u64, log: u64) -> Result<(), FunctionError> {
        while self.completed != count {
            let Some(job) = self.running.pop_front() else { break };
            let mut words = [0; 2];
            self.read(completions + 16 * (u64::from(self.completed) & ((1 << log) - 1)), &mut words)?;
            self.keep(&identity(&job))?;
            self.keep(&[words[1]])?;
            self.copy(&job)?;
            self.completed = self.completed.wrapping_add(1);
        }
        Ok(())
    }
}

impl PciFunction for Tape {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        self.inner.config_read(offset, data)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        self.inner.config_write(offset, data)
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        self.inner.region_bytes(bar)
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        self.inner.region_read(bar, offset, data)
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        let mut state = self.lock();
        let value = data.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let is = |register: &Register| bar == 0 && offset == u64::from(register.offset);
        let playing = matches!(state.reel, Reel::Play(_));
        if is(&map::CONTROL) && value & CONTROL_RESET != 0 {
            (state.submitted, state.completed) = (0, 0);
            state.running.clear();
        } else if is(&map::SQ_TAIL) {
            let start = Instant::now();
            let jobs = self.announced(&mut state, value as u16)?;
            if playing {
                self.answer(&mut state, &jobs)?;
                state.played += start.elapsed();
                return Ok(());
            }
            state.running.extend(jobs);
        } else if is(&map::CQ_HEAD) {
            if playing {
                return Ok(());
            }
            let (base, log) = (self.register(&map::CQ_BASE)?, self.register(&map::RING_LOG)? >> 8 & 0xff);
            state.taken(value as u16, base, log)?;
        }
        self.inner.region_write(bar, offset, data)
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        self.inner.iova_ranges()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        self.inner.dma_map(iova, memory)?;
        self.lock().memory.insert(iova, Arc::clone(memory));
        Ok(())
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        self.lock().memory.remove(&iova);
        self.inner.dma_unmap(iova, bytes)
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        self.inner.irq_enable(vectors)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        self.inner.reset()
    }
}
