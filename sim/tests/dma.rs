//! Reads and writes of host memory, and a board that breaks the bus rules.
#![cfg(verilated)]

mod common;

use std::sync::Arc;

use common::*;
use hotloop_driver::{DmaMemory, FunctionError, PciFunction};
use hotloop_sim::{LinkOptions, SimFunction, SimOptions, TraceOptions};

/// Worst responses of reads and writes in the fixture's status.
const READ_FAILED: u32 = 2;
const WRITE_FAILED: u32 = 2 << 2;

#[test]
fn copies_across_pages_under_every_link() {
    let slow = LinkOptions { read_latency: 40, outstanding_reads: 1, outstanding_writes: 1, ..LinkOptions::default() };
    let mut links = vec![LinkOptions::default(), slow];
    for (name, stall_seed) in [
        ("gen3x8", None),
        ("gen1x1,payload=64,request=64,tags=1,credits=64,latency=2000", None),
        ("gen5x16,payload=4096,request=4096,latency=0", Some(3)),
        ("gen2x4,payload=128,latency=10", Some(4)),
    ] {
        links.push(LinkOptions { pcie: Some(name.parse().unwrap()), stall_seed, ..LinkOptions::default() });
    }
    links.extend((0..20).map(|seed| LinkOptions { stall_seed: Some(seed), ..LinkOptions::default() }));
    for link in links {
        let f = fixture_with(link);
        for (from, to, beats) in [(0, 0, 1), (63, 2, 3), (7, 60, 100), (0, 128, 64), (255, 255, 1)] {
            assert_eq!(f.copy(SOURCE + 64 * from, TARGET + 64 * to, beats), 0, "{link:?}");
            let count = 8 * beats as usize;
            assert_eq!(words(&f.target, 8 * to, count), words(&f.source, 8 * from, count));
        }
        // Between the copies nothing was touched.
        assert_eq!(words(&f.target, 8, 8), [u64::MAX; 8]);
    }
}

#[test]
fn strobes_choose_bytes() {
    let f = fixture();
    f.write64(STROBES, 0x8001_0f00_ff00_00a5);
    assert_eq!(f.copy(SOURCE, TARGET, 1), 0);
    let (source, target) = (words(&f.source, 0, 8), words(&f.target, 0, 8));
    for byte in 0..64 {
        let value = |words: &[u64]| words[byte / 8] >> (byte % 8 * 8) & 0xff;
        let written = 0x8001_0f00_ff00_00a5u64 >> byte & 1 != 0;
        assert_eq!(value(&target), if written { value(&source) } else { 0xff }, "byte {byte}");
    }
}

#[test]
fn what_is_not_mapped_is_an_error_and_untouched() {
    let f = fixture();
    // Nothing there; and from the last mapped beat on, past the end.
    assert_eq!(f.copy(0x50_0000, TARGET, 2), READ_FAILED);
    assert_eq!(words(&f.target, 0, 16), [0; 16], "a failed read gives zeros");
    assert_eq!(f.copy(SOURCE + 4 * 4096 - 64, TARGET, 2), READ_FAILED);
    assert_eq!(words(&f.target, 0, 8), words(&f.source, 2040, 8));
    assert_eq!(f.copy(SOURCE, 0x50_0000, 2), WRITE_FAILED);
    assert_eq!(f.copy(SOURCE, TARGET + 4 * 4096 - 64, 2), WRITE_FAILED);
    assert_eq!(words(&f.target, 2040, 8), words(&f.source, 0, 8));
    assert_eq!(f.copy(u64::MAX - 63, 0, 1), READ_FAILED | WRITE_FAILED);
    // The board is as usable as before.
    assert_eq!(f.copy(SOURCE, TARGET, 8), 0);
}

#[test]
fn unmapping_and_bus_master_cut_the_board_off() {
    let f = fixture();
    f.function.config_write(4, &[2]).unwrap();
    assert_eq!(f.copy(SOURCE, TARGET, 1), READ_FAILED | WRITE_FAILED);
    assert_eq!(words(&f.target, 0, 8), [u64::MAX; 8]);
    f.function.config_write(4, &[6]).unwrap();
    assert_eq!(f.copy(SOURCE, TARGET, 1), 0);

    f.function.dma_unmap(TARGET, f.target.len()).unwrap();
    assert_eq!(f.copy(SOURCE + 64, TARGET, 1), WRITE_FAILED);
    assert_eq!(words(&f.target, 0, 8), words(&f.source, 0, 8));
    // The board kept no handle.
    assert_eq!(Arc::strong_count(&f.target), 1);
    f.function.dma_map(TARGET, &f.target).unwrap();
    assert_eq!(f.copy(SOURCE + 64, TARGET, 1), 0);
}

