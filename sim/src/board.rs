//! The simulated board: the model, and around it what a PCI shell is on a real one.

use hotloop_regs::{map, MSIX_VECTORS};
use pcie_sys::EventFd;

use crate::{
    config::Config,
    ffi::Port,
    flash::{Flash, FlashChip},
    host_memory::HostMemory,
    link::PcieLink,
    lite::Lite,
    msix::Msix,
    Clocked, SimError, SimOptions,
};

/// Cycles with `rst` set.
const RESET_CYCLES: u32 = 8;
/// Cycles that run after the last sign of work, so that everything that is to come of it has come.
const DRAIN_CYCLES: u32 = 16;
/// Cycles in which a register access is answered; an accelerator takes a handful.
const ANSWER_CYCLES: u32 = 10_000;
/// Register accesses wait for the board to fall idle, at most this many cycles. A host that sees a completion rings the
/// next doorbell at a moment of its own clock; since the board's last moves of a job are over within so many cycles,
/// the doorbell still comes at the same cycle in every run.
const PATIENCE_CYCLES: u32 = 1024;

/// Why the board cannot go on.
pub(crate) type Fatal = String;

/// The simulated board.
pub(crate) struct Board {
    model: Clocked,
    rst: Port,
    irq: Port,
    busy: Port,
    monitor: Port,
    part_idcode: (Port, u32),
    flash: Option<Flash>,
    lite: Lite,
    /// Mappings are changed from outside.
    pub memory: HostMemory,
    config: Config,
    /// The link that configuration space shows; without a model of one, 8 GT/s and 16 lanes.
    shown: PcieLink,
    msix: Msix,
    /// Cycles left to run.
    drain: u32,
}

impl Board {
    /// Finds the ports; the board needs [`Board::reset`] before use.
    pub fn new(model: Clocked, options: &SimOptions, chip: Option<FlashChip>) -> Result<Board, SimError> {
        let link = options.link;
        let shown = link.pcie.unwrap_or(PcieLink::new(3, 16));
        Ok(Board {
            rst: model.input("rst", 1)?,
            irq: model.output("irq", MSIX_VECTORS.into())?,
            busy: model.output("busy", 1)?,
            monitor: model.input("monitor", map::MONITOR.width)?,
            part_idcode: (model.input("part_idcode", map::PART_IDCODE.width)?, options.part_idcode),
            flash: chip
                .map(|chip| {
                    Flash::new(&model, chip).ok_or_else(|| SimError::NoFlashPort { name: options.name.clone() })
                })
                .transpose()?,
            lite: Lite::new(&model)?,
            memory: HostMemory::new(&model, link)?,
            config: Config::new(&shown),
            shown,
            msix: Msix::new(),
            drain: 0,
            model,
        })
    }

    /// Power-up, and function-level reset. Mappings stay.
    pub fn reset(&mut self) -> Result<(), Fatal> {
        self.config = Config::new(&self.shown);
        self.msix = Msix::new();
        self.apply_config();
        self.memory.clear(&mut self.model);
        self.lite.clear(&mut self.model);
        // A simulation has neither a temperature nor a supply.
        self.model.set(self.monitor, 0);
        let (port, value) = self.part_idcode;
        self.model.set(port, value.into());
        self.model.set(self.rst, 1);
        for _ in 0..RESET_CYCLES {
            self.model.step().map_err(|e| e.to_string())?;
        }
        self.model.set(self.rst, 0);
        self.drain = DRAIN_CYCLES;
        Ok(())
    }

    /// True while the clock must run.
    #[inline]
    pub fn active(&self) -> bool {
        self.drain != 0
    }

    /// Clock cycles since the model was made.
    pub fn cycles(&self) -> u64 {
        self.model.cycles()
    }

