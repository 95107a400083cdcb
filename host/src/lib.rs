//! Devices and jobs: takes low-degree extension, Merkle hashing and grinding off a prover.
//!
//! A [`Device`] is opened by name, or from a PCI function, and takes typed jobs: transforms and extensions
//! ([`Device::lde`]), trees ([`Device::tree`]), both in one ([`Device::commit`]), grinding ([`Device::grind`]),
//! permutations ([`Device::permute`]). Columns and rows come in through [`Words`], so that a prover's own vectors go
//! straight to memory shared with the board. Results are checked before they are handed out: see [`Check`].
//!
//! Inputs may be any 64-bit values; results are canonical. A job that the board cannot hold is refused by a typed
//! error before anything is submitted; nothing ever falls back to the host.

mod buffer;
mod check;
mod commit;
pub mod cycles;
mod device;
mod error;
mod fold;
pub mod goldilocks;
mod offload;
mod options;
mod panels;
mod permute;
mod split;
mod transform;
mod tree;
mod unwind;
mod words;

pub use check::SPOT_SAMPLES;
pub use commit::{CommitBytes, Commitment};
pub use device::{open_function, simulated_preset, Device};
pub use error::{HotloopError, Result};
pub use fold::{Extension, NON_RESIDUE};
pub use hotloop_driver::{Counters, Identity, PciFunction};
pub use hotloop_regs::ParameterSet;
#[cfg(feature = "sim")]
pub use hotloop_sim::{presets, FlashChip, LinkOptions, PcieLink, SimFunction, SimOptions, TraceOptions};
pub use offload::Offload;
pub use options::{Check, Options, Reference};
pub use permute::{grind_tries, GrindRequest, Zeros, STATE_WORDS};
pub use transform::{Batch, Input, LdeRequest};
pub use tree::{Digest, Leaves, Tree, TreeRequest};
pub use unwind::catch_raised;
pub use words::Words;
