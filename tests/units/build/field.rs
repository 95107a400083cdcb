//! Modular arithmetic.

use std::rc::Rc;

use hotloop_hdl::{
    datapath::Module,
    field::{add_mod, multiplier, multiplier_leaf, sub_mod, Field},
};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    let field = Field::GOLDILOCKS;
    let mut sums = Module::new("sums");
    let (a, b) = (sums.pipe_input("a", 64), sums.pipe_input("b", 64));
    let (add, sub) = (add_mod(&mut sums, &field, a, b), sub_mod(&mut sums, &field, a, b));
    sums.pipe_outputs(&[("add", add), ("sub", sub)]);
    let product = |latency| multiplier(&field, &multiplier_leaf(latency));
    vec![
        super::unit("field_sums", Rc::new(sums)),
        super::unit("field_multiplier", product(2)),
        super::unit("field_multiplier_7", product(7)),
    ]
}
