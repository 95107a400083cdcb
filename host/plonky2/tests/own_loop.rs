//! Drop-ins for provers with a loop of their own: commitments and opening proofs equal upstream's, and leave its
//! challenger where upstream leaves it.

use std::sync::Arc;

use hotloop::{Device, Options};
use hotloop_plonky2::{commit, fri, options, ProveError, D, F, FE};
use hotloop_tests::model::FunctionalBoard;
use plonky2::{
    field::{
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, Sample},
    },
    fri::{
        oracle::PolynomialBatch,
        reduction_strategies::FriReductionStrategy,
        structure::{FriBatchInfo, FriInstanceInfo, FriOracleInfo, FriPolynomialInfo},
        FriConfig, FriParams,
    },
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};
use proptest::prelude::*;

type C = PoseidonGoldilocksConfig;
type H = <C as GenericConfig<D>>::Hasher;
type Batch = PolynomialBatch<F, C, D>;

fn device(options: Options) -> Device {
    Device::from_function(Arc::new(FunctionalBoard::new()), options).expect("the model opens")
}

fn columns(count: usize, degree: usize) -> Vec<Vec<F>> {
    (0..count).map(|_| F::rand_vec(degree)).collect()
}

fn params(degree_bits: usize, rate_bits: usize, arities: &[usize], bits: u32) -> FriParams {
    FriConfig {
        rate_bits,
        cap_height: 2,
        proof_of_work_bits: bits,
        reduction_strategy: FriReductionStrategy::Fixed(arities.to_vec()),
        num_query_rounds: 5,
    }
    .fri_params(degree_bits, false)
}

/// Every polynomial at one point, those of the second oracle at another too.
fn instance(oracles: &[usize], points: [FE; 2]) -> FriInstanceInfo<F, D> {
    let of = |oracle: usize| FriPolynomialInfo::from_range(oracle, 0..oracles[oracle]);
    FriInstanceInfo {
        oracles: oracles.iter().map(|&num_polys| FriOracleInfo { num_polys, blinding: false }).collect(),
        batches: vec![
            FriBatchInfo { point: points[0], polynomials: (0..oracles.len()).flat_map(of).collect() },
            FriBatchInfo { point: points[1], polynomials: of(1) },
        ],
    }
}

