//! [`VfioFunction`]: a board in a slot, by the kernel's VFIO.

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Mutex, PoisonError, RwLock,
    },
};

use pcie_sys::{
    memlock_limit,
    vfio::{self, Container, Device, Group, Region},
    DmaMemory, EventFd, MappedRegion, SysError,
};

use crate::{
    function::{check_config, check_region, FunctionError, PciFunction},
    obstacle::Obstacle,
    sysfs::{PciAddress, Sysfs},
};

/// The command register, and its bits: memory, bus master, no INTx.
const COMMAND: u16 = 4;
const MEMORY: u8 = 1 << 1;
const BUS_MASTER: u8 = 1 << 2;

/// Where a kernel does not say which addresses may be mapped: what the smallest IOMMUs of PCs translate, without the
/// window of interrupt messages.
const USUAL_RANGES: [RangeInclusive<u64>; 2] = [0..=0xfedf_ffff, 0xfef0_0000..=(1 << 39) - 1];

/// A base address region; mapped where the kernel lets us.
struct Bar {
    region: Region,
    mapping: Option<MappedRegion>,
}

/// A board in a slot. Dropping it gives it back: the kernel then resets it and takes its mappings away.
pub struct VfioFunction {
    name: String,
    // Dropped in this order: the device before its group, and that before the mappings.
    device: Device,
    _group: Group,
    container: Container,
    config: Region,
    bars: Vec<Bar>,
    ranges: Vec<RangeInclusive<u64>>,
    mappings: Mutex<BTreeMap<u64, Arc<DmaMemory>>>,
    /// Whether the function answers memory accesses. Those hold it for reading: a mapped access while the function
    /// does not would end the process.
    memory_on: RwLock<bool>,
    /// The kind of interrupt that is on, if one is.
    interrupts: Mutex<Option<u32>>,
    resettable: bool,
    error: EventFd,
    request: EventFd,
    broken: AtomicBool,
    wanted_back: AtomicBool,
}

impl VfioFunction {
    /// Opens the function at `address` (`0000:01:00.0`), which must be bound to vfio-pci.
    pub fn open(address: &str) -> Result<VfioFunction, FunctionError> {
        VfioFunction::open_at(&Sysfs::default(), address)
    }

    fn open_at(sysfs: &Sysfs, address: &str) -> Result<VfioFunction, FunctionError> {
        let name = format!("vfio:{address}");
        let cannot = |obstacle| FunctionError::cannot_open(&name, obstacle);
        let address: PciAddress = address.parse().map_err(cannot)?;
        let (container, group) = sysfs.open(&address).map_err(cannot)?;
        let busy = |error: SysError| match error.kind() {
            Some(io::ErrorKind::ResourceBusy) => cannot(Obstacle::Busy),
            _ => FunctionError::system(error),
        };
        group.join(&container).map_err(busy)?;
        container.set_iommu().map_err(busy)?;
        let device = group.device(&address.to_string()).map_err(busy)?;
        let system = FunctionError::system;
        let config = device.region(vfio::CONFIG_REGION).map_err(system)?;
        let bars = (0..6).map(|index| bar(&device, index)).collect::<Result<Vec<_>, _>>().map_err(system)?;
        let mut ranges = container.iova_ranges().map_err(system)?;
        if ranges.is_empty() {
            ranges = USUAL_RANGES.to_vec();
        }
        let resettable = device.resettable().map_err(system)?;
        let (error, request) = (EventFd::new().map_err(system)?, EventFd::new().map_err(system)?);
        for (index, event) in [(vfio::ERR_IRQ, &error), (vfio::REQ_IRQ, &request)] {
            // A kernel or a bus that cannot tell has none of them.
            if device.interrupts(index).unwrap_or(0) != 0 {
                let event = event.try_clone().map_err(system)?;
                device.set_interrupts(index, vfio::ACTION_TRIGGER, 1, &[event]).map_err(system)?;
            }
        }
        let function = VfioFunction {
            name,
            device,
            _group: group,
            container,
            config,
            bars,
            ranges,
            mappings: Mutex::default(),
            memory_on: RwLock::new(false),
            interrupts: Mutex::default(),
            resettable,
            error,
            request,
            broken: AtomicBool::new(false),
            wanted_back: AtomicBool::new(false),
        };
        let mut command = [0; 2];
        function.config_read(COMMAND, &mut command)?;
        *function.memory_on.write().unwrap_or_else(PoisonError::into_inner) = command[0] & MEMORY != 0;
        Ok(function)
    }

    /// The device itself, for what only VFIO has: other interrupts than the board's.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Switches interrupts of a kind (`pcie_sys::vfio::INTX_IRQ`, …) on, the others off. None: all are off.
    pub fn interrupts(&self, kind: u32, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        let system = FunctionError::system;
        let mut on = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
        let available = self.device.interrupts(kind).map_err(system)?.min(u16::MAX.into()) as u16;
        if vectors > available {
            return Err(FunctionError::Interrupts { asked: vectors, available });
        }
        if let Some(kind) = on.take() {
            self.device.set_interrupts(kind, vfio::ACTION_TRIGGER, 0, &[]).map_err(system)?;
        }
        if vectors == 0 {
            return Ok(Vec::new());
        }
        let events = (0..vectors).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>().map_err(system)?;
        self.device.set_interrupts(kind, vfio::ACTION_TRIGGER, vectors.into(), &events).map_err(system)?;
        *on = Some(kind);
        Ok(events)
    }

