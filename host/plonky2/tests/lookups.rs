//! Lookups and cross-table lookups: proofs equal those of starky's own prover, in every way in, and its verifier
//! accepts them.

use std::sync::Arc;

use hotloop::Device;
use hotloop_plonky2::{offload, options, starky as hot};
use hotloop_tests::model::FunctionalBoard;
use plonky2::{fri::reduction_strategies::FriReductionStrategy, util::timing::TimingTree};
use starky::{config::StarkConfig, prover, verifier::verify_stark_proof};
use system::{on_device, upstream, verify, Proof, C};
use tables::{squares_trace, traces, Squares};

#[path = "../examples/common/system.rs"]
mod system;
#[path = "../examples/common/tables.rs"]
mod tables;

fn device() -> Device {
    Device::from_function(Arc::new(FunctionalBoard::new()), options()).expect("the model opens")
}

fn config(rate_bits: usize) -> StarkConfig {
    let mut config = StarkConfig::standard_fast_config();
    config.fri_config.rate_bits = rate_bits;
    config.fri_config.cap_height = 2;
    config.fri_config.proof_of_work_bits = 7;
    config.fri_config.num_query_rounds = 9;
    config.fri_config.reduction_strategy = FriReductionStrategy::ConstantArityBits(2, 2);
    config
}

fn in_one_thread<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread").install(f)
}

fn bytes<T: serde::Serialize>(proof: &T) -> Vec<u8> {
    serde_json::to_vec(proof).expect("serialised")
}

const ALONE: Squares = Squares { looked_up: false };

fn values(log_rows: u32) -> Vec<u64> {
    (0..(1u64 << log_rows) - 5).map(|i| i * i * 7 % (1 << log_rows)).collect()
}

#[test]
fn a_table_with_lookups_is_proved_as_upstream_does() {
    for (log_rows, rate_bits) in [(3, 1), (6, 1), (5, 2)] {
        let (config, trace) = (config(rate_bits), squares_trace(log_rows, &values(log_rows)));
        let wanted: Proof<C> = in_one_thread(|| {
            prover::prove(ALONE, &config, trace.clone(), &[], None, &mut TimingTree::default()).expect("a proof")
        });
        verify_stark_proof(ALONE, wanted.clone(), &config, None).expect("upstream's own is valid");
        let device = device();
        let full = hot::prove::<C, _, _>(&device, &ALONE, &config, &trace, &[]).expect("a proof").proof;
        assert!(bytes(&full) == bytes(&wanted), "2^{log_rows} rows");
        verify_stark_proof(ALONE, full, &config, None).expect("valid");
        let (unmodified, report) = offload::prove(&device, ALONE, &config, trace, &[]).expect("a proof");
        assert!(bytes(&unmodified) == bytes(&wanted), "unmodified, 2^{log_rows} rows");
        assert!(report.offload.permutations > 0);
    }
}

#[test]
fn tables_with_cross_table_lookups_are_proved_as_upstream_does() {
    for (log_rows, rate_bits) in [(3, 1), (4, 2)] {
        let (config, traces) = (config(rate_bits), traces(log_rows));
        let wanted = in_one_thread(|| upstream::<C>(&config, &traces)).expect("proofs");
        verify(&wanted, &config).expect("upstream's own are valid");
        let device = device();
        let full = on_device(&device, &config, &traces).expect("proofs");
        for (table, (found, wanted)) in full.iter().zip(&wanted).enumerate() {
            assert!(bytes(found) == bytes(wanted), "table {table} of 2^{log_rows} rows");
        }
        verify(&full, &config).expect("valid");

        let bits = config.fri_config.proof_of_work_bits;
        let prove =
            || offload::convert::<_, Vec<Proof<C>>>(&upstream::<offload::OffloadConfig>(&config, &traces)?.to_vec());
        let (unmodified, report) = offload::with_device(&device, bits, prove).expect("proofs");
        assert!(bytes(&unmodified) == bytes(&wanted.to_vec()), "unmodified");
        assert!(report.offload.permutations > 0);
    }
}
