//! Builds the models of the units under test. A unit's tests are in tests/<area>.rs, its models in build/<area>.rs.

#[path = "build/accelerator.rs"]
mod accelerator;
#[path = "build/datapath.rs"]
mod datapath;
#[path = "build/field.rs"]
mod field;
#[path = "build/fold.rs"]
mod fold;
#[path = "build/ntt.rs"]
mod ntt;
#[path = "build/poseidon.rs"]
mod poseidon;

use std::rc::Rc;

use hotloop_hdl::datapath::{Design, Module};
use hotloop_verilate::Model;

/// A model of one generated module, found in tests by `name`.
fn unit(name: &str, module: Rc<Module>) -> Model {
    let top = module.name().to_owned();
    let files = Design::new(module).verilog().into_iter().map(|f| (format!("{}.v", f.name), f.text));
    Model::new(name, top).sources(files).waivers(hotloop_hdl::datapath::WAIVERS)
}

fn main() {
    println!("cargo:rerun-if-changed=build");
    let mut models = Vec::new();
    models.extend(accelerator::models());
    models.extend(datapath::models());
    models.extend(field::models());
    models.extend(fold::models());
    models.extend(ntt::models());
    models.extend(poseidon::models());
    hotloop_verilate::build_script(&models);
}
