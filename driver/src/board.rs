//! [`Board`]: an open board, from its identity to its jobs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use hotloop_regs::{
    map::{self, CONTROL_ENABLE, CONTROL_RESET, STATUS_BUSY},
    MSIX_VECTORS,
};
use pcie_sys::EventFd;

use crate::{
    bar::Bar,
    buffer::DmaBuf,
    config::{self, LinkState},
    descriptor::Descriptor,
    error::{DriverError, JobError},
    function::{FunctionError, PciFunction},
    identity::{Counters, Identity},
    monitor::MonitorState,
    pool::{DmaPool, PoolOptions},
    rings::Rings,
    timeouts::Timeouts,
    validate,
};

/// How a board is opened.
#[derive(Clone, Debug)]
pub struct BoardOptions {
    /// How its memory grows.
    pub pool: PoolOptions,
    /// Base-2 logarithm of the submission ring's entries, 1 to 12.
    pub submission_log: u32,
    /// Base-2 logarithm of the completion ring's entries, 1 to 12.
    pub completion_log: u32,
    /// Default deadlines of jobs.
    pub timeouts: Timeouts,
    /// How long a board may take to come to rest or out of reset.
    pub settle: Duration,
}

impl Default for BoardOptions {
    /// Rings of 256 entries; five seconds to settle.
    fn default() -> BoardOptions {
        BoardOptions {
            pool: PoolOptions::default(),
            submission_log: 8,
            completion_log: 8,
            timeouts: Timeouts::default(),
            settle: Duration::from_secs(5),
        }
    }
}

/// A job that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// Clock cycles from the decode of its descriptor to its last write response.
    pub cycles: u64,
}

/// What only one batch at a time may touch.
struct Line {
    rings: Rings,
    events: Vec<EventFd>,
    /// Why the rings are undefined, until the next reset.
    failed: Option<String>,
}

/// An open board. Threads may share it: batches run one after the other, buffers are allocated and filled meanwhile.
/// Dropping it stops the board, scrubs its memory and takes the mappings away.
pub struct Board {
    function: Arc<dyn PciFunction>,
    bar: Bar,
    identity: Identity,
    options: BoardOptions,
    line: Mutex<Line>,
    pool: DmaPool,
}

impl Board {
    /// Opens a board with the default options.
    pub fn open(function: Arc<dyn PciFunction>) -> Result<Board, DriverError> {
        Board::open_with(function, BoardOptions::default())
    }

    /// Opens a board: checks that it is one and speaks this driver's language, resets it and starts its rings.
    pub fn open_with(function: Arc<dyn PciFunction>, options: BoardOptions) -> Result<Board, DriverError> {
        let bar = config::open_bar(&function)?;
        let identity = Identity::read(&bar, &function.name())?;
        let pool = DmaPool::open(Arc::clone(&function), options.pool.clone())?;
        let rings = Rings::new(&pool, options.submission_log, options.completion_log)?;
        let line = Mutex::new(Line { rings, events: Vec::new(), failed: None });
        let board = Board { function, bar, identity, options, line, pool };
        board.start(&mut board.lock())?;
        Ok(board)
    }

    /// How the user named it.
    pub fn name(&self) -> String {
        self.function.name()
    }

    /// What the board is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The registers, for diagnosis and self-tests.
    pub fn bar(&self) -> &Bar {
        &self.bar
    }

    /// The board's memory.
    pub fn pool(&self) -> &DmaPool {
        &self.pool
    }

    /// A buffer of `bytes` bytes that the board reaches. Its contents are whatever lay there before.
    pub fn alloc(&self, bytes: u64) -> Result<DmaBuf, DriverError> {
        self.pool.alloc(bytes)
    }

    /// What the board has done since its last reset.
    pub fn counters(&self) -> Result<Counters, DriverError> {
        Counters::read(&self.bar)
    }

    /// The link to the board; `None` where there is none of PCI Express.
    pub fn link(&self) -> Result<Option<LinkState>, DriverError> {
        config::link(&*self.function)
    }

    /// Temperature and supplies, where the part has a monitor.
    pub fn monitor(&self) -> Result<MonitorState, DriverError> {
        MonitorState::read(&self.bar)
    }

    /// Why the rings stopped; 0 while they run.
    pub fn fault_code(&self) -> Result<u32, DriverError> {
        self.bar.read32(&map::FAULT_CODE)
    }

    /// Default deadline of a batch: see [`Timeouts`].
    pub fn timeout_of(&self, jobs: &[Descriptor]) -> Duration {
        self.options.timeouts.of(jobs, &self.pool)
    }

    /// Runs a batch of any length with its default deadline; see [`Board::submit_and_wait_for`].
    pub fn submit_and_wait(&self, jobs: &[Descriptor]) -> Result<Vec<JobResult>, DriverError> {
        self.submit_and_wait_for(jobs, self.timeout_of(jobs))
    }