/// Upstream's opening proof, in one thread, and the challenges after it.
fn upstream(
    instance: &FriInstanceInfo<F, D>,
    oracles: &[&Batch],
    challenger: &mut Challenger<F, H>,
    params: &FriParams,
    padding: (Option<usize>, Option<usize>),
) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let prove = || {
        let mut timing = TimingTree::default();
        Batch::prove_openings(instance, oracles, challenger, params, padding.0, padding.1, &mut timing)
    };
    serde_json::to_string(&pool.install(prove)).expect("serialised")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn opening_proofs_equal_upstreams(
        (degree_bits, arities) in (3usize..8).prop_flat_map(|bits| {
            (Just(bits), prop_oneof![Just(vec![]), Just(vec![1]), Just(vec![3]), Just(vec![1, 2])])
        }),
        rate_bits in 1usize..4,
        widths in proptest::collection::vec(1usize..6, 2..4),
        bits in 0u32..10,
        before in 0usize..20,
        padding in (proptest::option::of(0usize..200), proptest::option::of(0usize..4)),
    ) {
        let device = device(options());
        prop_assume!(arities.iter().sum::<usize>() + 2 <= degree_bits + rate_bits);
        let params = params(degree_bits, rate_bits, &arities, bits);
        let oracles: Vec<Batch> = widths
            .iter()
            .map(|&width| {
                let values: Vec<_> = columns(width, 1 << degree_bits).into_iter().map(PolynomialValues::new).collect();
                commit::from_values::<C, H>(&device, &values, &[], rate_bits, 2).expect("committed")
            })
            .collect();
        let oracles: Vec<&Batch> = oracles.iter().collect();
        let mut challenger = Challenger::<F, H>::new();
        challenger.observe_elements(&F::rand_vec(before));
        let points: [FE; 2] = [challenger.get_extension_challenge::<D>(), challenger.get_extension_challenge::<D>()];
        let instance = instance(&widths, points);
        let mut theirs = challenger.clone();
        let wanted = upstream(&instance, &oracles, &mut theirs, &params, padding);
        let proof = fri::prove_openings_padded(&device, &instance, &oracles, &mut challenger, &params, padding.0, padding.1)
            .expect("a proof");
        prop_assert!(serde_json::to_string(&proof).expect("serialised") == wanted);
        // Not only the outputs that wait, but those after the next absorption.
        prop_assert_eq!(challenger.get_n_challenges(5), theirs.get_n_challenges(5));
        challenger.observe_element(F::TWO);
        theirs.observe_element(F::TWO);
        prop_assert_eq!(challenger.get_n_challenges(20), theirs.get_n_challenges(20));
    }

    #[test]
    fn commitments_equal_upstreams(
        width in 1usize..20, degree_bits in 1usize..7, rate_bits in 0usize..4, cap in 0usize..4, blinding: bool,
    ) {
        prop_assume!(cap <= degree_bits + rate_bits);
        let device = device(options());
        let columns = columns(width, 1 << degree_bits);
        let salts = if blinding { commit::random_salts(1 << degree_bits, rate_bits) } else { vec![] };
        let values: Vec<_> = columns.iter().cloned().map(PolynomialValues::new).collect();
        let found = commit::from_values::<C, H>(&device, &values, &salts, rate_bits, cap).expect("committed");
        let coefficients: Vec<PolynomialCoeffs<F>> = values.iter().cloned().map(PolynomialValues::ifft).collect();
        let again = commit::from_coeffs::<C, H>(&device, coefficients, &salts, rate_bits, cap).expect("committed");
        prop_assert_eq!(&found.merkle_tree, &again.merkle_tree);
        prop_assert_eq!(&found.polynomials, &again.polynomials);
        let mut timing = TimingTree::default();
        let wanted = Batch::from_values(values, rate_bits, false, cap, &mut timing, None);
        prop_assert_eq!(&found.polynomials, &wanted.polynomials);
        prop_assert_eq!((found.degree_log, found.rate_bits, found.blinding), (wanted.degree_log, rate_bits, blinding));
        if blinding {
            // Upstream draws its own salts: its rows are the front of ours, and the tree is that of our rows.
            for (row, wanted) in found.merkle_tree.leaves.iter().zip(&wanted.merkle_tree.leaves) {
                prop_assert_eq!(&row[..width], &wanted[..]);
                prop_assert_eq!(row.len(), width + 4);
            }
            let leaves = found.merkle_tree.leaves.clone();
            prop_assert_eq!(&found.merkle_tree, &plonky2::hash::merkle_tree::MerkleTree::new(leaves, cap));
        } else {
            prop_assert_eq!(&found.merkle_tree, &wanted.merkle_tree);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_the_challenger_is_left_alone() {
    let device = device(options());
    let widths = [2, 3];
    let batch = |width: usize, log: usize| {
        let values: Vec<_> = columns(width, 1 << log).into_iter().map(PolynomialValues::new).collect();
        commit::from_values::<C, H>(&device, &values, &[], 1, 2).expect("committed")
    };
    let (a, b, longer) = (batch(2, 5), batch(3, 5), batch(3, 6));
    let points = [FE::rand(), FE::rand()];
    let nothing = FriInstanceInfo { oracles: vec![], batches: vec![] };
    let mut challenger = Challenger::<F, H>::new();
    for (instance, oracles, params) in [
        (instance(&[2, 4], points), vec![&a, &b], params(5, 1, &[1], 3)),
        (instance(&widths, points), vec![&a], params(5, 1, &[1], 3)),
        (instance(&widths, points), vec![&a, &longer], params(5, 1, &[1], 3)),
        (instance(&widths, points), vec![&a, &b], params(5, 2, &[1], 3)),
        (instance(&widths, points), vec![&a, &b], params(5, 1, &[3, 2], 3)),
        (nothing, vec![&a, &b], params(5, 1, &[1], 3)),
    ] {
        let refused = fri::prove_openings(&device, &instance, &oracles, &mut challenger, &params);
        assert!(matches!(refused, Err(ProveError::Shape(_))), "{:?}", refused.map(|_| "a proof"));
    }
    assert_eq!(challenger.get_n_challenges(9), Challenger::<F, H>::new().get_n_challenges(9));
}
