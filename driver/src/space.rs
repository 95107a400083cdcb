//! Which bytes of a region are free, and which I/O addresses a region may have. Numbers only; no memory.

use std::{collections::BTreeMap, ops::RangeInclusive};

use pcie_sys::PAGE_BYTES;

/// Free stretches of a region, by offset; no two touch.
#[derive(Debug)]
pub(crate) struct FreeList {
    free: BTreeMap<u64, u64>,
}

impl FreeList {
    /// All of `0 .. bytes` free.
    pub(crate) fn new(bytes: u64) -> FreeList {
        FreeList { free: BTreeMap::from([(0, bytes)]) }
    }

    /// Takes the first `bytes` bytes that start at a multiple of `align`.
    pub(crate) fn take(&mut self, bytes: u64, align: u64) -> Option<u64> {
        let (start, length, at) = self.free.iter().find_map(|(&start, &length)| {
            let at = start.checked_next_multiple_of(align)?;
            let end = at.checked_add(bytes)?;
            (end <= start + length).then_some((start, length, at))
        })?;
        self.free.remove(&start);
        if at > start {
            self.free.insert(start, at - start);
        }
        let (end, limit) = (at + bytes, start + length);
        if limit > end {
            self.free.insert(end, limit - end);
        }
        Some(at)
    }

    /// Gives back what `take` gave.
    pub(crate) fn give(&mut self, offset: u64, bytes: u64) {
        let (mut start, mut length) = (offset, bytes);
        if let Some((&before, &its)) = self.free.range(..offset).next_back() {
            debug_assert!(before + its <= offset, "given back twice");
            if before + its == offset {
                self.free.remove(&before);
                (start, length) = (before, its + bytes);
            }
        }
        if let Some(its) = self.free.remove(&(offset + bytes)) {
            length += its;
        }
        self.free.insert(start, length);
    }
}

/// Where message-signalled interrupts are written on x86: never memory.
const MSI_WINDOW: RangeInclusive<u64> = 0xfee0_0000..=0xfeef_ffff;

/// Alignment of regions: a huge page, so that an IOMMU can use few entries.
const REGION_ALIGN: u64 = 2 << 20;

/// Lowest I/O address for a region of `bytes` bytes: inside one of `ranges`, below 2^`mask_bits`, clear of what is
/// `taken`, of the page at 0 and of the MSI window.
pub(crate) fn choose_iova(
    ranges: &[RangeInclusive<u64>],
    taken: &[RangeInclusive<u64>],
    bytes: u64,
    mask_bits: u32,
) -> Option<u64> {
    let mask = u64::MAX.checked_shr(64u32.saturating_sub(mask_bits)).unwrap_or(0);
    let mut blocked: Vec<&RangeInclusive<u64>> = taken.iter().collect();
    let zero = 0..=PAGE_BYTES - 1;
    blocked.extend([&zero, &MSI_WINDOW]);
    blocked.sort_by_key(|range| *range.start());
    let mut ranges: Vec<&RangeInclusive<u64>> = ranges.iter().collect();
    ranges.sort_by_key(|range| *range.start());
    for range in ranges {
        let end = (*range.end()).min(mask);
        // A range may be too small for the large alignment only.
        for align in [REGION_ALIGN, PAGE_BYTES] {
            let mut at = range.start().checked_next_multiple_of(align);
            for block in &blocked {
                let Some(start) = at else { break };
                if start <= *block.end() && start.checked_add(bytes - 1).is_none_or(|last| last >= *block.start()) {
                    at = block.end().checked_add(1).and_then(|next| next.checked_next_multiple_of(align));
                }
            }
            if let Some(start) = at {
                if start.checked_add(bytes - 1).is_some_and(|last| last <= end) {
                    return Some(start);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_avoid_zero_and_the_msi_window() {
        let all = [0..=u64::MAX];
        assert_eq!(choose_iova(&all, &[], 4096, 48), Some(REGION_ALIGN));
        assert_eq!(choose_iova(&[0..=0xffff], &[], 4096, 48), Some(4096));
        // A region that would run into the window goes behind it.
        assert_eq!(choose_iova(&all, &[], 0xfee0_0000, 48), Some(0xff00_0000));
        assert_eq!(choose_iova(&[0xfed0_0000..=0xff0f_ffff], &[], 2 << 20, 48), Some(0xfef0_0000));
        assert_eq!(choose_iova(&[0xfee0_0000..=0xfeef_ffff], &[], 4096, 48), None);
    }

    #[test]
    fn addresses_stay_below_the_mask_and_inside_a_range() {
        assert_eq!(choose_iova(&[0..=u64::MAX], &[], 1 << 32, 32), None);
        assert_eq!(choose_iova(&[0..=u64::MAX], &[], 4096, 0), None);
        assert_eq!(choose_iova(&[0..=0x1fff, 0x4000_0000..=0x7fff_ffff], &[], 8192, 31), Some(0x4000_0000));
        assert_eq!(choose_iova(&[u64::MAX - 8191..=u64::MAX], &[], 8192, 64), Some(u64::MAX - 8191));
    }

    proptest! {
        #[test]
        fn chosen_addresses_never_overlap(sizes in prop::collection::vec(1u64..2000, 1..60), start in 0u64..1 << 33) {
            let ranges = [start & !0xfff..=start + (1 << 31), 1 << 40..=(1 << 40) + (1 << 26)];
            let mut taken: Vec<RangeInclusive<u64>> = Vec::new();
            for pages in sizes {
                let bytes = pages * 4096;
                let Some(iova) = choose_iova(&ranges, &taken, bytes, 48) else { continue };
                let last = iova + bytes - 1;
                prop_assert!(iova >= 4096 && iova % 4096 == 0);
                prop_assert!(ranges.iter().any(|r| r.contains(&iova) && r.contains(&last)));
                for other in taken.iter().chain([&MSI_WINDOW]) {
                    prop_assert!(last < *other.start() || iova > *other.end());
                }
                taken.push(iova..=last);
            }
        }

        #[test]
        fn taken_space_never_overlaps_and_all_comes_back(
            steps in prop::collection::vec((1u64..40, 0usize..3, any::<prop::sample::Index>(), any::<bool>()), 1..200),
        ) {
            let total = 64 * 512;
            let mut list = FreeList::new(total);
            let mut held: Vec<(u64, u64)> = Vec::new();
            for (units, align, index, give) in steps {
                if give && !held.is_empty() {
                    let (offset, bytes) = held.swap_remove(index.index(held.len()));
                    list.give(offset, bytes);
                    continue;
                }
                let (bytes, align) = (units * 64, [64, 256, 4096][align]);
                if let Some(at) = list.take(bytes, align) {
                    prop_assert!(at % align == 0 && at + bytes <= total);
                    for (offset, length) in &held {
                        prop_assert!(at + bytes <= *offset || at >= offset + length);
                    }
                    held.push((at, bytes));
                }
            }
            for (offset, bytes) in held {
                list.give(offset, bytes);
            }
            prop_assert_eq!(list.take(total, 64), Some(0));
        }
    }
}
