//! [`DmaPool`]: memory mapped for a board while it is open, and [`DmaBuf`]: a part of it.
//!
//! Mapping costs as much as moving the data, so the pool maps a few large regions once and hands out parts.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use hotloop_regs::BEAT_BYTES;
use pcie_sys::{DmaMemory, PAGE_BYTES};

use crate::{
    buffer::{Allocation, DmaBuf},
    error::DriverError,
    function::PciFunction,
    space::{choose_iova, FreeList},
};

/// Every buffer starts at a beat and takes whole beats.
const BEAT: u64 = BEAT_BYTES as u64;

/// How a pool grows.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Bytes of the first region, mapped when the board is opened, and the least of each further one.
    pub chunk_bytes: u64,
    /// Most bytes mapped altogether.
    pub limit_bytes: u64,
    /// Width of the addresses that the board can put on the bus.
    pub mask_bits: u32,
}

impl Default for PoolOptions {
    /// Regions of 64 MiB, 4 GiB altogether, addresses of 48 bits.
    fn default() -> PoolOptions {
        PoolOptions { chunk_bytes: 64 << 20, limit_bytes: 4 << 30, mask_bits: 48 }
    }
}

/// One mapping.
struct Region {
    iova: u64,
    memory: Arc<DmaMemory>,
    space: FreeList,
    /// Bytes that were ever handed out: what scrubbing must clear.
    used: u64,
}

impl Region {
    fn addresses(&self) -> RangeInclusive<u64> {
        self.iova..=self.iova + (self.memory.len() - 1)
    }
}

#[derive(Default)]
struct State {
    regions: Vec<Region>,
    /// Buffers that live, by I/O address.
    live: BTreeMap<u64, Weak<Allocation>>,
    /// Buffers of jobs that may still be running on a board that does not answer.
    quarantine: Vec<DmaBuf>,
    closed: bool,
}

/// The regions of one board, shared by the pool and its buffers.
pub(crate) struct Shared {
    function: Arc<dyn PciFunction>,
    options: PoolOptions,
    state: Mutex<State>,
}

impl Shared {
    /// A panic elsewhere leaves the lists whole: nothing between two changes of them can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called when the last handle on a buffer goes.
    pub(crate) fn give_back(&self, allocation: &Allocation) {
        let mut state = self.lock();
        state.live.remove(&allocation.iova);
        if let Some(region) = state.regions.iter_mut().find(|r| r.addresses().contains(&allocation.iova)) {
            region.space.give(allocation.offset, allocation.bytes);
        }
    }
}

/// Memory for one board.
pub struct DmaPool {
    shared: Arc<Shared>,
}

impl DmaPool {
    /// Maps the first region.
    pub fn open(function: Arc<dyn PciFunction>, options: PoolOptions) -> Result<DmaPool, DriverError> {
        let option = |name, value, rule| Err(DriverError::Options { name, value, rule });
        if options.chunk_bytes == 0 || options.chunk_bytes > 1 << 40 {
            return option("chunk_bytes", options.chunk_bytes, "1 to 2^40");
        }
        if options.mask_bits > 64 {
            return option("mask_bits", options.mask_bits.into(), "at most 64");
        }
        let shared = Arc::new(Shared { function, options, state: Mutex::default() });
        let first = shared.options.chunk_bytes;
        grow(&shared, &mut shared.lock(), first)?;
        Ok(DmaPool { shared })
    }

    /// A buffer of `bytes` bytes that starts at a multiple of 64. Its contents are whatever lay there before.
    pub fn alloc(&self, bytes: u64) -> Result<DmaBuf, DriverError> {
        self.alloc_aligned(bytes, BEAT)
    }

    /// A buffer that starts at a multiple of 4096, as rings do.
    pub fn alloc_pages(&self, bytes: u64) -> Result<DmaBuf, DriverError> {
        self.alloc_aligned(bytes, PAGE_BYTES)
    }

