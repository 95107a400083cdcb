//! Carry chains of the ECP5 in fewer look-up tables than Yosys and nextpnr make of them.
//!
//! A CCU2C has two bits. Each is, as Yosys' model has it (`cells_sim.v`), with `LUT4` the bit of INIT that D, C, B, A choose,
//! and `LUT2` the one of the lowest four that B, A choose:
//!
//! ```text
//! sum = LUT4 ^ carry in      carry out = LUT4 ? carry in : LUT2
//! ```
//!
//! - nextpnr makes a cell of its own for the carry into a chain, be it a constant, and one for the carry out of it, be it
//!   that nobody takes it. [`begin`] lets a chain begin in its first bit, and what nobody takes is left unconnected.
//! - Yosys maps an addition with A and B alone, and what chooses or gates an operand before it is a look-up table. C and D
//!   have room for that: [`absorb`].

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{json, Value};

use super::netlist::{nets, Cells};

/// What was done to a netlist's carry chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortened {
    /// Chains that began with a constant and begin in their first bit now.
    pub begun: usize,
    /// Chains whose last carry nobody takes, which say so now.
    pub ended: usize,
    /// Look-up tables that went into the chains behind them.
    pub absorbed: usize,
}

/// Does all of it. `outside` are nets of the module's ports.
pub(super) fn shorten(cells: &mut Cells, outside: &[u64]) -> Shortened {
    let taken: HashSet<u64> = inputs(cells).map(|(_, _, net)| net).chain(outside.iter().copied()).collect();
    let mut shortened = Shortened::default();
    let mut sums = Vec::new();
    for (name, cell) in cells.iter_mut().filter(|(_, cell)| cell["type"] == "CCU2C") {
        if cell["connections"]["COUT"][0].as_u64().is_some_and(|net| !taken.contains(&net)) {
            cell["connections"]["COUT"] = json!(["x"]);
            shortened.ended += 1;
        }
        if let Some(sum) = begin(cell) {
            sums.push((format!("{name}_S0"), sum));
            shortened.begun += 1;
        }
    }
    cells.extend(sums);
    shortened.absorbed = absorb(cells, outside);
    shortened
}

/// Cell, port and net of every input that has one.
fn inputs(cells: &Cells) -> impl Iterator<Item = (&String, &String, u64)> {
    cells.iter().flat_map(|(name, cell)| {
        let ports = cell["connections"].as_object().into_iter().flatten();
        let inputs = ports.filter(|(port, _)| cell["port_directions"][port.as_str()] != "output");
        inputs.flat_map(move |(port, bits)| nets(bits).map(move |net| (name, port, net)))
    })
}

/// A pin's constant.
fn constant(cell: &Value, port: &str) -> Option<u16> {
    match cell["connections"][port][0].as_str()? {
        "0" => Some(0),
        "1" => Some(1),
        _ => None,
    }
}

fn init(cell: &Value, name: &str) -> Option<u16> {
    u16::from_str_radix(cell["parameters"][name].as_str()?, 2).ok()
}

fn bits(init: u16) -> Value {
    json!(format!("{init:016b}"))
}

/// Lets a chain begin in its first bit, if its carry in is a constant. That bit makes the second one's carry by its LUT2
/// alone; its sum, which has no place beside that, is the cell that is returned.
fn begin(cell: &mut Value) -> Option<Value> {
    let [carry, c, d] = ["CIN", "C0", "D0"].map(|port| constant(cell, port));
    let (carry, c, d) = (carry?, c?, d?);
    // LUT4 must not choose among the four bits of LUT2.
    if d == 0 || cell["parameters"]["INJECT1_0"] != "NO" {
        return None;
    }
    let lut2 = init(cell, "INIT0")?;
    let (lut4, carry) = (lut2 >> (8 * d + 4 * c), if carry == 1 { 0xf } else { 0 });
    let carry_out = ((!lut4 & lut2) | (lut4 & carry)) & 0xf;
    let sum = (lut4 ^ carry) & 0xf;
    let out = cell["connections"]["S0"].take();
    let [a, b] = ["A0", "B0"].map(|port| cell["connections"][port].clone());
    cell["parameters"]["INIT0"] = bits(carry_out);
    cell["connections"]["CIN"] = json!(["x"]);
    cell["connections"]["S0"] = json!(["x"]);
    Some(json!({
        "hide_name": 0,
        "type": "LUT4",
        "parameters": { "INIT": bits(sum * 0x1111) },
        "attributes": {},
        "port_directions": { "A": "input", "B": "input", "C": "input", "D": "input", "Z": "output" },
        "connections": { "A": a, "B": b, "C": ["0"], "D": ["0"], "Z": out },
    }))
}

