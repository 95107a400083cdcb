//! A configuration with which unmodified provers hash and grind on a device.

mod hasher;
mod session;

pub use hasher::{OffloadHasher, OffloadPermutation, Ticket};
pub use session::SessionReport;

use ::starky::{config::StarkConfig, proof::StarkProofWithPublicInputs, stark::Stark};
use hotloop::{catch_raised, Device};
use plonky2::{
    field::polynomial::PolynomialValues,
    hash::poseidon::PoseidonHash,
    plonk::config::{GenericConfig, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};
use serde::{de::DeserializeOwned, Serialize};

use crate::{
    error::{ProveError, Result},
    field::{right_set, D, F, FE},
    pool::in_one_thread,
    starky::{check_before, shape},
};

/// `PoseidonGoldilocksConfig` with Merkle trees and grinding on a device; only inside [`with_device`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OffloadConfig;

impl GenericConfig<D> for OffloadConfig {
    type F = F;
    type FE = FE;
    type Hasher = OffloadHasher;
    type InnerHasher = PoseidonHash;
}

/// Runs `f`, and in it any prover with [`OffloadConfig`], with `device`; `bits` is the prover's number of
/// proof-of-work bits. `f` runs in a pool of one thread, since the session belongs to a thread.
///
/// Digests live as long as the session: read or [`convert`] what is to outlive it inside `f`.
///
/// # Errors
/// The device's, whatever `f` was doing (its stack is unwound, so this needs `panic = "unwind"`), or `f`'s.
pub fn with_device<T: Send>(
    device: &Device,
    bits: u32,
    f: impl FnOnce() -> Result<T> + Send,
) -> Result<(T, SessionReport)> {
    right_set(device)?;
    in_one_thread(|| {
        let session = || session::Session::scope(device.clone(), bits, f);
        let (result, report) = catch_raised::<_, ProveError>(session)?;
        Ok((result?, report))
    })?
}

/// A proof of [`OffloadConfig`] as one of `PoseidonGoldilocksConfig`, or anything else whose serialised forms agree.
pub fn convert<T: Serialize, U: DeserializeOwned>(proof: &T) -> Result<U> {
    let convert = || serde_json::from_slice(&serde_json::to_vec(proof)?);
    convert().map_err(|error: serde_json::Error| ProveError::Prover(format!("cannot convert the proof: {error}")))
}

/// Proves with starky's own, unmodified prover, and its trees and grinding on a device.
///
/// # Errors
/// [`ProveError::Shape`], [`ProveError::Unsatisfied`], [`ProveError::Prover`], [`ProveError::Device`].
pub fn prove<S: Stark<F, D> + Copy + Send>(
    device: &Device,
    stark: S,
    config: &StarkConfig,
    trace: Vec<PolynomialValues<F>>,
    public_inputs: &[F],
) -> Result<(StarkProofWithPublicInputs<F, PoseidonGoldilocksConfig, D>, SessionReport)> {
    shape(&stark, config, &trace, public_inputs)?;
    check_before(device.options().check, &stark, &trace, public_inputs)?;
    with_device(device, config.fri_config.proof_of_work_bits, || {
        let mut timing = TimingTree::default();
        let proof =
            ::starky::prover::prove::<F, OffloadConfig, S, D>(stark, config, trace, public_inputs, None, &mut timing)
                .map_err(|error| ProveError::Prover(error.to_string()))?;
        convert(&proof)
    })
}
