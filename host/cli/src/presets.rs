//! `hotloop presets`: the boards that can be emitted, and what of their parts they take.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use clap::Args;
use hotloop_hdl::{
    datapath::Area,
    presets::{Preset, BOARDS},
};
use serde_json::{json, Value};

use crate::output::{write_file, Failure, Output};

/// Where the list goes.
#[derive(Args)]
pub struct PresetsArgs {
    /// Write it as a page of documentation.
    #[arg(long)]
    docs: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &PresetsArgs, output: &Output) -> Result<ExitCode, Failure> {
    let entries: Vec<Entry> = BOARDS.iter().map(|preset| Entry { preset, estimate: preset.estimate() }).collect();
    if let Some(page) = &args.docs {
        write_file(page, markdown(&entries).as_bytes())?;
        output.result(&json!({ "files": [page] }), &[format!("wrote {}", page.display())])?;
        return Ok(ExitCode::SUCCESS);
    }
    let object = json!({ "presets": entries.iter().map(Entry::json).collect::<Vec<_>>() });
    let lines: Vec<String> = entries.iter().map(Entry::line).collect();
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A preset with its estimate.
struct Entry {
    preset: &'static Preset,
    estimate: Area,
}

impl Entry {
    fn json(&self) -> Value {
        let p = self.preset;
        json!({
            "preset": p.name,
            "part": p.part.name,
            "clock_mhz_assumed": p.clock_mhz,
            "bus_bits": p.bus.bits(),
            "lanes": p.lanes,
            "max_log": p.max_log,
            "units": p.units,
            "full_sboxes": p.full_sboxes,
            "partial_sboxes": p.partial_sboxes,
            "tile_rows": p.tile_rows,
            "commit_log": p.commit_log,
            "kilo_permutations_per_second_derived": p.kilo_permutations(),
            "area": area_json(p, &self.estimate),
        })
    }

    fn line(&self) -> String {
        let fits = if self.preset.fits(&self.estimate) { "" } else { ": does not fit" };
        let (p, [multipliers, memories, luts, registers]) =
            (self.preset, self.estimate.percent_of(&self.preset.part.capacity));
        format!(
            "{:8} {:10} {} lanes, 2^{}, {} units; estimate: {multipliers} % multipliers, {memories} % memories, \
             {luts} % LUT, {registers} % FF{fits}",
            p.name, p.part.name, p.lanes, p.max_log, p.units
        )
    }
}

/// An estimate against the part, as an object.
pub fn area_json(preset: &Preset, estimate: &Area) -> Value {
    let capacity = &preset.part.capacity;
    let figures = |a: &Area| json!({ "multipliers": a.multipliers, "memories_18k": a.memories, "luts": a.luts, "registers": a.registers });
    let [multipliers, memories, luts, registers] = estimate.percent_of(capacity);
    json!({
        "kind": "estimate",
        "part": preset.part.name,
        "estimate": figures(estimate),
        "capacity": figures(capacity),
        "fits": preset.fits(estimate),
        "percent": { "multipliers": multipliers, "memories_18k": memories, "luts": luts, "registers": registers },
    })
}

/// The same as lines.
pub fn area_lines(preset: &Preset, estimate: &Area) -> Vec<String> {
    let capacity = &preset.part.capacity;
    let [multipliers, memories, luts, registers] = estimate.percent_of(capacity);
    let line =
        |name: &str, part: u64, whole: u64, percent: u64| format!("  {name:22} {part:>8} of {whole:>8}, {percent} %");
    let fits = if preset.fits(estimate) { "" } else { " (it does not fit)" };
    vec![
        format!("estimate against {}{fits}:", preset.part.name),
        line("MULT18 or DSP48", estimate.multipliers, capacity.multipliers, multipliers),
        line("memories of 18 Kbit", estimate.memories, capacity.memories, memories),
        line("look-up tables", estimate.luts, capacity.luts, luts),
        line("flip-flops", estimate.registers, capacity.registers, registers),
    ]
}

const HEAD: &str = "\
# Presets

Written by `make docs` (`hotloop presets --docs docs/presets.md`); do not edit. The table is `hdl/src/presets.rs`;
`hotloop emit --preset P --out DIR` writes the Verilog of each. Presets `sim` and its relatives are for simulation and
have no part.

";

const NOTES: &str = "
A unit of Poseidon with k + 1 S-boxes has 4·(k + 1) multipliers of 64 × 64 bits and takes 96/k cycles a permutation; with
one S-box for all rounds it has four and takes 120, with two eight and 60. A transform of L lanes has 2·L + 2, the one of one lane on ECP5 one
that all share. One product is 9 MULT18 (a square 7) or 12 DSP48. Permutations a second are derived: units ÷ cycles × the assumed
clock, with every unit busy.

24 units of 4 + 1 S-boxes would be a permutation a cycle. A bus of 512 bits brings one beat a cycle, which is what a
permutation absorbs, so more units would wait for it. One of 64 bits brings a beat in eight cycles and a state's words one by
one, which is enough for ten units with one S-box. Look-up tables and wires, not multipliers, decide where a preset stops: of
these only those of docs/boards.md are placed and routed, and the large ones keep a fifth of their look-up tables for that.

`fits` means: the multipliers are there, and at most 95 % of everything else is taken.

";

const ESTIMATES: &str = "
Estimates, not syntheses: `datapath::area` counts registers, operations by width, memories and cells of each module's
graph and multiplies by instances. `hdl/tests/area.rs` compares it with Yosys 0.23 module by module (look-up tables
within 25 %, flip-flops within 20 %, memories and multipliers exactly), and checks which presets fit. The
shell around the accelerator (PCIe block, clocks) is not in it. Memories of 288 Kbit (UltraRAM: ";

/// The page.
fn markdown(entries: &[Entry]) -> String {
    let mut page = HEAD.to_owned();
    // Writing into a `String` cannot fail.
    let _ = writeln!(page, "| preset | part | clock, assumed | bus | transform | longest | Poseidon units | S-boxes a unit | rows of a tile | rows of a commit | permutations a second, derived |");
    let _ = writeln!(page, "|---|---|---|---|---|---|---|---|---|---|---|");
    for Entry { preset: p, .. } in entries {
        let sboxes = match p.full_sboxes {
            0 => format!("{}, shared", p.partial_sboxes),
            full => format!("{full} + {}", p.partial_sboxes),
        };
        let rate = p.kilo_permutations();
        let [transform, longest, commit] = match p.lanes {
            0 => ["none", "–", "–"].map(str::to_owned),
            1 => ["1 lane".to_owned(), format!("2^{}", p.max_log), format!("2^{}", p.commit_log)],
            lanes => [format!("{lanes} lanes"), format!("2^{}", p.max_log), format!("2^{}", p.commit_log)],
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} MHz | {} bits | {transform} | {longest} | {} | {sboxes} | {} | {commit} | {}.{} M |",
            p.name,
            p.part.name,
            p.clock_mhz,
            p.bus.bits(),
            p.units,
            p.tile_rows,
            rate / 1000,
            rate % 1000 / 100
        );
    }
    page.push_str(NOTES);
    let _ = writeln!(page, "| preset | fits | MULT18 or DSP48 | memories of 18 Kbit | look-up tables | flip-flops |");
    let _ = writeln!(page, "|---|---|---|---|---|---|");
    for Entry { preset, estimate } in entries {
        let capacity = &preset.part.capacity;
        let percent = estimate.percent_of(capacity);
        let parts = [
            (estimate.multipliers, capacity.multipliers),
            (estimate.memories, capacity.memories),
            (estimate.luts, capacity.luts),
            (estimate.registers, capacity.registers),
        ];
        let figures: Vec<String> = parts
            .iter()
            .zip(percent)
            .map(|((part, whole), percent)| format!("{part} of {whole}: {percent} %"))
            .collect();
        let fits = if preset.fits(estimate) { "yes" } else { "no" };
        let _ = writeln!(page, "| {} | {fits} | {} |", preset.name, figures.join(" | "));
    }
    let with_ultra = entries.iter().map(|e| e.preset).filter(|p| p.part.ultra_memories > 0);
    let ultra: Vec<String> = with_ultra.map(|p| format!("{} has {}", p.part.name, p.part.ultra_memories)).collect();
    let _ = writeln!(page, "{ESTIMATES}{}) are not used.\n\nCapacities:", ultra.join(", "));
    for Entry { preset, .. } in entries {
        let _ = writeln!(page, "- {}: {}", preset.part.name, preset.part.source);
    }
    page
}