/// Pins of a look-up table, from the lowest bit of its index; what a pin is connected to.
const PINS: [&str; 4] = ["A", "B", "C", "D"];

/// What a pin is connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pin {
    Net(u64),
    Constant(bool),
}

/// A table of four inputs.
#[derive(Clone, Copy)]
struct Table {
    init: u16,
    pins: [Pin; 4],
}

impl Table {
    /// The LUT4 of a cell whose pins' names end in `bit`.
    fn of(cell: &Value, bit: &str) -> Option<Table> {
        let pin = |name: &str| {
            let pin = &cell["connections"][format!("{name}{bit}")][0];
            match pin.as_str() {
                Some(text) => Some(Pin::Constant(text == "1")),
                None => pin.as_u64().map(Pin::Net),
            }
        };
        let [a, b, c, d] = PINS.map(pin);
        Some(Table { init: init(cell, &format!("INIT{bit}"))?, pins: [a?, b?, c?, d?] })
    }

    fn nets(&self) -> impl Iterator<Item = u64> + '_ {
        self.pins.iter().filter_map(|pin| match pin {
            Pin::Net(net) => Some(*net),
            Pin::Constant(_) => None,
        })
    }

    /// The number of the bit that values of nets choose.
    fn index(&self, value: &impl Fn(u64) -> bool) -> u16 {
        let pins = self.pins.iter().enumerate();
        pins.map(|(i, pin)| {
            let high = match pin {
                Pin::Net(net) => value(*net),
                Pin::Constant(high) => *high,
            };
            u16::from(high) << i
        })
        .sum()
    }

    fn bit(&self, index: u16) -> bool {
        self.init >> index & 1 == 1
    }
}

/// Puts look-up tables into the bits of chains that alone take them; how many.
fn absorb(cells: &mut Cells, outside: &[u64]) -> usize {
    let tables: BTreeMap<u64, (String, Table)> = cells
        .iter()
        .filter(|(_, cell)| cell["type"] == "LUT4")
        .filter_map(|(name, cell)| Some((cell["connections"]["Z"][0].as_u64()?, (name.clone(), Table::of(cell, "")?))))
        .collect();
    let mut takers: HashMap<u64, Vec<(String, String)>> = HashMap::new();
    for (name, port, net) in inputs(cells).filter(|(_, _, net)| tables.contains_key(net)) {
        takers.entry(net).or_default().push((name.clone(), port.clone()));
    }
    let mut absorbed = 0;
    for (net, (name, table)) in &tables {
        let Some(takers) = takers.get(net).filter(|_| !outside.contains(net)) else { continue };
        // All of them, or the table is still needed.
        let new: Option<Vec<_>> = takers
            .iter()
            .map(|(taker, port)| {
                // One that is gone was put into a chain, which is a taker now.
                let cell = cells.get(taker)?;
                let bit = port.get(1..).filter(|bit| cell["type"] == "CCU2C" && (*bit == "0" || *bit == "1"))?;
                Some((taker, bit, joined(&Table::of(cell, bit)?, *net, table)?))
            })
            .collect();
        for (taker, bit, table) in new.iter().flatten() {
            let cell = &mut cells[taker.as_str()];
            cell["parameters"][format!("INIT{bit}")] = bits(table.init);
            for (pin, to) in PINS.iter().zip(table.pins) {
                cell["connections"][format!("{pin}{bit}")] = match to {
                    Pin::Net(net) => json!([net]),
                    Pin::Constant(high) => json!([if high { "1" } else { "0" }]),
                };
            }
        }
        if new.is_some() {
            cells.remove(name);
            absorbed += 1;
        }
    }
    absorbed
}

