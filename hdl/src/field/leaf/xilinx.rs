//! The leaf of Xilinx parts: twelve DSP48, in three columns of four.
//!
//! A DSP48 multiplies 24 × 17 bits unsigned. `a` has three parts of at most 24 bits, a column each; `b` has four of at
//! most 17, a row each. Within a column a cell adds its product to that of the cell below, shifted by 17, over the
//! cascade P; `a` climbs over the cascade A, one cell a cycle, so that only `b` is delayed in the fabric. Two additions
//! join the columns.

use std::rc::Rc;

use super::MULTIPLIER_LEAF;
use crate::{
    datapath::{Cell, Module, Parameter, PortDirection, Sig},
    primitives::{Primitive, DSP48E2},
};

/// Stages of one cell: operands, product, sum.
const CELL_LATENCY: u32 = 3;

/// Bits of a part of `a` and of a part of `b`.
const PART: (u32, u32) = (24, 17);

/// Rows of a column.
const ROWS: u32 = 64_u32.div_ceil(PART.1);

/// The leaf from `primitive`, a DSP48E1 or a DSP48E2: columns at stage 6, the sum at 8.
pub(super) fn xilinx(primitive: &'static Primitive) -> Rc<Module> {
    let mut m = Module::new(MULTIPLIER_LEAF);
    let (a, b) = (m.pipe_input("a", 64), m.pipe_input("b", 64));
    let cells = Cells::new(primitive);
    let a_parts = cut(&mut m, a, PART.0);
    let b_parts = cut(&mut m, b, PART.1);
    let columns: Vec<Sig> =
        a_parts.iter().enumerate().map(|(i, &part)| cells.column(&mut m, i, part, &b_parts)).collect();
    // Each column is worth 2^24 of the one before; the low 24 bits of a sum are finished.
    let mut finished = Vec::new();
    let mut sum = columns[0];
    for &column in &columns[1..] {
        let low = m.slice(sum, 0, PART.0);
        finished.push(low);
        let rest = m.slice(sum, PART.0, sum.width() - PART.0);
        let rest = m.extend(rest, column.width());
        sum = m.add(rest, column);
        sum = m.reg(sum);
    }
    finished.push(sum);
    let whole = m.pack(&finished);
    let (low, high) = (m.slice(whole, 0, 64), m.slice(whole, 64, 64));
    m.pipe_outputs(&[("low", low), ("high", high)]);
    Rc::new(m)
}

/// Parts of `width` bits, the last one shorter, the least significant first.
fn cut(m: &mut Module, x: Sig, width: u32) -> Vec<Sig> {
    (0..x.width()).step_by(width as usize).map(|lo| m.slice(x, lo, width.min(x.width() - lo))).collect()
}

/// The cell at the foot of a column and the ones above it.
struct Cells {
    foot: Rc<Module>,
    above: Rc<Module>,
    opmode_bits: u32,
}

impl Cells {
    fn new(primitive: &'static Primitive) -> Cells {
        // A DSP48E2 has a fourth operand, W, which stays 0.
        let opmode_bits = if *primitive == DSP48E2 { 9 } else { 7 };
        let d_bits = if *primitive == DSP48E2 { 27 } else { 25 };
        let cell = |a_input| cell(primitive, a_input, opmode_bits, d_bits);
        Cells { foot: cell("DIRECT"), above: cell("CASCADE"), opmode_bits }
    }

    /// `a` times all of `b`.
    fn column(&self, m: &mut Module, index: usize, a: Sig, b_parts: &[Sig]) -> Sig {
        assert_eq!(b_parts.len(), ROWS as usize, "a column has a row for each part of b");
        let width = a.width() + b_parts.iter().map(|b| b.width()).sum::<u32>();
        let (mut a_cascade, mut p_cascade) = (m.constant(0, 30), m.constant(0, 48));
        let mut pieces = Vec::new();
        for (row, &b) in (0..).zip(b_parts) {
            // X and Y: the product; Z: nothing, or the sum below shifted right by 17.
            let (cell, opmode) = if row == 0 { (&self.foot, 0b000_0101) } else { (&self.above, 0b101_0101) };
            let direct = if row == 0 { m.extend(a, 30) } else { m.constant(0, 30) };
            let b = m.delay(b, row);
            let b = m.extend(b, 18);
            let opmode = m.constant(opmode, self.opmode_bits);
            let operands = [("A", direct), ("B", b), ("ACIN", a_cascade), ("PCIN", p_cascade), ("OPMODE", opmode)];
            let mut inputs = operands.to_vec();
            for (port, direction, bits) in cell.ports() {
                if direction == PortDirection::In && inputs.iter().all(|(name, _)| *name != port) {
                    let value = u128::from(ENABLED.contains(&port));
                    inputs.push((port, m.constant(value, bits)));
                }
            }
            let placed = m.instance(&format!("column{index}_row{row}"), cell, &inputs);
            (a_cascade, p_cascade) = (m.output_of(&placed, "ACOUT"), m.output_of(&placed, "PCOUT"));
            let p = m.output_of(&placed, "P");
            let p = m.at(p, Some(CELL_LATENCY + row));
            let last = row + 1 == ROWS;
            let bits = if last { width - row * PART.1 } else { PART.1 };
            pieces.push(m.slice(p, 0, bits));
        }
        m.pack(&pieces)
    }
}

/// Clock enables of the registers that are used.
const ENABLED: [&str; 4] = ["CEA2", "CEB2", "CEM", "CEP"];

/// A DSP48 with one register at A, B, the product and the sum; its settings are constants and need none.
fn cell(primitive: &'static Primitive, a_input: &'static str, opmode_bits: u32, d_bits: u32) -> Rc<Module> {
    use PortDirection::{In, Out};
    let on = ["AREG", "ACASCREG", "BREG", "BCASCREG", "MREG", "PREG"].map(|name| (name, Parameter::Number(1)));
    let off = ["OPMODEREG", "ALUMODEREG", "INMODEREG", "CARRYINREG", "CARRYINSELREG"];
    let mut parameters = vec![("A_INPUT", Parameter::Text(a_input))];
    parameters.extend(on);
    parameters.extend(off.map(|name| (name, Parameter::Number(0))));
    let mut ports = vec![("A", In, 30), ("ACIN", In, 30), ("B", In, 18), ("C", In, 48), ("D", In, d_bits)];
    ports.extend([("PCIN", In, 48), ("OPMODE", In, opmode_bits), ("ALUMODE", In, 4), ("INMODE", In, 5)]);
    ports.extend([("CARRYINSEL", In, 3), ("CARRYIN", In, 1)]);
    let enables = ["CEA1", "CEA2", "CEB1", "CEB2", "CEC", "CED", "CEAD", "CEM", "CEP"];
    let resets = ["RSTA", "RSTB", "RSTC", "RSTD", "RSTM", "RSTP"];
    let settings_enables = ["CECTRL", "CEALUMODE", "CEINMODE", "CECARRYIN"];
    let settings_resets = ["RSTCTRL", "RSTALUMODE", "RSTINMODE", "RSTALLCARRYIN"];
    ports.extend(enables.into_iter().chain(resets).map(|port| (port, In, 1)));
    ports.extend(settings_enables.into_iter().chain(settings_resets).map(|port| (port, In, 1)));
    ports.extend([("ACOUT", Out, 30), ("P", Out, 48), ("PCOUT", Out, 48)]);
    Module::primitive(primitive, Cell { clock: "CLK", parameters, bitwise: false }, &ports)
}
