//! The host's figures as text.

use std::path::Path;

use super::Row;
use crate::output::Failure;

/// Lines for people.
pub fn text(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| {
            format!(
                "{:>3} columns, 2^{}: CPU {:.4} s, {:.1} % offloaded, floor {:.4} s; host {:.4} s ({:.4} unchecked) = {:.2} \
                 ({:.2}) of the floor, copies {:.4} s; peak {:.0} and {:.0} MiB: {:.2}{}",
                row.columns,
                row.log_rows,
                row.cpu_seconds,
                100.0 * row.offloaded_share,
                row.floor_seconds,
                row.host_seconds,
                row.host_unchecked_seconds,
                row.ratio,
                row.ratio_unchecked,
                row.replay_seconds,
                row.cpu_peak_mib,
                row.host_peak_mib,
                row.peak_ratio,
                if row.missed.is_empty() { String::new() } else { format!("; missed: {}", row.missed.join(", ")) }
            )
        })
        .collect()
}

/// Writes the tables.
pub fn write(_path: &Path, _processor: &str, _rows: &[Row]) -> Result<(), Failure> {
    Err(Failure::message("not yet"))
}