    /// One clock cycle.
    #[inline]
    pub fn cycle(&mut self) -> Result<(), Fatal> {
        self.memory.drive(&mut self.model);
        self.model.settle().map_err(|e| e.to_string())?;
        let broken = self.memory.sample(&self.model);
        let accessed = self.lite.sample(&self.model);
        let pulses = self.model.get(self.irq);
        let busy = self.model.get(self.busy) != 0;
        if let Some(flash) = &mut self.flash {
            flash.cycle(&mut self.model);
        }
        self.model.edge().map_err(|e| e.to_string())?;
        // Only now, so that a waveform shows the cycle too.
        broken.map_err(|what| format!("bus rule broken in cycle {}: {what}", self.model.cycles() - 1))?;
        if accessed {
            self.lite.update(&mut self.model);
        }
        if pulses != 0 && self.config.msix_enabled() {
            self.msix.raise(pulses);
            self.deliver();
        }
        if busy || accessed || pulses != 0 || self.memory.active() {
            self.drain = DRAIN_CYCLES;
        } else {
            self.drain = self.drain.saturating_sub(1);
            if self.drain == 0 {
                self.memory.idle();
            }
        }
        Ok(())
    }

    fn deliver(&mut self) {
        self.msix.deliver(self.config.bus_master() && !self.config.msix_masked());
    }

    fn apply_config(&mut self) {
        self.memory.bus_master = self.config.bus_master();
        if !self.config.msix_enabled() {
            self.msix.discard();
        }
        self.deliver();
    }

    /// Reads configuration space.
    pub fn config_read(&self, offset: u16, data: &mut [u8]) {
        self.config.read(offset, data);
    }

    /// Writes configuration space, and does what the bits ask for.
    pub fn config_write(&mut self, offset: u16, data: &[u8]) -> Result<(), Fatal> {
        if self.config.write(offset, data) {
            return self.reset();
        }
        self.apply_config();
        Ok(())
    }

    /// Gives vectors their events, or takes them; MSI-X is on if there are any.
    pub fn set_events(&mut self, events: impl IntoIterator<Item = (usize, Option<EventFd>)>) {
        for (vector, event) in events {
            self.msix.set_event(vector, event);
        }
        self.config.set_msix(self.msix.any_event());
        self.apply_config();
    }

    /// Signals a vector's event.
    pub fn fire(&self, vector: usize) {
        self.msix.fire(vector);
    }

    /// Reads from BAR0; naturally aligned, at most 8 bytes.
    pub fn bar_read(&mut self, offset: u64, data: &mut [u8]) -> Result<(), Fatal> {
        if !self.config.memory() {
            // Nobody answers: the host reads ones.
            data.fill(0xff);
        } else if Msix::owns(offset) {
            self.msix.read(offset, data);
        } else {
            let mut at = offset;
            for part in data.chunks_mut(4) {
                let word = self.register(at, Lite::read)?.to_le_bytes();
                let from = (at % 4) as usize;
                part.copy_from_slice(&word[from..from + part.len()]);
                at += 4;
            }
        }
        Ok(())
    }

    /// Writes to BAR0; naturally aligned, at most 8 bytes.
    pub fn bar_write(&mut self, offset: u64, data: &[u8]) -> Result<(), Fatal> {
        if !self.config.memory() {
            return Ok(());
        }
        if Msix::owns(offset) {
            self.msix.write(offset, data);
            self.deliver();
            return Ok(());
        }
        let mut at = offset;
        for part in data.chunks(4) {
            let mut word = [0; 4];
            let from = (at % 4) as usize;
            word[from..from + part.len()].copy_from_slice(part);
            let strobes = ((1u8 << part.len()) - 1) << from;
            self.register(at, |lite, model, address| lite.write(model, address, u32::from_le_bytes(word), strobes))?;
            at += 4;
        }
        Ok(())
    }

    /// One access to a register, waiting for its answer.
    fn register(&mut self, offset: u64, start: impl FnOnce(&mut Lite, &mut crate::Model, u16)) -> Result<u32, Fatal> {
        for _ in 0..PATIENCE_CYCLES {
            if !self.active() {
                break;
            }
            self.cycle()?;
        }
        start(&mut self.lite, &mut self.model, (offset & 0xfffc) as u16);
        for _ in 0..ANSWER_CYCLES {
            self.cycle()?;
            if let Some(data) = self.lite.done() {
                return Ok(data);
            }
        }
        Err(format!("the access to register {offset:#x} was not answered within {ANSWER_CYCLES} cycles"))
    }
}
