//! Modular arithmetic.

use std::rc::Rc;

use hotloop_hdl::{
    datapath::Module,
    field::{add_mod, multiplier, multiplier_leaf, sub_mod, Field, MultiplierLeaf},
};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    let field = Field::GOLDILOCKS;
    let mut sums = Module::new("sums");
    let (a, b) = (sums.pipe_input("a", 64), sums.pipe_input("b", 64));
    let (add, sub) = (add_mod(&mut sums, &field, a, b), sub_mod(&mut sums, &field, a, b));
    sums.pipe_outputs(&[("add", add), ("sub", sub)]);
    let mut models = vec![super::unit("field_sums", Rc::new(sums))];
    for (name, leaf) in [
        ("2", MultiplierLeaf::Simulated { latency: 2 }),
        ("7", MultiplierLeaf::Simulated { latency: 7 }),
        ("ecp5", MultiplierLeaf::Ecp5),
        ("xilinx7", MultiplierLeaf::Xilinx7),
        ("xilinx", MultiplierLeaf::Xilinx),
    ] {
        let leaf = multiplier_leaf(leaf);
        models.push(super::unit(&format!("field_multiplier_{name}"), multiplier(&field, &leaf)));
        models.push(super::unit(&format!("field_leaf_{name}"), leaf));
    }
    models
}
