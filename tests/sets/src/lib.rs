//! Links the Poseidon engines of the parameter sets into a test: `use hotloop_sets as _;`, then
//! `hotloop_sim::Clocked::open(name)`.

use hotloop_sim as _;
