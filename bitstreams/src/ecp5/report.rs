//! What nextpnr reports (`--report`): clocks and cells.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A report.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    fmax: BTreeMap<String, Timing>,
    utilization: BTreeMap<String, Cells>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Timing {
    achieved: f64,
    constraint: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Cells {
    used: u64,
}

impl Report {
    /// Reads a report.
    pub fn parse(text: &[u8]) -> Result<Report, String> {
        serde_json::from_slice(text).map_err(|e| format!("not a report of nextpnr: {e}"))
    }

    /// The fastest accelerator's clock that the placed and routed design allows, in MHz: of the clock that `clock_mhz` was
    /// asked of. nextpnr counts periods in picoseconds, and names a clock by any name that its net has.
    pub fn fmax_mhz(&self, clock_mhz: f64) -> Result<f64, String> {
        let asked = |t: &&Timing| (t.constraint / clock_mhz - 1.0).abs() < 1e-3;
        let slowest = self.fmax.values().filter(asked).map(|t| t.achieved).min_by(f64::total_cmp);
        let clocks = || self.fmax.iter().map(|(net, t)| format!("{net} of {} MHz", t.constraint)).collect::<Vec<_>>();
        slowest.ok_or_else(|| format!("the report has no clock of {clock_mhz} MHz, but: {}", clocks().join(", ")))
    }

    /// The clocks that miss what they were asked for: net, MHz reached, MHz asked.
    pub fn missed(&self) -> Vec<(String, f64, f64)> {
        let missed = self.fmax.iter().filter(|(_, t)| t.achieved < t.constraint);
        missed.map(|(net, t)| (net.clone(), t.achieved, t.constraint)).collect()
    }

    /// Cells of a type that are taken.
    pub fn used(&self, cell: &str) -> u64 {
        self.utilization.get(cell).map_or(0, |cells| cells.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of nextpnr-ecp5 0.11.1; its figures for preset `link` at 150 MHz.
    #[test]
    fn clocks_and_cells_are_read() {
        let text = br#"{"critical_paths": [],
            "fmax": {"$glbnet$core.accelerator_0.clk": {"achieved": 102.08, "constraint": 150.015},
                     "oscillator": {"achieved": 400.0, "constraint": 100.0}},
            "utilization": {"DP16KD": {"available": 208, "used": 2}}}"#;
        let report = Report::parse(text).unwrap();
        assert_eq!(report.fmax_mhz(150.0), Ok(102.08));
        assert!(report.fmax_mhz(75.0).unwrap_err().contains("150.015"));
        assert_eq!(report.missed(), [("$glbnet$core.accelerator_0.clk".into(), 102.08, 150.015)]);
        assert_eq!((report.used("DP16KD"), report.used("MULT18X18D")), (2, 0));
        assert!(Report::parse(b"{}").is_err());
    }
}
