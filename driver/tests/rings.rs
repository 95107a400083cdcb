//! Rings of every size, batches of every size.

mod common;

use common::*;
use hotloop_driver::{BoardOptions, Descriptor};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batches_of_any_size_run_in_order_over_rings_of_any_size(
        submission_log in 1u32..6,
        completion_log in 1u32..6,
        batches in prop::collection::vec(0usize..80, 1..8),
    ) {
        let (model, board) = open_with(BoardOptions { submission_log, completion_log, ..options() });
        let mut seed = 1;
        for jobs in batches {
            let before = model.doorbells();
            let src = filled(&board, &(0..jobs.max(1) as u64 * 8).map(|i| i * seed).collect::<Vec<_>>());
            let dst = empty(&board, jobs.max(1) * 8);
            let batch: Vec<Descriptor> = (0..jobs as u64)
                .map(|i| Descriptor::loopback(SET, src.window_at(64 * i, 1).unwrap(), dst.window_at(64 * i, 1).unwrap(), 1))
                .collect();
            let results = board.submit_and_wait_for(&batch, LONG).unwrap();
            prop_assert_eq!(results.len(), jobs);
            if jobs > 0 {
                prop_assert_eq!(words(&src), words(&dst));
            }
            // One doorbell for what fits, one for each half a ring beyond.
            let half = 1u64 << (submission_log - 1);
            prop_assert!(model.doorbells() - before <= (jobs as u64).div_ceil(half));
            if jobs as u64 <= 2 * half && jobs > 0 {
                prop_assert_eq!(model.doorbells() - before, 1);
            }
            seed += 2;
        }
    }
}

/// The 16-bit counts of the registers wrap round too.
#[test]
fn counts_wrap_at_16_bits() {
    let (_model, board) = open_with(BoardOptions { submission_log: 12, completion_log: 11, ..options() });
    let (job, _src, _dst) = copy(&board, 7);
    let batch = vec![job; 10_000];
    for _ in 0..14 {
        assert_eq!(board.submit_and_wait_for(&batch, LONG).unwrap().len(), batch.len());
    }
    assert_eq!(board.counters().unwrap().jobs, 140_000);
}

#[test]
fn threads_share_a_board() {
    let (_model, board) = open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| assert_usable(&board)));
        }
    });
    assert_eq!(board.counters().unwrap().jobs, 200);
}
