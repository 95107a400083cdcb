//! Trees of the simulated board against Miden's own: digests, hints, openings.
#![cfg(feature = "miden")]

use hotloop_plonky3::{options, Device, DeviceLmcs, HotloopError, ParameterSet, ProveError};
use hotloop_sim_sets as _;
use miden_core::Felt;
use miden_lifted_stark::{
    lmcs::{tree_indices::TreeIndices, Lmcs, LmcsTree},
    GenericStarkConfig, StarkConfig,
};
use miden_prover::config::{pcs_params, poseidon2_config, rpo_config};
use miden_stark_transcript::{ProverTranscript, VerifierTranscript};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;

/// A matrix of arbitrary elements.
fn matrix(rows: usize, width: usize) -> RowMajorMatrix<Felt> {
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let words = std::iter::successors(Some((rows * width) as u64), next);
    RowMajorMatrix::new(words.take(rows * width).map(Felt::from_u64).collect(), width)
}

fn device() -> Device {
    Device::open("sim:sim-mid", options(ParameterSet::Miden)).expect("the simulated board")
}

#[test]
fn trees_are_those_of_miden() {
    let GenericStarkConfig { lmcs: stock, challenger, .. } = poseidon2_config(pcs_params());
    let board = DeviceLmcs::new(stock.clone(), device()).expect("Poseidon2");
    let shapes: [&[(usize, usize)]; 6] =
        [&[(1, 1)], &[(2, 8)], &[(64, 13)], &[(4, 3), (16, 9), (64, 5)], &[(32, 8), (32, 4)], &[(1, 7), (8, 16)]];
    for shapes in shapes {
        let matrices = || shapes.iter().map(|&(rows, width)| matrix(rows, width)).collect::<Vec<_>>();
        for aligned in [false, true] {
            let (ours, theirs) = if aligned {
                (board.build_aligned_tree(matrices()), stock.build_aligned_tree(matrices()))
            } else {
                (board.build_tree(matrices()), stock.build_tree(matrices()))
            };
            assert_eq!(ours.root(), theirs.root(), "{shapes:?}");
            assert_eq!(ours.height(), theirs.height());
            assert_eq!(ours.widths(), theirs.widths());
            assert_eq!(ours.aligned_widths(), theirs.aligned_widths());
            let depth = ours.height().ilog2() as u8;
            for index in 0..ours.height() {
                assert_eq!(ours.rows(index), theirs.rows(index));
                assert_eq!(ours.aligned_rows(index), theirs.aligned_rows(index));
            }
            let all = ours.height();
            for asked in [vec![0], vec![all - 1, all / 2, 0], (0..all).collect()] {
                let indices = TreeIndices::new(asked, depth).expect("in range");
                let mut channel = ProverTranscript::new(challenger.clone());
                ours.prove_batch(&indices, &mut channel);
                let mut wanted = ProverTranscript::new(challenger.clone());
                theirs.prove_batch(&indices, &mut wanted);
                let (hints, wanted) = (channel.finalize().1, wanted.finalize().1);
                assert_eq!(hints.fields(), wanted.fields());
                assert_eq!(hints.commitments(), wanted.commitments());
                let mut channel = VerifierTranscript::from_data(challenger.clone(), &hints);
                let widths = ours.aligned_widths();
                board.open_batch(&ours.root(), &widths, &indices, &mut channel).expect("a valid opening");
            }
        }
    }
}

#[test]
fn errors_have_names() {
    let device = device();
    let rpo = rpo_config(pcs_params());
    let error = DeviceLmcs::new(rpo.lmcs().clone(), device.clone()).expect_err("another hash");
    assert!(matches!(error, ProveError::OtherHash { .. }), "{error}");
    let stock = poseidon2_config(pcs_params()).lmcs;
    let board = DeviceLmcs::new(stock.clone(), device).expect("Poseidon2");
    let raised = |matrices: Vec<RowMajorMatrix<Felt>>| {
        let build = std::panic::AssertUnwindSafe(|| board.build_tree(matrices).root());
        *std::panic::catch_unwind(build).expect_err("an error").downcast::<ProveError>().expect("a typed one")
    };
    let error = raised(vec![matrix(8, 2), matrix(4, 2)]);
    assert!(matches!(error, ProveError::Leaves { matrix: 1, height: 4, before: 8 }), "{error}");
    let error = raised(vec![matrix(6, 2)]);
    assert!(matches!(error, ProveError::Leaves { matrix: 0, height: 6, before: 1 }), "{error}");
    let error = raised(vec![]);
    assert!(matches!(error, ProveError::Device(HotloopError::BadShape { .. })), "{error}");
    let other = Device::open("sim", hotloop::Options { check: hotloop::Check::Off, ..Default::default() });
    let error = DeviceLmcs::new(stock, other.expect("the simulated board")).expect_err("another set");
    assert!(matches!(error, ProveError::WrongSet { .. }), "{error}");
}
