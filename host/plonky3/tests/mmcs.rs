//! Trees over several matrices on simulated boards against p3-merkle-tree.
#![cfg(feature = "mmcs")]

mod common;

use common::{board, matrix, open};
use hotloop_plonky3::{
    stock_mmcs, with_device, BoardPermutation, DeviceMmcs, HotloopError, ParameterSet, ProveError, StockMmcs,
};
use p3_commit::{BatchOpening, ExtensionMmcs, Mmcs};
use p3_field::extension::BinomialExtensionField;
use p3_goldilocks::{poseidon1::Poseidon1Goldilocks, Goldilocks, Poseidon2Goldilocks};
use p3_matrix::{bitrev::BitReversibleMatrix, dense::RowMajorMatrix, extension::FlatMatrixView, Dimensions, Matrix};

type Poseidon1 = Poseidon1Goldilocks<12>;
type Poseidon2 = Poseidon2Goldilocks<12>;

fn bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("serialises")
}

/// Commitment, every opening, and what the verifiers say.
fn same<P: BoardPermutation>(shapes: &[(usize, usize)], cap_height: usize) {
    let device = board(P::SET);
    let inputs: Vec<RowMajorMatrix<Goldilocks>> =
        (0..).zip(shapes).map(|(i, &(height, width))| matrix(i + 1, height, width)).collect();
    let dimensions: Vec<Dimensions> = inputs.iter().map(Matrix::dimensions).collect();
    let (stock, ours) = (stock_mmcs::<P>(cap_height), DeviceMmcs::<P>::new(device.clone(), cap_height).unwrap());
    let (wanted, stock_tree) = stock.commit(inputs.clone());
    let ((commitment, tree), offload) = with_device(&device, || ours.commit(inputs)).unwrap();
    assert_eq!(bytes(&commitment), bytes(&wanted), "{shapes:?}");
    let leaves: u64 = shapes.iter().map(|(height, _)| *height as u64).max().unwrap();
    assert!(offload.permutations >= 2 * leaves - 1, "{shapes:?}: the board hashed {offload:?}");
    assert_eq!(ours.get_matrix_heights(&tree), stock.get_matrix_heights(&stock_tree));
    let tallest = ours.get_max_height(&tree);
    for index in (0..tallest).step_by(1 + tallest / 40).chain([tallest - 1]) {
        let (opened, wanted) = (ours.open_batch(index, &tree), stock.open_batch(index, &stock_tree));
        assert_eq!(bytes(&opened), bytes(&wanted), "row {index} of {shapes:?}");
        ours.verify_batch(&commitment, &dimensions, index, (&opened).into()).expect("our verifier");
        let mut opened: BatchOpening<Goldilocks, StockMmcs<P>> =
            serde_json::from_slice(&bytes(&opened)).expect("the library's type");
        stock.verify_batch(&commitment, &dimensions, index, (&opened).into()).expect("the library's verifier");
        // Of the tallest: the library's verifier does not see shorter ones that come in above the cap.
        let highest = (0..shapes.len()).find(|&i| shapes[i].0 == tallest).unwrap();
        opened.opened_values[highest][0] += Goldilocks::new(1);
        stock.verify_batch(&commitment, &dimensions, index, (&opened).into()).expect_err("another row");
    }
}

#[test]
fn trees_over_one_height() {
    for (height, width) in [(1, 3), (2, 8), (8, 1), (64, 4), (64, 5), (32, 100)] {
        same::<Poseidon2>(&[(height, width)], 0);
        same::<Poseidon1>(&[(height, width)], 1);
    }
    // Rows are concatenated.
    same::<Poseidon2>(&[(16, 3), (16, 9), (16, 7)], 2);
}

#[test]
fn shorter_matrices_come_in_at_their_level() {
    for cap_height in [0, 1, 3, 9] {
        same::<Poseidon2>(&[(64, 10), (16, 3), (64, 2), (1, 20), (16, 1)], cap_height);
        same::<Poseidon1>(&[(4, 9), (2, 5), (128, 5), (1, 8)], cap_height);
    }
    same::<Poseidon2>(&[(8, 1), (4, 2), (2, 3), (1, 4)], 0);
}

#[test]
fn heights_that_are_no_powers_of_two_are_padded() {
    for height in [3, 5, 6, 7, 11, 33, 48] {
        same::<Poseidon2>(&[(height, 6)], 0);
        same::<Poseidon2>(&[(height, 6), (height.div_ceil(2), 9)], 1);
        same::<Poseidon1>(&[(height.div_ceil(4), 2), (height, 6), (1, 3)], 2);
    }
}

