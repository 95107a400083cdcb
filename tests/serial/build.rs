//! Builds the board under test: preset `ecp5-85` with a bridge whose line is as fast as it can be.

use hotloop_hdl::{
    accelerator,
    link::{self, Link},
    presets::Preset,
};
use hotloop_verilate::Model;

fn main() {
    let preset = Preset::named("ecp5-85").expect("a preset of a board");
    // As fast a line as there can be; a request is repeated after about three answers of the longest kind.
    let design = link::board(&preset.config(), &Link { divider: 4, patience_log: 18 }, true);
    let files = design.verilog().into_iter().map(|f| (format!("{}.v", f.name), f.text));
    let board = Model::new("board_serial", link::TOP).sources(files).waivers(accelerator::waivers()).opt_level(1);
    hotloop_verilate::build_script(&[board]);
}
