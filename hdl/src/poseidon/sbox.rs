//! The S-box x^7: two squares and two products, one word a cycle.

use std::rc::Rc;

use crate::{
    config::Config,
    datapath::Module,
    field::{multiplier_leaf, square_leaf, weak_multiplier, weak_square},
};

/// Ports `x` (any word), `y` (weak): x2 = x·x, then x3 = x2·x and x4 = x2·x2, then x3·x4.
pub fn sbox(config: &Config) -> Rc<Module> {
    let field = &config.set.field;
    let multiplier = weak_multiplier(field, &multiplier_leaf(config.multiplier));
    let square = square_leaf(config.multiplier).map(|leaf| weak_square(field, &leaf));
    let mut m = Module::new(format!("{}_x7", field.name));
    let x = m.pipe_input("x", field.bits);
    let times = |m: &mut Module, name: &str, a, b| {
        let product = match &square {
            Some(square) if a == b => m.call(name, square, &[("a", a)]),
            _ => m.call(name, &multiplier, &[("a", a), ("b", b)]),
        };
        m.output_of(&product, "y")
    };
    let x2 = times(&mut m, "square", x, x);
    let x3 = times(&mut m, "cube", x2, x);
    let x4 = times(&mut m, "fourth", x2, x2);
    let x7 = times(&mut m, "seventh", x3, x4);
    m.pipe_outputs(&[("y", x7)]);
    Rc::new(m)
}
