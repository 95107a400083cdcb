//! What the board can reach of host memory: mappings by I/O virtual address.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use pcie_sys::{DmaMemory, PAGE_BYTES};

/// Mappings by their first address. They do not overlap.
#[derive(Default)]
pub(crate) struct Iotlb {
    mappings: BTreeMap<u64, Arc<DmaMemory>>,
}

/// The addresses that may be mapped: 48 bits without the window of interrupt messages, as an IOMMU of a PC has it.
pub(crate) fn ranges() -> Vec<RangeInclusive<u64>> {
    vec![0..=0xfedf_ffff, 0xfef0_0000..=(1 << 48) - 1]
}

impl Iotlb {
    /// Adds a mapping, or says why not.
    pub fn map(&mut self, iova: u64, memory: Arc<DmaMemory>) -> Result<(), &'static str> {
        if !iova.is_multiple_of(PAGE_BYTES) {
            return Err("the address is not a multiple of 4096");
        }
        let last = iova.checked_add(memory.len() - 1).ok_or("the end is beyond 64 bits")?;
        if !ranges().iter().any(|range| range.contains(&iova) && range.contains(&last)) {
            return Err("outside the ranges that may be mapped");
        }
        // The last one that starts at or before our end is the only one that may reach into us.
        if let Some((&start, other)) = self.mappings.range(..=last).next_back() {
            if start + (other.len() - 1) >= iova {
                return Err("overlaps another mapping");
            }
        }
        self.mappings.insert(iova, memory);
        Ok(())
    }

    /// Takes a whole mapping away, or says why not.
    pub fn unmap(&mut self, iova: u64, bytes: u64) -> Result<(), &'static str> {
        match self.mappings.get(&iova) {
            None => Err("there is no mapping that starts here"),
            Some(memory) if memory.len() != bytes => Err("the mapping has another length"),
            Some(_) => {
                self.mappings.remove(&iova);
                Ok(())
            }
        }
    }

    /// The memory that holds all of `bytes` bytes at `iova`, and the offset there.
    #[inline]
    pub fn find(&self, iova: u64, bytes: u64) -> Option<(&DmaMemory, u64)> {
        let (start, memory) = self.mappings.range(..=iova).next_back()?;
        let offset = iova - start;
        (memory.len().checked_sub(offset)? >= bytes).then_some((memory, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(count: u64) -> Arc<DmaMemory> {
        Arc::new(DmaMemory::new(count * PAGE_BYTES).unwrap())
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
        assert_eq!(tlb.find(0x11fc0, 64).unwrap().1, 0x1fc0);
        assert!(tlb.find(0x11fc1, 64).is_none());
        assert!(tlb.find(0x12000, 1).is_none());
        assert!(tlb.find(0xffff, 1).is_none());
        assert!(tlb.find(u64::MAX, 64).is_none());
        assert!(tlb.unmap(0x10000, 4096).is_err());
        assert!(tlb.unmap(0x11000, 4096).is_err());
        tlb.unmap(0x10000, 8192).unwrap();
        assert!(tlb.find(0x10000, 1).is_none());
        tlb.map(0x10000, pages(1)).unwrap();
    }
}