#[test]
fn bad_mappings_are_refused() {
    let f = fixture();
    let page = Arc::new(DmaMemory::new(4096).unwrap());
    for iova in [SOURCE, SOURCE + 3 * 4096, 0x1001, 0xfee0_0000, 1 << 48, u64::MAX - 4095] {
        let refused = f.function.dma_map(iova, &page);
        assert!(matches!(refused, Err(FunctionError::Mapping { .. })), "{iova:#x}");
        assert_eq!(Arc::strong_count(&page), 1);
    }
    for (iova, bytes) in [(0x9000, 4096), (SOURCE, 4096), (SOURCE + 4096, 4096)] {
        assert!(matches!(f.function.dma_unmap(iova, bytes), Err(FunctionError::Mapping { .. })));
    }
    for range in f.function.iova_ranges() {
        f.function.dma_map((range.end() - 4095) & !4095, &page).unwrap();
    }
}

#[test]
fn a_board_that_breaks_a_rule_is_gone_and_says_which() {
    // With stalls, since most rules can only be broken while somebody waits.
    for (mode, text) in [
        (1, "m_arvalid dropped before m_arready"),
        (2, "m_ar channel changed before m_arready"),
        (3, "crosses 4 KiB"),
        (4, "m_wlast comes with 2 beats to go"),
        (5, "m_w channel changed before m_wready"),
        (6, "$stop"),
    ] {
        let f = fixture_with(LinkOptions { stall_seed: Some(1), ..LinkOptions::default() });
        f.start(SOURCE + 4096 - 128, TARGET, 100, mode);
        let error = (0..1000).find_map(|_| f.try_read(STATUS).err()).unwrap();
        assert!(matches!(error, FunctionError::Gone { .. }));
        assert!(error.to_string().contains(text), "{mode}: {error}");
        // Gone stays gone, for everything.
        assert!(matches!(f.function.reset(), Err(FunctionError::Gone { .. })));
        assert!(matches!(f.function.config_read(0, &mut [0; 4]), Err(FunctionError::Gone { .. })));
        assert!(matches!(f.function.dma_unmap(SOURCE, 4 * 4096), Err(FunctionError::Gone { .. })));
        assert!(matches!(f.function.irq_enable(1), Err(FunctionError::Gone { .. })));
    }
}

#[test]
fn a_register_that_never_answers_is_an_error_in_time() {
    for read in [true, false] {
        let f = fixture();
        let answer = match read {
            true => f.try_read(0x900).err(),
            false => f.function.region_write(0, 0x900, &[0; 4]).err(),
        };
        let text = answer.unwrap().to_string();
        assert!(text.contains("register 0x900 was not answered"), "{text}");
    }
}

#[test]
fn dropping_a_board_at_work_does_not_hang() {
    let f = fixture();
    f.start(SOURCE, TARGET, 0, 0);
    drop(f.function);
    assert_eq!(Arc::strong_count(&f.source), 1);
    let f = fixture();
    f.start(SOURCE, TARGET, 256, 0);
    drop(f.function);
}

/// A run with pauses of the host's own: cycle counters and the simulated clock at its end.
fn run(pause: bool) -> (u64, Vec<u32>, u64) {
    let f = fixture_with(LinkOptions { read_latency: 9, stall_seed: Some(5), ..LinkOptions::default() });
    let done = f.function.irq_enable(2).unwrap();
    let mut cycles = Vec::new();
    for beats in [1u32, 17, 100, 3] {
        // Two copies back to back: the second doorbell comes when the first copy's interrupt was seen.
        for _ in 0..2 {
            f.start(SOURCE, TARGET, beats, 0);
            assert!(done[0].wait(std::time::Duration::from_secs(60)).unwrap());
            assert_eq!(done[0].try_take().unwrap(), 1);
            if pause {
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
            cycles.push(f.read(COPY_CYCLES));
        }
    }
    (f.read64(CYCLES), cycles, f.function.simulated_cycles().unwrap())
}

#[test]
fn cycle_counts_repeat_exactly() {
    let first = run(false);
    assert!(first.1.iter().all(|&c| c > 0));
    for pause in [true, false, true] {
        assert_eq!(run(pause).1, first.1);
    }
    assert_eq!(run(true).0, first.0);
}

#[test]
fn a_waveform_of_a_board() {
    let path = std::env::temp_dir().join(format!("hotloop-board-{}.vcd", std::process::id()));
    let trace = TraceOptions { path: path.clone(), from: 20, cycles: 30 };
    let function = SimFunction::open(&SimOptions { trace: Some(trace), ..SimOptions::model("fixture_dma") }).unwrap();
    function.config_write(4, &[6]).unwrap();
    for _ in 0..10 {
        function.region_read(0, 0, &mut [0; 4]).unwrap();
    }
    drop(function);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let times: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!((times.first(), times.last(), times.len()), (Some(&"#40"), Some(&"#99"), 60));
}
