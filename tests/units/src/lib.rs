//! Links the models of hardware units and of deliberately broken accelerators into a test: `use hotloop_units as _;`,
//! then `hotloop_sim::Model::open(name)`.

use hotloop_sim as _;
