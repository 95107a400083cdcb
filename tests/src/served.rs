//! [`ServedModel`]: the functional board for other processes.

use std::{ops::RangeInclusive, sync::Arc};

use hotloop_driver::{
    vfio_user::{Served, SharedPart},
    DmaMemory, EventFd, FunctionError, PciFunction,
};
use hotloop_regs::MSIX_VECTORS;

use crate::model::FunctionalBoard;

/// A functional board that a server can give to a client. It takes whole memories only, as our client shares them.
pub struct ServedModel(pub FunctionalBoard);

impl PciFunction for ServedModel {
    fn name(&self) -> String {
        self.0.name()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        self.0.config_read(offset, data)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        self.0.config_write(offset, data)
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        self.0.region_bytes(bar)
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        self.0.region_read(bar, offset, data)
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        self.0.region_write(bar, offset, data)
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        self.0.iova_ranges()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        self.0.dma_map(iova, memory)
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        self.0.dma_unmap(iova, bytes)
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        self.0.irq_enable(vectors)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        self.0.reset()
    }
}

impl Served for ServedModel {
    fn config_bytes(&self) -> u64 {
        256
    }

    fn vectors(&self) -> u16 {
        MSIX_VECTORS
    }

    fn map_part(&self, iova: u64, part: SharedPart) -> Result<(), FunctionError> {
        match &part.memory {
            Some(memory) if (part.offset, part.bytes) == (0, memory.len()) => self.0.dma_map(iova, memory),
            _ => Err(FunctionError::Mapping { iova, bytes: part.bytes, reason: "not the whole of a memory" }),
        }
    }

    fn unmap_range(&self, range: RangeInclusive<u64>) -> Result<(usize, u64), FunctionError> {
        let inside: Vec<(u64, u64)> = self.0.mappings().into_iter().filter(|(iova, _)| range.contains(iova)).collect();
        for (iova, bytes) in &inside {
            self.0.dma_unmap(*iova, *bytes)?;
        }
        Ok((inside.len(), inside.iter().map(|(_, bytes)| bytes).sum()))
    }

    fn set_vector(&self, vector: u16, event: Option<EventFd>) -> Result<(), FunctionError> {
        self.0.set_event(vector, event);
        Ok(())
    }

    fn fire(&self, _vector: u16) -> Result<(), FunctionError> {
        Ok(())
    }
}
