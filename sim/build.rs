//! Builds the models of the simulated boards, and what they share, into this crate.

use hotloop_hdl::{accelerator, Config};
use hotloop_verilate::Model;

fn main() {
    let mut models = accelerators();
    models.extend(fixtures());
    hotloop_verilate::build_script_with_runtime(&models);
}

/// The accelerators that `open_sim` knows: preset `x` is model `accelerator_x`.
fn accelerators() -> Vec<Model> {
    Config::PRESETS
        .iter()
        .filter_map(|preset| Config::preset(preset))
        .map(|config| {
            let files = accelerator::emit(&config).into_iter().map(|f| (format!("{}.v", f.name), f.text));
            Model::new(format!("accelerator_{}", config.preset), accelerator::TOP)
                .sources(files)
                .waivers(accelerator::waivers())
                .trace(true)
        })
        .collect()
}

/// Small designs for this crate's own tests. Always built: a second, and the same build for tests and for use.
fn fixtures() -> Vec<Model> {
    println!("cargo:rerun-if-changed=tests/fixtures");
    ["fixture_ports", "fixture_dma"]
        .map(|name| {
            let path = format!("tests/fixtures/{name}.v");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
            Model::new(name, name).source(format!("{name}.v"), text).trace(true)
        })
        .into()
}
