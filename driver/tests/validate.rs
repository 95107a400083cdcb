//! Every rule of docs/jobs.md is checked before the doorbell, and the field is named.

mod common;

use common::*;
use hotloop_driver::{Board, CommitShape, Descriptor, DriverError, HashShape, TransformShape, Window};
use hotloop_tests::model::FunctionalBoard;

/// Refused for `field`, and the board never heard of it.
fn assert_refused(model: &FunctionalBoard, board: &Board, job: Descriptor, field: &str) {
    let before = model.doorbells();
    let good = copy(board, 1);
    match board.submit_and_wait_for(&[good.0, job], LONG) {
        Err(DriverError::Invalid(invalid)) => {
            assert_eq!((invalid.index, invalid.field), (1, field), "{invalid}");
            assert!(invalid.to_string().contains(field));
        }
        other => panic!("{field}: {other:?}"),
    }
    assert_eq!(model.doorbells(), before);
}

#[test]
fn common_fields() {
    let (model, board) = open();
    let (good, src, dst) = copy(&board, 1);
    let refused = |job, field| assert_refused(&model, &board, job, field);
    refused(Descriptor { opcode: 0, ..good }, "opcode");
    refused(Descriptor { opcode: 8, ..good }, "opcode");
    refused(Descriptor { set: 3, ..good }, "set");
    refused(Descriptor { set: 200, ..good }, "set");
    refused(Descriptor { reserved_43: [0, 0, 1, 0, 0], ..good }, "reserved");
    refused(Descriptor { salts: 1, ..good }, "salts");
    refused(Descriptor { rows: 0, ..good }, "rows");
    refused(Descriptor { rows: 2, ..good }, "src_beats");
    refused(Descriptor { rows: 2, src_beats: 2, ..good }, "src");
    refused(Descriptor { src: good.src + 8, ..good }, "src");
    refused(Descriptor { src: 0, ..good }, "src");
    refused(Descriptor { src: u64::MAX - 63, ..good }, "src");
    refused(Descriptor { dst: good.dst + 4, ..good }, "dst");
    refused(Descriptor { dst_beats: 0, ..good }, "dst_beats");
    refused(Descriptor { dst_beats: u32::MAX, ..good }, "dst");
    // A buffer that is gone is no place to read from, even where small ones now lie in its space.
    let old = empty(&board, 800).window();
    refused(Descriptor::loopback(SET, old, dst.window(), 1), "src");
    drop(src);
    assert_usable(&board);
}

#[test]
fn permute_and_hash() {
    let (model, board) = open();
    let refused = |job, field| assert_refused(&model, &board, job, field);
    let (src, dst) = (empty(&board, 64), empty(&board, 64));
    let permute = |rows| Descriptor::permute(SET, src.window(), dst.window(), rows);
    assert!(board.submit_and_wait_for(&[permute(4)], LONG).is_ok());
    refused(permute(5), "src_beats");
    let shape = HashShape { rows: 4, width: 16, levels: 2, src_stride: 4 };
    let hash = |shape, src: Window, dst: Window| Descriptor::hash(SET, src, dst, shape);
    assert!(board.submit_and_wait_for(&[hash(shape, src.window(), dst.window())], LONG).is_ok());
    refused(hash(HashShape { width: 0, ..shape }, src.window(), dst.window()), "width");
    refused(hash(HashShape { levels: 3, ..shape }, src.window(), dst.window()), "levels");
    refused(hash(HashShape { levels: 255, ..shape }, src.window(), dst.window()), "levels");
    refused(hash(HashShape { src_stride: 5, ..shape }, src.window(), dst.window()), "src_beats");
    refused(hash(HashShape { width: 17, ..shape }, src.window(), dst.window()), "src_beats");
    // Seven digests take four beats.
    refused(hash(shape, src.window(), Window { beats: 3, ..dst.window() }), "dst_beats");
    assert!(board.submit_and_wait_for(&[hash(shape, src.window(), Window { beats: 4, ..dst.window() })], LONG).is_ok());
}

#[test]
fn grind() {
    let (model, board) = open();
    let refused = |job, field| assert_refused(&model, &board, job, field);
    let dst = empty(&board, 8);
    let mut block = [0u64; 16];
    (block[13], block[14]) = (100, 3 | 7 << 8 | 2 << 16);
    let good = filled(&board, &block);
    assert!(board.submit_and_wait_for(&[Descriptor::grind(SET, good.iova(), dst.window())], LONG).is_ok());
    for (word, value, field) in [
        (13, 0, "param word 13 (nonces)"),
        (14, 12, "param word 14"),
        (14, 12 << 8, "param word 14"),
        (14, 65 << 16, "param word 14"),
        (14, 1 << 4, "param word 14"),
        (14, 1 << 25, "param word 14"),
        (15, 1, "param word 15"),
    ] {
        let mut block = block;
        block[word] = value;
        let bad = filled(&board, &block);
        refused(Descriptor::grind(SET, bad.iova(), dst.window()), field);
    }
    refused(Descriptor::grind(SET, good.iova() + 32, dst.window()), "param");
    refused(Descriptor::grind(SET, good.iova() + 64, dst.window()), "param");
    refused(Descriptor::grind(SET, good.iova(), Window { beats: 0, ..dst.window() }), "dst_beats");
}

