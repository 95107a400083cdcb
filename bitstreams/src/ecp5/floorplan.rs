//! Where multipliers and memories go on a part: `bitstreams/floorplans/<preset>.toml`.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// A kind of cell that has few sites, in rows across the part.
pub struct Kind {
    /// Name in a netlist.
    pub cell: &'static str,
    /// Rows of an 85F: y of each.
    rows: &'static [u32],
    /// The four sites in each of [`BLOCKS`]: distance of x, and name of the site.
    sites: [(u32, &'static str); 4],
}

/// Columns where a group of four sites begins on an 85F, as `ctx.getBels()` of nextpnr-ecp5 has them.
const BLOCKS: [u32; 13] = [4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114];

/// Multipliers and memories.
pub const KINDS: [Kind; 2] = [
    Kind {
        cell: "MULT18X18D",
        rows: &[10, 34, 58],
        sites: [(0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5")],
    },
    Kind { cell: "DP16KD", rows: &[22, 46, 70, 82], sites: [(0, "EBR0"), (2, "EBR1"), (4, "EBR2"), (6, "EBR3")] },
];

impl Kind {
    /// The sites of `row:first-last`.
    fn range(&self, text: &str) -> Result<Vec<String>, String> {
        let (row, range) = text.split_once(':').ok_or("not row:first-last")?;
        let (first, last) = range.split_once('-').ok_or("not row:first-last")?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is no number"));
        let (row, first, last) = (number(row)?, number(first)?, number(last)?);
        if !self.rows.contains(&row) {
            return Err(format!("no {} at y = {row}, but at {:?}", self.cell, self.rows));
        }
        let count = (4 * BLOCKS.len()) as u32;
        if first > last || last >= count {
            return Err(format!("a row has sites 0 to {}", count - 1));
        }
        let site = |i: u32| {
            let (x, name) = self.sites[(i % 4) as usize];
            format!("X{}/Y{row}/{name}", BLOCKS[(i / 4) as usize] + x)
        };
        Ok((first..=last).map(site).collect())
    }
}

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floorplan {
    /// The part, `*` for any letters.
    part: String,
    cells: Vec<Group>,
}

/// Cells of one instance, with all below it that no group before took.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    of: String,
    #[serde(default)]
    multipliers: Vec<String>,
    #[serde(default)]
    memories: Vec<String>,
}

/// Presets that have one.
const FILES: &[(&str, &str)] = &[("ecp5-85", include_str!("../../floorplans/ecp5-85.toml"))];

impl Floorplan {
    /// The floor plan of a preset on a part, if there is one.
    pub fn of(preset: &str, part: &str) -> Result<Option<Floorplan>, String> {
        let Some((_, text)) = FILES.iter().find(|(name, _)| *name == preset) else { return Ok(None) };
        let plan = Floorplan::parse(text).map_err(|e| format!("floorplans/{preset}.toml: {e}"))?;
        Ok(plan.fits(part).then_some(plan))
    }

    fn parse(text: &str) -> Result<Floorplan, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    fn fits(&self, part: &str) -> bool {
        match self.part.split_once('*') {
            Some((front, behind)) => part.strip_prefix(front).is_some_and(|rest| rest.contains(behind)),
            None => part.starts_with(&self.part),
        }
    }

    /// Cell and site of each cell that has one, of the netlist's cells by type.
    pub(super) fn places(&self, of_type: &HashMap<&str, Vec<String>>) -> Result<Vec<(String, String)>, String> {
        let mut places = Vec::new();
        let (mut placed, mut used) = (HashSet::new(), HashSet::new());
        for group in &self.cells {
            for (kind, ranges) in KINDS.iter().zip([&group.multipliers, &group.memories]) {
                if ranges.is_empty() {
                    continue;
                }
                let wrong = |reason: String| format!("floor plan of {}, {}: {reason}", group.of, kind.cell);
                let sites = ranges.iter().map(|range| kind.range(range)).collect::<Result<Vec<_>, _>>();
                let sites = sites.map_err(wrong)?.concat();
                let all = of_type.get(kind.cell).map_or(&[][..], Vec::as_slice);
                let mut cells: Vec<&String> =
                    all.iter().filter(|name| is_below(name, &group.of) && !placed.contains(*name)).collect();
                cells.sort();
                if cells.is_empty() || cells.len() > sites.len() {
                    return Err(wrong(format!("{} cells for {} sites", cells.len(), sites.len())));
                }
                for (name, site) in cells.into_iter().zip(sites) {
                    if !used.insert(site.clone()) {
                        return Err(wrong(format!("{site} is taken")));
                    }
                    placed.insert(name);
                    places.push((name.clone(), site));
                }
            }
        }
        Ok(places)
    }
}

/// Whether a cell of a flattened netlist lies in the instances `of`, which follow each other anywhere in its name. An
/// instance's name has its number behind it (`datapath::emit`).
fn is_below(name: &str, of: &str) -> bool {
    let instances: Vec<&str> =
        name.split('.').map(|part| part.rsplit_once('_').map_or(part, |(part, _)| part)).collect();
    let of: Vec<&str> = of.split('.').collect();
    instances.windows(of.len()).any(|window| window == of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "link.accelerator_3.core_2.poseidon_6.unit_0_2";

    fn cells(cell: &'static str, names: &[String]) -> HashMap<&'static str, Vec<String>> {
        HashMap::from([(cell, names.to_vec())])
    }

    fn plan(text: &str) -> Floorplan {
        Floorplan::parse(&format!("part = \"LFE5U*-85F\"\n{text}")).unwrap()
    }

    #[test]
    fn a_plan_is_for_its_parts() {
        for (part, has) in [
            ("LFE5UM5G-85F-8BG554I", true),
            ("LFE5U-85F-6BG381C", true),
            ("LFE5UM5G-45F-8BG381C", false),
            ("XC7A200T", false),
        ] {
            assert_eq!(Floorplan::of("ecp5-85", part).unwrap().is_some(), has, "{part}");
        }
        assert!(Floorplan::of("ecp5-45", "LFE5U-85F").unwrap().is_none());
    }

    #[test]
    fn cells_are_found_by_their_instances_and_take_sites_in_order() {
        let names = [1, 0].map(|i| format!("{UNIT}.sbox_2.cube_1.leaf_0.p{i}_{i}"));
        let text = "[[cells]]\nof = \"unit_0.sbox.cube\"\nmultipliers = [\"10:3-3\", \"34:4-5\"]";
        let places = plan(text).places(&cells("MULT18X18D", &names)).unwrap();
        let expected = [(&names[1], "X9/Y10/MULT18_5"), (&names[0], "X13/Y34/MULT18_0")];
        assert_eq!(places, expected.map(|(name, site)| (name.clone(), site.to_owned())));
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused_with_its_reason() {
        let names = [format!("{UNIT}.n40_memory.0.0"), format!("{UNIT}.n40_memory.0.1")];
        for (text, reason) in [
            ("of = \"unit_0\"\nmemories = [\"22:0-0\"]", "2 cells for 1 sites"),
            ("of = \"unit_1\"\nmemories = [\"22:0-9\"]", "0 cells for 10 sites"),
            ("of = \"unit_0\"\nmemories = [\"21:0-9\"]", "no DP16KD at y = 21"),
            ("of = \"unit_0\"\nmemories = [\"22:50-52\"]", "sites 0 to 51"),
            ("of = \"unit_0\"\nmemories = [\"22:0-0\", \"22:0-0\"]", "X4/Y22/EBR0 is taken"),
            ("of = \"unit_0\"\nmemories = [\"22\"]", "not row:first-last"),
        ] {
            let error = plan(&format!("[[cells]]\n{text}")).places(&cells("DP16KD", &names)).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
