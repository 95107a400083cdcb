//! [`Session`]: what a server answers to one client.

use std::{
    collections::BTreeMap,
    fs::File,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use pcie_sys::{vfio, DmaMemory, EventFd, SysError};

use super::{
    wire::{
        self,
        errno::{EXISTS, INVALID, IO, NO_DEVICE, NO_SPACE, UNSUPPORTED},
        Body, Command, Fields, Message, MAX_TRANSFER,
    },
    Served, SharedPart,
};
use crate::function::FunctionError;

/// Most mappings of one client: what Linux's VFIO has as its limit, too.
const MOST_MAPPINGS: usize = 65_535;

/// DEVICE_GET_INFO's flags: can be reset, is a PCI function.
const DEVICE_FLAGS: u32 = 1 | 2;
/// DEVICE_GET_IRQ_INFO's flag: by eventfd.
const BY_EVENT: u32 = 1;

/// One client. It says which version it speaks first, and then may ask for anything.
pub struct Session<'a> {
    served: &'a dyn Served,
    greeted: bool,
    /// Files by what the kernel tells them apart by, so that parts of one are mapped once.
    files: BTreeMap<(u64, u64), Weak<DmaMemory>>,
    mappings: usize,
    request: &'a Request,
}

/// How a client is told that the function is about to go away.
#[derive(Default)]
pub struct Request(Mutex<Option<EventFd>>);

impl Request {
    /// Tells the client, if it wants to know.
    pub(super) fn tell(&self) {
        if let Some(event) = &*self.lock() {
            // A failure would be of the client's own event.
            let _ = event.signal();
        }
    }

    /// The client is gone.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<EventFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer = Result<Vec<u8>, i32>;

impl<'a> Session<'a> {
    /// A client that has not said anything yet.
    pub fn new(served: &'a dyn Served, request: &'a Request) -> Session<'a> {
        Session { served, greeted: false, files: BTreeMap::new(), mappings: 0, request }
    }

    /// Does what a message asks for: the answer's body, or its error number.
    pub fn answer(&mut self, message: Message) -> Answer {
        let Message { header, body, fds } = message;
        let command = Command::from_code(header.command).ok_or(UNSUPPORTED)?;
        if self.greeted == (command == Command::Version) {
            return Err(INVALID);
        }
        let mut fields = Fields(&body);
        match command {
            Command::Version => self.version(&mut fields),
            Command::DmaMap => self.map(&mut fields, fds),
            Command::DmaUnmap => self.unmap(&mut fields),
            Command::DeviceInfo => {
                fields.words::<4>().ok_or(INVALID)?;
                Ok(Body::default().words(&[16, DEVICE_FLAGS, vfio::REGIONS, vfio::IRQS]).0)
            }
            Command::RegionInfo => self.region_info(&mut fields),
            Command::IrqInfo => {
                let [_, _, index, _] = fields.words().ok_or(INVALID)?;
                let count = self.interrupts(index).ok_or(INVALID)?;
                Ok(Body::default().words(&[16, BY_EVENT, index, count]).0)
            }
            Command::SetIrqs => self.set_irqs(&mut fields, fds),
            Command::RegionRead => self.read(&mut fields),
            Command::RegionWrite => self.write(&mut fields),
            Command::Reset => self.served.reset().map(|()| Vec::new()).map_err(errno),
        }
    }

    fn version(&mut self, fields: &mut Fields<'_>) -> Answer {
        let (Some(0), Some(_)) = (fields.half(), fields.half()) else { return Err(INVALID) };
        self.greeted = true;
        // What the client can take (its JSON) is of no matter: we ask it for nothing and answer what it asked for.
        Ok(wire::version())
    }

