//! What nextpnr reports (`--report`): clocks and cells.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A report.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    fmax: BTreeMap<String, Timing>,
    utilization: BTreeMap<String, Cells>,
    #[serde(default)]
    critical_paths: Vec<Path>,
}

/// The slowest path between two clocks.
#[derive(Clone, Debug, Deserialize)]
struct Path {
    from: String,
    to: String,
    path: Vec<Hop>,
}

/// A stretch of a path: through a cell or along a wire.
#[derive(Clone, Debug, Deserialize)]
struct Hop {
    /// Nanoseconds.
    delay: f64,
    to: Pin,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Pin {
    cell: String,
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

    /// The slowest path within a clock: its registers, its delay and what makes it.
    pub fn slowest_path(&self) -> Option<String> {
        let within = self.critical_paths.iter().filter(|path| path.from == path.to);
        let delay = |hops: &[Hop]| hops.iter().map(|hop| hop.delay).sum::<f64>();
        let slowest = within.max_by(|a, b| delay(&a.path).total_cmp(&delay(&b.path)))?;
        let (first, last) = (slowest.path.first()?, slowest.path.last()?);
        let of = |kind: &str| slowest.path.iter().filter(|hop| hop.kind == kind).cloned().collect::<Vec<_>>();
        let (wires, logic) = (of("routing"), of("logic"));
        Some(format!(
            "{} to {}, {:.1} ns: {} cells of logic, {:.1} ns on wires",
            first.to.cell,
            last.to.cell,
            delay(&slowest.path),
            logic.len(),
            delay(&wires)
        ))
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
        let text = br#"{"critical_paths": [
                {"from": "<async>", "to": "posedge clk", "path": [{"delay": 20, "type": "routing", "from": {}, "to": {"cell": "far"}}]},
                {"from": "posedge clk", "to": "posedge clk", "path": [
                    {"delay": 0.3, "type": "clk-to-q", "from": {"cell": "a_LUT4", "loc": [84, 39], "port": "CLK"}, "to": {"cell": "a_FF", "loc": [84, 39], "port": "Q"}},
                    {"delay": 2.5, "type": "routing", "net": "n1", "from": {"cell": "a_FF"}, "to": {"cell": "b_LUT4"}},
                    {"delay": 0.5, "type": "logic", "from": {"cell": "b_LUT4"}, "to": {"cell": "b_LUT4"}},
                    {"delay": 6.5, "type": "routing", "net": "n2", "from": {"cell": "b_LUT4"}, "to": {"cell": "c_FF"}},
                    {"delay": 0, "type": "setup", "from": {"cell": "c_FF"}, "to": {"cell": "c_FF"}}]}],
            "fmax": {"$glbnet$core.accelerator_0.clk": {"achieved": 102.08, "constraint": 150.015},
                     "oscillator": {"achieved": 400.0, "constraint": 100.0}},
            "utilization": {"DP16KD": {"available": 208, "used": 2}}}"#;
        let report = Report::parse(text).unwrap();
        assert_eq!(report.fmax_mhz(150.0), Ok(102.08));
        assert!(report.fmax_mhz(75.0).unwrap_err().contains("150.015"));
        assert_eq!(report.missed(), [("$glbnet$core.accelerator_0.clk".into(), 102.08, 150.015)]);
        assert_eq!((report.used("DP16KD"), report.used("MULT18X18D")), (2, 0));
        let path = report.slowest_path();
        assert_eq!(path.as_deref(), Some("a_FF to c_FF, 9.8 ns: 1 cells of logic, 9.0 ns on wires"));
        assert!(Report::parse(b"{}").is_err());
    }
}
