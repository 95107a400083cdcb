//! Memory: it never overlaps, it ends, it is scrubbed, and it outlives the jobs that use it.

mod common;

use std::sync::Arc;

use common::*;
use hotloop_driver::{DmaBuf, DmaPool, DriverError, PoolOptions};
use hotloop_tests::model::{FunctionalBoard, Mischief};
use proptest::prelude::*;

fn pool(options: PoolOptions) -> (FunctionalBoard, DmaPool) {
    let model = FunctionalBoard::new();
    let pool = DmaPool::open(Arc::new(model.clone()), options).expect("the pool opens");
    (model, pool)
}

proptest! {
    #[test]
    fn buffers_never_overlap(
        steps in prop::collection::vec((1u64..40_000, any::<bool>(), any::<bool>(), any::<prop::sample::Index>()), 1..120),
    ) {
        let (model, pool) = pool(PoolOptions { chunk_bytes: 64 << 10, limit_bytes: 1 << 20, mask_bits: 40 });
        let mut held: Vec<(DmaBuf, u64)> = Vec::new();
        for (step, (bytes, pages, free, index)) in steps.into_iter().enumerate() {
            if free && !held.is_empty() {
                held.swap_remove(index.index(held.len()));
            }
            let buffer = match if pages { pool.alloc_pages(bytes) } else { pool.alloc(bytes) } {
                Ok(buffer) => buffer,
                Err(DriverError::PoolLimit { limit, .. }) => {
                    prop_assert_eq!(limit, 1 << 20);
                    continue;
                }
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            };
            prop_assert_eq!(buffer.iova() % if pages { 4096 } else { 64 }, 0);
            prop_assert_eq!(buffer.len(), bytes);
            let end = buffer.iova() + bytes;
            prop_assert!(model.mappings().iter().any(|(iova, length)| *iova <= buffer.iova() && end <= iova + length));
            for (other, _) in &held {
                prop_assert!(end <= other.iova() || other.iova() + other.len() <= buffer.iova());
            }
            // Bytes as well as addresses: what one writes no other sees.
            buffer.write(0, &vec![step as u8; bytes as usize]).unwrap();
            held.push((buffer, step as u64));
        }
        for (buffer, step) in &held {
            let mut bytes = vec![0; buffer.len() as usize];
            buffer.read(0, &mut bytes).unwrap();
            prop_assert!(bytes.iter().all(|b| *b == *step as u8));
        }
        prop_assert!(pool.mapped_bytes() <= 1 << 20);
    }
}

#[test]
fn space_comes_back_and_large_buffers_get_a_region_of_their_own() {
    let (model, pool) = pool(PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() });
    for _ in 0..100 {
        pool.alloc(900_000).unwrap();
    }
    assert_eq!(pool.mapped_bytes(), 1 << 20);
    let large = pool.alloc(5 << 20).unwrap();
    assert_eq!(model.mappings().len(), 2);
    let clone = large.clone();
    drop(large);
    let other = pool.alloc(5 << 20).unwrap();
    assert_ne!(other.iova(), clone.iova(), "a clone keeps the space");
    drop(clone);
    assert!(pool.alloc(5 << 20).is_ok());
    assert_eq!(model.mappings().len(), 3);
}

#[test]
fn the_limit_is_said_and_small_buffers_still_fit() {
    let (_model, pool) = pool(PoolOptions { chunk_bytes: 1 << 16, limit_bytes: 3 << 16, mask_bits: 48 });
    let error = pool.alloc(1 << 20).unwrap_err();
    assert!(error.to_string().contains("196608"), "{error}");
    assert!(matches!(error, DriverError::PoolLimit { asked: 1_048_576, mapped: 65_536, limit: 196_608 }));
    assert!(matches!(pool.alloc(u64::MAX), Err(DriverError::PoolLimit { .. })));
    assert!(matches!(pool.alloc(0), Err(DriverError::EmptyBuffer)));
    let held: Vec<_> = (0..3).map(|_| pool.alloc(1 << 16).unwrap()).collect();
    assert!(pool.alloc(64).is_err());
    drop(held);
    assert!(pool.alloc(64).is_ok());
}

