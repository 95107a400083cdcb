//! Area: what a design takes on a family of parts, computed from its graphs.
//!
//! Synthesis of a large preset takes hours and much memory; the sum over modules, each computed once and multiplied by
//! its instances, takes a second. Registers count as flip-flops, operations as look-up tables by their width, memories
//! as the cheaper of look-up tables and block memory, placed cells as themselves. `hdl/tests/area.rs` holds the sums of
//! several modules against Yosys; what it cannot know (logic shared or removed across modules, routing) stays out.

use std::{collections::HashMap, ops::AddAssign};

use super::graph::{Module, Node, Op2};

/// A family of parts: sizes of look-up tables, multipliers and memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// LUT4, MULT18X18D, memories of 18 Kbit (DP16KD).
    Ecp5,
    /// LUT6, DSP48, memories of 18 Kbit (halves of a RAMB36): the 7 series, UltraScale, UltraScale+.
    Xilinx,
}

/// What something takes, or what a part has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// MULT18X18D or DSP48.
    pub multipliers: u64,
    /// Block memories of 18 Kbit.
    pub memories: u64,
    /// Look-up tables: LUT4 (a carry cell is two) or LUT6.
    pub luts: u64,
    /// Flip-flops.
    pub registers: u64,
}

impl AddAssign for Area {
    fn add_assign(&mut self, more: Area) {
        self.multipliers += more.multipliers;
        self.memories += more.memories;
        self.luts += more.luts;
        self.registers += more.registers;
    }
}

impl Area {
    /// Every figure of `self` in percent of that of `capacity`, rounded up.
    pub fn percent_of(&self, capacity: &Area) -> [u64; 4] {
        [
            (self.multipliers, capacity.multipliers),
            (self.memories, capacity.memories),
            (self.luts, capacity.luts),
            (self.registers, capacity.registers),
        ]
        .map(|(part, whole)| (100 * part).div_ceil(whole.max(1)))
    }
}

/// Control blocks of rust-hdl, which have no graph here: LUT and FF by Yosys 0.23, for ECP5 and for Xilinx. Measured
/// figures, not computed ones; a block that is not listed counts as the largest that is.
const CONTROL_BLOCKS: &[(&str, [(u64, u64); 2])] = &[
    ("ctl_bursts", [(25, 3), (13, 3)]),
    ("ctl_job", [(10, 3), (8, 3)]),
    ("ctl_rings", [(58, 4), (29, 4)]),
    ("ctl_walk", [(9, 2), (8, 2)]),
];

impl Module {
    /// What this module and everything below it take.
    pub fn area(&self, family: Family) -> Area {
        self.area_known(family, &mut HashMap::new())
    }

    /// What this module takes without its instances.
    pub fn own_area(&self, family: Family) -> Area {
        match (&self.cell, &self.text) {
            (Some(_), _) => Area { multipliers: 1, ..Area::default() },
            (None, Some(_)) => control_block(&self.name, family),
            (None, None) => Graph::new(self, family).area(),
        }
    }

    fn area_known(&self, family: Family, known: &mut HashMap<String, Area>) -> Area {
        if let Some(area) = known.get(&self.name) {
            return *area;
        }
        let mut area = self.own_area(family);
        for instance in &self.instances {
            area += instance.module.area_known(family, known);
        }
        known.insert(self.name.clone(), area);
        area
    }
}

fn control_block(name: &str, family: Family) -> Area {
    let of = |figures: &[(u64, u64); 2]| figures[usize::from(family == Family::Xilinx)];
    let listed = CONTROL_BLOCKS.iter().find(|(block, _)| *block == name).map(|(_, figures)| of(figures));
    let (luts, registers) =
        listed.or_else(|| CONTROL_BLOCKS.iter().map(|(_, figures)| of(figures)).max()).unwrap_or_default();
    Area { luts, registers, ..Area::default() }
}

/// One module's graph under count.
struct Graph<'a> {
    module: &'a Module,
    family: Family,
    live: Vec<bool>,
    /// How many live nodes, ports and instances read a node.
    readers: Vec<u32>,
}

/// Costs in hundredths of a look-up table for a bit, for LUT4 and for LUT6: fitted to Yosys' results.
mod cost {
    pub const LOGIC: [u64; 2] = [45, 20];
    pub const GATE: [u64; 2] = [60, 30];
    pub const MUX: [u64; 2] = [100, 40];
    pub const EQUAL: [u64; 2] = [67, 35];
    pub const EQUAL_CONSTANT: [u64; 2] = [33, 20];
    pub const ADD: [u64; 2] = [100, 100];
    /// A sum that goes into one other sum only: Yosys makes two operands of three by full adders.
    pub const INNER_ADD: [u64; 2] = [250, 100];
    pub const LESS: [u64; 2] = [100, 100];
    pub const LESS_CONSTANT: [u64; 2] = [35, 20];
    pub const SHIFT: [u64; 2] = [100, 50];
}

