//! The folding engine.

use hotloop_hdl::{field::MultiplierLeaf, fold, Config};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    let slow = Config { multiplier: MultiplierLeaf::Simulated { latency: 7 }, ..Config::sim() };
    vec![super::unit("fold_engine", fold::engine(&Config::sim())), super::unit("fold_engine_7", fold::engine(&slow))]
}
