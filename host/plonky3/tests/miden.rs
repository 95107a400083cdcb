//! Miden programs proved on the simulated board: the stock prover's bytes, accepted by the stock verifier.
#![cfg(feature = "miden")]

use hotloop_plonky3::{
    miden::{largest_trace, prove, prove_on_cpu, Cost, Felt, Inputs, Program, Proof, StackOutputs},
    options, Check, Device, HotloopError, Options, ParameterSet, ProveError,
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
        println!("{rows} rows in {:?} (on the CPU {:?}): {did:?}, {cost:?}", ours.time, theirs.time);
        // Grinding's tries are luck; the cost has none.
        assert_eq!(did.butterflies, cost.butterflies);
        assert!((cost.permutations..cost.permutations + (1 << 20)).contains(&did.permutations));
        assert_eq!(Proof::from_bytes(&ours.proof.to_bytes()).expect("a proof").to_bytes(), ours.proof.to_bytes());
    }
}

#[test]
fn proofs_that_were_changed_are_not_valid() {
    let program = Program::parse(FIBONACCI).expect("it assembles");
    let proved = prove_on_cpu(program.execute(&inputs(2), ROWS).expect("it runs")).expect("a proof");
    proved.proof.verify().expect("a valid proof");
    let mut other = proved.proof.clone();
    other.outputs = StackOutputs::new(&[Felt::from(9u32)]).expect("one element");
    assert!(matches!(other.verify().expect_err("another result"), ProveError::NotValid { .. }));
    let bytes = proved.proof.to_bytes();
    for cut in [0, 7, 8, 40, bytes.len() / 2, bytes.len() - 1] {
        let error = Proof::from_bytes(&bytes[..cut]).expect_err("cut off");
        assert!(matches!(error, ProveError::NoProof { .. }), "{error}");
    }
    let more = Proof::from_bytes(&[&bytes[..], b"x"].concat()).expect_err("bytes behind it");
    assert!(matches!(more, ProveError::NoProof { .. }), "{more}");
    // Inside the STARK proof, which is the last and by far the longest part.
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    let refused = Proof::from_bytes(&changed).and_then(|proof| proof.verify()).expect_err("another proof");
    assert!(matches!(refused, ProveError::NotValid { .. } | ProveError::NoProof { .. }), "{refused}");
}

#[test]
fn what_is_wrong_has_a_name() {
    let error = Program::parse("begin frobnicate end").expect_err("no instruction");
    assert!(matches!(&error, ProveError::Assembly { report } if report.contains("frobnicate")), "{error}");
    for (json, says) in [
        ("no JSON", "expected"),
        ("{}", "operand_stack"),
        (r#"{ "operand_stack": ["-1"] }"#, "operand_stack"),
        (r#"{ "operand_stack": ["18446744069414584321"] }"#, "18446744069414584321"),
        (r#"{ "operand_stack": [], "advice_stack": ["x"] }"#, "advice"),
    ] {
        let error = Inputs::from_json(json).expect_err(json);
        assert!(matches!(&error, ProveError::Inputs { reason } if reason.contains(says)), "{json}: {error}");
    }
    let many = format!(r#"{{ "operand_stack": [{}] }}"#, vec![r#""1""#; 17].join(", "));
    assert!(matches!(Inputs::from_json(&many).expect_err("too many"), ProveError::Inputs { .. }));

    let fails = Program::parse("begin push.0 assert end").expect("it assembles");
    let error = fails.execute(&Inputs::default(), ROWS).expect_err("an assertion");
    assert!(matches!(error, ProveError::Execution { .. }), "{error}");

    let program = Program::parse(FIBONACCI).expect("it assembles");
    let error = program.execute(&inputs(1_000_000), 1 << 10).expect_err("too long");
    assert!(matches!(error, ProveError::TraceTooLong { rows: None, limit: 1024 }), "{error}");
    let run = program.execute(&inputs(30), ROWS).expect("it runs");
    let error = run.trace(256).expect_err("too long");
    assert!(matches!(error, ProveError::TraceTooLong { rows: Some(512), limit: 256 }), "{error}");
}

#[test]
fn a_device_says_what_it_lacks() {
    let program = Program::parse(FIBONACCI).expect("it assembles");
    let trace = || program.execute(&inputs(1), ROWS).and_then(|run| run.trace(ROWS)).expect("a trace");
    // Another set: plonky2's board.
    let other = Device::open("sim", Options { check: Check::Off, ..Options::default() }).expect("the simulated board");
    let error = prove(&other, trace()).expect_err("another set");
    assert!(matches!(error, ProveError::WrongSet { .. }), "{error}");
    let error = Device::open("sim:sim", options(ParameterSet::Miden)).expect_err("not on that board");
    assert!(matches!(error, HotloopError::MissingSet { .. }), "{error}");
    // No room: refused before the first job.
    let small = Options { memory_limit: 64 << 10, ..options(ParameterSet::Miden) };
    let small = Device::open("sim", small).expect("the simulated board");
    assert!(largest_trace(Some(&small), u64::MAX) < trace().rows());
    let error = prove(&small, trace()).expect_err("no room");
    assert!(matches!(error, ProveError::Device(HotloopError::MemoryLimit { .. })), "{error}");
    assert_eq!(small.offload().jobs, 0);
    let device = device();
    let most = largest_trace(Some(&device), 1 << 30);
    assert!(most.is_power_of_two() && most > 1 << 12, "{most}");
    assert!(largest_trace(Some(&device), 1 << 25) < most);
}
