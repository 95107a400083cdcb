//! Whole proofs on the functional board equal upstream's.

use std::sync::Arc;

use hotloop::{Check, Device, Options};
use hotloop_plonky2::{
    counting::{count_permutations, CountingConfig},
    options, prove, Backend, Statement, D, F,
};
use hotloop_tests::model::FunctionalBoard;
use plonky2::util::timing::TimingTree;
use starky::{config::StarkConfig, prover};

fn device(check: Check) -> Device {
    let options = Options { check, ..options() };
    Device::from_function(Arc::new(FunctionalBoard::new()), options).expect("the model opens")
}

fn bytes(backend: &Backend, statement: Statement) -> Vec<u8> {
    let report = prove(backend, statement).expect("a proof");
    report.file.verify().expect("upstream's verifier accepts it");
    report.file.to_bytes()
}

fn all_ways_agree(air: &str, columns: Option<u32>, log_rows: u32) {
    let statement = Statement::new(air, columns, log_rows).expect("a statement");
    let cpu = bytes(&Backend::Cpu, statement);
    assert_eq!(bytes(&Backend::Device(device(Check::Spot)), statement), cpu, "own loop, {statement:?}");
    assert_eq!(bytes(&Backend::Unmodified(device(Check::Spot)), statement), cpu, "unmodified, {statement:?}");
}

#[test]
fn fibonacci_proofs_equal_upstreams() {
    for log_rows in 3..=10 {
        all_ways_agree("fibonacci", None, log_rows);
    }
}

#[test]
fn wide_proofs_equal_upstreams() {
    all_ways_agree("wide", Some(100), 6);
    all_ways_agree("wide", Some(8), 9);
}

#[test]
fn checked_in_full_a_proof_is_the_same() {
    let statement = Statement::new("wide", Some(8), 5).expect("a statement");
    assert_eq!(bytes(&Backend::Device(device(Check::Full)), statement), bytes(&Backend::Cpu, statement));
}

/// The host permutes for the transcript only, and device and transcript together do what the CPU's prover does.
#[test]
fn the_host_permutes_only_for_the_transcript() {
    use hotloop_plonky2::airs::Fibonacci;
    let (log_rows, config) = (7, StarkConfig::standard_fast_config());
    let (trace, inputs) = fibonacci(log_rows);
    let (_, total) = count_permutations(|| {
        let mut timing = TimingTree::default();
        prover::prove::<F, CountingConfig, Fibonacci, D>(Fibonacci, &config, trace.clone(), &inputs, None, &mut timing)
    })
    .expect("a thread");
    let device = device(Check::Off);
    let (proved, on_host) = count_permutations(|| {
        hotloop_plonky2::starky::prove::<CountingConfig, _, _>(&device, &Fibonacci, &config, &trace, &inputs)
    })
    .expect("a thread");
    proved.expect("a proof");
    assert!(on_host < 200, "{on_host} permutations are more than a transcript's");
    let offloaded = device.offload().permutations;
    // Upstream's challenger permutes for the witness once more, as ours does. Each of the two commitments sees to it, by
    // one permutation, that the configuration's hash is the board's.
    assert_eq!(offloaded + on_host, total + 2);
}

fn fibonacci(log_rows: u32) -> (Vec<plonky2::field::polynomial::PolynomialValues<F>>, Vec<F>) {
    use plonky2::field::{polynomial::PolynomialValues, types::Field};
    let (mut a, mut b) = (vec![F::ZERO], vec![F::ONE]);
    for i in 1..1usize << log_rows {
        let sum = a[i - 1] + b[i - 1];
        a.push(b[i - 1]);
        b.push(sum);
    }
    let last = b.last().copied().unwrap_or_default();
    (vec![PolynomialValues::new(a), PolynomialValues::new(b)], vec![F::ZERO, F::ONE, last])
}

#[test]
fn shares_and_work_are_reported() {
    let statement = Statement::new("wide", Some(32), 6).expect("a statement");
    assert_eq!(prove(&Backend::Cpu, statement).expect("a proof").share, 0.0);
    let full = prove(&Backend::Device(device(Check::Off)), statement).expect("a proof");
    assert!(full.share > 0.99 && full.share < 1.0, "{}", full.share);
    assert!(full.offload.butterflies > 0 && full.offload.permutations > 0 && full.offload.jobs > 0);
    let trees = prove(&Backend::Unmodified(device(Check::Off)), statement).expect("a proof");
    assert!(trees.share < full.share, "transforms stay on the host");
    assert_eq!(trees.offload.butterflies, 0);
    assert_eq!(trees.offload.permutations, full.offload.permutations);
}

#[test]
fn a_broken_trace_is_refused_with_the_row() {
    use hotloop_plonky2::airs::Fibonacci;
    use plonky2::{field::types::Field, plonk::config::PoseidonGoldilocksConfig};
    let (config, device) = (StarkConfig::standard_fast_config(), device(Check::Spot));
    let (trace, mut inputs) = fibonacci(6);
    let prove = |trace: &[_], inputs: &[F]| {
        hotloop_plonky2::starky::prove::<PoseidonGoldilocksConfig, _, _>(&device, &Fibonacci, &config, trace, inputs)
    };
    let refused = |trace: &[_], inputs: &[F], row: usize| {
        let before = device.offload().jobs;
        let error = prove(trace, inputs).expect_err("refused").to_string();
        assert!(error.ends_with(&format!("in row {row}")), "{error}");
        assert_eq!(device.offload().jobs, before, "before work begins");
    };
    for row in [0, 1, 17, 62, 63] {
        let mut broken = trace.clone();
        broken[0].values[row] += F::ONE;
        refused(&broken, &inputs, row.saturating_sub(1));
    }
    inputs[2] += F::ONE;
    refused(&trace, &inputs, 63);
    inputs[2] -= F::ONE;
    prove(&trace, &inputs).expect("a proof");
    // Columns that the AIR has not, rows that are no power of two, wrong inputs: refused by name.
    for (trace, inputs) in [
        (trace[..1].to_vec(), inputs.clone()),
        (trace.clone(), inputs[..2].to_vec()),
        (trace.iter().map(|column| column.values[..7].to_vec().into()).collect(), inputs.clone()),
        (trace.iter().map(|column| column.values[..2].to_vec().into()).collect(), inputs.clone()),
    ] {
        let refused = hotloop_plonky2::starky::prove::<PoseidonGoldilocksConfig, _, _>(
            &device, &Fibonacci, &config, &trace, &inputs,
        );
        assert!(matches!(refused, Err(hotloop_plonky2::ProveError::Shape(_))));
    }
}
