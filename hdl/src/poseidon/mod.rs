//! The Poseidon engine: permutations, one tree level at a time, grinding.
//!
//! ```text
//!  beats ─► panels' rows ─┐                                     ┌─► sponge queue (back in with the next panel)
//!           states ───────┼─► state ─► [entry] ─► units ─► order ─┼─► digests, two a beat ─► beats
//!           nonces ───────┘                                     ├─► states, two beats
//!                                                               └─► leading zeros ─► answer
//! ```
//!
//! The parameter set's [`crate::sets::Hash`] is a value. Poseidon and Poseidon2 differ in the matrices only: Poseidon2
//! has its external one in the full ring, its internal one in the partial ring, and the external one once more in the
//! entry, in front of all units. None of these matrices needs a multiplier, so that a permutation costs 472
//! multiplications in every set.
//!
//! In a commit job one tile holds all rows, and digests wait in the sponge queue until every row has one.
//!
//! [`engine()`] is that picture, and on a narrow bus the same a word at a time. A unit with k S-boxes for full rounds and
//! one for partial rounds, 4·(k + 1) multipliers, finishes a permutation every 8·12/k cycles: with k = 4, 472 of 480
//! multiplier slots are used. A unit with one S-box for both, 4 multipliers, takes 120 cycles, of whose slots 472 of 480
//! are used too, one with two of them 60. A job of P permutations on U units takes about that over U and the latency of
//! one permutation, 8 · full pass + 22 · partial pass + a few for the queues. More
//! than six units are put into clusters of four.

mod cluster;
mod constants;
mod engine;
mod entry;
mod fifo;
mod grind;
mod halves;
mod internal;
mod mds;
mod narrow;
mod output;
mod pair;
mod rows;
mod sbox;
mod serial;
mod step;
mod tag;
mod unit;
mod word_output;

pub use cluster::inside as states_inside;
pub use constants::UnitConstants;
pub use engine::{dispatcher, engine, MODE_COMMIT, MODE_GRIND, MODE_HASH, MODE_PERMUTE};
pub use unit::{in_flight, timing, unit, Timing};
