//! A proof with what it proves.

use miden_core::serde::{BudgetedReader, ByteReader, Deserializable, DeserializationError, Serializable, SliceReader};
use miden_prover::{ExecutionProof, ProgramInfo, StackInputs, StackOutputs};

use crate::error::{ProveError, Result};

/// First bytes of a proof file; the last is the version.
const MAGIC: &[u8; 8] = b"HLMIDEN\x01";

/// A statement ("this program takes these inputs to these outputs") and Miden's own proof of it.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The program's hash and kernel.
    pub program: ProgramInfo,
    /// The operand stack before.
    pub inputs: StackInputs,
    /// The operand stack after.
    pub outputs: StackOutputs,
    /// The proof, as miden-vm has it.
    pub proof: ExecutionProof,
}

impl Proof {
    /// Runs miden-vm's own verifier; gives the security level that it states, in bits.
    ///
    /// # Errors
    /// [`ProveError::NotValid`].
    pub fn verify(&self) -> Result<u32> {
        let Proof { program, inputs, outputs, proof } = self;
        miden_vm::verify(program.clone(), *inputs, *outputs, proof.clone()).map_err(|error| {
            let source = std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            ProveError::NotValid { reason: format!("{error}{source}") }
        })
    }

    /// Whether bytes begin as those of [`Proof::to_bytes`] do.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC[..7])
    }

    /// A file: eight bytes that say so, then program, inputs, outputs and proof as Miden serialises each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        self.program.write_into(&mut bytes);
        self.inputs.write_into(&mut bytes);
        self.outputs.write_into(&mut bytes);
        self.proof.write_into(&mut bytes);
        bytes
    }

    /// Reads [`Proof::to_bytes`].
    ///
    /// # Errors
    /// [`ProveError::NoProof`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Proof> {
        let failed = |reason: String| ProveError::NoProof { reason };
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(failed("it does not begin as one, or is of another version".into()));
        };
        let read = || -> Result<Proof, DeserializationError> {
            // Lengths in the file are not believed beyond what is there.
            let mut reader = BudgetedReader::new(SliceReader::new(rest), rest.len());
            let proof = Proof {
                program: ProgramInfo::read_from(&mut reader)?,
                inputs: StackInputs::read_from(&mut reader)?,
                outputs: StackOutputs::read_from(&mut reader)?,
                proof: ExecutionProof::read_from(&mut reader)?,
            };
            if reader.has_more_bytes() {
                return Err(DeserializationError::InvalidValue("bytes follow it".into()));
            }
            Ok(proof)
        };
        read().map_err(|error| failed(error.to_string()))
    }
}
