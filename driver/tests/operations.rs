//! The model computes what docs/jobs.md says: each operation against plonky2's own trees, or the definition.

mod common;

use common::*;
use hotloop_driver::{hash_digests, Board, CommitShape, Descriptor, HashShape, MonitorState, TransformShape};
use hotloop_regs::{
    descriptor::{FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE},
    scale_table_beats, Monitor, MonitorKind,
};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        types::{Field, PrimeField64, Sample},
    },
    hash::{
        hash_types::HashOut,
        merkle_tree::MerkleTree,
        poseidon::{Poseidon, PoseidonHash},
    },
    plonk::config::Hasher,
};

/// `rows` rows of `width` columns, and the same as panels.
fn table(rows: usize, width: usize) -> (Vec<Vec<F>>, Vec<u64>) {
    let leaves: Vec<Vec<F>> = (0..rows).map(|_| F::rand_vec(width)).collect();
    let panels = width.div_ceil(8);
    let word = |i: usize| (i / 8 % rows, i / 8 / rows * 8 + i % 8);
    let cell = |i| {
        let (row, column) = word(i);
        leaves[row].get(column).map_or(0, F::to_canonical_u64)
    };
    let words = (0..panels * rows * 8).map(cell).collect();
    (leaves, words)
}

fn hash(board: &Board, words: &[u64], shape: HashShape) -> Vec<[u64; 4]> {
    let digests = hash_digests(shape.rows, shape.levels) as usize;
    let (src, dst) = (filled(board, words), empty(board, 4 * digests));
    board.submit_and_wait_for(&[Descriptor::hash(SET, src.window(), dst.window(), shape)], LONG).unwrap();
    common::words(&dst).chunks_exact(4).take(digests).map(|d| [d[0], d[1], d[2], d[3]]).collect()
}

fn digest(hash: HashOut<F>) -> [u64; 4] {
    hash.elements.map(|x| x.to_canonical_u64())
}

#[test]
fn hash_is_plonky2s_tree() {
    let (_model, board) = open();
    for width in [1, 3, 4, 5, 7, 8, 9, 16, 17, 31] {
        for log_rows in 0..5 {
            let rows = 1 << log_rows;
            let (leaves, words) = table(rows, width);
            let shape = HashShape { rows: rows as u32, width: width as u16, levels: log_rows, src_stride: rows as u32 };
            let digests = hash(&board, &words, shape);
            for (leaf, found) in leaves.iter().zip(&digests) {
                assert_eq!(*found, digest(PoseidonHash::hash_or_noop(leaf)));
            }
            for cap_height in 0..=usize::from(log_rows) {
                let tree = MerkleTree::<F, PoseidonHash>::new(leaves.clone(), cap_height);
                let caps: Vec<_> = tree.cap.0.iter().map(|h| digest(*h)).collect();
                let end = digests.len() + 1 - (1 << cap_height);
                assert_eq!(digests[end - (1 << cap_height)..end], caps, "{width} {rows} {cap_height}");
            }
        }
    }
}

#[test]
fn permute_is_plonky2s() {
    let (_model, board) = open();
    let states: Vec<[u64; 16]> = (0..50u64)
        .map(|i| {
            std::array::from_fn(|j| match (i, j) {
                (_, 12..) => u64::MAX,
                (0, _) => u64::MAX,
                (1, _) => 0,
                _ => F::rand().to_canonical_u64(),
            })
        })
        .collect();
    let (src, dst) = (filled(&board, states.as_flattened()), empty(&board, 16 * 50));
    board.submit_and_wait_for(&[Descriptor::permute(SET, src.window(), dst.window(), 50)], LONG).unwrap();
    for (state, found) in states.iter().zip(words(&dst).chunks_exact(16)) {
        let wanted = F::poseidon(std::array::from_fn(|i| F::from_noncanonical_u64(state[i])));
        assert_eq!(found[..12], wanted.map(|x| x.to_canonical_u64()));
        assert_eq!(found[12..], [0; 4]);
    }
}