    fn map(&mut self, fields: &mut Fields<'_>, mut fds: Vec<OwnedFd>) -> Answer {
        let [_, flags] = fields.words().ok_or(INVALID)?;
        let (offset, iova) = (fields.long().ok_or(INVALID)?, fields.long().ok_or(INVALID)?);
        let bytes = fields.long().ok_or(INVALID)?;
        if fds.len() > 1 || bytes == 0 {
            return Err(INVALID);
        }
        if self.mappings >= MOST_MAPPINGS {
            return Err(NO_SPACE);
        }
        // Without a file, or with one that we may not write to (a guest's ROM): an address where accesses fail.
        let memory = fds.pop().and_then(|fd| self.file(fd));
        if memory.as_ref().is_some_and(|m| offset.checked_add(bytes).is_none_or(|end| end > m.len())) {
            return Err(INVALID);
        }
        let part = SharedPart {
            memory,
            offset,
            bytes,
            readable: flags & wire::MAP_READ != 0,
            writable: flags & wire::MAP_WRITE != 0,
        };
        self.served.map_part(iova, part).map_err(errno)?;
        self.mappings += 1;
        Ok(Vec::new())
    }

    /// The memory of a file: the same for each descriptor of the same file.
    fn file(&mut self, fd: OwnedFd) -> Option<Arc<DmaMemory>> {
        let data = File::from(fd.as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        let key = (data.dev(), data.ino());
        if let Some(memory) = self.files.get(&key).and_then(Weak::upgrade) {
            return Some(memory);
        }
        self.files.retain(|_, memory| memory.strong_count() != 0);
        let memory = Arc::new(DmaMemory::from_fd(fd).ok()?);
        self.files.insert(key, Arc::downgrade(&memory));
        Some(memory)
    }

    fn unmap(&mut self, fields: &mut Fields<'_>) -> Answer {
        let [_, flags] = fields.words().ok_or(INVALID)?;
        let (iova, bytes) = (fields.long().ok_or(INVALID)?, fields.long().ok_or(INVALID)?);
        let all = flags & wire::UNMAP_ALL != 0;
        if flags & !wire::UNMAP_ALL != 0 || (all && (iova, bytes) != (0, 0)) || (!all && bytes == 0) {
            return Err(INVALID);
        }
        let (iova, last) = if all { (0, u64::MAX) } else { (iova, iova.checked_add(bytes - 1).ok_or(INVALID)?) };
        let (count, unmapped) = self.served.unmap_range(iova..=last).map_err(errno)?;
        self.mappings = self.mappings.saturating_sub(count);
        Ok(Body::default().words(&[24, flags]).longs(&[iova, unmapped]).0)
    }

    fn region_bytes(&self, index: u32) -> Option<u64> {
        match index {
            0..=5 => Some(self.served.region_bytes(index as u8)),
            vfio::CONFIG_REGION => Some(self.served.config_bytes()),
            _ => (index < vfio::REGIONS).then_some(0),
        }
    }

    fn region_info(&self, fields: &mut Fields<'_>) -> Answer {
        let [_, _, index, _] = fields.words().ok_or(INVALID)?;
        let bytes = self.region_bytes(index).ok_or(INVALID)?;
        let flags = if bytes == 0 { 0 } else { vfio::REGION_READ | vfio::REGION_WRITE };
        // The offset only means something to mmap, which no region offers.
        Ok(Body::default().words(&[32, flags, index, 0]).longs(&[bytes, u64::from(index) << 40]).0)
    }

    /// Number of interrupts of a kind, if there is such a kind.
    fn interrupts(&self, index: u32) -> Option<u32> {
        match index {
            vfio::MSIX_IRQ => Some(self.served.vectors().into()),
            vfio::REQ_IRQ => Some(1),
            _ => (index < vfio::IRQS).then_some(0),
        }
    }

    fn set_irqs(&mut self, fields: &mut Fields<'_>, fds: Vec<OwnedFd>) -> Answer {
        let [_, flags, index, start, count] = fields.words().ok_or(INVALID)?;
        let available = self.interrupts(index).ok_or(INVALID)?;
        if start.checked_add(count).is_none_or(|end| end > available) {
            return Err(INVALID);
        }
        let data = flags & !vfio::ACTION_TRIGGER;
        if flags & vfio::ACTION_TRIGGER == 0 {
            // Masks are in the MSI-X table.
            return Err(UNSUPPORTED);
        }
        let events =
            fds.into_iter().map(EventFd::from_fd).collect::<Result<Vec<_>, SysError>>().map_err(|_| INVALID)?;
        let (numbers, mut events) = match data {
            // Everything off.
            vfio::DATA_NONE if count == 0 && events.is_empty() => (0..available, Vec::new()),
            // Fires once, to show that it arrives.
            vfio::DATA_NONE if events.is_empty() => {
                for vector in start..start + count {
                    self.fire(index, vector).map_err(errno)?;
                }
                return Ok(Vec::new());
            }
            // Without descriptors: these off.
            vfio::DATA_EVENTFD if events.is_empty() || events.len() == count as usize => (start..start + count, events),
            _ => return Err(INVALID),
        };
        events.reverse();
        for vector in numbers {
            let event = events.pop();
            if index == vfio::REQ_IRQ {
                *self.request.lock() = event;
            } else {
                self.served.set_vector(vector as u16, event).map_err(errno)?;
            }
        }
        Ok(Vec::new())
    }

    fn fire(&self, index: u32, vector: u32) -> Result<(), FunctionError> {
        if index == vfio::REQ_IRQ {
            self.request.tell();
            return Ok(());
        }
        self.served.fire(vector as u16)
    }

    fn read(&self, fields: &mut Fields<'_>) -> Answer {
        let (offset, region, count) = self.place(fields)?;
        let mut data = vec![0; count];
        for (at, part) in parts(offset, count) {
            let part = &mut data[part];
            if region == vfio::CONFIG_REGION {
                self.served.config_read(at as u16, part).map_err(errno)?;
            } else {
                self.served.region_read(region as u8, at, part).map_err(errno)?;
            }
        }
        Ok(Body::default().longs(&[offset]).words(&[region, count as u32]).data(&data).0)
    }

    fn write(&self, fields: &mut Fields<'_>) -> Answer {
        let (offset, region, count) = self.place(fields)?;
        let data = fields.0;
        if data.len() != count {
            return Err(INVALID);
        }
        if region == vfio::CONFIG_REGION {
            // Whole, as it came: bits of one access belong together.
            self.served.config_write(offset as u16, data).map_err(errno)?;
        } else {
            for (at, part) in parts(offset, count) {
                self.served.region_write(region as u8, at, &data[part]).map_err(errno)?;
            }
        }
        Ok(Body::default().longs(&[offset]).words(&[region, count as u32]).0)
    }

    /// Offset, region and length of an access that stays inside.
    fn place(&self, fields: &mut Fields<'_>) -> Result<(u64, u32, usize), i32> {
        let (offset, [region, count]) = (fields.long().ok_or(INVALID)?, fields.words().ok_or(INVALID)?);
        let bytes = self.region_bytes(region).ok_or(INVALID)?;
        let inside = offset.checked_add(count.into()).is_some_and(|end| end <= bytes);
        if !inside || count > MAX_TRANSFER {
            return Err(INVALID);
        }
        Ok((offset, region, count as usize))
    }
}

/// Cuts an access into naturally aligned ones of at most eight bytes: place, and bytes of the data.
fn parts(offset: u64, count: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let left = count - done;
        let bytes = [8, 4, 2, 1].into_iter().find(|b| *b <= left && at.is_multiple_of(*b as u64))?;
        let part = done..done + bytes;
        done += bytes;
        Some((at, part))
    })
}

/// The error number that tells a client of a failure.
fn errno(error: FunctionError) -> i32 {
    match error {
        FunctionError::OutOfRange { .. } | FunctionError::Interrupts { .. } => INVALID,
        FunctionError::Mapping { reason, .. } if reason.contains("overlaps") => EXISTS,
        FunctionError::Mapping { .. } => INVALID,
        FunctionError::Gone { .. } => NO_DEVICE,
        _ => IO,
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn accesses_are_cut_where_registers_are() {
        let cut = |offset, count| parts(offset, count).collect::<Vec<_>>();
        assert_eq!(cut(0x10, 8), [(0x10, 0..8)]);
        assert_eq!(cut(0x14, 8), [(0x14, 0..4), (0x18, 4..8)]);
        assert_eq!(cut(3, 6), [(3, 0..1), (4, 1..5), (8, 5..6)]);
        assert_eq!(cut(6, 0), []);
    }
}