    /// Runs a batch of any length, in order, and waits until all of it is done, at most `timeout`.
    ///
    /// [`DriverError::Invalid`]: a descriptor breaks a rule; nothing was submitted. [`DriverError::Job`]: the first
    /// job that the board ended with an error; the others ran. Any other error: the board needs [`Board::reset`], and
    /// until then the buffers of the batch stay out of use, since it may still write to them.
    pub fn submit_and_wait_for(&self, jobs: &[Descriptor], timeout: Duration) -> Result<Vec<JobResult>, DriverError> {
        let mut buffers = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            buffers.append(&mut validate::check(index, job, &self.identity, &self.pool)?);
        }
        self.run(jobs, buffers, timeout)
    }

    /// As [`Board::submit_and_wait_for`] without the checks: for tests of the board's own. A job may reach any buffer
    /// of this board, rings included, and nothing else.
    pub fn submit_unchecked(&self, jobs: &[Descriptor], timeout: Duration) -> Result<Vec<JobResult>, DriverError> {
        let addresses = jobs.iter().flat_map(|job| [job.src, job.dst, job.param]);
        let buffers = addresses.filter_map(|iova| self.pool.find(iova, 1)).collect();
        self.run(jobs, buffers, timeout)
    }

    fn run(&self, jobs: &[Descriptor], buffers: Vec<DmaBuf>, timeout: Duration) -> Result<Vec<JobResult>, DriverError> {
        let mut line = self.lock();
        let Line { rings, events, failed } = &mut *line;
        if let Some(reason) = failed {
            return Err(DriverError::NeedsReset { reason: reason.clone() });
        }
        let outcomes = rings.run(&self.bar, events, jobs, timeout).inspect_err(|error| {
            *failed = Some(error.to_string());
            self.pool.quarantine(buffers);
        })?;
        let result = |(index, outcome): (usize, &crate::rings::Outcome)| match outcome.error {
            None => Ok(JobResult { cycles: outcome.cycles }),
            Some(code) => Err(JobError { index, code }.into()),
        };
        outcomes.iter().enumerate().map(result).collect()
    }

    /// Resets the function and starts it anew: afterwards it takes jobs, and buffers keep their contents.
    pub fn reset(&self) -> Result<(), DriverError> {
        let mut line = self.lock();
        line.failed = Some("the last reset did not succeed".into());
        // A board that is reset because it no longer answers cannot be asked to rest first.
        let _ = self.quiesce();
        let _ = config::set_bus_master(&*self.function, false);
        self.function.reset()?;
        config::check_identifiers(&*self.function)?;
        config::enable_memory(&*self.function)?;
        if Identity::read(&self.bar, &self.function.name())? != self.identity {
            return Err(DriverError::IdentityChanged { name: self.function.name() });
        }
        self.start(&mut line)?;
        self.pool.release_quarantine();
        line.failed = None;
        Ok(())
    }

    /// From a board that answers to one that takes jobs.
    fn start(&self, line: &mut Line) -> Result<(), DriverError> {
        self.bar.write(&map::CONTROL, CONTROL_RESET.into())?;
        self.settle("CONTROL.RESET", || Ok(self.bar.read32(&map::CONTROL)? & CONTROL_RESET == 0))?;
        line.rings.program(&self.bar)?;
        config::set_bus_master(&*self.function, true)?;
        line.events = match self.function.irq_enable(MSIX_VECTORS) {
            Ok(events) => events,
            // Polling always works.
            Err(FunctionError::Interrupts { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        self.bar.write(&map::IRQ_ENABLE, (1 << line.events.len().min(MSIX_VECTORS.into())) - 1)?;
        self.bar.write(&map::CONTROL, CONTROL_ENABLE.into())
    }

    /// Takes no further jobs and waits for the one under way.
    fn quiesce(&self) -> Result<(), DriverError> {
        self.bar.write(&map::CONTROL, 0)?;
        self.bar.write(&map::IRQ_ENABLE, 0)?;
        self.settle("the job under way", || Ok(self.bar.read32(&map::STATUS)? & STATUS_BUSY == 0))
    }

    fn settle(&self, what: &'static str, done: impl Fn() -> Result<bool, DriverError>) -> Result<(), DriverError> {
        let (start, waited) = (Instant::now(), self.options.settle);
        while !done()? {
            if start.elapsed() >= waited {
                return Err(DriverError::Stuck { name: self.function.name(), what, waited });
            }
            thread::sleep(Duration::from_micros(100));
        }
        Ok(())
    }

    /// A panic in another thread left the rings in an unknown state at worst, which their own checks find.
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // Every step is tried, whatever became of the others: nobody is left to tell, and the pool's own drop scrubs
        // and unmaps in any case.
        let _ = self.quiesce();
        let _ = config::set_bus_master(&*self.function, false);
        let _ = self.pool.close();
    }
}