#[test]
fn grind_finds_the_smallest_nonce_or_says_how_many_it_tried() {
    let (_model, board) = open();
    let state: [u64; 12] = std::array::from_fn(|i| i as u64 * 0x1234_5678_9abc);
    let zeros = |nonce: u64| {
        let mut state = state.map(F::from_noncanonical_u64);
        state[5] = F::from_noncanonical_u64(nonce);
        F::poseidon(state)[7].to_canonical_u64().leading_zeros()
    };
    let wanted = (10..).find(|n| zeros(*n) >= 6).unwrap();
    for (count, answer) in [(1000, [1, wanted]), (wanted - 10, [0, wanted - 10])] {
        let mut block = state.to_vec();
        block.extend([10, count, 5 | 7 << 8 | 6 << 16, 0]);
        let (param, dst) = (filled(&board, &block), empty(&board, 8));
        board.submit_and_wait_for(&[Descriptor::grind(SET, param.iova(), dst.window())], LONG).unwrap();
        assert_eq!(words(&dst)[..2], answer);
    }
}

/// The scale table for factor s^i of row i.
fn scales(log_n: u32, s: F) -> Vec<u64> {
    let n = 1usize << log_n;
    let lo = (0..64).map(|i| s.exp_u64(i));
    let hi = (0..(n / 64).max(1) as u64).map(|i| s.exp_u64(64 * i));
    let mut words: Vec<u64> = lo.chain(hi).map(|x| x.to_canonical_u64()).collect();
    words.resize(scale_table_beats(log_n) as usize * 8, 0);
    words
}

fn transform(board: &Board, input: &[F], shape: TransformShape, scales: &[u64]) -> Vec<F> {
    // The columns are the input times 1 to 8: all eight are looked at.
    let rows: Vec<u64> =
        input.iter().flat_map(|x| (1..=8).map(|k| (*x * F::from_canonical_u64(k)).to_canonical_u64())).collect();
    let (src, param) = (filled(board, &rows), filled(board, scales));
    let dst = empty(board, shape.panel_beats() as usize * 8);
    board
        .submit_and_wait_for(&[Descriptor::transform(SET, src.window(), dst.window(), param.iova(), shape)], LONG)
        .unwrap();
    let out = words(&dst);
    for row in out.chunks_exact(8) {
        for (k, word) in row.iter().enumerate() {
            assert_eq!(F::from_canonical_u64(row[0]) * F::from_canonical_usize(k + 1), F::from_canonical_u64(*word));
        }
    }
    out.chunks_exact(8).map(|row| F::from_canonical_u64(row[0])).collect()
}

/// Commit is transform and hash with one descriptor; those two are plonky2's, as the other tests here show.
#[test]
fn commit_is_transform_and_hash() {
    let (_model, board) = open();
    for (log_n, log_cosets, width, flags) in [(1, 0, 3, 2), (3, 1, 4, 7), (4, 2, 5, 3), (5, 1, 17, 7), (2, 3, 24, 3)] {
        let rows = 1u32 << (log_n + log_cosets);
        let panels = u32::from(width).div_ceil(8);
        let mut transform =
            TransformShape { panels, log_n, log_cosets, flags, src_stride: 1 << log_n, ..TransformShape::default() };
        let panel = transform.panel_beats() as u32;
        transform.dst_stride = panel + 1;
        let shape = CommitShape { transform, width, levels: log_n, salts: 0 };
        let input: Vec<u64> = F::rand_vec(8 * ((panels as usize) << log_n)).iter().map(F::to_canonical_u64).collect();
        let tables: Vec<u64> = (0..1u64 << log_cosets).flat_map(|b| scales(log_n.into(), F::TWO.exp_u64(b))).collect();
        let (src, param) = (filled(&board, &input), filled(&board, &tables));
        let (one, two) =
            (empty(&board, 8 * shape.output_beats() as usize), empty(&board, 8 * shape.output_beats() as usize));
        let start = shape.digest_start() as u32;
        let hash = HashShape { rows, width, levels: log_n, src_stride: transform.dst_stride };
        let leaves = two.window_at(u64::from(panel - rows) * 64, start - panel + rows - 1).unwrap();
        let digests = two.window_at(u64::from(start) * 64, shape.output_beats() as u32 - start).unwrap();
        let jobs = [
            Descriptor::commit(SET, src.window(), one.window(), param.iova(), shape),
            Descriptor::transform(SET, src.window(), two.window(), param.iova(), transform),
            Descriptor::hash(SET, leaves, digests, hash),
        ];
        board.submit_and_wait_for(&jobs, LONG).unwrap();
        assert_eq!(words(&one), words(&two), "{shape:?}");
    }
}

