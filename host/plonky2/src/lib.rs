//! plonky2 and starky on a Hotloop board.

pub mod commit;
pub mod counting;
mod error;
mod field;
mod fri;
pub mod offload;
mod pool;
mod quotient;
pub mod starky;
mod transcript;

pub use error::{ProveError, Result};
pub use field::{options, Elements, PoseidonReference, D, F, FE};
