//! A model and a board on it.
#![allow(dead_code)] // each test binary uses its part

use std::{sync::Arc, time::Duration};

use hotloop_driver::{Board, BoardOptions, Descriptor, DmaBuf, PoolOptions};
use hotloop_regs::ParameterSet;
use hotloop_tests::model::FunctionalBoard;

pub const SET: ParameterSet = ParameterSet::Plonky2V1;

/// Long enough never to pass where an answer comes.
pub const LONG: Duration = Duration::from_secs(60);
/// For jobs that get no answer.
pub const SHORT: Duration = Duration::from_millis(30);

pub fn options() -> BoardOptions {
    BoardOptions {
        pool: PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() },
        submission_log: 3,
        completion_log: 3,
        settle: SHORT,
        ..BoardOptions::default()
    }
}

pub fn open() -> (FunctionalBoard, Board) {
    open_with(options())
}

pub fn open_with(options: BoardOptions) -> (FunctionalBoard, Board) {
    let model = FunctionalBoard::new();
    let board = Board::open_with(Arc::new(model.clone()), options).expect("the model opens");
    (model, board)
}

/// A buffer with these words, filled up to whole beats with zeros.
pub fn filled(board: &Board, words: &[u64]) -> DmaBuf {
    let bytes = (words.len() as u64 * 8).next_multiple_of(64);
    let buffer = board.alloc(bytes).expect("the pool has room");
    buffer.fill_zero(0, bytes).unwrap();
    buffer.write_words(0, words).unwrap();
    buffer
}

pub fn empty(board: &Board, words: usize) -> DmaBuf {
    filled(board, &vec![0; words])
}

pub fn words(buffer: &DmaBuf) -> Vec<u64> {
    let mut words = vec![0; (buffer.len() / 8) as usize];
    buffer.read_words(0, &mut words).unwrap();
    words
}

/// A copy of one beat, with its buffers.
pub fn copy(board: &Board, value: u64) -> (Descriptor, DmaBuf, DmaBuf) {
    let (src, dst) = (filled(board, &[value; 8]), empty(board, 8));
    (Descriptor::loopback(SET, src.window(), dst.window(), 1), src, dst)
}

/// The board does a job, and does it right.
pub fn assert_usable(board: &Board) {
    let (job, _src, dst) = copy(board, 0x600d);
    assert_eq!(board.submit_and_wait_for(&[job], LONG).expect("the board is usable").len(), 1);
    assert_eq!(words(&dst), [0x600d; 8]);
}
