//! MSI-X: enabling, masking, pending bits.
#![cfg(verilated)]

mod common;

use common::*;
use hotloop_driver::{EventFd, FunctionError, PciFunction};
use hotloop_regs::{MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, MSIX_VECTORS};

const PENDING: u64 = MSIX_PBA_OFFSET as u64;
/// Offset in config space of the MSI-X message control register.
const CONTROL: u16 = 0x92;

fn mask_word(vector: u64) -> u64 {
    u64::from(MSIX_TABLE_OFFSET) + 16 * vector + 12
}

fn count(event: &EventFd) -> u64 {
    event.try_take().unwrap()
}

#[test]
fn each_vector_counts_its_interrupts() {
    let f = fixture();
    let events = f.function.irq_enable(MSIX_VECTORS).unwrap();
    assert_eq!(f.config(CONTROL, 2) >> 14, 0b10);
    for _ in 0..3 {
        assert_eq!(f.copy(SOURCE, TARGET, 2), 0);
    }
    assert_eq!((count(&events[0]), count(&events[1])), (3, 0));
    // A failed copy raises both.
    assert_ne!(f.copy(0x50_0000, TARGET, 2), 0);
    assert_eq!((count(&events[0]), count(&events[1])), (1, 1));
    // Enabling again replaces the events.
    let again = f.function.irq_enable(1).unwrap();
    f.copy(0x50_0000, TARGET, 1);
    assert_eq!((count(&events[0]), count(&again[0])), (0, 1));
    assert_eq!(f.read(PENDING), 0b10, "vector 1 is masked now");
    assert!(matches!(f.function.irq_enable(3), Err(FunctionError::Interrupts { asked: 3, available: 2 })));
}

#[test]
fn a_masked_vector_stays_pending() {
    let f = fixture();
    let events = f.function.irq_enable(2).unwrap();
    f.write(mask_word(0), 1);
    assert_eq!((f.read(mask_word(0)), f.read(mask_word(1))), (1, 0));
    f.copy(SOURCE, TARGET, 1);
    f.copy(SOURCE, TARGET, 1);
    assert_eq!((count(&events[0]), f.read64(PENDING)), (0, 1));
    // Pending bits are the hardware's.
    f.write(PENDING, 0);
    assert_eq!(f.read(PENDING), 1);
    f.write(mask_word(0), 0);
    assert_eq!((count(&events[0]), f.read64(PENDING)), (1, 0));
}

#[test]
fn the_function_mask_and_bus_master_hold_messages_back() {
    let f = fixture();
    let events = f.function.irq_enable(2).unwrap();
    f.function.config_write(CONTROL, &0xc000u16.to_le_bytes()).unwrap();
    f.copy(SOURCE, TARGET, 1);
    assert_eq!((count(&events[0]), f.read(PENDING)), (0, 1));
    f.function.config_write(CONTROL, &0x8000u16.to_le_bytes()).unwrap();
    assert_eq!((count(&events[0]), f.read(PENDING)), (1, 0));

    f.function.config_write(4, &[2]).unwrap();
    f.copy(SOURCE, TARGET, 1);
    assert_eq!((count(&events[0]), f.read(PENDING)), (0, 3));
    f.function.config_write(4, &[6]).unwrap();
    assert_eq!((count(&events[0]), count(&events[1]), f.read(PENDING)), (1, 1, 0));
}

#[test]
fn without_msix_there_are_no_interrupts() {
    let f = fixture();
    f.copy(SOURCE, TARGET, 1);
    assert_eq!(f.read(PENDING), 0);
    let events = f.function.irq_enable(1).unwrap();
    assert_eq!(count(&events[0]), 0);
    f.write(mask_word(0), 1);
    f.copy(SOURCE, TARGET, 1);
    assert_eq!(f.read(PENDING), 1);
    assert!(f.function.irq_enable(0).unwrap().is_empty());
    assert_eq!(f.read(PENDING), 0);
    assert_eq!(f.config(CONTROL, 2) >> 15, 0);
}

#[test]
fn the_table_keeps_what_is_written() {
    let f = fixture();
    let table = u64::from(MSIX_TABLE_OFFSET);
    assert_eq!((f.read(mask_word(0)), f.read(mask_word(1))), (1, 1), "masked at power-up");
    f.write64(table + 16, 0x0000_0012_fee0_1003);
    f.write(table + 24, 0x4041);
    f.write(mask_word(1), 0xffff_fffe);
    assert_eq!(f.read64(table + 16), 0x0000_0012_fee0_1000);
    assert_eq!((f.read(table + 24), f.read(mask_word(1))), (0x4041, 0));
    // Beyond the last vector there is nothing.
    f.write(table + 32, 5);
    assert_eq!(f.read(table + 32), 0);
}
