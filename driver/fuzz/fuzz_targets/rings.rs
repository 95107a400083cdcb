//! Whatever a board writes into the completion ring, a batch ends in time with results or a typed error, and a board that is
//! reset takes jobs again.
#![no_main]

mod puppet;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hotloop_driver::{Board, BoardOptions, Descriptor, DriverError, PoolOptions};
use hotloop_regs::ParameterSet;
use libfuzzer_sys::fuzz_target;
use puppet::Puppet;

fuzz_target!(|data: &[u8]| {
    let [jobs, low, high, ring @ ..] = data else { return };
    let jobs = usize::from(jobs % 12) + 1;
    let puppet = Arc::new(Puppet::new(&ring[..ring.len().min(128)], u16::from_le_bytes([*low, *high])));
    let pool = PoolOptions { chunk_bytes: 1 << 16, ..PoolOptions::default() };
    let options = BoardOptions { pool, submission_log: 3, completion_log: 3, ..BoardOptions::default() };
    let board = Board::open_with(puppet, options).unwrap();
    let (src, dst) = (board.alloc(64).unwrap(), board.alloc(64).unwrap());
    let job = Descriptor::loopback(ParameterSet::Plonky2V1, src.window(), dst.window(), 1);
    let start = Instant::now();
    match board.submit_and_wait_for(&vec![job; jobs], Duration::from_millis(3)) {
        Ok(results) => assert_eq!(results.len(), jobs),
        Err(DriverError::Job(error)) => assert!(error.index < jobs),
        Err(DriverError::Completion(_) | DriverError::Timeout { .. }) => {
            assert!(matches!(board.submit_and_wait(&[job]), Err(DriverError::NeedsReset { .. })));
            board.reset().unwrap();
        }
        Err(other) => panic!("{other}"),
    }
    assert!(start.elapsed() < Duration::from_secs(2));
});
