//! Each way to misbehave gives its own error, and after a reset the board is usable.

mod common;

use common::*;
use hotloop_driver::{CompletionError, Descriptor, DmaBuf, DriverError, JobError};
use hotloop_regs::{map, Error, Fault};
use hotloop_tests::model::Mischief;
use proptest::prelude::*;

/// Runs three jobs, of which the second meets `mischief`; then resets.
fn error_of(mischief: Mischief) -> DriverError {
    let (model, board) = open();
    assert_usable(&board);
    let jobs: Vec<(Descriptor, DmaBuf, DmaBuf)> = (0..3).map(|i| copy(&board, i)).collect();
    let batch: Vec<Descriptor> = jobs.iter().map(|j| j.0).collect();
    model.inject_at(1, mischief);
    let timeout = if mischief == Mischief::Silence { SHORT } else { LONG };
    let error = board.submit_and_wait_for(&batch, timeout).expect_err("mischief is seen");
    match board.submit_and_wait_for(&batch, LONG) {
        Err(DriverError::NeedsReset { reason }) => assert_eq!(reason, error.to_string()),
        other => panic!("{other:?}"),
    }
    board.reset().unwrap();
    assert_usable(&board);
    error
}

fn completion_error_of(mischief: Mischief) -> CompletionError {
    match error_of(mischief) {
        DriverError::Completion(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_wrong_tag() {
    assert!(matches!(completion_error_of(Mischief::WrongTag), CompletionError::UnknownTag { entry: 2, .. }));
}

#[test]
fn a_repeated_completion() {
    assert!(matches!(completion_error_of(Mischief::RepeatedCompletion), CompletionError::Repeated { entry: 3, .. }));
}

#[test]
fn completions_out_of_order() {
    assert!(matches!(completion_error_of(Mischief::OutOfOrder), CompletionError::OutOfOrder { entry: 2, .. }));
}

#[test]
fn the_phase_of_the_last_pass() {
    assert_eq!(completion_error_of(Mischief::WrongPhase), CompletionError::BadPhase { entry: 2 });
}

#[test]
fn a_missing_completion() {
    // The third job's answer sits where the second's belongs.
    assert!(matches!(completion_error_of(Mischief::MissingCompletion), CompletionError::OutOfOrder { .. }));
}

#[test]
fn no_answer() {
    assert!(matches!(error_of(Mischief::Silence), DriverError::Timeout { done: 1, jobs: 3, waited: SHORT }));
}

#[test]
fn every_fault_is_named() {
    for fault in Fault::ALL {
        let error = error_of(Mischief::Fault(fault.code()));
        assert_eq!(error.fault(), Some(*fault));
        assert!(error.to_string().contains(fault.name()), "{error}");
    }
    assert!(matches!(error_of(Mischief::Fault(99)), DriverError::Fault { code: 99 }));
}

#[test]
fn a_board_that_goes_away_stays_away() {
    let (model, board) = open();
    model.inject(Mischief::Gone);
    let (job, _src, _dst) = copy(&board, 1);
    let error = board.submit_and_wait_for(&[job], LONG).unwrap_err();
    assert!(matches!(error, DriverError::Gone { .. }), "{error}");
    assert!(matches!(board.counters(), Err(DriverError::Gone { .. })));
    assert!(board.reset().is_err());
    // Memory is taken away all the same.
    drop(board);
    assert_eq!(model.mappings(), []);
}

#[test]
fn a_lost_interrupt_only_costs_time() {
    let (model, board) = open();
    model.inject(Mischief::LostInterrupt);
    assert_usable(&board);
}

#[test]
fn late_answers_are_waited_for_with_and_without_interrupts() {
    for vectors in [2, 0] {
        let model = hotloop_tests::model::FunctionalBoard::new();
        model.set_vectors(vectors);
        let board = hotloop_driver::Board::open_with(std::sync::Arc::new(model.clone()), options()).unwrap();
        for _ in 0..3 {
            model.inject(Mischief::Late(SHORT));
            assert_usable(&board);
        }
    }
}

#[test]
fn a_completion_nobody_waited_for_is_found_before_the_next_batch() {
    let (model, board) = open();
    model.inject(Mischief::RepeatedCompletion);
    let (job, _src, _dst) = copy(&board, 1);
    let first = board.submit_and_wait_for(&[job], LONG);
    let error = first.and_then(|_| board.submit_and_wait_for(&[job], LONG)).unwrap_err();
    assert!(matches!(error, DriverError::Completion(CompletionError::Repeated { .. })), "{error}");
    board.reset().unwrap();
    assert_usable(&board);
}

#[test]
fn a_job_in_error_says_which_and_spoils_no_other() {
    let (_model, board) = open();
    let jobs: Vec<_> = (0..3).map(|i| copy(&board, i + 1)).collect();
    let mut batch: Vec<_> = jobs.iter().map(|j| j.0).collect();
    for (spoil, code) in [
        (Descriptor { opcode: 77, ..batch[1] }, Error::BadOpcode),
        (Descriptor { set: 3, ..batch[1] }, Error::BadSet),
        (Descriptor { rows: 0, ..batch[1] }, Error::BadShape),
        (Descriptor { dst: batch[1].dst + 8, ..batch[1] }, Error::Misaligned),
        (Descriptor { src_beats: 0, ..batch[1] }, Error::OutOfWindow),
        (Descriptor { src: 0x7000_0000_0000, ..batch[1] }, Error::ReadError),
        (Descriptor { dst: 0x7000_0000_0000, ..batch[1] }, Error::WriteError),
    ] {
        batch[1] = spoil;
        let error = board.submit_unchecked(&batch, LONG).unwrap_err();
        assert!(matches!(error, DriverError::Job(JobError { index: 1, code: c }) if c == code), "{error}");
        assert_eq!(words(&jobs[2].2), [3; 8]);
        jobs[2].2.fill_zero(0, 64).unwrap();
        batch[1] = jobs[1].0;
        assert_eq!(board.submit_and_wait_for(&batch, LONG).unwrap().len(), 3);
    }
}

#[test]
fn counters_count() {
    let (_model, board) = open();
    let before = board.counters().unwrap();
    assert_usable(&board);
    let after = board.counters().unwrap();
    assert_eq!(after.jobs, before.jobs + 1);
    assert!(after.bytes_read >= before.bytes_read + 64);
    board.bar().write(&map::SCRATCH, 0xffff_ffff).unwrap();
    assert_eq!(board.bar().read32(&map::SCRATCH).unwrap(), 0xffff_ffff);
    board.reset().unwrap();
    assert_eq!(board.counters().unwrap().jobs, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever lies in the completion ring, it is an error or a job's end, and a reset mends it.
    #[test]
    fn garbage_in_the_ring(word in any::<u64>(), small in any::<bool>()) {
        let (model, board) = open();
        // Half of the cases: the right tag with any status, since a tag would hardly ever be met.
        let word = if small { word & !0xffff_ffff | 1 } else { word };
        model.inject(Mischief::Garbage(word));
        let (job, _src, _dst) = copy(&board, 1);
        match board.submit_and_wait_for(&[job], LONG) {
            Ok(_) => prop_assert_eq!(word & !(1 << 48), 1),
            Err(DriverError::Job(error)) => {
                prop_assert_eq!(word & !(1 << 48), 1 | u64::from(error.code.code()) << 32);
            }
            Err(DriverError::Completion(_)) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
        board.reset().unwrap();
        assert_usable(&board);
    }
}
