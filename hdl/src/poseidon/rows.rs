//! The order of a job's permutations: tile by tile, panel by panel, row by row.

use std::rc::Rc;

use super::fifo::index_bits;
use crate::{config::PoseidonConfig, datapath::Module};

/// Bits of a number of panels.
pub const PANEL_BITS: u32 = 14;

/// Which end of the units a counter stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where states enter.
    In,
    /// Where results leave.
    Out,
}

/// A counter of permutations. Ports: `start` (loads `rows`), `rows`, `panels`, `whole` (one tile has all rows), `step`;
/// `active` (some are left), `last` (the one to come is its row's last) and, where states enter, `first`.
pub fn rows(config: &PoseidonConfig, place: Place) -> Rc<Module> {
    let mut m = Module::new(match place {
        Place::In => "poseidon_rows_in",
        Place::Out => "poseidon_rows_out",
    });
    let start = m.input("start", 1);
    let rows = m.input("rows", 32);
    let panels = m.input("panels", PANEL_BITS);
    let whole = m.input("whole", 1);
    let step = m.input("step", 1);
    let row_bits = index_bits(u64::from(config.kept_rows()) + 1);

    let left = m.state("left", 32, 0);
    let row = m.state("row", row_bits, 0);
    let panel = m.state("panel", PANEL_BITS, 0);
    let tile = m.constant(config.tile_rows.into(), 32);
    let short = m.lt(*left, tile);
    let all = m.or(whole, short);
    let length = m.mux(all, *left, tile);
    let length = m.slice(length, 0, row_bits);

    let row_plus = m.add_const(*row, 1);
    let row_last = m.eq(row_plus, length);
    let panel_plus = m.add_const(*panel, 1);
    let panel_last = m.eq(panel_plus, panels);
    let panel_done = m.and(step, row_last);
    let tile_done = m.and(panel_done, panel_last);

    let zero = m.constant(0, row_bits);
    let next = m.choose(&[(start, zero), (panel_done, zero), (step, row_plus)], *row);
    m.drive(row, next);
    let zero = m.constant(0, PANEL_BITS);
    let next = m.choose(&[(start, zero), (tile_done, zero), (panel_done, panel_plus)], *panel);
    m.drive(panel, next);
    let length = m.extend(length, 32);
    let less = m.sub(*left, length);
    let next = m.choose(&[(start, rows), (tile_done, less)], *left);
    m.drive(left, next);

    let none = m.eq_const(*left, 0);
    let active = m.not(none);
    m.output("active", active);
    if place == Place::In {
        let first = m.eq_const(*panel, 0);
        m.output("first", first);
    }
    m.output("last", panel_last);
    Rc::new(m)
}
