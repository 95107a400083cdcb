//! Linux VFIO, the group interface with a type 1 (version 2) IOMMU: descriptors and what can be asked of them.
//!
//! Structures and constants are the kernel's (`linux/vfio.h`), by `vfio-bindings`; what an answer means is for the caller
//! to know. Errors carry the kernel's number: see [`SysError::errno`].

use std::{
    fs::{File, OpenOptions},
    ops::RangeInclusive,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::fs::FileExt,
    },
    path::Path,
};

use vfio_bindings::bindings::vfio as sys;

pub use sys::{
    VFIO_IRQ_SET_ACTION_MASK as ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER as ACTION_TRIGGER,
    VFIO_IRQ_SET_ACTION_UNMASK as ACTION_UNMASK, VFIO_IRQ_SET_DATA_EVENTFD as DATA_EVENTFD,
    VFIO_IRQ_SET_DATA_NONE as DATA_NONE, VFIO_PCI_CONFIG_REGION_INDEX as CONFIG_REGION,
    VFIO_PCI_ERR_IRQ_INDEX as ERR_IRQ, VFIO_PCI_INTX_IRQ_INDEX as INTX_IRQ, VFIO_PCI_MSIX_IRQ_INDEX as MSIX_IRQ,
    VFIO_PCI_MSI_IRQ_INDEX as MSI_IRQ, VFIO_PCI_NUM_IRQS as IRQS, VFIO_PCI_NUM_REGIONS as REGIONS,
    VFIO_PCI_REQ_IRQ_INDEX as REQ_IRQ, VFIO_REGION_INFO_FLAG_MMAP as REGION_MMAP,
    VFIO_REGION_INFO_FLAG_READ as REGION_READ, VFIO_REGION_INFO_FLAG_WRITE as REGION_WRITE,
};

use crate::{EventFd, MappedRegion, SysError};

/// `_IO(VFIO_TYPE, VFIO_BASE + number)`.
const fn request(number: u32) -> libc::c_ulong {
    ((sys::VFIO_TYPE as u32) << 8 | (sys::VFIO_BASE + number)) as libc::c_ulong
}

const GET_API_VERSION: libc::c_ulong = request(0);
const CHECK_EXTENSION: libc::c_ulong = request(1);
const SET_IOMMU: libc::c_ulong = request(2);
const GROUP_GET_STATUS: libc::c_ulong = request(3);
const GROUP_SET_CONTAINER: libc::c_ulong = request(4);
const GROUP_GET_DEVICE_FD: libc::c_ulong = request(6);
const DEVICE_GET_INFO: libc::c_ulong = request(7);
const DEVICE_GET_REGION_INFO: libc::c_ulong = request(8);
const DEVICE_GET_IRQ_INFO: libc::c_ulong = request(9);
const DEVICE_SET_IRQS: libc::c_ulong = request(10);
const DEVICE_RESET: libc::c_ulong = request(11);
const IOMMU_GET_INFO: libc::c_ulong = request(12);
const IOMMU_MAP_DMA: libc::c_ulong = request(13);
const IOMMU_UNMAP_DMA: libc::c_ulong = request(14);

/// An ioctl whose argument is a number, or nothing.
fn with_number(fd: &File, request: libc::c_ulong, number: u32, what: &'static str) -> Result<i32, SysError> {
    // SAFETY: every request that this is called with takes a number and touches no memory of ours.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, libc::c_ulong::from(number)) };
    if result < 0 {
        return Err(SysError::last(what));
    }
    Ok(result)
}

/// An ioctl whose argument is a structure that says in its first word, `argsz`, how long it is.
fn with_struct<T>(fd: &File, request: libc::c_ulong, argument: &mut T, what: &'static str) -> Result<i32, SysError> {
    // SAFETY: the requests that this is called with read and write at most the `argsz` bytes that every caller sets to
    // the size of `argument`, which lives through the call; no field of any of them can hold a value that is not valid.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, std::ptr::from_mut(argument)) };
    if result < 0 {
        return Err(SysError::last(what));
    }
    Ok(result)
}

fn open(path: &Path, what: &'static str) -> Result<File, SysError> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|source| SysError::System { what, source })
}

/// An I/O address space: `/dev/vfio/vfio`.
#[derive(Debug)]
pub struct Container {
    file: File,
}

