//! Links the models of hardware units and of deliberately broken accelerators into a test: `use hotloop_units as _;`,
//! then `hotloop_sim::Model::open(name)`. And says how long tests run.

use hotloop_sim as _;

mod vectors;

pub use vectors::{rounds, seed, vectors};
