//! What can go wrong between a prover and a board.

use hotloop::HotloopError;

/// Why there is no proof, or no valid one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The device refused or failed.
    #[error(transparent)]
    Device(#[from] HotloopError),
    /// The prover's own library refused.
    #[error("the prover failed: {0}")]
    Prover(String),
    /// The trace or the public inputs do not fit the AIR or the configuration.
    #[error("{0}")]
    Shape(String),
    /// The witness misses something or does not satisfy the circuit.
    #[error("the witness does not fit the circuit: {0}")]
    Witness(String),
    /// The trace does not satisfy the AIR.
    #[error("the trace does not satisfy the AIR: {what}")]
    Unsatisfied {
        /// Where.
        what: String,
    },
    /// A lookup of starky's that cannot be read.
    #[error("cannot read a lookup, since this starky prints it in another way than 1.1.0: use `OffloadConfig` with starky's own prover ({text})")]
    UnknownLookup {
        /// As starky prints it.
        text: String,
    },
    /// The device computes with another parameter set.
    #[error("plonky2 1.x needs parameter set plonky2-v1, the device was opened with {found}: open it with `hotloop_plonky2::options()`")]
    WrongSet {
        /// The set it was opened with.
        found: &'static str,
    },
    /// The configuration hashes with something else than Poseidon.
    #[error("the board hashes with plonky2's Poseidon, the configuration with {found}: use `PoseidonGoldilocksConfig` or one with the same hash")]
    WrongHash {
        /// Its hasher.
        found: &'static str,
    },
    /// No AIR has this name.
    #[error("no AIR is named `{0}`: use `fibonacci` or `wide`")]
    UnknownAir(String),
    /// The AIR does not come with so many columns.
    #[error("`{air}` does not come with {columns} columns: use {allowed}")]
    Columns {
        /// The AIR's name.
        air: &'static str,
        /// Columns asked for.
        columns: u32,
        /// Columns there are.
        allowed: &'static str,
    },
    /// Too few or too many rows.
    #[error("log_rows is {log_rows}: use {min} to {max}")]
    Rows {
        /// Base-2 logarithm of the rows asked for.
        log_rows: u32,
        /// Least.
        min: u32,
        /// Most.
        max: u32,
    },
    /// The system gave no thread to prove in.
    #[error("cannot start a thread to prove in: {0}")]
    Thread(String),
}

/// Shorthand for results of this crate.
pub type Result<T, E = ProveError> = std::result::Result<T, E>;
