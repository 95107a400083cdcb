//! Proof files: what was proved, and the proof, in one encoding that every device gives the same bytes of.
//!
//! | part | bytes |
//! |---|---|
//! | magic `HOTLPROF` | 8 |
//! | version, 1 | 4 |
//! | AIR's name: length, letters | 1 + n |
//! | columns; base-2 logarithm of the rows | 4 + 4 |
//! | configuration's name: length, letters | 1 + n |
//! | number of public inputs; the inputs | 4 + 8 each |
//! | the proof's elements | 8 each |
//!
//! Numbers are little-endian, field elements canonical. How many elements the proof has, and what each is, follows
//! from AIR, columns and rows; the file has no lengths of its own, and FRI's parameters are never read from it.

use std::{fs::File, io::Read, path::Path};

use ::starky::{proof::StarkProofWithPublicInputs, verifier::verify_stark_proof};
use plonky2::{
    field::types::{Field, Field64, PrimeField64},
    plonk::config::PoseidonGoldilocksConfig,
};

use crate::{
    airs::{PinnedAir, Statement, Visit},
    field::{D, F},
    shape::{for_each_element, Shape, CONFIG, CONFIG_NAME},
};

type Proof = StarkProofWithPublicInputs<F, PoseidonGoldilocksConfig, D>;

const MAGIC: &[u8; 8] = b"HOTLPROF";
const VERSION: u32 = 1;

/// Larger than any proof file can be.
const MAX_BYTES: u64 = 64 << 20;

/// Why a file holds no valid proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    Read {
        /// The file.
        path: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are not a proof file.
    #[error("not a proof file of this version: {0}; it was cut, changed, or made by another version")]
    NotParsed(String),
    /// It is a proof file, and the proof is wrong.
    #[error("the proof is not valid: {0}; do not trust its public inputs")]
    NotValid(String),
}

/// A statement and a proof of it.
#[derive(Clone, Debug)]
pub struct ProofFile {
    statement: Statement,
    proof: Proof,
}

impl ProofFile {
    /// Puts a proof beside its statement. Nothing is verified.
    ///
    /// # Errors
    /// [`ProofFileError::NotParsed`] if the proof has not the shape that the statement asks for.
    pub fn new(statement: Statement, proof: Proof) -> Result<ProofFile, ProofFileError> {
        let file = ProofFile { statement, proof };
        Self::from_bytes(&file.to_bytes())
    }

    /// What is proved.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The proof in starky's own type.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The public inputs, canonical.
    pub fn public_inputs(&self) -> Vec<u64> {
        self.proof.public_inputs.iter().map(PrimeField64::to_canonical_u64).collect()
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        put_name(&mut bytes, self.statement.air());
        bytes.extend(self.statement.columns().to_le_bytes());
        bytes.extend(self.statement.log_rows().to_le_bytes());
        put_name(&mut bytes, CONFIG_NAME);
        bytes.extend((self.proof.public_inputs.len() as u32).to_le_bytes());
        let mut put = |element: &mut F| -> Result<(), std::convert::Infallible> {
            bytes.extend(element.to_canonical_u64().to_le_bytes());
            Ok(())
        };
        let mut proof = self.proof.clone();
        let Ok(()) = proof.public_inputs.iter_mut().try_for_each(&mut put);
        let Ok(()) = for_each_element(&mut proof.proof, &mut put);
        bytes
    }

    /// Parses a file's bytes, all of them.
    ///
    /// # Errors
    /// [`ProofFileError::NotParsed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<ProofFile, ProofFileError> {
        let mut reader = Reader { rest: bytes };
        if reader.take::<8>()? != *MAGIC {
            return not_parsed("it does not begin with HOTLPROF");
        }
        let version = reader.number()?;
        if version != VERSION {
            return not_parsed(format!("version {version}, not {VERSION}"));
        }
        let air = reader.name()?;
        let (columns, log_rows) = (reader.number()?, reader.number()?);
        let statement = Statement::new(&air, Some(columns), log_rows).or_else(|error| not_parsed(error.to_string()))?;
        let config = reader.name()?;
        if config != CONFIG_NAME {
            return not_parsed(format!("configuration `{config}`, not `{CONFIG_NAME}`"));
        }
        let shape = Shape::of(&statement);
        let inputs = reader.number()?;
        if inputs as usize != shape.public_inputs {
            return not_parsed(format!("{inputs} public inputs, not {}", shape.public_inputs));
        }
        let mut public_inputs = vec![F::ZERO; shape.public_inputs];
        let mut proof = shape.blank();
        let mut fill = |element: &mut F| reader.element().map(|value| *element = value);
        public_inputs.iter_mut().try_for_each(&mut fill)?;
        for_each_element(&mut proof, &mut fill)?;
        match reader.rest.len() {
            0 => Ok(ProofFile { statement, proof: StarkProofWithPublicInputs { proof, public_inputs } }),
            more => not_parsed(format!("{more} bytes follow the proof")),
        }
    }

    /// Verifies with starky's own verifier, the AIR of the statement's name and the pinned configuration.
    ///
    /// # Errors
    /// [`ProofFileError::NotValid`].
    pub fn verify(&self) -> Result<(), ProofFileError> {
        struct Verify(Proof);
        impl Visit for Verify {
            type Output = anyhow::Result<()>;
            fn visit<S: PinnedAir>(self, air: S) -> anyhow::Result<()> {
                verify_stark_proof(air, self.0, &CONFIG, None)
            }
        }
        self.statement.visit(Verify(self.proof.clone())).map_err(|error| ProofFileError::NotValid(error.to_string()))
    }
}

/// Reads, parses and verifies a proof file.
///
/// # Errors
/// Any [`ProofFileError`].
pub fn verify_file(path: &Path) -> Result<ProofFile, ProofFileError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|source| ProofFileError::Read { path: path.display().to_string(), source })?;
    if bytes.len() as u64 > MAX_BYTES {
        return not_parsed(format!("more than {MAX_BYTES} bytes"));
    }
    let file = ProofFile::from_bytes(&bytes)?;
    file.verify()?;
    Ok(file)
}

fn not_parsed<T>(why: impl Into<String>) -> Result<T, ProofFileError> {
    Err(ProofFileError::NotParsed(why.into()))
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    // Names are the constants of this crate, all short.
    bytes.push(name.len() as u8);
    bytes.extend(name.bytes());
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ProofFileError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => not_parsed("it ends too early"),
        }
    }

    fn number(&mut self) -> Result<u32, ProofFileError> {
        self.take().map(u32::from_le_bytes)
    }

    fn name(&mut self) -> Result<String, ProofFileError> {
        let [length] = self.take()?;
        let bytes = (0..length).map(|_| self.take::<1>().map(|[byte]| byte)).collect::<Result<Vec<u8>, _>>()?;
        String::from_utf8(bytes).or_else(|_| not_parsed("a name is not text"))
    }

    fn element(&mut self) -> Result<F, ProofFileError> {
        let word = self.take().map(u64::from_le_bytes)?;
        if word >= F::ORDER {
            return not_parsed(format!("{word:#x} is not a field element"));
        }
        Ok(F::from_canonical_u64(word))
    }
}