#[test]
fn a_narrow_mask_is_kept() {
    let (_model, pool) = pool(PoolOptions { chunk_bytes: 1 << 20, limit_bytes: 1 << 30, mask_bits: 23 });
    let mut held = Vec::new();
    let error = loop {
        match pool.alloc(1 << 20) {
            Ok(buffer) => held.push(buffer),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, DriverError::NoAddresses { mask_bits: 23, .. }), "{error}");
    assert!(held.iter().all(|b| b.iova() > 0 && b.iova() + b.len() <= 1 << 23));
    assert!(!held.is_empty());
}

#[test]
fn buffers_check_their_bounds() {
    let (_model, pool) = pool(PoolOptions::default());
    let buffer = pool.alloc(100).unwrap();
    assert!(matches!(buffer.write(99, &[0; 2]), Err(DriverError::OutsideBuffer { len: 100, .. })));
    assert!(matches!(buffer.read(u64::MAX, &mut [0]), Err(DriverError::OutsideBuffer { .. })));
    assert!(matches!(buffer.read_words(4, &mut [0]), Err(DriverError::System(_))));
    assert!(buffer.fill_zero(0, 101).is_err());
    assert_eq!(buffer.window().beats, 2, "the last beat is the buffer's, whole");
    assert!(buffer.window_at(64, 1).is_ok());
    assert!(buffer.window_at(64, 2).is_err());
}

#[test]
fn closing_scrubs_and_unmaps() {
    let (model, board) = open();
    let kept = filled(&board, &[0x5ec2e7; 800]);
    drop(filled(&board, &[0x5ec2e7; 800]));
    let large = filled(&board, &vec![0x5ec2e7; 300_000]);
    let memories: Vec<_> = model.mappings().iter().filter_map(|(iova, _)| model.memory_at(*iova)).collect();
    assert_eq!(memories.len(), 2);
    drop(board);
    assert_eq!(model.mappings(), []);
    assert!(!model.bus_master());
    for memory in memories {
        let mut words = vec![1; (memory.len() / 8) as usize];
        memory.read_words(0, &mut words).unwrap();
        assert!(words.iter().all(|word| *word == 0));
    }
    // Buffers that outlive their board are zero, and harmless.
    assert_eq!(words(&kept), [0; 800]);
    assert!(kept.write_words(0, &[1]).is_ok());
    drop((kept, large));
}

#[test]
fn buffers_of_a_job_without_answer_are_not_used_again_before_a_reset() {
    let (model, board) = open();
    let (job, src, dst) = copy(&board, 1);
    let (from, to) = (src.iova(), dst.iova());
    model.inject(Mischief::Silence);
    assert!(matches!(board.submit_and_wait_for(&[job], SHORT), Err(DriverError::Timeout { .. })));
    drop((src, dst));
    let others: Vec<_> = (0..100).map(|_| board.alloc(64).unwrap()).collect();
    assert!(others.iter().all(|b| b.iova() != from && b.iova() != to));
    board.reset().unwrap();
    let others: Vec<_> = (0..2).map(|_| board.alloc(64).unwrap()).collect();
    assert!(others.iter().any(|b| b.iova() == from) && others.iter().any(|b| b.iova() == to));
}

#[test]
fn what_is_wrong_with_a_pool_is_said_at_once() {
    for options in [
        PoolOptions { chunk_bytes: 0, ..PoolOptions::default() },
        PoolOptions { chunk_bytes: u64::MAX, ..PoolOptions::default() },
        PoolOptions { mask_bits: 65, ..PoolOptions::default() },
    ] {
        let error = DmaPool::open(Arc::new(FunctionalBoard::new()), options).err().expect("refused");
        assert!(matches!(error, DriverError::Options { .. }), "{error}");
    }
}
