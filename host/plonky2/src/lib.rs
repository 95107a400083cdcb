//! plonky2 and starky on a Hotloop board.
//!
//! Four ways in, all with proofs that equal upstream's to the byte:
//! - [`starky::prove`]: starky's prover loop with extensions, trees and grinding on the device;
//! - [`circuit::prove`]: the same for plonky2's circuits, lookup tables and zero knowledge included;
//! - [`offload::OffloadConfig`]: a configuration with which unmodified provers hash and grind on the device;
//! - [`commit`] and [`fri`]: plonky2's commitments and opening proofs, for provers with a loop of their own.
//!
//! [`prove()`] and [`ProofFile`] are for the `hotloop` command: AIRs pinned by name, on the CPU or on a device.

pub mod airs;
pub mod circuit;
mod combine;
pub mod commit;
pub mod counting;
mod error;
mod field;
pub mod fri;
pub mod offload;
mod pool;
mod proof_file;
mod prove;
mod reference;
mod shape;
pub mod starky;

pub use airs::Statement;
pub use error::{ProveError, Result};
pub use field::{options, Elements, PoseidonReference, D, F, FE};
pub use proof_file::{verify_file, ProofFile, ProofFileError};
pub use prove::{prove, Backend, Report};
pub use reference::{reference, Reference};
