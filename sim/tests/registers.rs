//! BAR0, configuration space, reset: what a host does before the first job.
#![cfg(verilated)]

mod common;

use common::*;
use hotloop_driver::{FunctionError, PciFunction};
use hotloop_regs::{
    BAR0_BYTES, MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, MSIX_VECTORS, PCI_CLASS, PCI_DEVICE_ID, PCI_VENDOR_ID,
};
use hotloop_sim::{open_sim, SimError, SimFunction, SimOptions};

#[test]
fn registers_of_every_size() {
    let f = fixture();
    assert_eq!(f.read(common::MAGIC), hotloop_regs::MAGIC);
    assert_eq!(f.function.name(), "sim:fixture_dma");
    f.write(SCRATCH, 0x0403_0201);
    f.function.region_write(0, SCRATCH + 1, &[0xaa]).unwrap();
    f.function.region_write(0, SCRATCH + 2, &[0xbb, 0xcc]).unwrap();
    assert_eq!(f.read(SCRATCH), 0xccbb_aa01);
    let mut byte = [0];
    f.function.region_read(0, SCRATCH + 3, &mut byte).unwrap();
    assert_eq!(byte, [0xcc]);
    let mut half = [0; 2];
    f.function.region_read(0, SCRATCH, &mut half).unwrap();
    assert_eq!(half, [0x01, 0xaa]);
    // Eight bytes are two accesses, low word first.
    f.write64(SCRATCH - 4, 0x1122_3344_5566_7788);
    assert_eq!(f.read64(SCRATCH - 4), 0x1122_3344_0000_0000);
    // An error response reads as ones; a write's is lost, as on PCI.
    f.write(0x904, 1);
    assert_eq!(f.read(0x904), u32::MAX);
    assert_eq!(f.read(common::MAGIC), hotloop_regs::MAGIC);
}

#[test]
fn accesses_outside_are_refused() {
    let f = fixture();
    assert_eq!((f.function.region_bytes(0), f.function.region_bytes(1)), (BAR0_BYTES, 0));
    for (bar, offset, bytes) in [(0, 2, 4), (0, 4, 8), (0, 0, 3), (0, 0, 0), (0, BAR0_BYTES, 4), (0, !3, 4), (1, 0, 4)]
    {
        let data = vec![0; bytes];
        let refused = |e| matches!(e, Err(FunctionError::OutOfRange { .. }));
        assert!(refused(f.function.region_write(bar, offset, &data)), "{offset:#x} {bytes}");
        assert!(refused(f.function.region_read(bar, offset, &mut vec![0; bytes])), "{offset:#x} {bytes}");
    }
    assert!(f.function.config_read(4094, &mut [0; 4]).is_err());
    assert!(f.function.config_write(u16::MAX, &[0; 4]).is_err());
}

#[test]
fn a_board_with_memory_off_reads_as_ones() {
    let f = fixture();
    f.write(SCRATCH, 7);
    f.function.config_write(4, &[4]).unwrap();
    assert_eq!(f.read(SCRATCH), u32::MAX);
    f.write(SCRATCH, 8);
    f.function.config_write(4, &[6]).unwrap();
    assert_eq!(f.read(SCRATCH), 7);
}

#[test]
fn a_board_that_sleeps_answers_to_config_space_only() {
    let f = fixture();
    f.write(SCRATCH, 7);
    // D1 and D2 are optional, and not there.
    for (state, wanted) in [(1, 0), (2, 0), (3, 3), (1, 3), (0, 0)] {
        f.function.config_write(0x44, &[state, 0]).unwrap();
        assert_eq!(f.config(0x44, 2), 8 | wanted);
        assert_eq!(f.read(SCRATCH), if wanted == 0 { 7 } else { u32::MAX });
    }
    f.function.config_write(0x44, &[3, 0]).unwrap();
    f.function.reset().unwrap();
    assert_eq!(f.config(0x44, 2), 8);
}

