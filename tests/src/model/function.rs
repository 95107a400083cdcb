//! The model as a PCI function.

use std::{ops::RangeInclusive, sync::Arc, thread};

use hotloop_driver::{DmaMemory, EventFd, FunctionError, PciFunction};
use hotloop_regs::BAR0_BYTES;

use super::{FunctionalBoard, Mischief};

impl PciFunction for FunctionalBoard {
    fn name(&self) -> String {
        "model".into()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        let state = self.lock();
        if state.gone {
            data.fill(0xff);
            return Ok(());
        }
        state.config.read(offset, data)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        self.lock().config.write(offset, data)
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        if bar == 0 {
            BAR0_BYTES
        } else {
            0
        }
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        self.check_access(bar, offset, data.len())?;
        let state = self.lock();
        if state.gone || !state.config.memory_enabled() {
            data.fill(0xff);
            return Ok(());
        }
        for (i, byte) in data.iter_mut().enumerate() {
            let at = offset as u32 + i as u32;
            *byte = state.registers.word(at & !3).to_le_bytes()[at as usize & 3];
        }
        Ok(())
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        self.check_access(bar, offset, data.len())?;
        let mut state = self.lock();
        if state.gone || !state.config.memory_enabled() {
            return Ok(());
        }
        // Registers take whole words; parts of one are ignored.
        for (at, word) in (offset..).step_by(4).zip(data.as_chunks::<4>().0) {
            if let Some(Mischief::Late(delay)) = state.write_register(at, u32::from_le_bytes(*word)) {
                let board = self.clone();
                thread::spawn(move || {
                    thread::sleep(delay);
                    board.lock().serve();
                });
            }
        }
        Ok(())
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        vec![0..=0xfedf_ffff, 0xfef0_0000..=(1 << 48) - 1]
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        let mut state = self.lock();
        let bytes = memory.len();
        let refuse = |reason| Err(FunctionError::Mapping { iova, bytes, reason });
        if !iova.is_multiple_of(4096) {
            return refuse("not a multiple of 4096");
        }
        let Some(last) = iova.checked_add(bytes - 1) else { return refuse("outside the permitted ranges") };
        if !self.iova_ranges().iter().any(|range| range.contains(&iova) && range.contains(&last)) {
            return refuse("outside the permitted ranges");
        }
        if state.mappings.range(..=last).next_back().is_some_and(|(start, other)| start + other.len() > iova) {
            return refuse("overlaps another");
        }
        state.mappings.insert(iova, Arc::clone(memory));
        Ok(())
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        let mut state = self.lock();
        if state.mappings.get(&iova).is_none_or(|memory| memory.len() != bytes) {
            return Err(FunctionError::Mapping { iova, bytes, reason: "no such mapping" });
        }
        state.mappings.remove(&iova);
        Ok(())
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        let mut state = self.lock();
        if vectors > state.vectors {
            return Err(FunctionError::Interrupts { asked: vectors, available: state.vectors });
        }
        let failed = |error: hotloop_driver::SysError| FunctionError::System {
            what: "eventfd for an interrupt",
            source: std::io::Error::other(error),
        };
        let events = (0..vectors).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let handles: Vec<EventFd> = events.iter().map(EventFd::try_clone).collect::<Result<_, _>>().map_err(failed)?;
        let mut events = events.into_iter();
        state.events = std::array::from_fn(|_| events.next());
        Ok(handles)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        let mut state = self.lock();
        state.check_here(self.name())?;
        state.config.reset();
        state.registers.power_up();
        state.events = Default::default();
        state.silent = false;
        state.held = None;
        Ok(())
    }
}

impl FunctionalBoard {
    fn check_access(&self, bar: u8, offset: u64, bytes: usize) -> Result<(), FunctionError> {
        let natural = matches!(bytes, 1 | 2 | 4 | 8) && offset.is_multiple_of(bytes as u64);
        if natural && offset.checked_add(bytes as u64).is_some_and(|end| end <= self.region_bytes(bar)) {
            return Ok(());
        }
        Err(FunctionError::OutOfRange { region: format!("BAR{bar}"), offset, bytes })
    }
}
