//! Grinding on simulated boards against p3-challenger.
#![cfg(feature = "mmcs")]

mod common;

use common::{board, words};
use hotloop_plonky3::{
    with_device, BoardPermutation, DeviceChallenger, HotloopError, ParameterSet, ProveError, StockChallenger,
};
use p3_challenger::{CanFinalizeDigest, CanObserve, CanSample, CanSampleBits, FieldChallenger, GrindingChallenger};
use p3_field::{extension::BinomialExtensionField, integers::QuotientMap, PrimeCharacteristicRing, PrimeField64};
use p3_goldilocks::{poseidon1::Poseidon1Goldilocks, Goldilocks, Poseidon2Goldilocks};
use p3_symmetric::CryptographicPermutation;

type Poseidon1 = Poseidon1Goldilocks<12>;
type Poseidon2 = Poseidon2Goldilocks<12>;

/// Transcripts with 0 to 20 elements observed, so that the witness goes to every place of the rate: the library's witness,
/// which is the smallest, and the same transcript afterwards.
fn same<P: BoardPermutation>(set: ParameterSet) {
    let device = board(set);
    let mut elements = words(9).map(Goldilocks::from_int);
    for count in 0..=20 {
        let mut stock = StockChallenger::new(P::of_the_board());
        stock.observe_slice(&elements.by_ref().take(count).collect::<Vec<_>>());
        if count % 3 == 0 {
            let _: Goldilocks = stock.sample();
        }
        let mut ours = DeviceChallenger::new(device.clone(), stock.clone()).unwrap();
        let bits = count % 9;
        let (witness, offload) = with_device(&device, || ours.grind(bits)).unwrap();
        let smallest = (0..).map(Goldilocks::from_u64).find(|&witness| stock.clone().check_witness(bits, witness));
        assert_eq!(Some(witness), smallest, "{count} observed, {bits} bits");
        assert_eq!(offload.permutations, if bits == 0 { 0 } else { witness.as_canonical_u64() + 1 });
        assert!(stock.check_witness(bits, witness));
        ours.observe(Goldilocks::TWO);
        stock.observe(Goldilocks::TWO);
        let [a, b] = [ours.sample(), stock.sample()].map(|x: BinomialExtensionField<Goldilocks, 2>| x);
        assert_eq!(a, b);
        assert_eq!(ours.sample_bits(20), stock.sample_bits(20));
        ours.observe_algebra_element(a);
        stock.observe_algebra_element(a);
        assert_eq!(ours.finalize(), stock.finalize());
    }
}

#[test]
fn the_smallest_witness_is_found() {
    same::<Poseidon2>(ParameterSet::Plonky3Poseidon2);
    same::<Poseidon1>(ParameterSet::Plonky3Goldilocks);
}

#[test]
fn other_permutations_and_impossible_work_are_refused() {
    let device = board(ParameterSet::Plonky3Poseidon2);
    let other = DeviceChallenger::new(device.clone(), StockChallenger::new(Poseidon1::of_the_board()));
    assert!(matches!(other, Err(ProveError::WrongPermutation { set: ParameterSet::Plonky3Poseidon2 })));
    let swapped = DeviceChallenger::new(device.clone(), StockChallenger::new(Swapped(Poseidon2::of_the_board())));
    assert!(matches!(swapped, Err(ProveError::WrongPermutation { .. })));
    let stock = StockChallenger::<Goldilocks, _>::new(Poseidon2::of_the_board());
    let mut ours = DeviceChallenger::new(device.clone(), stock).unwrap();
    let before = device.offload();
    let error = with_device(&device, || ours.grind(64)).map(drop).expect_err("64 bits");
    assert!(matches!(error, ProveError::Device(HotloopError::BadShape { job: "grind", .. })), "{error}");
    assert_eq!(device.offload(), before);
}

/// Poseidon2 with two words of the result swapped.
#[derive(Clone)]
struct Swapped(Poseidon2);

impl p3_symmetric::Permutation<[Goldilocks; 12]> for Swapped {
    fn permute_mut(&self, state: &mut [Goldilocks; 12]) {
        self.0.permute_mut(state);
        state.swap(10, 11);
    }
}

impl CryptographicPermutation<[Goldilocks; 12]> for Swapped {}
