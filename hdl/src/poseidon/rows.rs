//! The order of a job's permutations: tile by tile, panel by panel, row by row.

use std::rc::Rc;

use super::fifo::index_bits;
use crate::{
    config::PoseidonConfig,
    datapath::{Module, Sig},
};

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

/// How often a counter steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// In each cycle if need be.
    Steady,
    /// Not within [`SETTLES`] cycles of `start` or of another step, for which its parameters stand before `start`. Then
    /// what it compares and subtracts has registers of its own.
    Apart,
}

/// Cycles in which a counter of steps that are apart settles, and its parameters before `start`.
pub const SETTLES: u32 = 7;

/// A counter of permutations. Ports: `start` (loads `rows`), `rows`, `panels`, `whole` (one tile has all rows), `step`;
/// `active` (some are left), `last` (the one to come is its row's last) and, where states enter, `first`. These come from
/// registers.
pub fn rows(config: &PoseidonConfig, place: Place, pace: Pace) -> Rc<Module> {
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
    let settled = |m: &mut Module, sig: Sig| match pace {
        Pace::Steady => sig,
        Pace::Apart => m.reg(sig),
    };

    let left = m.state("left", 32, 0);
    let row = m.state("row", row_bits, 0);
    let panel = m.state("panel", PANEL_BITS, 0);
    let last = m.state("last_panel", 1, 0);
    let tile = m.constant(config.tile_rows.into(), 32);
    let short = m.lt(*left, tile);
    let all = m.or(whole, short);
    let length = m.mux(all, *left, tile);
    let length = m.slice(length, 0, row_bits);
    let length = settled(&mut m, length);

    let row_plus = m.add_const(*row, 1);
    let row_last = m.eq(row_plus, length);
    let row_last = settled(&mut m, row_last);
    let panel_plus = m.add_const(*panel, 1);
    let after_plus = m.add_const(*panel, 2);
    let last_follows = m.eq(after_plus, panels);
    let only = m.eq_const(panels, 1);
    let [last_follows, only] = [last_follows, only].map(|x| settled(&mut m, x));
    let tile_ends = m.and(row_last, *last);

    // What the counters hold is compared later: they may step later.
    let [counted, tile_ended] = [step, tile_ends].map(|x| settled(&mut m, x));
    let (panel_counted, tile_counted) = (m.and(counted, row_last), m.and(counted, tile_ended));
    let zero = m.constant(0, row_bits);
    let next = m.choose(&[(start, zero), (panel_counted, zero), (counted, row_plus)], *row);
    m.drive(row, next);
    let zero = m.constant(0, PANEL_BITS);
    let next = m.choose(&[(start, zero), (tile_counted, zero), (panel_counted, panel_plus)], *panel);
    m.drive(panel, next);
    let length = m.extend(length, 32);
    let less = m.sub(*left, length);
    let less = settled(&mut m, less);
    let next = m.choose(&[(start, rows), (tile_counted, less)], *left);
    m.drive(left, next);

    let active = m.state("active", 1, 0);
    let [none, none_left] = [rows, less].map(|x| m.eq_const(x, 0));
    let [some, some_left] = [none, none_left].map(|x| m.not(x));
    let [some, some_left] = [some, some_left].map(|x| settled(&mut m, x));
    // What a step makes of them is known before it comes.
    let after = m.mux(tile_ends, some_left, *active);
    let after = settled(&mut m, after);
    let next = m.choose(&[(start, some), (step, after)], *active);
    m.drive(active, next);
    m.output("active", *active);
    let after = m.choose(&[(tile_ends, only), (row_last, last_follows)], *last);
    let after = settled(&mut m, after);
    let next = m.choose(&[(start, only), (step, after)], *last);
    m.drive(last, next);
    if place == Place::In {
        let first = m.state("first_panel", 1, 0);
        let [no, yes] = [0, 1].map(|bit| m.constant(bit, 1));
        let after = m.choose(&[(tile_ends, yes), (row_last, no)], *first);
        let after = settled(&mut m, after);
        let next = m.choose(&[(start, yes), (step, after)], *first);
        m.drive(first, next);
        m.output("first", *first);
    }
    m.output("last", *last);
    Rc::new(m)
}
