//! Proofs of p3-uni-stark with transforms, trees and grinding on simulated boards: the bytes of the CPU's, verified by the
//! library's verifier with the library's types.
#![cfg(feature = "mmcs")]

mod common;
#[path = "common/uni.rs"]
mod uni;

use common::{board, open};
use hotloop_plonky3::{with_device, BoardPermutation, Check, Device, HotloopError, Options, ParameterSet, ProveError};
use p3_goldilocks::{poseidon1::Poseidon1Goldilocks, Poseidon2Goldilocks};
use p3_uni_stark::{prove, verify, Proof};
use uni::{Fri, Machine, Stock};

type Poseidon1 = Poseidon1Goldilocks<12>;
type Poseidon2 = Poseidon2Goldilocks<12>;

/// Proves 2^`log_rows` rows on the CPU and on the device, compares and verifies.
fn same<P: BoardPermutation>(machine: Machine, log_rows: u32, fri: Fri) {
    let (trace, public) = machine.run(log_rows);
    let device = board(P::SET);
    let stock = fri.stock::<P>();
    let wanted = serde_json::to_vec(&prove(&stock, &machine, trace.clone(), &public)).expect("serialises");
    let config = fri.on::<P>(&device).expect("the right set");
    let (proof, offload) = with_device(&device, || prove(&config, &machine, trace, &public)).expect("a proof");
    let bytes = serde_json::to_vec(&proof).expect("serialises");
    assert!(bytes == wanted, "the proofs differ");
    let proof: Proof<Stock<P>> = serde_json::from_slice(&bytes).expect("the library's type");
    verify(&stock, &machine, &proof, &public).expect("valid");
    assert!(offload.permutations > 1 << log_rows << fri.log_blowup && offload.butterflies > 0, "{offload:?}");
}

const PLAIN: Fri = Fri { log_blowup: 1, max_log_arity: 1, cap_height: 0 };
const ARITY_8: Fri = Fri { log_blowup: 2, max_log_arity: 3, cap_height: 2 };

#[test]
fn fibonacci() {
    same::<Poseidon2>(Machine::Fibonacci, 10, PLAIN);
    same::<Poseidon1>(Machine::Fibonacci, 10, ARITY_8);
}

#[test]
fn short_traces() {
    for log_rows in [4, 5, 6] {
        same::<Poseidon2>(Machine::Fibonacci, log_rows, PLAIN);
    }
}

#[test]
fn wide() {
    same::<Poseidon2>(Machine::Wide(50), 8, ARITY_8);
    same::<Poseidon1>(Machine::Wide(50), 8, PLAIN);
}

#[test]
fn a_device_that_cannot_says_so() {
    let (trace, public) = Machine::Fibonacci.run(10);
    let needed = |device: &Device| match PLAIN.on::<Poseidon2>(device).map(drop) {
        Err(ProveError::WrongSet { needed, .. }) => needed,
        other => panic!("{other:?}"),
    };
    assert_eq!(needed(&open(ParameterSet::Miden)), ParameterSet::Plonky3Poseidon2);
    // Enough memory for the trace's extension and not for its tree: found in the middle of the proof.
    let options = Options {
        memory_limit: 264 << 10,
        check: Check::Off,
        ..hotloop_plonky3::options(ParameterSet::Plonky3Poseidon2)
    };
    let device = Device::open("sim", options).expect("the simulated board");
    let config = PLAIN.on::<Poseidon2>(&device).expect("the right set");
    let error =
        with_device(&device, || prove(&config, &Machine::Fibonacci, trace, &public)).map(drop).expect_err("no proof");
    assert!(matches!(error, ProveError::Device(HotloopError::MemoryLimit { .. })), "{error}");
    assert!(device.offload().butterflies > 0);
}
