//! The Poseidon engine.

use hotloop_hdl::{
    config::{Config, PoseidonConfig},
    field::MultiplierLeaf,
    poseidon::engine,
};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    let sim = Config::sim();
    let mut odd = Config::sim();
    odd.poseidon = PoseidonConfig { units: 3, full_sboxes: 2, tile_rows: 40, commit_log: 7 };
    odd.multiplier = MultiplierLeaf::Simulated { latency: 5 };
    vec![super::unit("poseidon_engine", engine(&sim)), super::unit("poseidon_engine_odd", engine(&odd))]
}
