//! Proofs of statements by name, on the CPU or on a device.

use std::time::{Duration, Instant};

use ::starky::proof::StarkProofWithPublicInputs;
use hotloop::{Device, Offload};
use plonky2::{field::polynomial::PolynomialValues, plonk::config::PoseidonGoldilocksConfig, util::timing::TimingTree};

use crate::{
    airs::{PinnedAir, Statement, Visit},
    counting::{count_permutations, CountingConfig},
    error::{ProveError, Result},
    field::{D, F},
    offload,
    pool::in_one_thread,
    proof_file::ProofFile,
    shape::{Shape, CONFIG},
    starky,
};

/// Who proves.
#[derive(Clone, Debug)]
pub enum Backend {
    /// starky's own prover, unmodified, in one thread. The reference.
    Cpu,
    /// This crate's prover loop: extensions, trees and grinding on the device.
    Device(Device),
    /// starky's own prover with [`offload::OffloadConfig`]: trees and grinding on the device.
    Unmodified(Device),
}

/// A proof, and what it took.
#[derive(Clone, Debug)]
pub struct Report {
    /// The proof with its statement.
    pub file: ProofFile,
    /// What the device did; nothing on the CPU.
    pub offload: Offload,
    /// Permutations and butterflies of the device ÷ those of the whole prover.
    pub share: f64,
    /// Generating the trace.
    pub trace_time: Duration,
    /// Proving, without the trace.
    pub prove_time: Duration,
    /// Stages of [`Report::prove_time`], for [`Backend::Device`].
    pub stages: Vec<(&'static str, Duration)>,
}

/// Generates a statement's trace and proves it. The proof is the same for every backend, to the byte.
///
/// # Errors
/// Any [`ProveError`].
pub fn prove(backend: &Backend, statement: Statement) -> Result<Report> {
    statement.visit(Prove { backend, statement })
}

struct Prove<'a> {
    backend: &'a Backend,
    statement: Statement,
}

impl Visit for Prove<'_> {
    type Output = Result<Report>;

    fn visit<S: PinnedAir>(self, air: S) -> Result<Report> {
        let shape = Shape::of(&self.statement);
        if let Backend::Device(device) = self.backend {
            let (rows, blowup) = (self.statement.log_rows(), CONFIG.fri_config.rate_bits as u32);
            for columns in [shape.columns, shape.quotients] {
                device.check_commit(columns, rows, blowup)?;
            }
        }
        let start = Instant::now();
        let (trace, inputs) = air.trace(self.statement.log_rows());
        let traced = Instant::now();
        let (proof, prove_time, offload, host_work, stages) = match self.backend {
            Backend::Cpu => {
                let (proof, time) = prove_cpu(air, trace, &inputs, &mut TimingTree::default())?;
                (proof, time, Offload::default(), 1, Vec::new())
            }
            Backend::Device(device) => {
                let before = device.offload();
                let prove = || starky::prove::<CountingConfig, _, S>(device, &air, &CONFIG, &trace, &inputs);
                let (proved, transcript) = count_permutations(prove)?;
                let proved = proved?;
                // Until the proof is there; that it changes its type is no part of proving.
                let time = traced.elapsed();
                (offload::convert(&proved.proof)?, time, device.offload() - before, transcript, proved.stages)
            }
            Backend::Unmodified(device) => {
                let (proof, report) = offload::prove(device, air, &CONFIG, trace, &inputs)?;
                (proof, traced.elapsed(), report.offload, report.host_permutations + shape.butterflies(), Vec::new())
            }
        };
        let device_work = offload.permutations + offload.butterflies;
        let file = ProofFile::new(self.statement, proof).map_err(|error| ProveError::Prover(error.to_string()))?;
        Ok(Report {
            file,
            offload,
            share: device_work as f64 / (device_work + host_work) as f64,
            trace_time: traced - start,
            prove_time,
            stages,
        })
    }
}

/// A proof of starky's own, and how long it took.
type Timed = (StarkProofWithPublicInputs<F, PoseidonGoldilocksConfig, D>, Duration);

/// starky's own prover, unmodified, in a pool of one thread: with more, the witness of its proof of work is whichever
/// a thread finds first. Its scopes go to `timing`.
pub(crate) fn prove_cpu<S: PinnedAir>(
    air: S,
    trace: Vec<PolynomialValues<F>>,
    inputs: &[F],
    timing: &mut TimingTree,
) -> Result<Timed> {
    let (proof, time) = in_one_thread(|| {
        let start = Instant::now();
        let proof = ::starky::prover::prove(air, &CONFIG, trace, inputs, None, timing);
        (proof, start.elapsed())
    })?;
    Ok((proof.map_err(|error| ProveError::Prover(error.to_string()))?, time))
}
