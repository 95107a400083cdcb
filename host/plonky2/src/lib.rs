//! plonky2 and starky on a Hotloop board.
//!
//! Three ways in, all with proofs that equal upstream's to the byte:
//! - [`starky::prove`]: starky's prover loop with extensions, trees and grinding on the device;
//! - [`offload::OffloadConfig`]: a configuration with which unmodified provers hash and grind on the device;
//! - [`commit`]: commitments in plonky2's own types, for provers with a loop of their own.
//!
//! [`prove()`] and [`ProofFile`] are for the `hotloop` command: AIRs pinned by name, on the CPU or on a device.

pub mod airs;
pub mod commit;
pub mod counting;
mod error;
mod field;
mod fri;
pub mod offload;
mod pool;
mod proof_file;
mod prove;
mod quotient;
mod reference;
mod shape;
pub mod starky;
mod transcript;

pub use airs::Statement;
pub use error::{ProveError, Result};
pub use field::{options, Elements, PoseidonReference, D, F, FE};
pub use proof_file::{verify_file, ProofFile, ProofFileError};
pub use prove::{prove, Backend, Report};
pub use reference::{reference, Reference};
