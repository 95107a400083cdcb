//! Links the Poseidon engines of the parameter sets into a test: `use hotloop_sets as _;`, then
//! `hotloop_sim::Clocked::open(name)`. And says how long tests run.

use hotloop_sim as _;

#[path = "../../units/src/vectors.rs"]
mod vectors;

pub use vectors::{rounds, seed, vectors};