#[test]
fn transform() {
    let (model, board) = open();
    let refused = |job, field| assert_refused(&model, &board, job, field);
    // Two panels of 8 rows in; 8 + 16 out of each; two scale tables of 9 beats.
    let (src, dst, param) = (empty(&board, 16 * 8), empty(&board, 48 * 8), empty(&board, 18 * 8));
    let shape =
        TransformShape { panels: 2, log_n: 3, log_cosets: 1, flags: 7, src_stride: 8, dst_stride: 24, log_inner: 0 };
    let job = |shape| Descriptor::transform(SET, src.window(), dst.window(), param.iova(), shape);
    assert!(board.submit_and_wait_for(&[job(shape)], LONG).is_ok());
    refused(job(TransformShape { log_n: 0, ..shape }), "log_n");
    refused(job(TransformShape { log_n: 14, ..shape }), "log_n");
    refused(job(TransformShape { log_cosets: 5, ..shape }), "log_cosets");
    for flags in [0, 1, 4, 5, 6, 8, 10, 15, 19, 26] {
        refused(job(TransformShape { flags, ..shape }), "flags");
    }
    refused(job(TransformShape { panels: 0, ..shape }), "rows");
    refused(job(TransformShape { panels: 3, ..shape }), "src_beats");
    refused(job(TransformShape { panels: u32::MAX, src_stride: u32::MAX, dst_stride: u32::MAX, ..shape }), "src_beats");
    refused(job(TransformShape { src_stride: 9, ..shape }), "src_beats");
    refused(job(TransformShape { dst_stride: 25, ..shape }), "dst_beats");
    refused(job(TransformShape { dst_stride: 23, ..shape }), "dst_stride");
    refused(Descriptor { param: param.iova() + 64, ..job(shape) }, "param");
    refused(Descriptor { param: param.iova() + 1, ..job(shape) }, "param");
    refused(job(TransformShape { log_inner: 1, ..shape }), "log_inner");
    // Tables for each of two panels are there for one coset only.
    let own = TransformShape { flags: 18, log_cosets: 0, ..shape };
    assert!(board.submit_and_wait_for(&[job(own)], LONG).is_ok());
    refused(job(TransformShape { log_cosets: 1, ..own }), "param");
    // Four places with four neighbours each.
    let across = TransformShape { log_cosets: 0, log_inner: 1, flags: 10, src_stride: 4, dst_stride: 4, ..shape };
    assert!(board.submit_and_wait_for(&[job(across)], LONG).is_ok());
    refused(job(TransformShape { log_inner: 3, ..across }), "log_inner");
    refused(job(TransformShape { log_n: 9, log_inner: 7, ..across }), "log_inner");
    refused(job(TransformShape { panels: 1 << 26, ..across }), "rows");
    refused(job(TransformShape { dst_stride: 3, ..across }), "dst_stride");
    refused(job(TransformShape { src_stride: 5, ..across }), "src_beats");
    refused(job(TransformShape { dst_stride: 20, ..across }), "dst_beats");
    // The same, inverse; then two panels of four rows whose results take turns, with three tables.
    let inverse = TransformShape { flags: 13, ..across };
    assert!(board.submit_and_wait_for(&[job(inverse)], LONG).is_ok());
    refused(job(TransformShape { log_inner: 3, ..inverse }), "log_inner");
    refused(job(TransformShape { log_cosets: 1, ..inverse }), "flags");
    let (src3, param3) = (empty(&board, 16 * 8), empty(&board, 27 * 8));
    let turning = TransformShape { log_n: 3, log_cosets: 0, log_inner: 1, flags: 21, dst_stride: 2, ..shape };
    let job = |shape| Descriptor::transform(SET, src3.window(), dst.window(), param3.iova(), shape);
    assert!(board.submit_and_wait_for(&[job(turning)], LONG).is_ok());
    refused(job(TransformShape { log_cosets: 1, ..turning }), "flags");
    refused(job(TransformShape { panels: 1, ..turning }), "rows");
    refused(job(TransformShape { log_inner: 7, ..turning }), "log_inner");
    refused(job(TransformShape { log_n: 13, ..turning }), "log_inner");
    refused(job(TransformShape { dst_stride: 1, ..turning }), "dst_stride");
    refused(job(TransformShape { dst_stride: 7, ..turning }), "dst_beats");
    refused(job(TransformShape { src_stride: 9, ..turning }), "src_beats");
    refused(Descriptor { param: param3.iova() + 64, ..job(turning) }, "param");
    let job = |shape| Descriptor::transform(SET, src.window(), dst.window(), param.iova(), shape);
    // A stride says nothing where there is one panel.
    let one = TransformShape { panels: 1, src_stride: 0, dst_stride: 0, ..shape };
    assert!(board.submit_and_wait_for(&[job(one)], LONG).is_ok());
}