impl Container {
    /// Opens one, with no group in it. An error without a number: the kernel's VFIO is not one that we speak.
    pub fn open(path: &Path) -> Result<Container, SysError> {
        let file = open(path, "open of the VFIO container")?;
        let unknown = |text| SysError::System { what: "VFIO container", source: std::io::Error::other(text) };
        if with_number(&file, GET_API_VERSION, 0, "VFIO_GET_API_VERSION")? != sys::VFIO_API_VERSION as i32 {
            return Err(unknown("another version of VFIO's interface"));
        }
        if with_number(&file, CHECK_EXTENSION, sys::VFIO_TYPE1v2_IOMMU, "VFIO_CHECK_EXTENSION")? == 0 {
            return Err(unknown("no type 1 IOMMU: load the module vfio_iommu_type1"));
        }
        Ok(Container { file })
    }

    /// After the first group came in: translations are on.
    pub fn set_iommu(&self) -> Result<(), SysError> {
        with_number(&self.file, SET_IOMMU, sys::VFIO_TYPE1v2_IOMMU, "VFIO_SET_IOMMU").map(drop)
    }

    /// The I/O addresses that may be mapped; none where the kernel does not say.
    pub fn iova_ranges(&self) -> Result<Vec<RangeInclusive<u64>>, SysError> {
        let what = "VFIO_IOMMU_GET_INFO";
        // Room for about a hundred ranges; a kernel with more says how much it wants, and the second try has it.
        let mut words = vec![0u64; 256];
        for _ in 0..2 {
            let bytes = 8 * words.len() as u32;
            words[0] = bytes.into();
            // SAFETY: the kernel writes at most the `argsz` bytes (the low half of the first word) that `words` has.
            let done = unsafe { libc::ioctl(self.file.as_raw_fd(), IOMMU_GET_INFO, words.as_mut_ptr()) };
            if done < 0 {
                return Err(SysError::last(what));
            }
            let wanted = words[0] as u32;
            if wanted <= bytes {
                break;
            }
            words = vec![0; wanted.div_ceil(8) as usize];
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let caps = word(&bytes, 4).unwrap_or(0) & sys::VFIO_IOMMU_INFO_CAPS != 0;
        Ok(if caps { ranges(&bytes, word(&bytes, 16).unwrap_or(0)) } else { Vec::new() })
    }

    /// Lets devices of the container reach `bytes` bytes of this process's memory at `address`, as `iova`. The kernel
    /// holds the pages: they stay what they are, even after this process has unmapped them.
    pub fn map(&self, iova: u64, memory: &crate::DmaMemory) -> Result<(), SysError> {
        let mut map = sys::vfio_iommu_type1_dma_map {
            argsz: size_of::<sys::vfio_iommu_type1_dma_map>() as u32,
            flags: sys::VFIO_DMA_MAP_FLAG_READ | sys::VFIO_DMA_MAP_FLAG_WRITE,
            vaddr: memory.address(),
            iova,
            size: memory.len(),
        };
        with_struct(&self.file, IOMMU_MAP_DMA, &mut map, "VFIO_IOMMU_MAP_DMA").map(drop)
    }

    /// Takes the mappings in a range away, and returns how many bytes that were.
    pub fn unmap(&self, iova: u64, bytes: u64) -> Result<u64, SysError> {
        let mut unmap = sys::vfio_iommu_type1_dma_unmap {
            argsz: size_of::<sys::vfio_iommu_type1_dma_unmap>() as u32,
            iova,
            size: bytes,
            ..Default::default()
        };
        with_struct(&self.file, IOMMU_UNMAP_DMA, &mut unmap, "VFIO_IOMMU_UNMAP_DMA")?;
        Ok(unmap.size)
    }
}

/// The 32-bit word at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The list of capabilities of which the first is at `first`: kind and place of each. Each lies behind the last one, so
/// the walk ends; a list that is not one gives what was found.
fn capabilities(bytes: &[u8], first: u32) -> Vec<(u32, usize)> {
    let mut found = Vec::new();
    let mut at = first as usize;
    while at != 0 {
        let (Some(kind), Some(next)) = (word(bytes, at), word(bytes, at + 4)) else { break };
        found.push((kind & 0xffff, at));
        if next as usize <= at {
            break;
        }
        at = next as usize;
    }
    found
}

/// The ranges of I/O addresses in a list of capabilities.
fn ranges(bytes: &[u8], first: u32) -> Vec<RangeInclusive<u64>> {
    let long = |at: usize| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut found = Vec::new();
    for (_, at) in capabilities(bytes, first).iter().filter(|c| c.0 == sys::VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
        let count = word(bytes, at + 8).unwrap_or(0) as usize;
        for i in 0..count {
            let (Some(start), Some(end)) = (long(at + 16 + 16 * i), long(at + 24 + 16 * i)) else { break };
            if start <= end {
                found.push(start..=end);
            }
        }
    }
    found
}

/// The devices that an IOMMU cannot tell apart: `/dev/vfio/<number>`.
#[derive(Debug)]
pub struct Group {
    file: File,
}

impl Group {
    /// Opens a group; EBUSY where another process has it.
    pub fn open(path: &Path) -> Result<Group, SysError> {
        Ok(Group { file: open(path, "open of the VFIO group")? })
    }

