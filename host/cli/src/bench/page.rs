//! The figures as text, and as the generated part of a page of documentation.

use std::path::Path;

use super::{
    engines::{PERMUTATIONS, PER_LANE, PER_MULTIPLIER, SECONDS},
    Method, Row,
};
use crate::output::{write_file, Failure};

/// What stands before and after the generated part of a page.
const MARKS: (&str, &str) = ("<!-- figures: written by `make docs`, do not edit -->\n", "<!-- end of figures -->");

/// What others published: their transform of 2^24 elements on this field.
struct Peer {
    name: &'static str,
    cycles: f64,
    multipliers: f64,
    source: &'static str,
}

/// Elements of the transform that peers publish.
const PEER_ELEMENTS: f64 = (1u64 << 24) as f64;

const PEERS: [Peer; 1] = [Peer {
    name: "supranational/zprize-fpga-ntt, C1100",
    cycles: 2.47e-3 * 464e6,
    multipliers: 2880.0 / 12.0,
    source: "its README: 2.47 ms at 464 MHz, 2,880 DSP, 12 DSP a product",
}];

/// Lines for people.
pub fn text(rows: &[Row]) -> Vec<String> {
    let wide = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    rows.iter()
        .map(|row| {
            let goal = match (row.goal, row.reached) {
                (Some(goal), Some(reached)) => format!("  (goal {goal}{})", if reached { "" } else { ": missed" }),
                _ => String::new(),
            };
            let cycles = row.cycles.map(|cycles| format!(", {cycles} cycles")).unwrap_or_default();
            let formula = if row.method == Method::Formula { ", by formula" } else { "" };
            format!("{:<wide$}  {:>6} {}{cycles}{formula}{goal}", row.name, number(row.value), row.unit)
        })
        .collect()
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.3}")
    }
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// Which rows a table has.
type Belongs = fn(&Row) -> bool;

/// The tables: counted, computed, and beside what others published.
fn tables(preset: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "Preset `{preset}`, on the simulated board, at a memory without latency. Cycles repeat exactly from run to run.\n"
    );
    let kinds: [(&str, Belongs); 3] = [
        ("Counted by the hardware, or in its netlist", |r| r.method == Method::Measured && r.unit != SECONDS),
        ("By the exact formula", |r| r.method == Method::Formula),
        ("Time on the machine that wrote this page", |r| r.unit == SECONDS),
    ];
    for (title, belongs) in kinds {
        if !rows.iter().any(belongs) {
            continue;
        }
        text.push_str(&format!(
            "\n**{title}**\n\n| what | value | of what | cycles | multipliers | goal |\n|---|---|---|---|---|---|\n"
        ));
        for row in rows.iter().filter(|row| belongs(row)) {
            let (value, cycles, multipliers) = (number(row.value), cell(row.cycles), cell(row.multipliers));
            text.push_str(&format!(
                "| {} | {value} | {} | {cycles} | {multipliers} | {} |\n",
                row.name,
                row.unit,
                cell(row.goal)
            ));
        }
    }
    text.push_str(&format!("\n**Beside other open designs**: 2^24 elements, {PER_MULTIPLIER}\n\n| design | value | where from |\n|---|---|---|\n"));
    for row in rows.iter().filter(|row| row.method == Method::Formula) {
        text.push_str(&format!("| hotloop, {} | {} | the formula above |\n", row.name, number(row.value)));
    }
    for peer in &PEERS {
        let value = PEER_ELEMENTS / (peer.cycles * peer.multipliers);
        text.push_str(&format!("| {} | {value:.3} | {} |\n", peer.name, peer.source));
    }
    text.push_str(&format!(
        "\nNo open design publishes {PERMUTATIONS} or {PER_LANE} for this field: those are measured against 1, what the \
         multipliers could do.\n"
    ));
    text
}

/// Writes the tables into a page.
pub fn write(path: &Path, preset: &str, rows: &[Row]) -> Result<(), Failure> {
    replace(path, &tables(preset, rows))
}

/// Replaces the part between a page's marks.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let page =
        std::fs::read_to_string(path).map_err(|e| Failure::message(format!("cannot read {}: {e}", path.display())))?;
    let between = page.split_once(MARKS.0).and_then(|(head, rest)| Some((head, rest.split_once(MARKS.1)?.1)));
    let Some((head, tail)) = between else {
        let (begin, end) = (MARKS.0.trim_end(), MARKS.1);
        return Err(Failure::message(format!(
            "{} has no lines `{begin}` and `{end}` to write between",
            path.display()
        )));
    };
    write_file(path, format!("{head}{}\n{}\n{}{tail}", MARKS.0, text, MARKS.1).as_bytes())
}
