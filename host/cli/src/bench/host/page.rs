//! The host's figures as text, and as the generated part of docs/host.md.

use std::{fmt::Write, path::Path};

use super::{
    derived::{Derived, TUNED},
    Row, BARS,
};
use crate::{bench::page::replace, output::Failure};

/// Lines for people.
pub fn text(rows: &[Row], derived: &[Derived]) -> Vec<String> {
    let measured = rows.iter().map(|row| {
        format!(
            "{:>3} columns, 2^{}: CPU {:.4} s, {:.1} % offloaded, floor {:.4} s; host {:.4} s ({:.4} unchecked): {:.2} \
             ({:.2}) of the floor; peak {:.0} and {:.0} MiB: {:.2}{}",
            row.columns,
            row.log_rows,
            row.cpu_seconds,
            100.0 * row.offloaded_share,
            row.floor_seconds,
            row.host_seconds,
            row.host_unchecked_seconds,
            row.ratio,
            row.ratio_unchecked,
            row.cpu_peak_mib,
            row.host_peak_mib,
            row.peak_ratio,
            if row.missed.is_empty() { String::new() } else { format!("; missed: {}", row.missed.join(", ")) }
        )
    });
    let derived = derived.iter().map(|row| {
        format!(
            "derived: {:7} {:>3} columns, 2^{}, {} MHz and {} assumed: {:.3} s, {:.1} times the CPU, {:.1} with a tuned hash",
            row.preset,
            row.columns,
            row.log_rows,
            row.clock_mhz_assumed,
            row.link_assumed,
            row.proof_seconds_derived,
            row.times_cpu_derived,
            row.times_tuned_cpu_derived
        )
    });
    measured.chain(derived).collect()
}

/// Writes the tables into a page.
pub fn write(path: &Path, processor: &str, rows: &[Row], derived: &[Derived]) -> Result<(), Failure> {
    let mut page = format!(
        "Processor: {processor}; one thread; wall-clock time, the fastest of {} to {} runs.\n\n**Measured**\n\n",
        rows.iter().map(|row| row.runs).min().unwrap_or(0),
        rows.iter().map(|row| row.runs).max().unwrap_or(0)
    );
    // Writing into a `String` cannot fail.
    let _ = writeln!(page, "| columns | rows | CPU prover, s | offloaded | floor, s | host, s | ÷ floor | host unchecked, s | ÷ floor | peak CPU, MiB | peak host, MiB | ratio |");
    let _ = writeln!(page, "|---|---|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let _ = writeln!(
            page,
            "| {} | 2^{} | {:.4} | {:.1} % | {:.4} | {:.4} | {:.2} | {:.4} | {:.2} | {:.0} | {:.0} | {:.2} |",
            row.columns,
            row.log_rows,
            row.cpu_seconds,
            100.0 * row.offloaded_share,
            row.floor_seconds,
            row.host_seconds,
            row.ratio,
            row.host_unchecked_seconds,
            row.ratio_unchecked,
            row.cpu_peak_mib,
            row.host_peak_mib,
            row.peak_ratio
        );
    }
    let missed: Vec<String> = rows
        .iter()
        .filter(|row| !row.missed.is_empty())
        .map(|row| format!("{} × 2^{}: {}", row.columns, row.log_rows, row.missed.join(", ")))
        .collect();
    let missed = if missed.is_empty() { "none".to_owned() } else { missed.join("; ") };
    let _ = writeln!(
        page,
        "\nBars, from 100 columns × 2^14 on: host ÷ floor at most {:.2}, peak memory at most {:.1} times the CPU prover's; \
         offloaded at least {:.0} % on 100 × 2^16. Missed: {missed}.\n\n**Derived**, not measured\n",
        BARS[0],
        BARS[2],
        100.0 * BARS[1]
    );
    let _ = writeln!(page, "| preset | columns | rows | clock, assumed | link, assumed | board, s, derived | proof, s, derived | × CPU prover, derived | × with a tuned hash, derived |");
    let _ = writeln!(page, "|---|---|---|---|---|---|---|---|---|");
    for row in derived {
        let _ = writeln!(
            page,
            "| {} | {} | 2^{} | {} MHz | {} | {:.4} | {:.4} | {:.1} | {:.1} |",
            row.preset,
            row.columns,
            row.log_rows,
            row.clock_mhz_assumed,
            row.link_assumed,
            row.board_seconds_derived,
            row.proof_seconds_derived,
            row.times_cpu_derived,
            row.times_tuned_cpu_derived
        );
    }
    let _ = write!(page, "\nA tuned hash is one {TUNED} times as fast as plonky2 1.1.0's scalar Poseidon.\n");
    replace(path, &page)
}
