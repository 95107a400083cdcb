//! What Yosys makes of each multiplier leaf: exactly the multipliers that are promised, no memory, and the logic
//! around them. `cargo test --release -p hotloop-hdl --test leaves -- --nocapture` prints the figures of
//! docs/design.md.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use hotloop_hdl::{
    datapath::Design,
    field::{multiplier_leaf, MultiplierLeaf, MULTIPLIER_LEAF},
};

/// Cells by type after synthesis of `leaf` by Yosys' command `synth`.
fn cells(name: &str, leaf: MultiplierLeaf, synth: &str) -> BTreeMap<String, u64> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let files = Design::new(multiplier_leaf(leaf)).verilog();
    let paths: Vec<String> = files
        .iter()
        .map(|file| {
            let path = folder.join(format!("{}.v", file.name));
            fs::write(&path, &file.text).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let report = folder.join("stat.txt");
    let script = format!(
        "read_verilog {}; {synth} -top {MULTIPLIER_LEAF}; check -assert; tee -q -o {} stat",
        paths.join(" "),
        report.to_str().unwrap()
    );
    let output = Command::new("yosys").args(["-q", "-p", &script]).output();
    let output = output.unwrap_or_else(|e| panic!("yosys: {e}; `scripts/setup.sh yosys` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&report).unwrap();
    let (_, table) = text.split_once("Number of cells:").expect("a table of cells");
    let cell = |line: &str| {
        let (cell, count) = line.trim().split_once(' ')?;
        Some((cell.to_owned(), count.trim().parse().ok()?))
    };
    table.lines().skip(1).map_while(cell).collect()
}

/// Sum over the types that `matches` takes.
fn count(cells: &BTreeMap<String, u64>, matches: impl Fn(&str) -> bool) -> u64 {
    cells.iter().filter(|(name, _)| matches(name)).map(|(_, n)| n).sum()
}

/// Nothing but the types named: so no other multiplier, and no memory.
fn only(cells: &BTreeMap<String, u64>, allowed: &[&str]) {
    let others: Vec<_> = cells.keys().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "unexpected cells {others:?} in {cells:?}");
}

#[test]
fn ecp5_takes_nine_multipliers() {
    let cells = cells("ecp5", MultiplierLeaf::Ecp5, "synth_ecp5");
    only(&cells, &["MULT18X18D", "LUT4", "CCU2C", "TRELLIS_FF"]);
    let multipliers = count(&cells, |name| name == "MULT18X18D");
    // A carry cell occupies two LUTs.
    let luts = count(&cells, |name| name == "LUT4") + 2 * count(&cells, |name| name == "CCU2C");
    let registers = count(&cells, |name| name == "TRELLIS_FF");
    println!("| Ecp5 | {multipliers} MULT18X18D | {luts} | {registers} |");
    assert_eq!(multipliers, 9);
}

/// For both generations: the DSP48 in `dsp`, `family` for Yosys.
fn xilinx(leaf: MultiplierLeaf, dsp: &str, family: &str) {
    let cells = cells(family, leaf, &format!("synth_xilinx -flatten -noiopad -noclkbuf -family {family}"));
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
