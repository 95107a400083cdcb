//! A prover's run on a device: Plonky3's traits return no errors, this does.

use hotloop::{catch_raised, Device, Offload};

use crate::error::{ProveError, Result};

/// Runs `prove`, and in it any prover whose transforms, trees or challenger are this crate's, on `device` or clones of
/// it. Gives what `prove` gave, and what the device did meanwhile.
///
/// # Errors
/// The first of [`ProveError`] with which a part of this crate left `prove`: its stack is unwound, so this needs
/// `panic = "unwind"`. Nothing is proved on the host instead. Any other panic goes on.
pub fn with_device<T>(device: &Device, prove: impl FnOnce() -> T) -> Result<(T, Offload)> {
    let before = device.offload();
    let proved = catch_raised::<_, ProveError>(prove)?;
    Ok((proved, device.offload() - before))
}
