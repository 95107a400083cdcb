//! Modular arithmetic.

use std::rc::Rc;

use hotloop_hdl::{
    datapath::{Module, PortDirection, Sig},
    field::{
        add_mod, canonical, multiplier, multiplier_leaf, square_leaf, sub_mod, weak_multiplier, weak_square, Field,
        MultiplierLeaf,
    },
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
        if let Some(square) = square_leaf(leaf) {
            models.push(super::unit(&format!("field_weak_square_{name}"), weak(&weak_square(&field, &square))));
            models.push(super::unit(&format!("field_square_leaf_{name}"), square));
        }
        let leaf = multiplier_leaf(leaf);
        models.push(super::unit(&format!("field_weak_multiplier_{name}"), weak(&weak_multiplier(&field, &leaf))));
        models.push(super::unit(&format!("field_multiplier_{name}"), multiplier(&field, &leaf)));
        models.push(super::unit(&format!("field_leaf_{name}"), leaf));
    }
    models
}

/// A weak multiplier or square, and `canonical`, its result below p.
fn weak(unit: &Rc<Module>) -> Rc<Module> {
    let mut m = Module::new("weak_product");
    let ports: Vec<String> = unit
        .ports()
        .filter(|(_, direction, _)| *direction == PortDirection::In)
        .map(|(name, ..)| name.into())
        .collect();
    let operands: Vec<(&str, Sig)> = ports.iter().map(|port| (port.as_str(), m.pipe_input(port, 64))).collect();
    let product = m.call("weak", unit, &operands);
    let y = m.output_of(&product, "y");
    let y = canonical(&mut m, y);
    m.pipe_outputs(&[("canonical", y)]);
    Rc::new(m)
}
