//! Plonky3 and Miden on a Hotloop board: the hooks that their provers take, on a [`Device`].
//!
//! | what | trait | of |
//! |---|---|---|
//! | [`DeviceDft`] | `TwoAdicSubgroupDft` | p3-dft: transforms and extensions |
//! | [`DeviceMmcs`] (feature `mmcs`) | `Mmcs` | p3-commit: trees over matrices of different heights |
//! | [`DeviceChallenger`] | `GrindingChallenger` | p3-challenger: the search for proof-of-work witnesses |
//! | [`DeviceLmcs`] (feature `miden`) | `Lmcs` | miden-lifted-stark: Miden's trees |
//!
//! For Goldilocks under any name: p3-goldilocks's `Goldilocks`, Miden's `Felt`. p3 is pinned to the version that miden-vm
//! uses. These traits return no errors; a device's error unwinds (so they need `panic = "unwind"`) with a [`ProveError`] as
//! payload, which [`with_device`] catches and returns. [`miden`] proves whole programs.

mod challenger;
mod dft;
mod error;
mod field;
#[cfg(feature = "miden")]
mod lmcs;
#[cfg(feature = "miden")]
pub mod miden;
#[cfg(feature = "mmcs")]
mod mmcs;
mod session;

pub use challenger::{DeviceChallenger, StockChallenger};
pub use dft::{DeviceDft, DEVICE_ROWS};
pub use error::{ProveError, Result};
pub use field::{options, BoardField};
pub use hotloop::{Check, Device, HotloopError, Offload, Options, ParameterSet};
#[cfg(feature = "miden")]
pub use lmcs::{DeviceLmcs, DeviceTree, DIGEST_WORDS};
#[cfg(feature = "mmcs")]
pub use mmcs::{stock_mmcs, BoardPermutation, DeviceMmcs, MmcsTree, StockMmcs};
pub use session::with_device;