/// A chain's bit with `table` instead of its input `net`, if there is one. Where LUT4 is 1, LUT2 may be anything.
fn joined(chain: &Table, net: u64, table: &Table) -> Option<Table> {
    let mut inputs: Vec<u64> = chain.nets().filter(|input| *input != net).chain(table.nets()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    permutations(inputs.len()).into_iter().find_map(|order| {
        // Pins without a net are high, as they are in the part if left alone.
        let mut pins = [Pin::Constant(true); 4];
        for (&at, &input) in order.iter().zip(&inputs) {
            pins[at] = Pin::Net(input);
        }
        let mut made = [None; 16];
        let pinned = Table { init: 0, pins };
        for values in 0..1u16 << inputs.len() {
            let value = |n: u64| inputs.iter().position(|&input| input == n).is_some_and(|i| values >> i & 1 == 1);
            let inner = table.bit(table.index(&value));
            let old = chain.index(&|n| if n == net { inner } else { value(n) });
            let (sum, new) = (chain.bit(old), pinned.index(&value));
            let carry = (!sum).then(|| (new & 3, chain.bit(old & 3)));
            for (index, bit) in [Some((new, sum)), carry].into_iter().flatten() {
                if *made[usize::from(index)].get_or_insert(bit) != bit {
                    return None;
                }
            }
        }
        let init = made.iter().enumerate().map(|(i, bit)| u16::from(*bit == Some(true)) << i).sum();
        Some(Table { init, pins })
    })
}

/// Every way to give `count` nets a pin each, the lowest pins; none for more nets than pins.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 || count > PINS.len() {
        return Vec::from_iter((count == 0).then(Vec::new));
    }
    let shorter = permutations(count - 1);
    let longest = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    shorter.into_iter().flat_map(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sum and carry out of a chain's bit.
    fn chain_bit(table: &Table, value: &impl Fn(u64) -> bool, carry: bool) -> (bool, bool) {
        let index = table.index(value);
        let lut4 = table.bit(index);
        (lut4 ^ carry, if lut4 { carry } else { table.bit(index & 3) })
    }

    fn chain(init: u16, a: u64, b: u64, c: &str, carry: Value) -> Value {
        json!({
            "type": "CCU2C",
            "parameters": { "INIT0": bits(init), "INIT1": bits(0), "INJECT1_0": "NO" },
            "attributes": {},
            "port_directions": { "S0": "output", "S1": "output", "COUT": "output" },
            "connections": {
                "A0": [a], "B0": [b], "C0": [c], "D0": ["1"], "CIN": [carry], "S0": [90], "COUT": [91],
                "A1": ["0"], "B1": ["0"], "C1": ["0"], "D1": ["1"], "S1": ["x"],
            },
        })
    }

    fn lut(init: u16, pins: [Value; 4], z: u64) -> Value {
        let [a, b, c, d] = pins;
        json!({
            "type": "LUT4",
            "parameters": { "INIT": bits(init) },
            "attributes": {},
            "port_directions": { "Z": "output" },
            "connections": { "A": [a], "B": [b], "C": [c], "D": [d], "Z": [z] },
        })
    }

    fn cells(cells: &[(&str, Value)]) -> Cells {
        cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect()
    }

    /// Numbers without a pattern.
    fn numbers() -> impl Iterator<Item = u16> {
        (1u32..).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u16)
    }

    #[test]
    fn a_chain_that_begins_in_its_first_bit_has_the_same_sum_and_carry() {
        for init in [0x96aa, 0x66aa, 0, 0xffff].into_iter().chain(numbers().take(300)) {
            for (carry, c) in [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")] {
                let old = chain(init, 2, 3, c, json!(carry));
                let mut cells = cells(&[("add", old.clone())]);
                assert_eq!(shorten(&mut cells, &[]), Shortened { begun: 1, ended: 1, absorbed: 0 });
                let (new, sum) = (&cells["add"], &cells["add_S0"]);
                assert_eq!([&new["connections"]["CIN"], &new["connections"]["S0"]], [&json!(["x"]), &json!(["x"])]);
                assert_eq!(sum["connections"]["Z"], json!([90]));
                let [old, new] = [&old, new].map(|cell| Table::of(cell, "0").unwrap());
                let sum = Table::of(sum, "").unwrap();
                for values in 0..4 {
                    let value = |net: u64| values >> (net - 2) & 1 == 1;
                    let right = chain_bit(&old, &value, carry == "1");
                    // Whatever comes in.
                    for any in [false, true] {
                        assert_eq!(chain_bit(&new, &value, any).1, right.1);
                    }
                    assert_eq!(sum.bit(sum.index(&value)), right.0);
                }
            }
        }
    }

    #[test]
    fn a_chain_with_a_table_in_it_has_the_same_sum_and_carry() {
        let mut absorbed = 0;
        for init in [0xcaca, 0x8888, 0x6666].into_iter().chain(numbers().take(3000)) {
            for (c, at_a) in [("0", true), ("0", false), ("1", true), ("1", false)] {
                let (a, b) = if at_a { (10, 2) } else { (2, 10) };
                let (old, table) =
                    (chain(0x96aa, a, b, c, json!(92)), lut(init, [json!(3), json!(4), json!(5), json!("0")], 10));
                let mut cells = cells(&[("add", old.clone()), ("table", table.clone())]);
                if absorb(&mut cells, &[]) == 0 {
                    continue;
                }
                absorbed += 1;
                assert_eq!(cells.len(), 1);
                let table = Table::of(&table, "").unwrap();
                let [old, new] = [&old, &cells["add"]].map(|cell| Table::of(cell, "0").unwrap());
                for values in 0..16 {
                    let value = |net: u64| values >> (net - 2) & 1 == 1;
                    let inner = table.bit(table.index(&value));
                    for carry in [false, true] {
                        let right = chain_bit(&old, &|net| if net == 10 { inner } else { value(net) }, carry);
                        assert_eq!(chain_bit(&new, &value, carry), right, "{init:04x}");
                    }
                }
            }
        }
        assert!(absorbed > 100, "{absorbed}");
    }

    #[test]
    fn a_choice_between_two_operands_goes_into_an_addition() {
        let choice = lut(0xcaca, [json!(3), json!(4), json!(5), json!("0")], 10);
        let mut cells = cells(&[("add", chain(0x96aa, 2, 10, "0", json!(92))), ("choice", choice)]);
        assert_eq!(absorb(&mut cells, &[]), 1);
    }

    #[test]
    fn a_table_that_somebody_else_takes_stays() {
        let gate = || lut(0x8888, [json!(3), json!(4), json!("0"), json!("0")], 10);
        let add = || chain(0x96aa, 2, 10, "0", json!(92));
        let other = lut(0x5555, [json!(10), json!("0"), json!("0"), json!("0")], 11);
        for (more, outside) in [(vec![("other", other)], vec![]), (vec![], vec![10])] {
            let mut cells = cells(&[[("add", add()), ("gate", gate())].as_slice(), &more].concat());
            let before = cells.clone();
            assert_eq!(absorb(&mut cells, &outside), 0);
            assert_eq!(cells, before);
        }
    }

    #[test]
    fn a_carry_that_is_no_constant_or_that_somebody_takes_stays() {
        let (first, mut later) = (chain(0x96aa, 2, 3, "0", json!(92)), chain(0x96aa, 4, 5, "0", json!(91)));
        later["connections"]["COUT"] = json!([93]);
        let mut cells = cells(&[("first", first), ("later", later)]);
        let before = cells.clone();
        assert_eq!(shorten(&mut cells, &[93]), Shortened::default());
        assert_eq!(cells, before);
    }
}
