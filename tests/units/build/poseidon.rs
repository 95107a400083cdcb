//! The Poseidon engine.

use hotloop_hdl::{
    bus::Bus,
    config::{Config, PoseidonConfig},
    field::MultiplierLeaf,
    poseidon::engine,
};
use hotloop_verilate::Model;

/// One engine for each kind of unit and of multiplier: what simulates fast, and the leaves of the two families.
pub fn models() -> Vec<Model> {
    let with = |multiplier, units, (full_sboxes, partial_sboxes), tile_rows, commit_log| {
        let poseidon = PoseidonConfig { units, full_sboxes, partial_sboxes, tile_rows, commit_log };
        Config { multiplier, poseidon, ..Config::sim() }
    };
    let odd = with(MultiplierLeaf::Xilinx7, 3, (2, 1), 40, 7);
    let narrow = |config| Config { bus: Bus::Narrow, ..config };
    let serial = narrow(with(MultiplierLeaf::Ecp5, 1, (0, 1), 64, 8));
    let pair = narrow(with(MultiplierLeaf::Ecp5, 2, (0, 2), 64, 8));
    let turns = narrow(with(MultiplierLeaf::Simulated { latency: 3 }, 4, (0, 1), 256, 9));
    let many = with(MultiplierLeaf::Simulated { latency: 5 }, 14, (1, 1), 1024, 8);
    vec![
        super::unit("poseidon_engine", engine(&Config::sim())),
        super::unit("poseidon_engine_odd", engine(&odd)),
        super::unit("poseidon_engine_serial", engine(&serial)),
        super::unit("poseidon_engine_pair", engine(&pair)),
        super::unit("poseidon_engine_turns", engine(&turns)),
        super::unit("poseidon_engine_many", engine(&many)).opt_level(1),
    ]
}
