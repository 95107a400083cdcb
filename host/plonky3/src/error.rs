//! What can go wrong, and how it leaves traits that return no errors.

use hotloop::{HotloopError, ParameterSet};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The device's.
    #[error(transparent)]
    Device(#[from] HotloopError),
    /// The device is open for another parameter set than the prover's.
    #[error(
        "the device is open for parameter set `{}`, and this prover needs `{}`: open it with `hotloop_plonky3::options` of that set",
        open.name(), needed.name()
    )]
    WrongSet {
        /// The device's set.
        open: ParameterSet,
        /// The prover's.
        needed: ParameterSet,
    },
    /// The prover's trees hash otherwise than the board.
    #[error("the prover's trees do not hash as parameter set `{}` does: choose its hash for the proof", needed.name())]
    OtherHash {
        /// The set whose hash is needed.
        needed: ParameterSet,
    },
    /// Matrices that make no tree.
    #[error(
        "matrix {matrix} of a tree has {height} rows after one of {before}: powers of two are needed, shortest first"
    )]
    Leaves {
        /// The matrix's place.
        matrix: usize,
        /// Its rows.
        height: usize,
        /// Rows of the one before it, or 1.
        before: usize,
    },
    /// The device's permutation is not the prover's.
    #[error(
        "the prover permutes otherwise than parameter set `{}`, for which the device is open: open it for the prover's set, \
         or make the prover with the default constants of p3-goldilocks",
        set.name()
    )]
    WrongPermutation {
        /// The device's set.
        set: ParameterSet,
    },
    /// Matrices that Plonky3's trees cannot have, or a row that they do not have.
    #[error("these matrices have no tree: {reason}")]
    Matrices {
        /// What is wrong with them.
        reason: String,
    },
    /// The program does not assemble.
    #[error("the program does not assemble\n{report}")]
    Assembly {
        /// The assembler's own report.
        report: String,
    },
    /// Inputs that no program can start with.
    #[error("the inputs are not what Miden takes: {reason}")]
    Inputs {
        /// What is wrong with them.
        reason: String,
    },
    /// The program does not run to its end.
    #[error("the program fails\n{report}")]
    Execution {
        /// The processor's own report.
        report: String,
    },
    /// The trace is longer than device or host hold.
    #[error(
        "the program takes {} rows, and device and memory hold {limit}: use a larger board, more memory, or a smaller input",
        rows.map_or("more".into(), |rows| rows.to_string())
    )]
    TraceTooLong {
        /// Its rows, where the program was run to its end.
        rows: Option<usize>,
        /// Most rows there may be.
        limit: usize,
    },
    /// The prover's own error.
    #[error("there is no proof: {reason}")]
    Prover {
        /// The prover's words.
        reason: String,
    },
    /// Bytes that are no proof.
    #[error("not a proof: {reason}")]
    NoProof {
        /// What is wrong with them.
        reason: String,
    },
    /// Miden's verifier does not accept the proof.
    #[error("the proof is not valid: {reason}")]
    NotValid {
        /// The verifier's words.
        reason: String,
    },
    /// A part that was made by `Default`, which knows of no device, was asked to work.
    #[error("{what} was made by `Default::default()`, which has no device: make it with `{what}::new(device)`")]
    NoDevice {
        /// The part.
        what: &'static str,
    },
}

/// Shorthand for results of this crate.
pub type Result<T, E = ProveError> = std::result::Result<T, E>;

/// Leaves a trait's method that returns no errors: unwinds, without the message of a panic, with the error as payload.
pub(crate) fn raise(error: impl Into<ProveError>) -> ! {
    std::panic::resume_unwind(Box::new(error.into()))
}

/// What a result holds, or its error [`raise`]d.
pub(crate) fn or_raise<T>(result: Result<T, impl Into<ProveError>>) -> T {
    result.unwrap_or_else(|error| raise(error))
}
