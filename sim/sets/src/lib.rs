//! Links simulated boards with other parameter sets into a program: `use hotloop_sim_sets as _;`, then
//! `hotloop_sim::open_sim(name)`.
//!
//! | feature | preset | parameter set |
//! |---|---|---|
//! | `v0` | `sim-v0` | `plonky2-v0` |
//! | `p3` | `sim-p3` | `plonky3-goldilocks` |
//! | `miden` | `sim-mid` (the register holds eight letters) | `miden` and `plonky3-poseidon2`, which differ in a leaf's last block |

use hotloop_sim as _;
