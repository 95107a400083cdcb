//! Whole accelerators: a small one that works, the same with one wrong constant, and the smallest presets of boards.

use hotloop_hdl::{accelerator, field::MultiplierLeaf, ntt, presets::Preset, Config};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    let mut wrong_constant = small();
    *wrong_constant.set.hash.word_0_constant(17) ^= 1;
    let mut wrong_twiddle = small();
    // The table of low factors: w^4 instead of w^6, which transforms of half the longest length use too.
    wrong_twiddle.ntt.twiddles.0[6] = wrong_twiddle.ntt.twiddles.0[4];
    // As they are emitted: their own multipliers, one S-box for all rounds; the second has one multiplier for the whole
    // transform, and butterflies that stages share.
    let board = |name: &str| Preset::named(name).map(Preset::config).expect("a preset of a board");
    vec![
        model("accelerator_ecp5_45", &board("ecp5-45")),
        model("accelerator_ecp5_85", &board("ecp5-85")),
        model("accelerator_small", &small()),
        model("accelerator_wrong_constant", &wrong_constant),
        model("accelerator_wrong_twiddle", &wrong_twiddle),
    ]
}

/// Other numbers everywhere than preset `sim`: one unit, two S-boxes, short tiles, a longer multiplier, two lanes.
fn small() -> Config {
    let mut config = Config::sim();
    config.preset = "small".into();
    config.multiplier = MultiplierLeaf::Simulated { latency: 3 };
    config.poseidon.units = 1;
    config.poseidon.full_sboxes = 2;
    config.poseidon.tile_rows = 64;
    config.ntt.lanes = 2;
    config.poseidon.commit_log = 8;
    config.ntt.max_log = 9;
    config.ntt.max_log_cosets = 2;
    config.ntt.twiddles = ntt::twiddle_tables(&config.set, config.ntt.max_log);
    config
}

fn model(name: &str, config: &Config) -> Model {
    let files = accelerator::emit(config).into_iter().map(|f| (format!("{}.v", f.name), f.text));
    Model::new(name, accelerator::TOP).sources(files).waivers(accelerator::waivers()).opt_level(1)
}
