//! miden-prover's own STARK prover over our configuration.

use std::time::{Duration, Instant};

use hotloop::{Device, Offload};
use miden_core::{field::QuadFelt, Felt};
use miden_crypto::hash::poseidon2::Poseidon2Permutation256;
use miden_lifted_stark::{GenericStarkConfig, StarkConfig};
use miden_prover::{
    config::{pcs_params, poseidon2_config, Poseidon2Config},
    prove_from_trace_sync, prove_stark, ExecutionProof, HashFunction, ProvingOptions, TraceProvingInputs,
};

use super::{
    program::{Execution, Trace},
    proof::Proof,
};
use crate::{
    challenger::DeviceChallenger,
    dft::DeviceDft,
    error::{ProveError, Result},
    lmcs::DeviceLmcs,
    session::with_device,
};

type Lmcs = <Poseidon2Config as StarkConfig<Felt, QuadFelt>>::Lmcs;
type Challenger = DeviceChallenger<Felt, Poseidon2Permutation256>;

/// Miden's configuration for Poseidon2, on a device: the same parameters and transcript.
pub type DeviceConfig = GenericStarkConfig<Felt, QuadFelt, DeviceLmcs<Lmcs>, DeviceDft, Challenger>;

/// A proof, and what it took.
#[derive(Debug)]
pub struct Proved {
    /// The statement with its proof.
    pub proof: Proof,
    /// Rows of the trace, a power of two; `None` from Miden's own prover, which keeps it to itself.
    pub rows: Option<usize>,
    /// What the device did; nothing where there is none.
    pub offload: Offload,
    /// Time of the STARK proof, without execution and trace.
    pub time: Duration,
}

/// Miden's configuration for Poseidon2 on `device`, which is open with [`crate::options`] of `ParameterSet::Miden`.
///
/// # Errors
/// [`ProveError::WrongSet`].
pub fn config(device: &Device) -> Result<DeviceConfig> {
    let stock = poseidon2_config(pcs_params());
    let lmcs = DeviceLmcs::new(stock.lmcs, device.clone())?;
    let dft = DeviceDft::new(device.clone())?;
    let challenger = DeviceChallenger::new(device.clone(), stock.challenger)?;
    Ok(GenericStarkConfig::new(stock.pcs, lmcs, dft, challenger))
}

/// Proves what a trace says, with transforms, trees and grinding on `device`: the bytes that `miden_vm::prove_sync` gives with
/// `HashFunction::Poseidon2`.
///
/// # Errors
/// [`ProveError::WrongSet`]; [`ProveError::Device`], also for a trace beyond the board's limits; [`ProveError::Prover`].
pub fn prove(device: &Device, trace: Trace) -> Result<Proved> {
    let config = config(device)?;
    let rows = trace.rows();
    device.check_commit(trace.trace.main_trace().width(), rows.ilog2(), config.pcs.log_blowup().into())?;
    let Trace { stack, trace } = trace;
    let start = Instant::now();
    let matrix = trace.to_row_major_matrix();
    // As miden-prover 0.23.5 has it, `src/lib.rs:118`.
    let (public_values, kernel) = trace.public_inputs().to_air_inputs();
    let (bytes, offload) = with_device(device, || prove_stark(&config, &matrix, &public_values, &[&kernel]))?;
    let bytes = bytes.map_err(|error| ProveError::Prover { reason: error.to_string() })?;
    let time = start.elapsed();
    let requests = trace.precompile_requests().to_vec();
    let proof = Proof {
        program: trace.program_info().clone(),
        inputs: stack,
        outputs: *trace.stack_outputs(),
        proof: ExecutionProof::new(bytes, HashFunction::Poseidon2, requests),
    };
    Ok(Proved { proof, rows: Some(rows), offload, time })
}

/// Proves with Miden's own, unmodified prover.
///
/// # Errors
/// [`ProveError::Prover`].
pub fn prove_on_cpu(execution: Execution) -> Result<Proved> {
    let Execution { stack, trace } = execution;
    let program = trace.program_info().clone();
    let options = ProvingOptions::with_96_bit_security(HashFunction::Poseidon2);
    let start = Instant::now();
    let (outputs, proof) = prove_from_trace_sync(TraceProvingInputs::new(trace, options))
        .map_err(|error| ProveError::Prover { reason: error.to_string() })?;
    let time = start.elapsed();
    let proof = Proof { program, inputs: stack, outputs, proof };
    Ok(Proved { proof, rows: None, offload: Offload::default(), time })
}
