//! The S-box x^7: four multipliers, one word a cycle.

use std::rc::Rc;

use crate::{
    config::Config,
    datapath::Module,
    field::{multiplier_leaf, weak_multiplier},
};

/// Ports `x` (any word), `y` (weak): x2 = x·x, then x3 = x2·x and x4 = x2·x2, then x3·x4.
pub fn sbox(config: &Config) -> Rc<Module> {
    let field = &config.set.field;
    let multiplier = weak_multiplier(field, &multiplier_leaf(config.multiplier));
    let mut m = Module::new(format!("{}_x7", field.name));
    let x = m.pipe_input("x", field.bits);
    let mut times = |name: &str, a, b| {
        let product = m.call(name, &multiplier, &[("a", a), ("b", b)]);
        m.output_of(&product, "y")
    };
    let x2 = times("square", x, x);
    let x3 = times("cube", x2, x);
    let x4 = times("fourth", x2, x2);
    let x7 = times("seventh", x3, x4);
    m.pipe_outputs(&[("y", x7)]);
    Rc::new(m)
}
