//! Builds the boards that features ask for.

use hotloop_hdl::{accelerator, Config};
use hotloop_verilate::Model;

fn main() {
    let asked = [("V0", "sim-v0"), ("P3", "sim-p3"), ("MIDEN", "sim-mid")]
        .into_iter()
        .filter(|(feature, _)| std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some());
    let models: Vec<Model> = asked
        .filter_map(|(_, preset)| Config::preset(preset))
        .map(|config| {
            let files = accelerator::emit(&config).into_iter().map(|f| (format!("{}.v", f.name), f.text));
            // For self-tests, which are short: quick to build before quick to run.
            Model::new(format!("accelerator_{}", config.preset.replace('-', "_")), accelerator::TOP)
                .sources(files)
                .waivers(accelerator::waivers())
                .opt_level(1)
        })
        .collect();
    hotloop_verilate::build_script(&models);
}
