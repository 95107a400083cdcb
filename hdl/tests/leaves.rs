//! What Yosys makes of each multiplier leaf: exactly the multipliers that are promised, no memory, and the logic
//! around them. `cargo test --release -p hotloop-hdl --test leaves -- --nocapture` prints the figures of
//! docs/design.md.

mod yosys;

use std::{collections::BTreeMap, rc::Rc};

use hotloop_hdl::{
    datapath::{Design, Module},
    field::{multiplier_leaf, square_leaf, MultiplierLeaf},
};
use yosys::count;

/// Cells by type after synthesis of a leaf by Yosys' command `synth`.
fn cells(name: &str, leaf: Rc<Module>, synth: &str) -> BTreeMap<String, u64> {
    yosys::cells(name, &Design::new(leaf), synth)
}

/// Nothing but the types named: so no other multiplier, and no memory.
fn only(cells: &BTreeMap<String, u64>, allowed: &[&str]) {
    let others: Vec<_> = cells.keys().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "unexpected cells {others:?} in {cells:?}");
}

/// One of the ECP5's.
fn ecp5(name: &str, leaf: Rc<Module>, multipliers: u64) {
    let cells = cells(name, leaf, "synth_ecp5");
    only(&cells, &["MULT18X18D", "LUT4", "CCU2C", "TRELLIS_FF"]);
    let found = count(&cells, |name| name == "MULT18X18D");
    // A carry cell occupies two LUTs.
    let luts = count(&cells, |name| name == "LUT4") + 2 * count(&cells, |name| name == "CCU2C");
    let registers = count(&cells, |name| name == "TRELLIS_FF");
    println!("| {name} | {found} MULT18X18D | {luts} | {registers} |");
    assert_eq!(found, multipliers);
}

#[test]
fn ecp5_takes_nine_multipliers() {
    ecp5("Ecp5", multiplier_leaf(MultiplierLeaf::Ecp5), 9);
}

#[test]
fn ecp5_takes_seven_multipliers_for_a_square() {
    ecp5("Ecp5-square", square_leaf(MultiplierLeaf::Ecp5).expect("squares have a leaf"), 7);
}

/// For both generations: the DSP48 in `dsp`, `family` for Yosys.
fn xilinx(leaf: MultiplierLeaf, dsp: &str, family: &str) {
    let cells =
        cells(family, multiplier_leaf(leaf), &format!("synth_xilinx -flatten -noiopad -noclkbuf -family {family}"));
    let shift_registers = ["SRL16E", "SRLC32E"];
    let logic = |name: &str| name.starts_with("LUT") || name == "INV";
    let others: BTreeMap<String, u64> =
        cells.iter().filter(|(name, _)| !logic(name)).map(|(name, n)| (name.clone(), *n)).collect();
    only(&others, &[dsp, "CARRY4", "CARRY8", "FDRE", "SRL16E", "SRLC32E"]);
    let multipliers = count(&cells, |name| name == dsp);
    let luts = count(&cells, |name| logic(name) || shift_registers.contains(&name));
    let registers = count(&cells, |name| name == "FDRE");
    println!("| {leaf:?} | {multipliers} {dsp} | {luts} | {registers} |");
    assert_eq!(multipliers, 12);
}

#[test]
fn xilinx_7_series_takes_twelve_multipliers() {
    xilinx(MultiplierLeaf::Xilinx7, "DSP48E1", "xc7");
}

#[test]
fn xilinx_ultrascale_takes_twelve_multipliers() {
    xilinx(MultiplierLeaf::Xilinx, "DSP48E2", "xcup");
}
