//! The copying fixture, driven as a driver would.
// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hotloop_driver::{DmaMemory, FunctionError, PciFunction};
use hotloop_sim::{LinkOptions, SimFunction, SimOptions};

pub const MAGIC: u64 = 0x000;
pub const SCRATCH: u64 = 0x04c;
pub const CYCLES: u64 = 0x200;
pub const STROBES: u64 = 0x818;
pub const STATUS: u64 = 0x820;
pub const COPY_CYCLES: u64 = 0x824;

pub const SOURCE: u64 = 0x10_0000;
pub const TARGET: u64 = 0x20_0000;

/// A fixture with memory and bus master enabled.
pub struct Fixture {
    pub function: SimFunction,
    pub source: Arc<DmaMemory>,
    pub target: Arc<DmaMemory>,
}

/// A fixture with four pages each at SOURCE (filled with a pattern) and TARGET (filled with ones).
pub fn fixture_with(link: LinkOptions) -> Fixture {
    let function = SimFunction::open(&SimOptions { link, ..SimOptions::model("fixture_dma") }).unwrap();
    function.config_write(4, &[6, 0]).unwrap();
    let source = Arc::new(DmaMemory::new(4 * 4096).unwrap());
    let target = Arc::new(DmaMemory::new(4 * 4096).unwrap());
    for i in 0..2048 {
        source.write_words(8 * i, &[pattern(i)]).unwrap();
        target.write_words(8 * i, &[u64::MAX]).unwrap();
    }
    function.dma_map(SOURCE, &source).unwrap();
    function.dma_map(TARGET, &target).unwrap();
    Fixture { function, source, target }
}

pub fn fixture() -> Fixture {
    fixture_with(LinkOptions::default())
}

pub fn pattern(word: u64) -> u64 {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678
}

pub fn words(memory: &DmaMemory, from: u64, count: usize) -> Vec<u64> {
    let mut words = vec![0; count];
    memory.read_words(8 * from, &mut words).unwrap();
    words
}

impl Fixture {
    pub fn read(&self, offset: u64) -> u32 {
        self.try_read(offset).unwrap()
    }

    pub fn try_read(&self, offset: u64) -> Result<u32, FunctionError> {
        let mut data = [0; 4];
        self.function.region_read(0, offset, &mut data)?;
        Ok(u32::from_le_bytes(data))
    }

    pub fn read64(&self, offset: u64) -> u64 {
        let mut data = [0; 8];
        self.function.region_read(0, offset, &mut data).unwrap();
        u64::from_le_bytes(data)
    }

    pub fn write(&self, offset: u64, value: u32) {
        self.function.region_write(0, offset, &value.to_le_bytes()).unwrap();
    }

    pub fn write64(&self, offset: u64, value: u64) {
        self.function.region_write(0, offset, &value.to_le_bytes()).unwrap();
    }

    /// Starts a copy of `beats`, misbehaving as told.
    pub fn start(&self, source: u64, target: u64, beats: u32, mode: u32) {
        self.write64(0x800, source);
        self.write64(0x808, target);
        self.write(0x810, beats);
        // A board that misbehaves may already be gone; the next access tells.
        let _ = self.function.region_write(0, 0x814, &mode.to_le_bytes());
    }

    /// Copies, and returns the status: bits 1..0 worst read response, bits 3..2 worst write response.
    pub fn copy(&self, source: u64, target: u64, beats: u32) -> u32 {
        let before = self.read(STATUS) >> 8;
        self.start(source, target, beats, 0);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let status = self.read(STATUS);
            if status & 16 == 0 {
                assert_eq!(status >> 8, (before + 1) & 0xff);
                return status & 15;
            }
            assert!(Instant::now() < deadline, "the copy does not end");
        }
    }

    pub fn config(&self, offset: u16, bytes: usize) -> u32 {
        let mut data = [0; 4];
        self.function.config_read(offset, &mut data[..bytes]).unwrap();
        u32::from_le_bytes(data)
    }
}
