//! A function whose registers are memory, and whose answers the fuzzer chooses.
#![allow(dead_code)] // each target uses its part

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
};

use hotloop_driver::{
    function::{check_config, check_region},
    vfio_user::{Served, SharedPart},
    DmaMemory, EventFd, FunctionError, PciFunction,
};
use hotloop_regs::{map, ParameterSet, ABI, BAR0_BYTES, MAGIC, MAP_HASH, PCI_DEVICE_ID, PCI_VENDOR_ID};

#[derive(Default)]
struct State {
    words: BTreeMap<u64, u32>,
    mappings: BTreeMap<u64, SharedPart>,
    /// What the completion ring holds after a doorbell, and how far the board says that it got.
    ring: Vec<u8>,
    tail: u16,
}

pub struct Puppet(Mutex<State>);

impl Puppet {
    pub fn new(ring: &[u8], tail: u16) -> Puppet {
        let mut state = State { ring: ring.to_vec(), tail, ..State::default() };
        let mut put = |register: &hotloop_regs::Register, value: u64| {
            state.words.insert(register.offset.into(), value as u32);
            if register.width == 64 {
                state.words.insert(u64::from(register.offset) + 4, (value >> 32) as u32);
            }
        };
        put(&map::MAGIC, MAGIC.into());
        put(&map::ABI_VERSION, ABI.into());
        put(&map::MAP_HASH_REG, MAP_HASH);
        put(&map::SETS, 1 << ParameterSet::Plonky2V1.code());
        put(&map::BUS_BYTES, 64);
        Puppet(Mutex::new(state))
    }

    fn doorbell(state: &mut State) {
        let at = |register: &hotloop_regs::Register| {
            let word = |offset: u64| u64::from(state.words.get(&offset).copied().unwrap_or(0));
            word(register.offset.into()) | word(u64::from(register.offset) + 4) << 32
        };
        let base = at(&map::CQ_BASE);
        if let Some((start, part)) = state.mappings.range(..=base).next_back() {
            if let Some(memory) = &part.memory {
                // Outside: nothing is written, which is one more thing to survive.
                let _ = memory.write(base - start, &state.ring);
            }
        }
        state.words.insert(map::CQ_TAIL.offset.into(), state.tail.into());
    }
}

impl PciFunction for Puppet {
    fn name(&self) -> String {
        "puppet".into()
    }

    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        check_config(4096, offset, data.len())?;
        let ids = [PCI_VENDOR_ID.to_le_bytes(), PCI_DEVICE_ID.to_le_bytes()].concat();
        for (byte, at) in data.iter_mut().zip(usize::from(offset)..) {
            *byte = ids.get(at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        check_config(4096, offset, data.len())
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
        let state = self.0.lock().unwrap();
        for (byte, at) in data.iter_mut().zip(offset..) {
            let word = state.words.get(&(at & !3)).copied().unwrap_or(0);
            *byte = word.to_le_bytes()[at as usize % 4];
        }
        Ok(())
    }

    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        check_region(bar, self.region_bytes(bar), offset, data.len())?;
        let mut state = self.0.lock().unwrap();
        for (word, at) in data.chunks_exact(4).zip((offset..).step_by(4)) {
            let value = u32::from_le_bytes(word.try_into().unwrap());
            // A reset is done at once.
            let value = if at == map::CONTROL.offset.into() { value & !map::CONTROL_RESET } else { value };
            state.words.insert(at, value);
            if at == map::SQ_TAIL.offset.into() {
                Puppet::doorbell(&mut state);
            }
        }
        Ok(())
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        vec![0..=u64::MAX]
    }

    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        let bytes = memory.len();
        let memory = Some(Arc::clone(memory));
        self.map_part(iova, SharedPart { memory, offset: 0, bytes, readable: true, writable: true })
    }

    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        self.unmap_range(iova..=iova + (bytes - 1)).map(drop)
    }

    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        Err(FunctionError::Interrupts { asked: vectors, available: 0 })
    }

    fn reset(&self) -> Result<(), FunctionError> {
        Ok(())
    }
}

impl Served for Puppet {
    fn config_bytes(&self) -> u64 {
        4096
    }

    fn vectors(&self) -> u16 {
        2
    }

    fn map_part(&self, iova: u64, part: SharedPart) -> Result<(), FunctionError> {
        // What a session promises.
        if let Some(memory) = &part.memory {
            assert!(part.offset.checked_add(part.bytes).is_some_and(|end| end <= memory.len()));
        }
        assert_ne!(part.bytes, 0);
        self.0.lock().unwrap().mappings.insert(iova, part);
        Ok(())
    }

    fn unmap_range(&self, range: RangeInclusive<u64>) -> Result<(usize, u64), FunctionError> {
        assert!(range.start() <= range.end());
        let mappings = &mut self.0.lock().unwrap().mappings;
        let before = mappings.len();
        mappings.retain(|iova, _| !range.contains(iova));
        Ok((before - mappings.len(), 4096))
    }

    fn set_vector(&self, vector: u16, _event: Option<EventFd>) -> Result<(), FunctionError> {
        assert!(vector < 2);
        Ok(())
    }

    fn fire(&self, vector: u16) -> Result<(), FunctionError> {
        assert!(vector < 2);
        Ok(())
    }
}
