//! Proofs of Miden programs: miden-vm's own assembler, processor, prover and verifier, with transforms, trees and grinding
//! on a device.

mod cost;
mod program;
mod proof;
mod prove;

pub use cost::{bytes_of, largest_trace, Cost};
pub use miden_core::Felt;
pub use miden_prover::{ExecutionProof, ProgramInfo, StackInputs, StackOutputs};
pub use program::{Execution, Inputs, Program, Trace};
pub use proof::Proof;
pub use prove::{config, prove, prove_on_cpu, DeviceConfig, Proved};