    /// True when no device of the group belongs to a driver of the host.
    pub fn viable(&self) -> Result<bool, SysError> {
        let argsz = size_of::<sys::vfio_group_status>() as u32;
        let mut status = sys::vfio_group_status { argsz, flags: 0 };
        with_struct(&self.file, GROUP_GET_STATUS, &mut status, "VFIO_GROUP_GET_STATUS")?;
        Ok(status.flags & sys::VFIO_GROUP_FLAGS_VIABLE != 0)
    }

    /// Puts the group into a container.
    pub fn join(&self, container: &Container) -> Result<(), SysError> {
        let mut fd = container.file.as_raw_fd();
        with_struct(&self.file, GROUP_SET_CONTAINER, &mut fd, "VFIO_GROUP_SET_CONTAINER").map(drop)
    }

    /// A device of the group, by its address on the bus.
    pub fn device(&self, address: &str) -> Result<Device, SysError> {
        let what = "VFIO_GROUP_GET_DEVICE_FD";
        let name = std::ffi::CString::new(address)
            .map_err(|_| SysError::System { what, source: std::io::ErrorKind::InvalidInput.into() })?;
        // SAFETY: the kernel reads the name up to its NUL; it lives through the call.
        let fd = unsafe { libc::ioctl(self.file.as_raw_fd(), GROUP_GET_DEVICE_FD, name.as_ptr()) };
        if fd < 0 {
            return Err(SysError::last(what));
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        Ok(Device { file: unsafe { OwnedFd::from_raw_fd(fd) }.into() })
    }
}

/// A region: where it is in the device's descriptor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Region {
    /// [`REGION_READ`], [`REGION_WRITE`], [`REGION_MMAP`].
    pub flags: u32,
    /// Bytes; 0 where there is none.
    pub bytes: u64,
    /// Where it starts.
    pub offset: u64,
    /// Only parts of it may be mapped.
    pub sparse: bool,
}

/// A device.
#[derive(Debug)]
pub struct Device {
    file: File,
}

impl Device {
    /// True when it can be reset.
    pub fn resettable(&self) -> Result<bool, SysError> {
        let mut info = sys::vfio_device_info { argsz: size_of::<sys::vfio_device_info>() as u32, ..Default::default() };
        with_struct(&self.file, DEVICE_GET_INFO, &mut info, "VFIO_DEVICE_GET_INFO")?;
        Ok(info.flags & sys::VFIO_DEVICE_FLAGS_RESET != 0)
    }

