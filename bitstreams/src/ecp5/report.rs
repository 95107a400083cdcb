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

    /// The clock that the placed and routed design allows: net, as nextpnr names it, and MHz. Of several the slowest, as there
    /// is but one on a board's top. What nextpnr was asked for is no matter ([`super::Build::route`]).
    pub fn clock(&self) -> Result<(&str, f64), String> {
        let clocks = self.fmax.iter().map(|(net, timing)| (net.as_str(), timing.achieved));
        clocks.min_by(|a, b| a.1.total_cmp(&b.1)).ok_or_else(|| "nextpnr's report has no clock".into())
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
        assert_eq!(report.clock(), Ok(("$glbnet$core.accelerator_0.clk", 102.08)));
        assert_eq!((report.used("DP16KD"), report.used("MULT18X18D")), (2, 0));
        let path = report.slowest_path();
        assert_eq!(path.as_deref(), Some("a_FF to c_FF, 9.8 ns: 1 cells of logic, 9.0 ns on wires"));
        assert!(Report::parse(b"{}").is_err());
        let none = Report::parse(br#"{"fmax": {}, "utilization": {}}"#).unwrap();
        assert!(none.clock().is_err());
    }
}
