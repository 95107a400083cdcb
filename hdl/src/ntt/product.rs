//! Where the engine multiplies: everywhere with a multiplier of its own, or all in one.
//!
//! With one lane there are four products for each token: factors of its scale, the scale, factors of its twiddle, the
//! twiddle. If tokens come in every fourth cycle, and the four meet their operands in different cycles modulo 4, one
//! multiplier is enough. Nothing waits for it: the pipeline runs free as ever, a few stages longer so that the cycles
//! differ.

use std::rc::Rc;

use super::shift::canonical;
use crate::{
    config::Config,
    datapath::{Instance, Module, Sig},
    field::{multiplier, multiplier_leaf, weak_multiplier},
};

/// Cycles between a token's products when they share a multiplier, and their number.
pub const SHARED: u32 = 4;

/// The general multiplier that every part of the engine uses.
///
/// A shared one takes two cycles (modulo 4), for operands of factors come that much before those of what they make. So
/// there is time for a register behind the choice of operands, which the leaf wants, and for a result that is made
/// canonical in two steps.
pub fn multiplier_unit(config: &Config) -> Rc<Module> {
    let (field, leaf) = (&config.set.field, multiplier_leaf(config.multiplier));
    if config.ntt.sharing == 1 {
        return multiplier(field, &leaf);
    }
    let mut m = Module::new("ntt_multiplier");
    let operands = ["a", "b"].map(|port| m.pipe_input(port, field.bits));
    let [a, b] = operands.map(|x| m.reg(x));
    let product = m.call("product", &weak_multiplier(field, &leaf), &[("a", a), ("b", b)]);
    let weak = m.output_of(&product, "y");
    let nothing_above = m.constant(0, 2);
    let y = canonical(&mut m, weak, nothing_above);
    let latency = y.stage().unwrap_or(0);
    let y = m.delay(y, (2 + SHARED - latency % SHARED) % SHARED);
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}

/// `a` · `b`: by a multiplier `name`, or by the shared one outside this module, which is connected to ports `name`_a,
/// `name`_b and `name`_y.
pub fn product(m: &mut Module, config: &Config, name: &str, a: Sig, b: Sig) -> Sig {
    let unit = multiplier_unit(config);
    if config.ntt.sharing == 1 {
        let product = m.call(name, &unit, &[("a", a), ("b", b)]);
        return m.output_of(&product, "y");
    }
    let operands = m.align(&[a, b]);
    m.output(&format!("{name}_a"), operands[0]);
    m.output(&format!("{name}_b"), operands[1]);
    let y = m.input(&format!("{name}_y"), 64);
    let stage = operands.iter().find_map(|x| x.stage()).unwrap_or(0);
    m.at(y, Some(stage + unit.latency().unwrap_or(0)))
}

/// The operands that an instance has for its product `name`.
pub fn operands(m: &mut Module, instance: &Instance, name: &str) -> [Sig; 2] {
    ["a", "b"].map(|side| {
        let sig = m.output_of(instance, &format!("{name}_{side}"));
        m.at(sig, None)
    })
}
