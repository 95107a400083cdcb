//! What is opened, and what is refused.

mod common;

use std::sync::Arc;

use common::*;
use hotloop_driver::{Board, DriverError};
use hotloop_regs::{map, ParameterSet, Register, ABI, MAP_HASH};
use hotloop_tests::model::{FunctionalBoard, Mischief};

fn refused(spoil: impl Fn(&FunctionalBoard)) -> DriverError {
    let model = FunctionalBoard::new();
    spoil(&model);
    let error = Board::open_with(Arc::new(model.clone()), options()).err().expect("refused");
    assert!(!model.bus_master(), "a refused board does no DMA");
    assert_eq!(model.mappings(), []);
    error
}

fn refused_register(register: &Register, value: u64) -> DriverError {
    refused(|model| model.set_constant(register, value))
}

#[test]
fn a_board_says_what_it_is() {
    let (model, board) = open();
    let identity = board.identity();
    assert_eq!(identity.preset, "model");
    assert_eq!(identity.sets, [ParameterSet::Plonky2V1]);
    assert_eq!((identity.lanes, identity.max_log, identity.max_log_cosets), (8, 13, 4));
    assert!(model.bus_master());
    assert_usable(&board);
}

#[test]
fn other_functions_are_refused() {
    let error = refused(|model| model.set_config(0, 0x10ee));
    assert!(matches!(error, DriverError::NotHotloop { what: "vendor ID", found: 0x10ee, .. }), "{error}");
    let error = refused(|model| model.set_config(2, 0x7038));
    assert!(matches!(error, DriverError::NotHotloop { what: "device ID", found: 0x7038, .. }), "{error}");
    let error = refused_register(&map::MAGIC, 0x1234);
    assert!(matches!(error, DriverError::NotHotloop { what: "MAGIC", found: 0x1234, .. }), "{error}");
    let error = refused(|model| model.inject(Mischief::Gone));
    assert!(matches!(error, DriverError::Gone { .. }), "{error}");
    // Alive in configuration space, dead behind it.
    let error = refused_register(&map::MAGIC, u32::MAX.into());
    assert!(matches!(error, DriverError::Gone { register: "MAGIC", .. }), "{error}");
}

#[test]
fn other_versions_are_refused_with_both_versions() {
    let error = refused_register(&map::ABI_VERSION, (ABI + 0x0001_0000).into());
    assert!(matches!(error, DriverError::Abi { .. }));
    assert!(error.to_string().contains("ABI 2.3, this driver 1.3; update"), "{error}");
    let error = refused_register(&map::ABI_VERSION, 7);
    assert!(error.to_string().contains("ABI 0.7, this driver 1.3; flash"), "{error}");
    let error = refused_register(&map::MAP_HASH_REG, 0xbad);
    assert!(matches!(error, DriverError::MapHash { board: 0xbad, driver: MAP_HASH, .. }));
    assert!(error.to_string().contains(&format!("{MAP_HASH:#018x}")), "{error}");
}

#[test]
fn a_later_minor_version_is_accepted() {
    let model = FunctionalBoard::new();
    model.set_constant(&map::ABI_VERSION, (ABI + 1).into());
    assert!(Board::open_with(Arc::new(model), options()).is_ok());
}

#[test]
fn impossible_capabilities_are_refused() {
    for (register, value) in
        [(&map::BUS_BYTES, 32), (&map::NTT_LANES, 9), (&map::NTT_MAX_LOG, 33), (&map::NTT_MAX_LOG_COSETS, 32)]
    {
        let error = refused_register(register, value);
        assert!(matches!(&error, DriverError::Capability { register: name, .. } if *name == register.name), "{error}");
    }
}

#[test]
fn a_build_identity_of_all_ones_is_no_dead_board() {
    let model = FunctionalBoard::new();
    model.set_constant(&map::BUILD_ID, u64::MAX);
    let board = Board::open_with(Arc::new(model), options()).unwrap();
    assert_eq!(board.identity().build_id, u64::MAX);
}

#[test]
fn options_out_of_range_are_refused() {
    for (submission_log, completion_log) in [(0, 3), (13, 3), (3, 0), (3, 13)] {
        let model = FunctionalBoard::new();
        let options = hotloop_driver::BoardOptions { submission_log, completion_log, ..options() };
        let error = Board::open_with(Arc::new(model), options).err().expect("refused");
        assert!(matches!(error, DriverError::Options { rule: "1 to 12", .. }), "{error}");
    }
}

#[test]
fn a_board_that_does_not_leave_reset_is_refused() {
    let error = refused(|model| model.inject(Mischief::StuckReset));
    assert!(matches!(error, DriverError::Stuck { what: "CONTROL.RESET", .. }), "{error}");
}

#[test]
fn another_board_after_reset_is_refused_until_it_is_the_old_one() {
    let (model, board) = open();
    model.set_constant(&map::BUILD_ID, 1);
    assert!(matches!(board.reset(), Err(DriverError::IdentityChanged { .. })));
    let (job, _src, _dst) = copy(&board, 1);
    assert!(matches!(board.submit_and_wait_for(&[job], LONG), Err(DriverError::NeedsReset { .. })));
    model.set_constant(&map::BUILD_ID, board.identity().build_id);
    board.reset().unwrap();
    assert_usable(&board);
}
