//! Transforms on the simulated board of Miden's set against p3-dft's, for both names of the field.

use hotloop_plonky3::{options, BoardField, Device, DeviceDft, HotloopError, ParameterSet, ProveError, DEVICE_ROWS};
use hotloop_sim_sets as _;
use p3_dft::{Radix2Dit, TwoAdicSubgroupDft};
use p3_field::{extension::BinomialExtensionField, BasedVectorSpace};
use p3_goldilocks::Goldilocks;
use p3_matrix::{bitrev::BitReversibleMatrix, dense::RowMajorMatrix, Matrix};

/// A matrix of arbitrary elements.
fn matrix<F: BoardField>(rows: usize, width: usize) -> RowMajorMatrix<F> {
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let words = std::iter::successors(Some(rows as u64 + 1), next);
    RowMajorMatrix::new(words.take(rows * width).map(F::from_u64).collect(), width)
}

fn device() -> Device {
    Device::open("sim:sim-mid", options(ParameterSet::Miden)).expect("the simulated board")
}

fn agrees<F: BoardField>(device: &Device) {
    let (board, host) = (DeviceDft::new(device.clone()).expect("p3's roots"), Radix2Dit::<F>::default());
    let shift = F::GENERATOR;
    for (rows, width) in [(DEVICE_ROWS / 2, 3), (DEVICE_ROWS, 1), (64, 9), (1 << 10, 3)] {
        let m = || matrix::<F>(rows, width);
        let jobs = device.offload().jobs;
        let natural =
            |evaluations: <DeviceDft as TwoAdicSubgroupDft<F>>::Evaluations| evaluations.to_row_major_matrix();
        assert_eq!(natural(board.dft_batch(m())), host.dft_batch(m()).to_row_major_matrix());
        assert_eq!(natural(board.coset_dft_batch(m(), shift)), host.coset_dft_batch(m(), shift).to_row_major_matrix());
        assert_eq!(board.idft_batch(m()), host.idft_batch(m()));
        assert_eq!(board.coset_idft_batch(m(), shift), host.coset_idft_batch(m(), shift));
        let extended = board.coset_lde_batch(m(), 3, shift).bit_reverse_rows();
        let wanted = host.coset_lde_batch(m(), 3, shift).bit_reverse_rows().to_row_major_matrix();
        assert_eq!(extended, wanted);
        let jobs = device.offload().jobs - jobs;
        assert_eq!(jobs, if rows < DEVICE_ROWS { 0 } else { 5 }, "{rows} rows");
    }
}

#[test]
fn values_are_those_of_p3() {
    let device = device();
    agrees::<Goldilocks>(&device);
    #[cfg(feature = "miden")]
    agrees::<miden_core::Felt>(&device);
    type Extension = BinomialExtensionField<Goldilocks, 2>;
    let values = Extension::reconstitute_from_base(matrix::<Goldilocks>(64, 6).values);
    let m = RowMajorMatrix::new(values, 3);
    let board = DeviceDft::new(device).expect("p3's roots");
    let wanted = Radix2Dit::<Goldilocks>::default().idft_algebra_batch(m.clone());
    assert_eq!(TwoAdicSubgroupDft::<Goldilocks>::idft_algebra_batch(&board, m), wanted);
}

#[test]
fn zeros_that_pad_coefficients_cost_nothing() {
    let device = device();
    let board = DeviceDft::new(device.clone()).expect("p3's roots");
    let mut padded = matrix::<Goldilocks>(64, 5);
    padded.values.resize(512 * 5, Goldilocks::default());
    // One more coefficient than a power of two: the next one is what it takes.
    let mut odd = padded.clone();
    odd.values[64 * 5 + 2] = Goldilocks::new(7);
    let nothing = RowMajorMatrix::new(vec![Goldilocks::default(); 512 * 5], 5);
    for (m, rows) in [(padded, 64u64), (odd, 128), (nothing, 32)] {
        let before = device.offload();
        let wanted = Radix2Dit::default().dft_batch(m.clone()).to_row_major_matrix();
        assert_eq!(board.dft_batch(m).to_row_major_matrix(), wanted);
        let did = device.offload() - before;
        assert_eq!((did.jobs, did.butterflies), (1, 5 * 512 / 2 * u64::from(rows.ilog2())), "{rows} rows of 512");
    }
}

#[test]
fn errors_have_names() {
    let device = device();
    let raised = |f: &dyn Fn() -> Vec<Goldilocks>| {
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("an error");
        *payload.downcast::<ProveError>().expect("a typed one")
    };
    let board = DeviceDft::new(device.clone()).expect("p3's roots");
    let error = raised(&|| board.coset_lde_batch(matrix(64, 2), 9, Goldilocks::new(7)).to_row_major_matrix().values);
    assert!(matches!(error, ProveError::Device(HotloopError::DeviceLimit { asked: 9, .. })), "{error}");
    let none = DeviceDft::default();
    let error = raised(&|| none.idft_batch(matrix(64, 2)).values);
    assert!(matches!(error, ProveError::NoDevice { .. }), "{error}");
    let plonky2 = Device::open("sim", hotloop::Options { check: hotloop::Check::Off, ..Default::default() });
    let error = DeviceDft::new(plonky2.expect("the simulated board")).expect_err("other roots");
    assert!(matches!(error, ProveError::WrongSet { .. }), "{error}");
}
