//! Provers that know nothing of the device: trees and errors through `OffloadConfig`.

use std::sync::Arc;

use hotloop::{Device, HotloopError};
use hotloop_plonky2::{
    commit,
    offload::{convert, with_device, OffloadHasher, Ticket},
    options, prove, Backend, ProveError, Statement, F,
};
use hotloop_tests::model::{FunctionalBoard, Mischief};
use plonky2::{
    field::types::Field,
    hash::{
        hash_types::HashOut, merkle_proofs::verify_merkle_proof_to_cap, merkle_tree::MerkleTree, poseidon::PoseidonHash,
    },
    plonk::config::Hasher,
};
use proptest::prelude::*;

fn open(board: &FunctionalBoard) -> Device {
    Device::from_function(Arc::new(board.clone()), options()).expect("the model opens")
}

fn leaves(rows: usize, width: usize) -> Vec<Vec<F>> {
    (0..rows).map(|i| (0..width).map(|k| F::from_noncanonical_u64(u64::MAX - (i * 100 + k) as u64)).collect()).collect()
}

fn converted(tickets: &[Ticket]) -> hotloop_plonky2::Result<Vec<HashOut<F>>> {
    convert(&tickets.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// Trees of any sizes, widths and caps, all asked for before a digest is read, and a parent over two of them.
    #[test]
    fn trees_run_together(shapes in proptest::collection::vec((0usize..6, 1usize..20, 0usize..6), 1..6)) {
        let board = FunctionalBoard::new();
        let device = open(&board);
        let before = board.doorbells();
        let (found, _) = with_device(&device, 16, || {
            let trees: Vec<_> = shapes
                .iter()
                .map(|&(log, width, cap)| MerkleTree::<F, OffloadHasher>::new(leaves(1 << log, width), cap.min(log)))
                .collect();
            let top = OffloadHasher::two_to_one(trees[0].cap.0[0], trees[trees.len() - 1].cap.0[0]);
            let above = OffloadHasher::two_to_one(top, trees[0].cap.0[0]);
            let trees = trees.iter().map(|t| Ok((converted(&t.digests)?, converted(&t.cap.0)?))).collect::<hotloop_plonky2::Result<Vec<_>>>()?;
            Ok((trees, converted(&[top, above])?))
        }).expect("hashed");
        prop_assert!(board.doorbells() - before <= 3, "trees in one batch, two loose parents in one each");
        let wanted: Vec<MerkleTree<F, PoseidonHash>> =
            shapes.iter().map(|&(log, width, cap)| MerkleTree::new(leaves(1 << log, width), cap.min(log))).collect();
        for ((digests, cap), wanted) in found.0.iter().zip(&wanted) {
            prop_assert_eq!(digests, &wanted.digests);
            prop_assert_eq!(cap, &wanted.cap.0);
        }
        let top = PoseidonHash::two_to_one(wanted[0].cap.0[0], wanted[wanted.len() - 1].cap.0[0]);
        prop_assert_eq!(found.1, vec![top, PoseidonHash::two_to_one(top, wanted[0].cap.0[0])]);
    }

    /// Trees in plonky2's own layout.
    #[test]
    fn trees_have_plonky2s_layout(log in 0usize..7, width in 1usize..20, cap in 0usize..7) {
        let device = open(&FunctionalBoard::new());
        let cap = cap.min(log);
        let tree = commit::tree::<PoseidonHash>(&device, leaves(1 << log, width), cap).expect("a tree");
        prop_assert_eq!(&tree, &MerkleTree::new(leaves(1 << log, width), cap));
        for i in 0..1 << log {
            verify_merkle_proof_to_cap(tree.leaves[i].clone(), i, &tree.cap, &tree.prove(i)).expect("a path");
        }
    }
}

#[test]
fn a_proof_takes_few_batches() {
    let board = FunctionalBoard::new();
    let device = open(&board);
    let before = board.doorbells();
    let statement = Statement::new("wide", Some(8), 8).expect("a statement");
    prove(&Backend::Unmodified(device), statement).expect("a proof");
    // Trace, quotient, one codeword of FRI, grinding.
    assert_eq!(board.doorbells() - before, 4);
}

#[test]
fn a_devices_error_comes_out_typed_and_the_next_proof_works() {
    let board = FunctionalBoard::new();
    let device = open(&board);
    let statement = Statement::new("fibonacci", None, 6).expect("a statement");
    for backend in [Backend::Unmodified(device.clone()), Backend::Device(device)] {
        for job in 0..3 {
            board.inject_at(job, Mischief::Fault(18));
            match prove(&backend, statement) {
                Err(ProveError::Device(HotloopError::Driver(_))) => {}
                other => panic!("job {job}: {other:?}"),
            }
            prove(&backend, statement).expect("a proof").file.verify().expect("valid");
        }
    }
}

#[test]
fn other_sets_are_refused() {
    let board = FunctionalBoard::new();
    board.set_constant(&hotloop_regs::map::SETS, 3);
    let other = hotloop::Options { set: hotloop::ParameterSet::Plonky2V0, ..options() };
    let device = Device::from_function(Arc::new(board), other).expect("the model opens");
    let statement = Statement::new("fibonacci", None, 4).expect("a statement");
    for backend in [Backend::Unmodified(device.clone()), Backend::Device(device)] {
        assert!(matches!(prove(&backend, statement), Err(ProveError::WrongSet { found: "plonky2-v0" })));
    }
}

#[test]
fn statements_are_checked() {
    assert!(matches!(Statement::new("collatz", None, 5), Err(ProveError::UnknownAir(_))));
    assert!(matches!(Statement::new("fibonacci", Some(3), 5), Err(ProveError::Columns { .. })));
    assert!(matches!(Statement::new("wide", Some(7), 5), Err(ProveError::Columns { .. })));
    for log_rows in [0, 2, 25, u32::MAX] {
        assert!(matches!(Statement::new("fibonacci", None, log_rows), Err(ProveError::Rows { .. })));
    }
}

/// Traces, and quotients, longer than the chip holds go through it in two passes; what is too long for those is refused.
#[test]
fn long_traces_are_split() {
    let board = FunctionalBoard::new();
    board.set_constant(&hotloop_regs::map::NTT_MAX_LOG, 4);
    let device = open(&board);
    for (air, columns, log_rows) in [("fibonacci", None, 4), ("fibonacci", None, 6), ("wide", Some(8), 5)] {
        let statement = Statement::new(air, columns, log_rows).expect("a statement");
        let report = prove(&Backend::Device(device.clone()), statement).expect("a proof");
        let cpu = prove(&Backend::Cpu, statement).expect("a proof");
        assert!(report.file.to_bytes() == cpu.file.to_bytes(), "{air} of 2^{log_rows} rows");
    }
    let long = Statement::new("fibonacci", None, 9).expect("a statement");
    assert!(matches!(prove(&Backend::Device(device), long), Err(ProveError::Device(HotloopError::DeviceLimit { .. }))));
}