    fn bar(&self, bar: u8, offset: u64, bytes: usize) -> Result<&Bar, FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, bytes)?;
        self.bars.get(usize::from(bar)).ok_or(FunctionError::OutOfRange { region: format!("BAR{bar}"), offset, bytes })
    }
}

fn bar(device: &Device, index: u32) -> Result<Bar, SysError> {
    let region = device.region(index)?;
    let wanted = vfio::REGION_MMAP | vfio::REGION_READ | vfio::REGION_WRITE;
    let mapped = region.bytes != 0 && region.flags & wanted == wanted && !region.sparse;
    Ok(Bar { mapping: if mapped { Some(device.map(&region)?) } else { None }, region })
}

impl PciFunction for VfioFunction {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        check_config(self.config.bytes, offset, data.len())?;
        self.device.read(self.config.offset + u64::from(offset), data).map_err(FunctionError::system)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        check_config(self.config.bytes, offset, data.len())?;
        let mut memory_on = self.memory_on.write().unwrap_or_else(PoisonError::into_inner);
        // Off until it is known what the write did: it may be a reset.
        *memory_on = false;
        self.device.write(self.config.offset + u64::from(offset), data).map_err(FunctionError::system)?;
        let mut command = [0; 2];
        self.config_read(COMMAND, &mut command)?;
        *memory_on = command[0] & MEMORY != 0;
        Ok(())
    }

    fn region_bytes(&self, bar: u8) -> u64 {
        self.bars.get(usize::from(bar)).map_or(0, |bar| bar.region.bytes)
    }

    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        let bar = self.bar(bar, offset, data.len())?;
        let on = self.memory_on.read().unwrap_or_else(PoisonError::into_inner);
        if !*on {
            // Nobody answers: the host reads ones.
            data.fill(0xff);
            return Ok(());
        }
        let done = match &bar.mapping {
            Some(mapping) => mapping.read(offset, data),
            None => self.device.read(bar.region.offset + offset, data),
        };
        drop(on);
        done.map_err(FunctionError::system)
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        let bar = self.bar(bar, offset, data.len())?;
        let on = self.memory_on.read().unwrap_or_else(PoisonError::into_inner);
        if !*on {
            return Ok(());
        }
        let done = match &bar.mapping {
            Some(mapping) => mapping.write(offset, data),
            None => self.device.write(bar.region.offset + offset, data),
        };
        drop(on);
        done.map_err(FunctionError::system)
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        self.ranges.clone()
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = memory.len();
        let refused = |reason| Err(FunctionError::Mapping { iova, bytes, reason });
        let done = self.container.map(iova, memory);
        match (done.as_ref().err().and_then(SysError::kind), memlock_limit()) {
            (Some(io::ErrorKind::OutOfMemory), Some(limit)) => return Err(FunctionError::Memlock { bytes, limit }),
            (Some(io::ErrorKind::AlreadyExists), _) => return refused("overlaps another mapping"),
            (Some(io::ErrorKind::InvalidInput), _) => return refused("outside the ranges that may be mapped"),
            (Some(io::ErrorKind::StorageFull), _) => return refused("the kernel holds as many mappings as it may"),
            _ => {}
        }
        done.map_err(FunctionError::system)?;
        mappings.insert(iova, Arc::clone(memory));
        Ok(())
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |reason| Err(FunctionError::Mapping { iova, bytes, reason });
        match mappings.get(&iova) {
            None => return refused("there is no mapping that starts here"),
            Some(memory) if memory.len() != bytes => return refused("the mapping has another length"),
            Some(_) => {}
        }
        let done = self.container.unmap(iova, bytes).map_err(FunctionError::system)?;
        mappings.remove(&iova);
        if done != bytes {
            return refused("the kernel had another mapping there");
        }
        Ok(())
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        let has = |kind| self.device.interrupts(kind).unwrap_or(0) != 0;
        let kind = if has(vfio::MSIX_IRQ) { vfio::MSIX_IRQ } else { vfio::MSI_IRQ };
        self.interrupts(kind, vectors)
    }

    fn reset(&self) -> Result<(), FunctionError> {
        if !self.resettable {
            let source = io::Error::from(io::ErrorKind::Unsupported);
            return Err(FunctionError::System { what: "reset: neither the function nor its slot has one", source });
        }
        self.interrupts(vfio::INTX_IRQ, 0)?;
        {
            let mut memory_on = self.memory_on.write().unwrap_or_else(PoisonError::into_inner);
            *memory_on = false;
            self.device.reset().map_err(FunctionError::system)?;
        }
        // The kernel puts configuration space back to what it was before; a reset is to be one.
        let mut command = [0; 2];
        self.config_read(COMMAND, &mut command)?;
        self.config_write(COMMAND, &[command[0] & !(MEMORY | BUS_MASTER), command[1]])?;
        let _ = self.error.try_take();
        self.broken.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn check(&self) -> Result<(), FunctionError> {
        for (event, seen) in [(&self.error, &self.broken), (&self.request, &self.wanted_back)] {
            if event.try_take().map_err(FunctionError::system)? != 0 {
                seen.store(true, Ordering::Relaxed);
            }
        }
        if self.wanted_back.load(Ordering::Relaxed) {
            return Err(FunctionError::Unplug { name: self.name.clone() });
        }
        if self.broken.load(Ordering::Relaxed) {
            return Err(FunctionError::Bus { name: self.name.clone() });
        }
        Ok(())
    }
}