#[test]
fn commit() {
    let (model, board) = open();
    let refused = |job, field| assert_refused(&model, &board, job, field);
    // As for the transform, and 16 leaves with 15 parents behind the panels.
    let (src, dst, param) = (empty(&board, 16 * 8), empty(&board, (48 + 16) * 8), empty(&board, 18 * 8));
    let transform =
        TransformShape { panels: 2, log_n: 3, log_cosets: 1, flags: 7, src_stride: 8, dst_stride: 24, log_inner: 0 };
    let shape = CommitShape { transform, width: 9, levels: 4, salts: 0 };
    let good = Descriptor::commit(SET, src.window(), dst.window(), param.iova(), shape);
    assert_eq!(good.commit_shape(), shape);
    assert!(board.submit_and_wait_for(&[good], LONG).is_ok());
    refused(Descriptor { log_n: 0, ..good }, "log_n");
    refused(Descriptor { log_n: 14, ..good }, "log_n");
    refused(Descriptor { log_cosets: 5, ..good }, "log_cosets");
    refused(Descriptor { salts: 9, ..good }, "salts");
    refused(Descriptor { salts: 7, ..good }, "src_beats");
    refused(Descriptor { width: u16::MAX, rows: 8192, salts: 1, ..good }, "width + salts");
    refused(Descriptor { flags: 5, log_cosets: 0, ..good }, "flags");
    refused(Descriptor { flags: 4, ..good }, "flags");
    refused(Descriptor { flags: 10, log_cosets: 0, ..good }, "flags");
    refused(Descriptor { flags: 18, ..good }, "flags");
    refused(Descriptor { log_inner: 1, ..good }, "log_inner");
    refused(Descriptor { rows: 0, ..good }, "rows");
    refused(Descriptor { rows: 1, ..good }, "rows");
    refused(Descriptor { width: 0, ..good }, "width");
    refused(Descriptor { width: 17, ..good }, "rows");
    refused(Descriptor { levels: 5, ..good }, "levels");
    refused(Descriptor { levels: 255, ..good }, "levels");
    refused(Descriptor { dst_stride: 23, ..good }, "dst_stride");
    refused(Descriptor { dst_stride: 25, ..good }, "dst_beats");
    refused(Descriptor { dst_stride: u32::MAX, ..good }, "dst_beats");
    refused(Descriptor { dst_beats: 63, ..good }, "dst_beats");
    refused(Descriptor { src_stride: 9, ..good }, "src_beats");
    refused(Descriptor { param: param.iova() + 64, ..good }, "param");
    // Digests follow even a single panel, so there the stride counts too.
    refused(Descriptor { rows: 1, width: 8, dst_stride: 0, ..good }, "dst_stride");
    assert!(board.submit_and_wait_for(&[Descriptor { rows: 1, width: 8, ..good }], LONG).is_ok());
    assert!(board.timeout_of(&[good]) >= board.timeout_of(&[Descriptor { width: 1, ..good }]));
}

#[test]
fn fold() {
    let (model, board) = open();
    let refused = |job, field| assert_refused(&model, &board, job, field);
    let (src, dst, param) = (empty(&board, 24 * 8), empty(&board, 3 * 8), empty(&board, 4 * 8));
    let good = Descriptor::fold(SET, src.window(), dst.window(), param.iova(), 3, 3);
    assert!(board.submit_and_wait_for(&[good], LONG).is_ok());
    refused(Descriptor { log_n: 0, ..good }, "log_n");
    refused(Descriptor { log_n: 5, ..good }, "log_n");
    refused(Descriptor { rows: 1 << 28, ..good }, "rows");
    refused(Descriptor { rows: 4, ..good }, "src_beats");
    refused(Descriptor { log_n: 4, ..good }, "src_beats");
    refused(Descriptor { rows: 2, log_n: 3, dst_beats: 1, ..good }, "dst_beats");
    refused(Descriptor { param: param.iova() + 64, ..good }, "param");
    refused(Descriptor { salts: 1, ..good }, "salts");
}

#[test]
fn deadlines_grow_with_the_work() {
    let (_model, board) = open();
    let (job, _src, _dst) = copy(&board, 1);
    assert_eq!(board.timeout_of(&[]), options().timeouts.base);
    let large = Descriptor { rows: 1 << 20, ..job };
    assert!(board.timeout_of(&[large]) > board.timeout_of(&[job]));
    let mut block = [0u64; 16];
    (block[13], block[14]) = (u64::MAX, 2 << 16);
    let few = filled(&board, &block);
    block[14] = 20 << 16;
    let many = filled(&board, &block);
    let grind = |param| board.timeout_of(&[Descriptor::grind(SET, param, Window::default())]);
    assert!(grind(few.iova()) < grind(many.iova()));
}
