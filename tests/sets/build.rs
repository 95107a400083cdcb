//! Builds the Poseidon engines of the sets that do not have plonky2's permutation (tests/units has that one).

use hotloop_hdl::{
    bus::Bus,
    config::PoseidonConfig,
    datapath::{Design, WAIVERS},
    poseidon::engine,
    Config,
};
use hotloop_regs::ParameterSet;
use hotloop_verilate::Model;

fn main() {
    let set = |set| Config::sim().with_set("sets", set);
    // Rows of a block-circulant matrix do not turn with two S-boxes, so its words have other factors in other phases.
    let mut odd = set(ParameterSet::Miden);
    odd.poseidon = PoseidonConfig { units: 3, full_sboxes: 2, partial_sboxes: 1, tile_rows: 40, commit_log: 7 };
    odd.multiplier = hotloop_hdl::field::MultiplierLeaf::Simulated { latency: 5 };
    // One S-box or two for all rounds, so both matrices in one place; a word a cycle.
    let mut serial = set(ParameterSet::Miden);
    serial.bus = Bus::Narrow;
    serial.poseidon = PoseidonConfig { units: 2, full_sboxes: 0, partial_sboxes: 1, tile_rows: 64, commit_log: 7 };
    let mut pair = serial.clone();
    pair.poseidon.partial_sboxes = 2;
    hotloop_verilate::build_script(&[
        model("set_plonky3", &set(ParameterSet::Plonky3Goldilocks)),
        model("set_miden", &set(ParameterSet::Miden)),
        model("set_miden_odd", &odd),
        model("set_miden_serial", &serial),
        model("set_miden_pair", &pair),
    ]);
}

fn model(name: &str, config: &Config) -> Model {
    let engine = engine(config);
    let top = engine.name().to_owned();
    let files = Design::new(engine).verilog().into_iter().map(|f| (format!("{}.v", f.name), f.text));
    Model::new(name, top).sources(files).waivers(WAIVERS)
}
