//! Why a model did not do as asked.

/// Why a model did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// There is no model of this name in the program.
    #[error(
        "there is no model {name}; this program has {}",
        if known.is_empty() { "none: install Verilator and build again".to_owned() } else { known.join(", ") }
    )]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The models there are.
        known: Vec<&'static str>,
    },
    /// The model could not be created.
    #[error("model {name} cannot be created: out of memory")]
    Create {
        /// The model's name.
        name: &'static str,
    },
    /// The model has no port of this name, or one of another shape.
    #[error("model {model} has no {wanted}; its ports are {}", known.join(", "))]
    UnknownPort {
        /// The model's name.
        model: &'static str,
        /// Name, and width and direction where they were asked for.
        wanted: String,
        /// The ports there are.
        known: Vec<String>,
    },
    /// The model stopped: `$stop`, an assertion, no convergence. It does not run any further.
    #[error("model {model} stopped: {reason}")]
    Stopped {
        /// The model's name.
        model: &'static str,
        /// What it said.
        reason: String,
    },
    /// The model was built without tracing.
    #[error("model {model} was built without tracing")]
    NotTraced {
        /// The model's name.
        model: &'static str,
    },
    /// The waveform cannot be written, or there is one already.
    #[error("cannot write a waveform to {path}; name a new file in a folder that can be written to")]
    TraceFile {
        /// The file.
        path: String,
    },
    /// The model's thread could not be started.
    #[error("cannot start the model's thread: {source}")]
    Thread {
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The model does not come out of reset, or broke a rule of its buses there.
    #[error("{name} does not start: {reason}")]
    Start {
        /// The board's name.
        name: String,
        /// What was seen.
        reason: String,
    },
    /// A chip for a board without a port to it.
    #[error("{name} has no port to a flash; preset `link` has one")]
    NoFlashPort {
        /// The board.
        name: String,
    },
}
