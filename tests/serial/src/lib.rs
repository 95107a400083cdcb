//! A Verilated board behind a pseudo-terminal.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        Arc,
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use hotloop_sim::{Clocked, Port, SimError};
use pcie_sys::{Pty, SysError};

/// Clock cycles of a bit, as build.rs has it.
const DIVIDER: u32 = 4;
/// Cycles between two looks at the pseudo-terminal.
const BATCH: u32 = 64;
/// Cycles that run after the last sign of work.
const DRAIN: u32 = 4096;

/// What a test does to the line.
#[derive(Default)]
struct Faults {
    over: AtomicBool,
    /// One byte in so many is changed, to the board and to the host; 0: none.
    to_board: AtomicU32,
    to_host: AtomicU32,
    power_cycle: AtomicBool,
}

/// A board behind a pseudo-terminal. Its clock runs in a thread of its own while there is something to do.
pub struct SerialBoard {
    path: PathBuf,
    faults: Arc<Faults>,
    thread: Option<JoinHandle<()>>,
}

impl SerialBoard {
    /// Powers the board up.
    pub fn new() -> SerialBoard {
        let pty = Pty::new().expect("a pseudo-terminal");
        let path = pty.path().to_owned();
        let faults = Arc::<Faults>::default();
        let theirs = Arc::clone(&faults);
        let run = move || {
            // A model stays in its thread.
            let mut bench = Bench::new().expect("the model opens");
            bench.run(&pty, &theirs).expect("the model runs");
        };
        let thread = Builder::new().name("serial-board".into()).spawn(run).expect("a thread");
        SerialBoard { path, faults, thread: Some(thread) }
    }

    /// The terminal at which the board is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The device's name behind `serial:`.
    pub fn line(&self) -> String {
        self.path.display().to_string()
    }

    /// From now on, changes one byte in so many on the way to the board and to the host; 0: none.
    pub fn disturb(&self, to_board: u32, to_host: u32) {
        self.faults.to_board.store(to_board, Ordering::Relaxed);
        self.faults.to_host.store(to_host, Ordering::Relaxed);
    }

    /// Switches the board off and on.
    pub fn power_cycle(&self) {
        self.faults.power_cycle.store(true, Ordering::Relaxed);
    }

    /// Pulls the cable out.
    pub fn unplug(&mut self) {
        self.faults.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the board kept to its rules");
        }
    }
}

impl Default for SerialBoard {
    fn default() -> SerialBoard {
        SerialBoard::new()
    }
}

impl Drop for SerialBoard {
    fn drop(&mut self) {
        self.unplug();
    }
}

/// The model and both ends of its line.
struct Bench {
    model: Clocked,
    rst: Port,
    rx: Port,
    tx: Port,
    leds: Port,
    /// Bytes for the board; the bits of the one under way, start and stop bit included, and cycles of its bit.
    queue: VecDeque<u8>,
    bits: (u16, u32, u32),
    /// The byte that comes: its bits, how many, cycles until the next one is looked at.
    coming: Option<(u16, u32, u32)>,
    sent: Vec<u8>,
    /// Bytes moved, for faults.
    moved: (u32, u32),
}

impl Bench {
    fn new() -> Result<Bench, SimError> {
        let model = Clocked::open("board_serial")?;
        let mut bench = Bench {
            rst: model.input("rst", 1)?,
            rx: model.input("rx", 1)?,
            tx: model.output("tx", 1)?,
            leds: model.output("leds", 4)?,
            model,
            queue: VecDeque::new(),
            bits: (1, 0, 0),
            coming: None,
            sent: Vec::new(),
            moved: (0, 0),
        };
        bench.reset()?;
        Ok(bench)
    }

    fn reset(&mut self) -> Result<(), SimError> {
        self.model.set(self.rx, 1);
        self.model.set(self.rst, 1);
        for _ in 0..8 {
            self.model.step()?;
        }
        self.model.set(self.rst, 0);
        self.coming = None;
        Ok(())
    }

    fn run(&mut self, pty: &Pty, faults: &Faults) -> Result<(), SimError> {
        let mut bytes = [0; 512];
        let mut drain = DRAIN;
        while !faults.over.load(Ordering::Relaxed) {
            if faults.power_cycle.swap(false, Ordering::Relaxed) {
                self.reset()?;
                drain = DRAIN;
            }
            let wait = if drain == 0 { Duration::from_millis(5) } else { Duration::ZERO };
            match pty.read(&mut bytes, wait) {
                Ok(count) => self.queue.extend(bytes[..count].iter().map(|byte| {
                    self.moved.0 += 1;
                    disturbed(*byte, self.moved.0, &faults.to_board)
                })),
                // Nobody has the terminal open.
                Err(SysError::Closed { .. }) => std::thread::sleep(wait),
                Err(error) => panic!("the pseudo-terminal: {error}"),
            }
            if !self.queue.is_empty() {
                drain = DRAIN;
            }
            for _ in 0..BATCH.min(drain) {
                self.cycle()?;
            }
            let busy = self.model.get(self.leds) & 1 == 1 || self.coming.is_some() || !self.sent.is_empty();
            drain = if busy { DRAIN } else { drain.saturating_sub(BATCH) };
            let sent: Vec<u8> = std::mem::take(&mut self.sent)
                .into_iter()
                .map(|byte| {
                    self.moved.1 += 1;
                    disturbed(byte, self.moved.1, &faults.to_host)
                })
                .collect();
            // What nobody reads is lost, as on a wire.
            let _ = pty.write(&sent, Instant::now() + Duration::from_secs(1));
        }
        Ok(())
    }

    fn cycle(&mut self) -> Result<(), SimError> {
        if self.bits.1 == 0 {
            if let Some(byte) = self.queue.pop_front() {
                self.bits = (u16::from(byte) << 1 | 1 << 9, 10, DIVIDER);
            }
        }
        self.model.set(self.rx, if self.bits.1 == 0 { 1 } else { u64::from(self.bits.0 & 1) });
        self.model.step()?;
        if self.bits.1 != 0 {
            self.bits.2 -= 1;
            if self.bits.2 == 0 {
                self.bits = (self.bits.0 >> 1, self.bits.1 - 1, DIVIDER);
            }
        }
        let high = self.model.get(self.tx) as u16;
        self.coming = match self.coming {
            None if high == 0 => Some((0, 0, DIVIDER + DIVIDER / 2 - 1)),
            None => None,
            Some((bits, 8, 0)) => {
                assert_eq!(high, 1, "a stop bit");
                self.sent.push(bits as u8);
                None
            }
            Some((bits, count, 0)) => Some((bits | high << count, count + 1, DIVIDER - 1)),
            Some((bits, count, left)) => Some((bits, count, left - 1)),
        };
        Ok(())
    }
}

/// The byte, or another one if it is its turn.
fn disturbed(byte: u8, number: u32, one_in: &AtomicU32) -> u8 {
    match one_in.load(Ordering::Relaxed) {
        0 => byte,
        one_in if number.is_multiple_of(one_in) => byte ^ 1 << (number / one_in % 8),
        _ => byte,
    }
}