#[test]
fn config_space_identifies_and_sizes() {
    let f = fixture();
    assert_eq!(f.config(0, 2), PCI_VENDOR_ID.into());
    assert_eq!(f.config(2, 2), PCI_DEVICE_ID.into());
    assert_eq!(f.config(8, 4) >> 8, PCI_CLASS);
    // Identity does not change, reserved bits stay zero.
    f.function.config_write(0, &[0xff; 4]).unwrap();
    f.function.config_write(6, &[0xff; 2]).unwrap();
    assert_eq!(f.config(0, 4), u32::from(PCI_DEVICE_ID) << 16 | u32::from(PCI_VENDOR_ID));
    assert_eq!(f.config(6, 2), 0x10);
    // The BAR: 64 bits wide, not prefetchable, and sized by writing ones.
    f.function.config_write(0x10, &[0xff; 8]).unwrap();
    let size = u64::from(f.config(0x14, 4)) << 32 | u64::from(f.config(0x10, 4));
    assert_eq!(size & 0xf, 0b100);
    assert_eq!(!(size & !0xf) + 1, BAR0_BYTES);
    for bar in 2..6 {
        f.function.config_write(0x10 + 4 * bar, &[0xff; 4]).unwrap();
        assert_eq!(f.config(0x10 + 4 * bar, 4), 0);
    }
    // No extended capabilities.
    assert_eq!(f.config(0x100, 4), 0);
}

#[test]
fn the_capability_list_is_walked() {
    let f = fixture();
    let mut found = Vec::new();
    let mut at = f.config(0x34, 1) as u16;
    while at != 0 {
        assert!(at >= 0x40 && at.is_multiple_of(4) && found.len() < 10);
        found.push((f.config(at, 1), at));
        at = f.config(at + 1, 1) as u16;
    }
    assert_eq!(found.iter().map(|c| c.0).collect::<Vec<_>>(), [0x01, 0x10, 0x11]);
    let (express, msix) = (found[1].1, found[2].1);
    assert_eq!(f.config(express + 2, 2) & 0xff, 0x02, "an endpoint, version 2");
    assert_ne!(f.config(express + 4, 4) & 1 << 28, 0, "function-level reset");
    assert_eq!(f.config(msix + 2, 2), u32::from(MSIX_VECTORS) - 1);
    assert_eq!((f.config(msix + 4, 4), f.config(msix + 8, 4)), (MSIX_TABLE_OFFSET, MSIX_PBA_OFFSET));
}

#[test]
fn reset_is_power_up_with_mappings() {
    let f = fixture();
    for by_config in [false, true] {
        f.write(SCRATCH, 7);
        let events = f.function.irq_enable(2).unwrap();
        f.function.config_write(0x10, &[0, 0, 0xcd, 0xab]).unwrap();
        if by_config {
            // Initiate Function Level Reset, in the device control register.
            f.function.config_write(0x58, &0x8000u16.to_le_bytes()).unwrap();
        } else {
            f.function.reset().unwrap();
        }
        assert_eq!((f.config(4, 2), f.config(0x10, 4), f.config(0x92, 2)), (0, 4, 1));
        assert_eq!(f.read(SCRATCH), u32::MAX, "memory is off");
        f.function.config_write(4, &[6]).unwrap();
        assert_eq!(f.read(SCRATCH), 0);
        assert_eq!(f.copy(SOURCE, TARGET, 4), 0);
        assert_eq!(words(&f.target, 0, 32), words(&f.source, 0, 32));
        assert_eq!(events[0].try_take().unwrap(), 0, "interrupts are off");
    }
}

#[test]
fn reset_stops_work_that_never_ends() {
    let f = fixture();
    f.start(SOURCE, TARGET, 0, 0);
    assert_eq!(f.read(STATUS) & 16, 16);
    f.function.reset().unwrap();
    f.function.config_write(4, &[6]).unwrap();
    assert_eq!(f.read(STATUS), 0);
    assert_eq!(f.copy(SOURCE, TARGET, 3), 0);
}

#[test]
fn unknown_boards_are_refused() {
    let error = open_sim("no-such-preset").err().unwrap();
    assert!(matches!(error, SimError::UnknownModel { .. }), "{error}");
    // A model, but not a board: it lacks the ports.
    let error = SimFunction::open(&SimOptions::model("fixture_ports")).err().unwrap();
    assert!(matches!(error, SimError::UnknownPort { .. }), "{error}");
}