#[test]
fn long_trees_take_few_jobs() {
    let device = board(ParameterSet::Plonky3Poseidon2);
    let ours = DeviceMmcs::<Poseidon2>::new(device.clone(), 0).unwrap();
    let inputs = vec![matrix(1, 1 << 10, 12), matrix(2, 1 << 7, 9), matrix(3, 1 << 7, 9)];
    let (_, offload) = with_device(&device, || ours.commit(inputs)).unwrap();
    // Tall leaves with three levels; short leaves; the other levels.
    assert_eq!(offload.jobs, 3);
    let (tall, short) = (1 << 10, 1 << 7);
    // The parents of the tall ones; those again of what comes in.
    assert_eq!(offload.permutations, 2 * tall + (tall - 1) + 3 * short + short);
}

/// Matrices of the extension, and views, as p3-fri commits to them.
#[test]
fn matrices_of_any_kind() {
    type Extension = BinomialExtensionField<Goldilocks, 2>;
    let device = board(ParameterSet::Plonky3Poseidon2);
    let (stock, ours) = (stock_mmcs::<Poseidon2>(1), DeviceMmcs::<Poseidon2>::new(device.clone(), 1).unwrap());
    let flat = matrix(5, 32, 8);
    let values = flat.values.as_chunks::<2>().0.iter();
    let values = values.map(|&pair| p3_field::BasedVectorSpace::from_basis_coefficients_fn(|i: usize| pair[i]));
    let extension: RowMajorMatrix<Extension> = RowMajorMatrix::new(values.collect(), 4);
    let (wanted, _) = ExtensionMmcs::<Goldilocks, Extension, _>::new(stock.clone()).commit(vec![extension.clone()]);
    let wrapped = ExtensionMmcs::<Goldilocks, Extension, _>::new(ours.clone());
    let ((commitment, tree), _) = with_device(&device, || wrapped.commit(vec![extension.clone()])).unwrap();
    assert_eq!(bytes(&commitment), bytes(&wanted));
    assert_eq!(
        wrapped.open_batch(7, &tree).opened_values[0],
        extension.row(7).unwrap().into_iter().collect::<Vec<_>>()
    );
    assert_eq!(FlatMatrixView::<Goldilocks, Extension, _>::new(extension).height(), 32);

    let (wanted, _) = stock.commit(vec![flat.clone().bit_reverse_rows()]);
    let ((commitment, _), _) = with_device(&device, || ours.commit(vec![flat.bit_reverse_rows()])).unwrap();
    assert_eq!(bytes(&commitment), bytes(&wanted));
}

#[test]
fn what_has_no_tree_is_refused_by_name() {
    let device = board(ParameterSet::Plonky3Poseidon2);
    let ours = DeviceMmcs::<Poseidon2>::new(device.clone(), 0).unwrap();
    let commit = |shapes: &[(usize, usize)]| {
        let inputs = shapes.iter().map(|&(height, width)| matrix(1, height, width)).collect();
        with_device(&device, || ours.commit::<RowMajorMatrix<Goldilocks>>(inputs)).map(drop).expect_err("refused")
    };
    let before = device.offload();
    for (shapes, says) in [
        (&[][..], "there is none"),
        (&[(8, 3), (0, 3)], "0 rows"),
        (&[(8, 0)], "0 elements"),
        (&[(8, 3), (7, 3)], "7 rows, which beside 8 would have to be 8"),
        (&[(9, 3), (4, 3)], "4 rows, which beside 9 would have to be 3"),
    ] {
        match commit(shapes) {
            ProveError::Matrices { reason } => assert!(reason.contains(says), "{shapes:?}: {reason}"),
            error => panic!("{shapes:?}: {error}"),
        }
    }
    assert!(matches!(
        commit(&[(2, 65_536)]),
        ProveError::Device(HotloopError::DeviceLimit { what: "elements in a leaf", .. })
    ));
    assert_eq!(device.offload(), before, "before any work");
    let inputs = vec![matrix(1, 8, 3)];
    let ((_, tree), _) = with_device(&device, || ours.commit(inputs)).unwrap();
    let error = with_device(&device, || ours.open_batch(8, &tree)).map(drop).expect_err("no such row");
    assert!(matches!(error, ProveError::Matrices { .. }), "{error}");

    let wrong = |set| DeviceMmcs::<Poseidon2>::new(open(set), 0).map(drop).expect_err("another set");
    for set in [ParameterSet::Miden, ParameterSet::Plonky3Goldilocks] {
        let error = wrong(set);
        assert!(matches!(error, ProveError::WrongSet { needed: ParameterSet::Plonky3Poseidon2, .. }), "{error}");
    }
}

/// Other panics than ours go on.
#[test]
fn a_provers_own_panic_is_not_ours() {
    let device = board(ParameterSet::Plonky3Poseidon2);
    let prove = std::panic::AssertUnwindSafe(|| with_device(&device, || panic!("the prover's own")));
    let result = std::panic::catch_unwind(prove);
    let payload = result.map(drop).expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the prover's own"));
}
