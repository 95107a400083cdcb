//! The modules under proof, as `hotloop-hdl` emits them.

use std::{collections::BTreeMap, rc::Rc};

use hotloop_hdl::{
    accelerator,
    datapath::{Design, Module, Sig},
    field::{add_mod, multiplier, multiplier_leaf, square_leaf, sub_mod, Field, MultiplierLeaf},
    poseidon::dispatcher,
    Config,
};

/// States that the dispatcher under proof holds at most: small, as its queue is what is proved, not its size.
pub const DISPATCHED: u64 = 8;
/// Units of the dispatcher under proof: as many as need a turn that does not wrap at a power of two.
pub const UNITS: u32 = 3;

/// Every module that a proof may need, by name: the accelerator's own, and small ones around functions that the
/// accelerator inlines.
pub fn modules() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut add = |design: Design| {
        for file in design.verilog() {
            let before = files.insert(file.name.clone(), file.text.clone());
            assert!(before.is_none_or(|text| text == file.text), "two modules are named {}", file.name);
        }
    };
    add(accelerator::design(&Config::sim()));
    add(Design::new(pair("add_mod", add_mod)));
    add(Design::new(pair("sub_mod", sub_mod)));
    // The reader's FIFO with narrow words: a solver does not care what it moves, but takes its time over 512 bits.
    add(Design::new(Module::fifo(8, 512)));
    add(Design::new(Module::relay(8)));
    add(Design::new(dispatcher(UNITS, DISPATCHED)));
    // Every leaf has the same name, and so has every multiplier; these get their own.
    let leaf = ecp5();
    let (square, multiplier) = (ecp5_square(), multiplier(&Field::GOLDILOCKS, &leaf));
    for (module, name) in [(&leaf, "mul_leaf"), (&square, "square_leaf"), (&multiplier, "goldilocks_mul")] {
        let own = format!("{name}_ecp5");
        let text = module.verilog().replacen(&format!("module {name} "), &format!("module {own} "), 1);
        files.insert(own, text);
    }
    files
}

fn ecp5() -> Rc<Module> {
    multiplier_leaf(MultiplierLeaf::Ecp5)
}

fn ecp5_square() -> Rc<Module> {
    square_leaf(MultiplierLeaf::Ecp5).expect("squares have a leaf")
}

/// A module of a unit with two operands.
fn pair(name: &str, unit: fn(&mut Module, &Field, Sig, Sig) -> Sig) -> Rc<Module> {
    let mut m = Module::new(name);
    let (a, b) = (m.pipe_input("a", 64), m.pipe_input("b", 64));
    let y = unit(&mut m, &Field::GOLDILOCKS, a, b);
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}

/// Stages of [`add_mod`] and [`sub_mod`].
pub fn pair_latency() -> u32 {
    pair("add_mod", add_mod).latency().expect("a pipelined unit")
}

/// Stages of the modular multiplier behind its leaf: those of the reduction.
pub fn reduction_latency() -> u32 {
    let leaf = MultiplierLeaf::Simulated { latency: 2 };
    multiplier(&Field::GOLDILOCKS, &multiplier_leaf(leaf)).latency().expect("a pipelined unit") - 2
}

/// Stages of the ECP5's multiplier leaf.
pub fn ecp5_latency() -> u32 {
    ecp5().latency().expect("a pipelined unit")
}

/// Stages of the ECP5's leaf of a square.
pub fn ecp5_square_latency() -> u32 {
    ecp5_square().latency().expect("a pipelined unit")
}

/// Stages of the modular multiplier behind a leaf of the ECP5.
pub fn ecp5_reduction_latency() -> u32 {
    multiplier(&Field::GOLDILOCKS, &ecp5()).latency().expect("a pipelined unit") - ecp5_latency()
}

/// Stages of the multiplier leaf of the preset `sim`.
pub fn leaf_latency() -> u32 {
    multiplier_leaf(Config::sim().multiplier).latency().expect("a pipelined unit")
}