    /// What there is of a region.
    pub fn region(&self, index: u32) -> Result<Region, SysError> {
        // The structure, and room for its capabilities; a kernel with more of them than fit would give none.
        let mut words = [0u64; 256];
        words[0] = size_of_val(&words) as u64;
        words[1] = index.into();
        // SAFETY: the kernel writes at most the `argsz` bytes (the low half of the first word) that `words` has.
        let done = unsafe { libc::ioctl(self.file.as_raw_fd(), DEVICE_GET_REGION_INFO, words.as_mut_ptr()) };
        if done < 0 {
            return Err(SysError::last("VFIO_DEVICE_GET_REGION_INFO"));
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let flags = word(&bytes, 4).unwrap_or(0);
        let caps = flags & sys::VFIO_REGION_INFO_FLAG_CAPS != 0;
        let list = if caps { capabilities(&bytes, word(&bytes, 12).unwrap_or(0)) } else { Vec::new() };
        let sparse = list.iter().any(|c| c.0 == sys::VFIO_REGION_INFO_CAP_SPARSE_MMAP);
        // Of a list that did not fit nothing is known: then nothing is mapped.
        Ok(Region { flags, bytes: words[2], offset: words[3], sparse: sparse || (caps && list.is_empty()) })
    }

    /// Number of interrupts of a kind.
    pub fn interrupts(&self, index: u32) -> Result<u32, SysError> {
        let argsz = size_of::<sys::vfio_irq_info>() as u32;
        let mut info = sys::vfio_irq_info { argsz, index, ..Default::default() };
        with_struct(&self.file, DEVICE_GET_IRQ_INFO, &mut info, "VFIO_DEVICE_GET_IRQ_INFO")?;
        Ok(info.count)
    }

    /// Does `action` to interrupts `0 .. count` of a kind: with `events` (as many) or, where there are none, at once.
    pub fn set_interrupts(&self, index: u32, action: u32, count: u32, events: &[EventFd]) -> Result<(), SysError> {
        let data = if events.is_empty() { DATA_NONE } else { DATA_EVENTFD };
        let count = if events.is_empty() { count } else { events.len() as u32 };
        let head = size_of::<sys::vfio_irq_set>();
        let argsz = (head + 4 * events.len()) as u32;
        let mut words = vec![argsz, data | action, index, 0, count];
        words.extend(events.iter().map(|event| event.as_fd().as_raw_fd() as u32));
        // SAFETY: the kernel reads the `argsz` bytes that `words` has: a vfio_irq_set, which is five words, and a
        // descriptor for each of `count` interrupts.
        let done = unsafe { libc::ioctl(self.file.as_raw_fd(), DEVICE_SET_IRQS, words.as_ptr()) };
        if done < 0 {
            return Err(SysError::last("VFIO_DEVICE_SET_IRQS"));
        }
        Ok(())
    }

    /// Resets the device.
    pub fn reset(&self) -> Result<(), SysError> {
        with_number(&self.file, DEVICE_RESET, 0, "VFIO_DEVICE_RESET").map(drop)
    }

    /// Reads at an offset of the descriptor: that of a region, and the place in it.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), SysError> {
        self.file.read_exact_at(data, offset).map_err(|source| SysError::System { what: "read of a device", source })
    }

    /// Writes at an offset of the descriptor.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), SysError> {
        self.file.write_all_at(data, offset).map_err(|source| SysError::System { what: "write to a device", source })
    }

    /// Maps a region, whole.
    pub fn map(&self, region: &Region) -> Result<MappedRegion, SysError> {
        MappedRegion::new(self.as_fd(), region.offset, region.bytes)
    }

    /// The descriptor.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_behind_other_capabilities() {
        let mut bytes = vec![0u8; 96];
        let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
        put(24, &3u32.to_ne_bytes());
        put(28, &40u32.to_ne_bytes());
        put(40, &1u32.to_ne_bytes());
        put(48, &2u32.to_ne_bytes());
        for (i, bound) in [0u64, 0xfedf_ffff, 0xfef0_0000, u64::MAX].iter().enumerate() {
            put(56 + 8 * i, &bound.to_ne_bytes());
        }
        assert_eq!(ranges(&bytes, 24), [0..=0xfedf_ffff, 0xfef0_0000..=u64::MAX]);
        // Lists that leave the answer, or go in circles, end.
        assert_eq!(ranges(&bytes, 1000), []);
        bytes[44..48].copy_from_slice(&24u32.to_ne_bytes());
        assert_eq!(ranges(&bytes, 24).len(), 2);
        bytes[48..52].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(ranges(&bytes, 24).len(), 2);
    }

    #[test]
    fn requests_have_the_kernels_numbers() {
        assert_eq!((GET_API_VERSION, DEVICE_SET_IRQS, IOMMU_UNMAP_DMA), (0x3b64, 0x3b6e, 0x3b72));
        assert_eq!(size_of::<sys::vfio_irq_set>(), 20);
    }

    #[test]
    fn what_is_no_vfio_is_refused() {
        let error = Container::open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOTTY));
        assert_eq!(Group::open(Path::new("/dev/vfio/none")).unwrap_err().errno(), Some(libc::ENOENT));
    }
}
