//! Miden programs proved on the simulated board: the stock prover's bytes, accepted by the stock verifier.
#![cfg(feature = "miden")]

use hotloop_plonky3::{
    miden::{prove, prove_on_cpu, Cost, Inputs, Program, Proof},
    options, Device, ParameterSet,
};
use hotloop_sim_sets as _;

const FIBONACCI: &str = include_str!("../../../examples/fibonacci.masm");
/// More rows than any program here takes.
const ROWS: usize = 1 << 16;

fn device() -> Device {
    Device::open("sim", options(ParameterSet::Miden)).expect("the simulated board")
}

fn inputs(n: u64) -> Inputs {
    Inputs::from_json(&format!(r#"{{ "operand_stack": ["{n}"] }}"#)).expect("inputs")
}

#[test]
fn proofs_are_those_of_miden() {
    let device = device();
    let program = Program::parse(FIBONACCI).expect("it assembles");
    for (n, fibonacci, rows) in [(1u64, 1u64, 128), (30, 832_040, 512)] {
        let run = || program.execute(&inputs(n), ROWS).expect("it runs");
        let trace = run().trace(ROWS).expect("a trace");
        assert_eq!(trace.rows(), rows);
        assert!(trace.used_rows() <= rows);
        let cost = Cost::of(&device, rows);
        let ours = prove(&device, trace).expect("a proof");
        let theirs = prove_on_cpu(run()).expect("a proof");
        assert_eq!(ours.proof.to_bytes(), theirs.proof.to_bytes());
        assert_eq!(ours.proof.outputs[0].as_canonical_u64(), fibonacci);
        ours.proof.verify().expect("a valid proof");
        let did = ours.offload;
        // Grinding's tries are luck; the cost has none.
        println!("{rows} rows: {did:?}, {cost:?}");
        assert_eq!(did.butterflies, cost.butterflies);
        assert!((cost.permutations..cost.permutations + (1 << 20)).contains(&did.permutations));
        assert_eq!(Proof::from_bytes(&ours.proof.to_bytes()).expect("a proof").to_bytes(), ours.proof.to_bytes());
    }
}
