//! Getting an image on a board: [`flow`] has the steps and their order, [`backends`] the programs that do them, and
//! [`port`] the way without a cable: through a running board's own port to its flash.
//!
//! The order is what keeps a board alive: the file's hash, then the attached part's IDCODE, then configuration memory,
//! which a power cycle forgets; then what runs is asked who it is; and only then is the flash written, never where the
//! golden image lies.

pub mod backends;
mod cable;
mod error;
mod flow;
pub mod port;
mod run;

pub use cable::{Cable, CableError};
pub use error::FlashError;
pub use flow::{flash, plan, DeviceCheck, Event, Image, Plan, Report, Running, Step, StepKind, Verified};
pub use run::{find_program, last_words, run, run_at, Call, Ended, Heard, Place, RunError};
