//! Vendors' primitives as modules of the layer.

use std::{fmt::Write, rc::Rc};

use super::graph::{Module, PortDirection};
use crate::primitives::Primitive;

/// Value of a primitive's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A quoted text.
    Text(&'static str),
    /// A number.
    Number(u32),
}

/// How a primitive is placed: unlike a module of this layer it has parameters, one clock under a name of its own, and
/// no `rst`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Port that gets the clock.
    pub clock: &'static str,
    /// Parameters that are set.
    pub parameters: Vec<(&'static str, Parameter)>,
    /// Whether a port of several bits is one port for each bit: `A0`, `A1`, …
    pub bitwise: bool,
}

impl Cell {
    /// `NAME #(parameters)`, the beginning of an instance.
    pub(super) fn head(&self, name: &str) -> String {
        let values = self.parameters.iter().map(|(name, value)| match value {
            Parameter::Text(text) => format!(".{name}(\"{text}\")"),
            Parameter::Number(number) => format!(".{name}({number})"),
        });
        format!("{name} #({})", values.collect::<Vec<_>>().join(", "))
    }

    /// Connections of a port of `width` bits to the signal or the constant `sig`; empty for an output that nobody
    /// needs.
    pub(super) fn connect(&self, port: &str, width: u32, sig: &str, constant: Option<u128>) -> String {
        if !self.bitwise || width == 1 {
            return format!(",.{port}({sig})");
        }
        (0..width).fold(String::new(), |mut out, i| {
            let bit = match constant {
                Some(value) => format!("1'b{}", value >> i & 1),
                None if sig.is_empty() => String::new(),
                None => format!("{sig}[{i}]"),
            };
            // Writing into a `String` cannot fail.
            let _ = write!(out, ",.{port}{i}({bit})");
            out
        })
    }
}

impl Module {
    /// A vendor's primitive with the ports that are used, its clock left out. Ports keep no stage: say it with
    /// [`Module::at`].
    pub fn primitive(primitive: &Primitive, cell: Cell, ports: &[(&str, PortDirection, u32)]) -> Rc<Module> {
        let mut module = Module::declared(primitive.name, ports, primitive.model);
        module.cell = Some(cell);
        Rc::new(module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitives::MULT18X18D;

    #[test]
    fn ports_of_several_bits_are_connected_bit_by_bit() {
        use PortDirection::{In, Out};
        let parameters = vec![("MODE", Parameter::Text("ON")), ("DEPTH", Parameter::Number(2))];
        let cell = Cell { clock: "CLK0", parameters, bitwise: true };
        let cell = Module::primitive(&MULT18X18D, cell, &[("A", In, 2), ("B", In, 2), ("CE0", In, 1), ("P", Out, 2)]);
        let mut m = Module::new("user");
        let (a, enable) = (m.input("a", 2), m.input("enable", 1));
        let two = m.constant(2, 2);
        m.instance("unread", &cell, &[("A", a), ("B", two), ("CE0", enable)]);
        let text: String = m.verilog().split_whitespace().collect();
        let expected = r#"MULT18X18D#(.MODE("ON"),.DEPTH(2))unread_0(.CLK0(clk)"#.to_owned()
            + ",.A0(a[0]),.A1(a[1]),.B0(1'b0),.B1(1'b1),.CE0(enable),.P0(),.P1());";
        assert!(text.contains(&expected), "{text}");
    }
}