impl<'a> Graph<'a> {
    fn new(module: &'a Module, family: Family) -> Graph<'a> {
        let live = module.live();
        let mut readers = vec![0; module.nodes.len()];
        for id in (0..module.nodes.len()).filter(|id| live[*id]) {
            module.operands(id, |operand| readers[operand] += 1);
        }
        let outside = module.instances.iter().flat_map(|i| i.inputs.iter().map(|(_, id)| *id));
        outside.chain(module.outputs.iter().map(|(_, id)| *id)).for_each(|id| readers[id] += 1);
        Graph { module, family, live, readers }
    }

    fn area(&self) -> Area {
        let mut area = Area::default();
        let mut hundredths = 0;
        for id in (0..self.module.nodes.len()).filter(|id| self.live[*id]) {
            match &self.module.nodes[id] {
                Node::Reg(input) => area += self.register(id, *input),
                Node::State(_) => area.registers += self.width(id),
                Node::RamRead(index) => {
                    let ram = &self.module.rams[*index];
                    let memory = memory(self.family, ram.depth, ram.width.into());
                    area += memory;
                    if memory.memories > 0 && self.family == Family::Ecp5 && !ram.apart {
                        // The ports know nothing of each other: the old word is kept by registers and a choice.
                        area.luts += u64::from(ram.width);
                        area.registers += 2 * u64::from(ram.width) + self.width(ram.read_address) + 1;
                    }
                }
                Node::RomRead(index) => {
                    let rom = &self.module.roms[*index];
                    area += table(self.family, rom.words.len() as u64, rom.width.into());
                }
                _ => hundredths += self.logic(id),
            }
        }
        area.luts += hundredths / 100;
        area
    }

    fn width(&self, id: usize) -> u64 {
        self.module.widths[id].into()
    }

    fn cost(&self, table: [u64; 2]) -> u64 {
        table[usize::from(self.family == Family::Xilinx)]
    }

    /// The node behind wires.
    fn behind(&self, mut id: usize) -> usize {
        while let Node::Wire(index) = self.module.nodes[id] {
            match self.module.wires[index].1 {
                Some(driver) => id = driver,
                None => break,
            }
        }
        id
    }

    fn is_constant(&self, id: usize) -> bool {
        matches!(self.module.nodes[self.behind(id)], Node::Const(_))
    }

    /// Bits that are no constant, at most: what a concatenation with zeros adds costs nothing.
    fn variable_bits(&self, id: usize) -> u64 {
        match &self.module.nodes[self.behind(id)] {
            Node::Const(_) => 0,
            Node::Cat(parts) => parts.iter().map(|&part| self.variable_bits(part)).sum(),
            Node::Reg(input) => match &self.module.nodes[self.behind(*input)] {
                Node::Cat(_) => self.variable_bits(*input),
                _ => self.width(id),
            },
            _ => self.width(id),
        }
    }

    /// Zeros at the lower end.
    fn low_zeros(&self, id: usize) -> u64 {
        match &self.module.nodes[self.behind(id)] {
            Node::Const(value) => u64::from(value.trailing_zeros()).min(self.width(id)),
            Node::Cat(parts) => {
                let last = parts[parts.len() - 1];
                let zeros = self.low_zeros(last);
                if zeros == self.width(last) && parts.len() > 1 {
                    zeros
                } else {
                    zeros.min(self.width(last))
                }
            }
            _ => 0,
        }
    }

    /// A register; on Xilinx, of three and more in a row without other readers a shift register.
    fn register(&self, id: usize, input: usize) -> Area {
        let bits = self.variable_bits(id);
        let registers = Area { registers: bits, ..Area::default() };
        if self.family == Family::Ecp5 {
            return registers;
        }
        let alone = |id: usize| self.readers[id] == 1;
        let mut before = 0;
        let mut at = input;
        while let (Node::Reg(next), true) = (&self.module.nodes[at], alone(at)) {
            before += 1;
            at = *next;
        }
        let last = !self.goes_into_register(id) || !alone(id);
        match (last, before + 1) {
            // The chain's last register answers for all.
            (false, _) => Area::default(),
            (true, length) if length >= 3 => Area { luts: bits, ..Area::default() },
            (true, length) => Area { registers: bits * length, ..Area::default() },
        }
    }

    fn goes_into_register(&self, id: usize) -> bool {
        let is_reader = |node: &Node| matches!(node, Node::Reg(input) if *input == id);
        (0..self.module.nodes.len()).any(|n| self.live[n] && is_reader(&self.module.nodes[n]))
    }

    /// Hundredths of look-up tables.
    fn logic(&self, id: usize) -> u64 {
        let node = &self.module.nodes[id];
        let per_bit = |cost: [u64; 2], bits: u64| self.cost(cost) * bits;
        match node {
            Node::Op2(Op2::Add | Op2::Sub, a, b) => {
                let zeros = self.low_zeros(*a).max(self.low_zeros(*b));
                let bits = self.width(id).saturating_sub(zeros);
                let inner = self.readers[id] == 1 && self.goes_into_sum(id);
                per_bit(if inner { cost::INNER_ADD } else { cost::ADD }, bits)
            }
            Node::Op2(Op2::Ltu, a, b) if self.is_constant(*a) || self.is_constant(*b) => {
                per_bit(cost::LESS_CONSTANT, self.width(*a))
            }
            Node::Op2(Op2::Ltu, a, _) => per_bit(cost::LESS, self.width(*a)),
            Node::Op2(Op2::Eq, a, b) if self.is_constant(*a) || self.is_constant(*b) => {
                per_bit(cost::EQUAL_CONSTANT, self.width(*a))
            }
            Node::Op2(Op2::Eq, a, _) => per_bit(cost::EQUAL, self.width(*a)),
            Node::Op2(Op2::And | Op2::Or | Op2::Xor, ..) => per_bit(cost::LOGIC, self.width(id)),
            Node::Op2(Op2::ShrVar | Op2::ShlVar, _, by) => {
                let stages = self.width(*by).min(self.width(id).next_power_of_two().ilog2().into());
                per_bit(cost::SHIFT, self.width(id) * stages)
            }
            Node::Mux(_, a, b) => {
                let (a, b) = (self.behind(*a), self.behind(*b));
                // A register that keeps its value has an enable.
                if self.keeps(a, id) || self.keeps(b, id) {
                    0
                } else if self.is_constant(a) || self.is_constant(b) {
                    per_bit(cost::GATE, self.width(id))
                } else {
                    let bits = self.variable_bits(a).max(self.variable_bits(b));
                    per_bit(cost::MUX, bits)
                }
            }
            Node::Op2(Op2::Mul, a, b) => 100 * self.width(*a) * self.width(*b),
            _ => 0,
        }
    }

    /// Whether `register` is one whose next value is this choice, or a chain of choices that this one is the last of.
    fn keeps(&self, register: usize, choice: usize) -> bool {
        let mut next = match &self.module.nodes[register] {
            Node::Reg(input) => self.behind(*input),
            Node::State(index) => match self.module.states[*index].next {
                Some(next) => self.behind(next),
                None => return false,
            },
            _ => return false,
        };
        while next != choice {
            match &self.module.nodes[next] {
                Node::Mux(_, _, otherwise) => next = self.behind(*otherwise),
                _ => return false,
            }
        }
        true
    }

    fn goes_into_sum(&self, id: usize) -> bool {
        let reads = |node: &Node| matches!(node, Node::Op2(Op2::Add | Op2::Sub, a, b) if *a == id || *b == id);
        (id + 1..self.module.nodes.len()).any(|n| self.live[n] && reads(&self.module.nodes[n]))
    }
}

/// Shapes of a block memory of 18 Kbit, words by bits: a DP16KD, or a RAMB18 as a simple dual-port memory.
const SHAPES: &[(u64, u64)] = &[(512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)];

/// A memory with a write port and a registered read port.
fn memory(family: Family, depth: u64, width: u64) -> Area {
    let blocks = SHAPES.iter().map(|(words, bits)| depth.div_ceil(*words) * width.div_ceil(*bits)).min();
    let memories = blocks.unwrap_or(0);
    // In look-up tables: cells of 16 × 4 bits, four and two that decode, or of 32 × 6 or 64 × 3 bits, four; and with more
    // than one row of cells what chooses between them.
    let (words, bits, each, choice) = match family {
        Family::Ecp5 => (16, 4, 6, 4 * width),
        Family::Xilinx if depth <= 32 => (32, 6, 4, 0),
        Family::Xilinx => (64, 3, 4, width / 2),
    };
    let (rows, columns) = (depth.div_ceil(words), width.div_ceil(bits));
    // Yosys' own price of a cell is 4 (8 on Xilinx), that of a block 128.
    let price = if family == Family::Ecp5 { 4 } else { 8 };
    if rows * columns * price < 128 * memories {
        return Area { luts: rows * columns * each + (rows - 1) * choice, registers: width, ..Area::default() };
    }
    Area { memories, ..Area::default() }
}

/// A table with a registered read port.
fn table(family: Family, depth: u64, width: u64) -> Area {
    if depth >= 512 {
        return memory(family, depth, width);
    }
    let inputs = match family {
        Family::Ecp5 => 16,
        Family::Xilinx => 64,
    };
    Area { luts: depth.div_ceil(inputs) * width, registers: width, ..Area::default() }
}
