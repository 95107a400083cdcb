//! What is done to Yosys' netlist (its JSON) before nextpnr gets it: [`super::carry`], and places for multipliers and
//! memories.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    carry::{self, Shortened},
    floorplan::{Floorplan, KINDS},
};

/// Cells by name.
pub(super) type Cells = Map<String, Value>;

/// A netlist of one module.
pub struct Netlist {
    json: Value,
    top: String,
}

impl Netlist {
    /// Reads what `write_json` wrote, with the module `top`.
    pub fn parse(text: &[u8], top: &str) -> Result<Netlist, String> {
        let json: Value = serde_json::from_slice(text).map_err(|e| format!("not a netlist of Yosys: {e}"))?;
        let netlist = Netlist { json, top: top.into() };
        match netlist.json.pointer(&netlist.path("cells")).and_then(Value::as_object) {
            Some(_) => Ok(netlist),
            None => Err(format!("Yosys' netlist has no module `{top}` with cells")),
        }
    }

    /// The netlist for nextpnr.
    pub fn to_json(&self) -> String {
        self.json.to_string()
    }

    fn path(&self, what: &str) -> String {
        format!("/modules/{}/{what}", self.top)
    }

    fn cells(&mut self) -> Option<&mut Cells> {
        let path = self.path("cells");
        self.json.pointer_mut(&path).and_then(Value::as_object_mut)
    }

    /// Carry chains that take fewer look-up tables; see [`super::carry`].
    pub fn shorten_carries(&mut self) -> Shortened {
        let ports = self.json.pointer(&self.path("ports")).and_then(Value::as_object);
        let outside: Vec<u64> = ports.into_iter().flat_map(Map::values).flat_map(|port| nets(&port["bits"])).collect();
        self.cells().map_or_else(Shortened::default, |cells| carry::shorten(cells, &outside))
    }

    /// Gives cells their places. An error names a group that the netlist does not have, or that does not fit its sites.
    pub fn place(&mut self, floorplan: &Floorplan) -> Result<usize, String> {
        let mut of_type: HashMap<&str, Vec<String>> = HashMap::new();
        let Some(cells) = self.cells() else { return Ok(0) };
        for (name, cell) in cells.iter() {
            if let Some(kind) = KINDS.iter().find(|kind| cell["type"] == kind.cell) {
                of_type.entry(kind.cell).or_default().push(name.clone());
            }
        }
        let places = floorplan.places(&of_type)?;
        let placed = places.len();
        for (name, site) in places {
            cells[&name]["attributes"]["BEL"] = Value::String(site);
        }
        Ok(placed)
    }
}

/// The nets among bits; others are constants.
pub(super) fn nets(bits: &Value) -> impl Iterator<Item = u64> + '_ {
    bits.as_array().into_iter().flatten().filter_map(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_netlist_is_refused() {
        for text in ["", "{}", r#"{"modules": {"other": {"cells": {}}}}"#, r#"{"modules": {"top": {}}}"#] {
            assert!(Netlist::parse(text.as_bytes(), "top").is_err(), "{text}");
        }
    }
}
