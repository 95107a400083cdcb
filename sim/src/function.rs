//! [`SimFunction`]: a simulated board as a PCI function.

use std::{ops::RangeInclusive, sync::Arc};

use hotloop_driver::{
    function::{check_config, check_region},
    vfio_user::{Served, SharedPart},
    DmaMemory, EventFd, FunctionError, PciFunction,
};
use hotloop_regs::{BAR0_BYTES, MSIX_VECTORS};

use crate::{
    board::{Board, Fatal},
    config::Config,
    ffi,
    flash::FlashChip,
    iotlb,
    options::PRESET,
    worker::Worker,
    Clocked, SimError, SimOptions,
};

/// A simulated board as a PCI function. Dropping it ends its thread.
///
/// A board that broke a rule of its buses, stopped, or did not answer is gone: every later call says why.
pub struct SimFunction {
    name: String,
    worker: Worker,
}

/// Opens the simulated board of a preset.
pub fn open_sim(preset: &str) -> Result<Arc<dyn PciFunction>, SimError> {
    Ok(Arc::new(SimFunction::open(&SimOptions::preset(preset))?))
}

/// The presets whose accelerators are in this program.
pub fn presets() -> Vec<String> {
    ffi::models().into_iter().filter_map(|name| name.strip_prefix(PRESET)).map(|name| name.replace('_', "-")).collect()
}

impl SimFunction {
    /// Powers a simulated board up.
    pub fn open(options: &SimOptions) -> Result<SimFunction, SimError> {
        SimFunction::open_with(options, None)
    }

    /// The same with a chip at the board's flash port; the model of a preset without one has no such port.
    pub fn open_with(options: &SimOptions, chip: Option<FlashChip>) -> Result<SimFunction, SimError> {
        let mut model = Clocked::open(&options.model)?;
        if let Some(trace) = &options.trace {
            model.trace(&trace.path, trace.from, trace.cycles)?;
        }
        let mut board = Board::new(model, options, chip)?;
        board.reset().map_err(|reason| SimError::Start { name: options.name.clone(), reason })?;
        let worker = Worker::spawn(board).map_err(|source| SimError::Thread { source })?;
        Ok(SimFunction { name: options.name.clone(), worker })
    }

    /// Clock cycles simulated so far, reset included.
    pub fn simulated_cycles(&self) -> Result<u64, FunctionError> {
        self.call(|board| Ok(board.cycles()))
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Board) -> Result<T, Fatal> + Send + 'static,
    ) -> Result<T, FunctionError> {
        self.worker.call(work).map_err(|reason| FunctionError::Gone { name: self.name.clone(), reason })
    }
}

impl PciFunction for SimFunction {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        check_config(Config::BYTES, offset, data.len())?;
        let mut bytes = vec![0; data.len()];
        let bytes = self.call(move |board| {
            board.config_read(offset, &mut bytes);
            Ok(bytes)
        })?;
        data.copy_from_slice(&bytes);
        Ok(())
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        check_config(Config::BYTES, offset, data.len())?;
        let bytes = data.to_vec();
        self.call(move |board| board.config_write(offset, &bytes))
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
        let bytes = data.len();
        let value = self.call(move |board| {
            let mut value = [0; 8];
            board.bar_read(offset, &mut value[..bytes])?;
            Ok(value)
        })?;
        data.copy_from_slice(&value[..bytes]);
        Ok(())
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        let bytes = data.len();
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(data);
        self.call(move |board| board.bar_write(offset, &value[..bytes]))
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        iotlb::ranges()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        self.map_part(iova, iotlb::whole(memory))
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        self.call(move |board| Ok(board.memory.tlb.unmap(iova, bytes)))?.map_err(|reason| FunctionError::Mapping {
            iova,
            bytes,
            reason,
        })
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        if vectors > MSIX_VECTORS {
            return Err(FunctionError::Interrupts { asked: vectors, available: MSIX_VECTORS });
        }
        let events =
            (0..vectors).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>().map_err(FunctionError::system)?;
        let ours =
            events.iter().map(EventFd::try_clone).collect::<Result<Vec<_>, _>>().map_err(FunctionError::system)?;
        self.call(move |board| {
            let mut ours = ours.into_iter();
            board.set_events((0..MSIX_VECTORS.into()).map(|vector| (vector, ours.next())));
            Ok(())
        })?;
        Ok(events)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        self.call(Board::reset)
    }
}

impl Served for SimFunction {
    fn config_bytes(&self) -> u64 {
        Config::BYTES
    }

    fn vectors(&self) -> u16 {
        MSIX_VECTORS
    }

    fn map_part(&self, iova: u64, part: SharedPart) -> Result<(), FunctionError> {
        let bytes = part.bytes;
        self.call(move |board| Ok(board.memory.tlb.map(iova, part)))?.map_err(|reason| FunctionError::Mapping {
            iova,
            bytes,
            reason,
        })
    }

    fn unmap_range(&self, range: RangeInclusive<u64>) -> Result<(usize, u64), FunctionError> {
        let (iova, bytes) = (*range.start(), (range.end() - range.start()).saturating_add(1));
        self.call(move |board| Ok(board.memory.tlb.unmap_range(range)))?.map_err(|reason| FunctionError::Mapping {
            iova,
            bytes,
            reason,
        })
    }

    fn set_vector(&self, vector: u16, event: Option<EventFd>) -> Result<(), FunctionError> {
        check_vector(vector)?;
        self.call(move |board| {
            board.set_events([(vector.into(), event)]);
            Ok(())
        })
    }

    fn fire(&self, vector: u16) -> Result<(), FunctionError> {
        check_vector(vector)?;
        self.call(move |board| {
            board.fire(vector.into());
            Ok(())
        })
    }
}

fn check_vector(vector: u16) -> Result<(), FunctionError> {
    if vector < MSIX_VECTORS {
        return Ok(());
    }
    Err(FunctionError::Interrupts { asked: vector.saturating_add(1), available: MSIX_VECTORS })
}