fn evaluate(coefficients: &[F], x: F) -> F {
    coefficients.iter().rev().fold(F::ZERO, |sum, c| sum * x + *c)
}

fn bit_reversed(i: usize, log: u32) -> u64 {
    (0..log).fold(0, |sum, bit| sum | (i as u64 >> bit & 1) << (log - 1 - bit))
}

#[test]
fn transforms_are_evaluation_and_interpolation() {
    let (_model, board) = open();
    let g = F::MULTIPLICATIVE_GROUP_GENERATOR;
    for (log_n, log_cosets) in [(1, 0), (1, 2), (3, 0), (4, 1), (6, 3), (7, 1), (8, 0)] {
        let (n, log_m) = (1usize << log_n, log_n + log_cosets);
        let coefficients = F::rand_vec(n);
        let root = F::primitive_root_of_unity(log_n as usize);
        let values: Vec<F> = (0..n).map(|i| evaluate(&coefficients, root.exp_u64(i as u64))).collect();
        let wide = F::primitive_root_of_unity(log_m as usize);
        let tables: Vec<u64> = (0..1usize << log_cosets)
            .flat_map(|b| scales(log_n, g * wide.exp_u64(bit_reversed(b, log_cosets))))
            .collect();
        // Row r of the extension, in bit-reversed order, is the value at g · w_M^bitrev(r).
        let extension: Vec<F> =
            (0..1usize << log_m).map(|r| evaluate(&coefficients, g * wide.exp_u64(bit_reversed(r, log_m)))).collect();
        let shape = |flags| TransformShape {
            panels: 1,
            log_n: log_n as u8,
            log_cosets: log_cosets as u8,
            flags,
            ..TransformShape::default()
        };
        assert_eq!(transform(&board, &coefficients, shape(FLAG_FORWARD), &tables), extension);
        assert_eq!(transform(&board, &values, shape(FLAG_INVERSE | FLAG_FORWARD), &tables), extension);
        let both = transform(&board, &values, shape(FLAG_INVERSE | FLAG_FORWARD | FLAG_COEFFICIENTS), &tables);
        assert_eq!(both[..n], coefficients);
        assert_eq!(both[n..], extension);
        if log_cosets == 0 {
            let on_coset: Vec<F> = (0..n).map(|i| evaluate(&coefficients, g * root.exp_u64(i as u64))).collect();
            let back =
                transform(&board, &on_coset, shape(FLAG_INVERSE | FLAG_COEFFICIENTS), &scales(log_n, g.inverse()));
            assert_eq!(back, coefficients);
        }
    }
}

/// A board without a monitor says so, and one with a monitor what it measures, whatever is reset.
#[test]
fn temperature_and_supplies_are_read_where_there_is_a_monitor() {
    let (model, board) = open();
    assert_eq!(board.monitor().unwrap(), MonitorState::Absent);
    let field = |field: hotloop_regs::descriptor::Field, value: u64| value << field.bit;
    let silent = field(Monitor::kind, MonitorKind::Xadc.code().into());
    model.set_monitor(silent);
    assert_eq!(board.monitor().unwrap(), MonitorState::Silent(MonitorKind::Xadc));
    // 85 °C, 1.05 V and 1.89 V, as the vendor's wizard writes them for limits.
    let codes = field(Monitor::temperature, 0xb5ed) | field(Monitor::vccint, 0x5999) | field(Monitor::vccaux, 0xa147);
    model.set_monitor(silent | field(Monitor::present, 1) | codes);
    board.reset().unwrap();
    let MonitorState::Answers(reading) = board.monitor().unwrap() else { panic!("the monitor answers") };
    let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.001;
    assert!(near(reading.celsius, 85.0) && near(reading.vccint, 1.05) && near(reading.vccaux, 1.89), "{reading:?}");
}
