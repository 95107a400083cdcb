//! Synthesis by Yosys and its counts.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use hotloop_hdl::datapath::Design;

/// Cells by type.
pub type Cells = BTreeMap<String, u64>;

/// Cells after synthesis of `design` by Yosys' command `synth`; `name` is a folder's.
pub fn cells(name: &str, design: &Design, synth: &str) -> Cells {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let paths: Vec<String> = design
        .verilog()
        .iter()
        .map(|file| {
            let path = folder.join(format!("{}.v", file.name));
            fs::write(&path, &file.text).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let report = folder.join("stat.txt");
    let script = format!(
        "read_verilog {}; {synth} -top {}; check -assert; tee -q -o {} stat",
        paths.join(" "),
        design.top().name(),
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
pub fn count(cells: &Cells, matches: impl Fn(&str) -> bool) -> u64 {
    cells.iter().filter(|(name, _)| matches(name)).map(|(_, n)| n).sum()
}
