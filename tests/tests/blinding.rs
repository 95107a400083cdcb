//! Blinded commitments: with the salts that plonky2 drew, the device gives plonky2's own `PolynomialBatch`.

use hotloop::{goldilocks::reverse_bits, Device};
use hotloop_plonky2::{commit, D, F};
use plonky2::{
    field::{
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::Sample,
    },
    fri::oracle::{PolynomialBatch, SALT_SIZE},
    plonk::config::PoseidonGoldilocksConfig,
    util::timing::TimingTree,
};

type C = PoseidonGoldilocksConfig;

/// The salts of a batch, in the order in which they were drawn.
fn salts(batch: &PolynomialBatch<F, C, D>) -> Vec<Vec<F>> {
    let (leaves, columns) = (&batch.merkle_tree.leaves, batch.polynomials.len());
    let log_rows = leaves.len().ilog2();
    let salt = |k: usize| (0..leaves.len()).map(|i| leaves[reverse_bits(i, log_rows)][columns + k]).collect();
    (0..SALT_SIZE).map(salt).collect()
}

fn same(found: &PolynomialBatch<F, C, D>, wanted: &PolynomialBatch<F, C, D>) {
    assert_eq!(found.polynomials, wanted.polynomials);
    assert_eq!(found.merkle_tree, wanted.merkle_tree);
    let facts = |batch: &PolynomialBatch<F, C, D>| (batch.degree_log, batch.rate_bits, batch.blinding);
    assert_eq!(facts(found), facts(wanted));
}

#[test]
fn blinded_batches_are_plonky2s() {
    let device = Device::open("sim", hotloop_plonky2::options()).unwrap();
    let mut timing = TimingTree::default();
    for (columns, log_n, rate_bits, cap_height) in
        [(1, 4, 1, 0), (4, 5, 3, 2), (7, 6, 1, 4), (8, 6, 2, 1), (20, 7, 1, 4)]
    {
        let values: Vec<PolynomialValues<F>> =
            (0..columns).map(|_| PolynomialValues::new(F::rand_vec(1 << log_n))).collect();
        let wanted =
            PolynomialBatch::<F, C, D>::from_values(values.clone(), rate_bits, true, cap_height, &mut timing, None);
        let before = device.offload().jobs;
        let found = commit::from_values(&device, &values, &salts(&wanted), rate_bits, cap_height).unwrap();
        assert_eq!(device.offload().jobs - before, 1);
        same(&found, &wanted);
        let coefficients: Vec<PolynomialCoeffs<F>> = wanted.polynomials.clone();
        let found = commit::from_coeffs(&device, coefficients, &salts(&wanted), rate_bits, cap_height).unwrap();
        same(&found, &wanted);
        let own = commit::random_salts(1 << log_n, rate_bits);
        let blinded = commit::from_values::<C, _>(&device, &values, &own, rate_bits, cap_height).unwrap();
        assert_ne!(blinded.merkle_tree.cap, wanted.merkle_tree.cap);
        assert_eq!(salts(&blinded), own);
        let three = &own[..3];
        assert!(commit::from_values::<C, _>(&device, &values, three, rate_bits, cap_height).is_err());
    }
}