    fn alloc_aligned(&self, bytes: u64, align: u64) -> Result<DmaBuf, DriverError> {
        if bytes == 0 {
            return Err(DriverError::EmptyBuffer);
        }
        let mut state = self.shared.lock();
        if state.closed {
            return Err(DriverError::Closed);
        }
        let limit =
            || DriverError::PoolLimit { asked: bytes, mapped: mapped(&state), limit: self.shared.options.limit_bytes };
        let whole = bytes.checked_next_multiple_of(BEAT).ok_or_else(limit)?;
        let taken = match take(&mut state, whole, align) {
            Some(taken) => taken,
            None => {
                grow(&self.shared, &mut state, whole)?;
                take(&mut state, whole, align)
                    .ok_or(DriverError::NoAddresses { bytes, mask_bits: self.shared.options.mask_bits })?
            }
        };
        let (index, offset) = taken;
        let region = &mut state.regions[index];
        region.used = region.used.max(offset + whole);
        let allocation = Arc::new(Allocation {
            pool: Arc::clone(&self.shared),
            memory: Arc::clone(&region.memory),
            offset,
            bytes: whole,
            iova: region.iova + offset,
        });
        state.live.insert(allocation.iova, Arc::downgrade(&allocation));
        Ok(DmaBuf::new(allocation, bytes))
    }

    /// The live buffer that holds all of `iova .. iova + bytes`.
    pub(crate) fn find(&self, iova: u64, bytes: u64) -> Option<DmaBuf> {
        let end = iova.checked_add(bytes)?;
        // The guard goes before the handle: were this the last handle, dropping it would take the lock again.
        let allocation = self.shared.lock().live.range(..=iova).next_back()?.1.upgrade()?;
        let length = allocation.bytes;
        (end <= allocation.iova + length).then(|| DmaBuf::new(allocation, length))
    }

    /// Keeps buffers from being used again until [`DmaPool::release_quarantine`]: the board may still write to them.
    pub(crate) fn quarantine(&self, buffers: Vec<DmaBuf>) {
        self.shared.lock().quarantine.extend(buffers);
    }

    /// The board was reset: it writes nowhere.
    pub(crate) fn release_quarantine(&self) {
        let buffers = std::mem::take(&mut self.shared.lock().quarantine);
        drop(buffers);
    }

    /// Bytes mapped for the board.
    pub fn mapped_bytes(&self) -> u64 {
        mapped(&self.shared.lock())
    }

    /// Unmaps everything and writes zero over all that was ever handed out. Buffers that still live read as zero and
    /// are of no use for jobs; further allocations are refused. Returns the first mapping that could not be taken
    /// away, after having tried all.
    pub fn close(&self) -> Result<(), DriverError> {
        let mut state = self.shared.lock();
        state.closed = true;
        let (regions, quarantine) = (std::mem::take(&mut state.regions), std::mem::take(&mut state.quarantine));
        drop(state);
        drop(quarantine);
        let mut result = Ok(());
        for region in regions {
            // Unmapped first, so that a board that still runs cannot write behind the scrubbing.
            let unmapped = self.shared.function.dma_unmap(region.iova, region.memory.len()).map_err(DriverError::from);
            let scrubbed = region.memory.fill_zero(0, region.used).map_err(DriverError::from);
            result = result.and(unmapped).and(scrubbed);
        }
        result
    }
}

impl Drop for DmaPool {
    fn drop(&mut self) {
        // Nobody is left to tell; the function reports its own failures.
        let _ = self.close();
    }
}

fn mapped(state: &State) -> u64 {
    state.regions.iter().map(|region| region.memory.len()).sum()
}

/// First region with room, and the offset in it.
fn take(state: &mut State, bytes: u64, align: u64) -> Option<(usize, u64)> {
    state.regions.iter_mut().enumerate().find_map(|(index, region)| Some((index, region.space.take(bytes, align)?)))
}

/// Maps one more region with room for `bytes`.
fn grow(shared: &Shared, state: &mut State, bytes: u64) -> Result<(), DriverError> {
    let options = &shared.options;
    let mapped = mapped(state);
    let limit = || DriverError::PoolLimit { asked: bytes, mapped, limit: options.limit_bytes };
    let least = bytes.checked_next_multiple_of(PAGE_BYTES).ok_or_else(limit)?;
    let room = options.limit_bytes.saturating_sub(mapped);
    if least > room {
        return Err(limit());
    }
    // A whole chunk where the limit has room for it.
    let length = least.max(options.chunk_bytes.next_multiple_of(PAGE_BYTES).min(room / PAGE_BYTES * PAGE_BYTES));
    let taken: Vec<_> = state.regions.iter().map(Region::addresses).collect();
    let iova = choose_iova(&shared.function.iova_ranges(), &taken, length, options.mask_bits)
        .ok_or(DriverError::NoAddresses { bytes: length, mask_bits: options.mask_bits })?;
    let memory = Arc::new(DmaMemory::new(length)?);
    shared.function.dma_map(iova, &memory)?;
    state.regions.push(Region { iova, memory, space: FreeList::new(length), used: 0 });
    Ok(())
}
