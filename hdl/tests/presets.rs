//! Every preset can be emitted: lint-clean, with the ports of its engines, and with the multipliers that its table says.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use hotloop_hdl::{
    accelerator,
    bus::Bus,
    datapath::Design,
    field::{MULTIPLIER_LEAF, SQUARE_LEAF},
    presets::{Preset, BOARDS},
    Config,
};

fn ports(design: &Design) -> BTreeMap<String, String> {
    design.top().ports().map(|(name, direction, width)| (name.to_owned(), format!("{direction:?} {width}"))).collect()
}

/// `verilator --lint-only -Wall`, with the waivers that come with a design and no others.
fn lint(name: &str, design: &Design) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("preset-{name}"));
    // Nothing of an earlier design may stay.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut files = vec![folder.join("waivers.vlt")];
    fs::write(&files[0], accelerator::waivers()).unwrap();
    for file in design.verilog() {
        let path = folder.join(format!("{}.v", file.name));
        fs::write(&path, &file.text).unwrap();
        files.push(path);
    }
    let mut command = Command::new("verilator");
    let command = command.args(["--lint-only", "-Wall", "--top-module", accelerator::TOP]).args(files);
    let output = command.output().unwrap_or_else(|e| panic!("verilator: {e}; `scripts/setup.sh` installs it"));
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
    assert!(output.status.success() && text.trim().is_empty(), "{name}: {text}");
}

fn emitted(preset: &Preset) {
    let design = accelerator::design(&preset.config());
    let mut expected = ports(&accelerator::design(&Config::sim()));
    for (port, bits) in [("m_rdata", 64), ("m_wdata", 64), ("m_wstrb", 8)] {
        let port = expected.get_mut(port).unwrap();
        if preset.bus == Bus::Narrow {
            *port = port.replace(|c: char| c.is_ascii_digit(), "") + &bits.to_string();
        }
    }
    // An engine's clock and its gate are there with the engine.
    for (engine, there) in [("poseidon", preset.units > 0), ("ntt", preset.lanes > 0), ("fold", preset.fold)] {
        let gate = [format!("clk_{engine}"), format!("run_{engine}")];
        expected.retain(|port, _| there || !gate.contains(port));
    }
    assert_eq!(ports(&design), expected, "{}", preset.name);
    let poseidon = u64::from(4 * preset.units * (preset.full_sboxes + preset.partial_sboxes));
    let (products, squares) = (design.instances_of(MULTIPLIER_LEAF), design.instances_of(SQUARE_LEAF));
    let all = products + squares;
    assert!(all > poseidon || preset.lanes == 0, "{}: {all} multipliers", preset.name);
    let cells = if preset.name.starts_with("ecp5") { 9 * products + 7 * squares } else { 12 * products };
    assert_eq!(design.top().area(preset.part.family).multipliers, cells, "{}", preset.name);
    lint(preset.name, &design);
}

#[test]
fn small_presets_are_emitted() {
    BOARDS.iter().filter(|p| p.units <= 4).for_each(emitted);
}

#[test]
fn large_presets_are_emitted() {
    BOARDS.iter().filter(|p| p.units > 4).for_each(emitted);
}
