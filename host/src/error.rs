//! What can go wrong with a device or a job, and what to do next.

use hotloop_regs::ParameterSet;

/// Why a device could not be opened or a job has no result. Unless it says otherwise the device stays usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HotloopError {
    /// The name does not name a kind of device.
    #[error("no device is named `{name}`: use `sim`, `sim:<preset>`, `vfio:<address>`, `vfio-user:<socket>` or `serial:<tty>` (`cpu` is the prover's own path, not a device)")]
    UnknownDevice {
        /// The name given.
        name: String,
    },
    /// The kind of device exists, but not in this build.
    #[error("`{name}` is not in this build: {next}")]
    NotInThisBuild {
        /// The name given.
        name: String,
        /// What to do instead.
        next: &'static str,
    },
    /// The simulated board could not be started.
    #[error("cannot start `{name}`: {reason}")]
    Simulation {
        /// The name given.
        name: String,
        /// The simulator's own words.
        reason: String,
    },
    /// The board does not hold the parameter set asked for.
    #[error("{device} does not hold parameter set `{}`; it holds: {held}. Use a board built with it", set.name())]
    MissingSet {
        /// The device's name.
        device: String,
        /// The set asked for.
        set: ParameterSet,
        /// Names of the sets on the board.
        held: String,
    },
    /// The board lacks the engine; refused before the doorbell.
    #[error("{job}: {device} (preset `{preset}`) has no {engine} engine: use a preset that has one")]
    MissingEngine {
        /// The job.
        job: &'static str,
        /// The engine.
        engine: &'static str,
        /// The device's name.
        device: String,
        /// The board's preset.
        preset: String,
    },
    /// Larger than this board holds; refused before the doorbell.
    #[error("{what} is {asked}, and {device} (preset `{preset}`) holds at most {limit}: use a larger preset or a smaller {what}")]
    DeviceLimit {
        /// Which limit.
        what: &'static str,
        /// What the job asked for.
        asked: u64,
        /// What the board holds.
        limit: u64,
        /// The device's name.
        device: String,
        /// The board's preset.
        preset: String,
    },
    /// The job's buffers would exceed what this device may use of the host's memory; refused before the doorbell.
    #[error("{asked} bytes of buffers on top of {in_use} exceed the limit of {limit}: raise `Options::memory_limit`, or split the job")]
    MemoryLimit {
        /// Bytes the job asked for.
        asked: u64,
        /// Bytes in use.
        in_use: u64,
        /// The limit.
        limit: u64,
    },
    /// The job makes no sense whatever the board.
    #[error("{job}: {reason}")]
    BadShape {
        /// The job.
        job: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The board completed the job with an error.
    #[error("{job} failed on {device}: {} ({})", code.name(), code.doc())]
    Job {
        /// The job.
        job: &'static str,
        /// The device's name.
        device: String,
        /// The board's answer.
        code: hotloop_regs::Error,
    },
    /// No nonce in the range has enough zeros.
    #[error("no nonce with {bits} {zeros} zeros among {tried} from {start}: try a longer range")]
    NoNonce {
        /// Zeros wanted.
        bits: u32,
        /// Where.
        zeros: crate::permute::Zeros,
        /// First nonce tried.
        start: u64,
        /// Nonces tried.
        tried: u64,
    },
    /// The result of a job is wrong. Nothing of it was handed out; run the job again, and take the board out of
    /// service when it happens twice.
    #[error(
        "{job} on {device} gave a wrong result ({detail}): run it again; if it happens twice, do not trust this board"
    )]
    CheckFailed {
        /// The job.
        job: &'static str,
        /// The device's name.
        device: String,
        /// What differs.
        detail: String,
    },
    /// The job's result cannot be checked without the prover's own permutation.
    #[error("{job}: checking needs the prover's permutation: set `Options::reference`, or `Check::Off` to believe the board")]
    NoReference {
        /// The job.
        job: &'static str,
    },
    /// The system gave no random numbers for checks.
    #[error("no random numbers from the system ({0}), and checks need them: `Check::Full` or `Check::Off` do without")]
    Randomness(String),
    /// The driver's error.
    #[error(transparent)]
    Driver(#[from] hotloop_driver::DriverError),
}

/// Shorthand for results of this crate.
pub type Result<T, E = HotloopError> = std::result::Result<T, E>;

pub(crate) fn bad_shape<T>(job: &'static str, reason: impl Into<String>) -> Result<T> {
    Err(HotloopError::BadShape { job, reason: reason.into() })
}
