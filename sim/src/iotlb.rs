//! What the board can reach of host memory: mappings by I/O virtual address.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use hotloop_driver::vfio_user::SharedPart;
use pcie_sys::{DmaMemory, PAGE_BYTES};

/// Mappings by their first address. They do not overlap.
#[derive(Default)]
pub(crate) struct Iotlb {
    mappings: BTreeMap<u64, SharedPart>,
}

/// All of a memory, for reading and writing.
pub(crate) fn whole(memory: &Arc<DmaMemory>) -> SharedPart {
    let (memory, bytes) = (Some(Arc::clone(memory)), memory.len());
    SharedPart { memory, offset: 0, bytes, readable: true, writable: true }
}

/// The addresses that may be mapped: 48 bits without the window of interrupt messages, as an IOMMU of a PC has it.
pub(crate) fn ranges() -> Vec<RangeInclusive<u64>> {
    vec![0..=0xfedf_ffff, 0xfef0_0000..=(1 << 48) - 1]
}

impl Iotlb {
    /// Adds a mapping, or says why not.
    pub fn map(&mut self, iova: u64, part: SharedPart) -> Result<(), &'static str> {
        if !iova.is_multiple_of(PAGE_BYTES) || part.bytes == 0 {
            return Err("the address is not a multiple of 4096, or there are no bytes");
        }
        let last = iova.checked_add(part.bytes - 1).ok_or("the end is beyond 64 bits")?;
        if !ranges().iter().any(|range| range.contains(&iova) && range.contains(&last)) {
            return Err("outside the ranges that may be mapped");
        }
        // The last one that starts at or before our end is the only one that may reach into us.
        if let Some((&start, other)) = self.mappings.range(..=last).next_back() {
            if start + (other.bytes - 1) >= iova {
                return Err("overlaps another mapping");
            }
        }
        self.mappings.insert(iova, part);
        Ok(())
    }

    /// Takes a whole mapping away, or says why not.
    pub fn unmap(&mut self, iova: u64, bytes: u64) -> Result<(), &'static str> {
        match self.mappings.get(&iova) {
            None => Err("there is no mapping that starts here"),
            Some(part) if part.bytes != bytes => Err("the mapping has another length"),
            Some(_) => {
                self.mappings.remove(&iova);
                Ok(())
            }
        }
    }

    /// Takes all mappings in a range away, or says why not: how many, and their bytes together.
    pub fn unmap_range(&mut self, range: RangeInclusive<u64>) -> Result<(usize, u64), &'static str> {
        let end = |(start, part): (&u64, &SharedPart)| start + (part.bytes - 1);
        let before = self.mappings.range(..*range.start()).next_back().map(end);
        let last = self.mappings.range(..=*range.end()).next_back().map(end);
        if before.is_some_and(|end| end >= *range.start()) || last.is_some_and(|end| end > *range.end()) {
            return Err("a mapping reaches out of the range");
        }
        let inside: Vec<u64> = self.mappings.range(range).map(|(start, _)| *start).collect();
        let bytes = inside.iter().filter_map(|start| self.mappings.remove(start)).map(|part| part.bytes).sum();
        Ok((inside.len(), bytes))
    }

    /// The memory that holds all of `bytes` bytes at `iova`, and the offset there, if the board may read it.
    #[inline]
    pub fn to_read(&self, iova: u64, bytes: u64) -> Option<(&DmaMemory, u64)> {
        self.find(iova, bytes, |part| part.readable)
    }

    /// As [`Iotlb::to_read`], if the board may write it.
    #[inline]
    pub fn to_write(&self, iova: u64, bytes: u64) -> Option<(&DmaMemory, u64)> {
        self.find(iova, bytes, |part| part.writable)
    }

    #[inline]
    fn find(&self, iova: u64, bytes: u64, allowed: impl Fn(&SharedPart) -> bool) -> Option<(&DmaMemory, u64)> {
        let (start, part) = self.mappings.range(..=iova).next_back()?;
        let offset = iova - start;
        let inside = part.bytes.checked_sub(offset)? >= bytes && allowed(part);
        Some((part.memory.as_deref().filter(|_| inside)?, part.offset + offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(count: u64) -> SharedPart {
        whole(&Arc::new(DmaMemory::new(count * PAGE_BYTES).unwrap()))
    }

    #[test]
    fn mappings_do_not_overlap_and_stay_in_range() {
        let mut tlb = Iotlb::default();
        tlb.map(0x10000, pages(2)).unwrap();
        for (iova, count) in [(0x10000, 1), (0x11000, 1), (0xf000, 2), (0xf000, 9), (0x10000, 2)] {
            assert_eq!(tlb.map(iova, pages(count)), Err("overlaps another mapping"), "{iova:#x}");
        }
        tlb.map(0xf000, pages(1)).unwrap();
        tlb.map(0x12000, pages(1)).unwrap();
        assert!(tlb.map(0x20001, pages(1)).is_err());
        assert!(tlb.map(0xfee0_0000, pages(1)).is_err());
        assert!(tlb.map(0xfedf_f000, pages(2)).is_err());
        assert!(tlb.map((1 << 48) - 4096, pages(2)).is_err());
        assert!(tlb.map(u64::MAX - 4095, pages(2)).is_err());
        tlb.map((1 << 48) - 4096, pages(1)).unwrap();
    }

    #[test]
    fn only_whole_mappings_go_and_only_whole_accesses_are_found() {
        let mut tlb = Iotlb::default();
        tlb.map(0x10000, pages(2)).unwrap();
        assert_eq!(tlb.to_read(0x11fc0, 64).unwrap().1, 0x1fc0);
        assert!(tlb.to_read(0x11fc1, 64).is_none());
        assert!(tlb.to_read(0x12000, 1).is_none());
        assert!(tlb.to_read(0xffff, 1).is_none());
        assert!(tlb.to_read(u64::MAX, 64).is_none());
        assert!(tlb.unmap(0x10000, 4096).is_err());
        assert!(tlb.unmap(0x11000, 4096).is_err());
        tlb.unmap(0x10000, 8192).unwrap();
        assert!(tlb.to_read(0x10000, 1).is_none());
        tlb.map(0x10000, pages(1)).unwrap();
    }
    #[test]
    fn a_range_takes_what_is_in_it_and_cuts_nothing() {
        let mut tlb = Iotlb::default();
        for page in [2, 3, 5] {
            tlb.map(page * PAGE_BYTES, pages(1)).unwrap();
        }
        tlb.map(8 * PAGE_BYTES, pages(2)).unwrap();
        assert!(tlb.unmap_range(0x2800..=0x7fff).is_err());
        assert!(tlb.unmap_range(0x6000..=0x8fff).is_err());
        assert_eq!(tlb.unmap_range(0x4000..=0x4fff), Ok((0, 0)));
        assert_eq!(tlb.unmap_range(0x3000..=0x7fff), Ok((2, 8192)));
        assert!(tlb.to_read(0x3000, 1).is_none() && tlb.to_read(0x2000, 1).is_some());
        assert_eq!(tlb.unmap_range(0..=u64::MAX), Ok((2, 12288)));
    }

    #[test]
    fn parts_of_memory_and_what_may_be_done_with_them() {
        let mut tlb = Iotlb::default();
        let part = SharedPart { offset: 4096, bytes: 4096, ..pages(4) };
        tlb.map(0x1000, SharedPart { writable: false, ..part.clone() }).unwrap();
        tlb.map(0x2000, SharedPart { readable: false, ..part.clone() }).unwrap();
        tlb.map(0x3000, SharedPart { memory: None, ..part }).unwrap();
        assert_eq!(tlb.to_read(0x1040, 64).unwrap().1, 4096 + 64);
        assert!(tlb.to_write(0x1040, 64).is_none() && tlb.to_read(0x1fc1, 64).is_none());
        assert!(tlb.to_read(0x2000, 64).is_none() && tlb.to_write(0x2000, 64).is_some());
        assert!(tlb.to_read(0x3000, 64).is_none() && tlb.to_write(0x3000, 64).is_none());
    }
}
