//! Nested loops of segments: what the data movers are told for a job.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    bus::{advance, ADDRESS_BITS},
    control,
    datapath::Module,
};

/// `Idle` waits for `start`. `First` offers the segment that goes ahead (a parameter block), `Walk` one segment of the
/// loops after the other, without a pause, until the last is taken; if each panel has a parameter block, by turns.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum WalkState {
    Idle,
    First,
    Walk,
}

#[derive(LogicBlock, Default)]
struct WalkControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    start: Signal<In, Bit>,
    has_first: Signal<In, Bit>,
    each_first: Signal<In, Bit>,
    nothing: Signal<In, Bit>,
    seg_ready: Signal<In, Bit>,
    last: Signal<In, Bit>,
    first: Signal<Out, Bit>,
    walk: Signal<Out, Bit>,
    idle: Signal<Out, Bit>,
    state: DFF<WalkState>,
}

impl Logic for WalkControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.first.next = false;
        self.walk.next = false;
        self.idle.next = false;
        match self.state.q.val() {
            WalkState::Idle => {
                self.idle.next = true;
                if self.start.val() {
                    if self.has_first.val() {
                        self.state.d.next = WalkState::First;
                    } else if !self.nothing.val() {
                        self.state.d.next = WalkState::Walk;
                    }
                }
            }
            WalkState::First => {
                self.first.next = true;
                if self.seg_ready.val() {
                    self.state.d.next = WalkState::Walk;
                    if self.nothing.val() {
                        self.state.d.next = WalkState::Idle;
                    }
                }
            }
            WalkState::Walk => {
                self.walk.next = true;
                if self.seg_ready.val() {
                    if self.last.val() {
                        self.state.d.next = WalkState::Idle;
                    } else if self.each_first.val() {
                        self.state.d.next = WalkState::First;
                    }
                }
            }
            _ => {
                self.state.d.next = WalkState::Idle;
            }
        }
        if self.rst.val() {
            self.state.d.next = WalkState::Idle;
        }
    }
}

/// Module `segment_walk`. At `start`: if `has_first`, `first_beats` beats at `first_address`, unchecked; then for each
/// tile of `tile` beats out of `total` (the last may be shorter), for each of `panels` panels (`stride` beats apart):
/// the tile's beats of that panel, from `base` on; if `has_tail`, the last panel has `tail` beats; if `has_gap`, the one
/// before it has none. If `each_first`, every further segment has such a first one before it too, of `each_beats` beats,
/// contiguous with the one before. Inputs keep their values until
/// `idle`. Segments leave on `seg_*` (ready/valid); `last_address` is that of the last one of the loops.
pub(crate) fn segment_walk() -> Rc<Module> {
    let mut m = Module::new("segment_walk");
    let start = m.input("start", 1);
    let has_first = m.input("has_first", 1);
    let each_first = m.input("each_first", 1);
    let first_address = m.input("first_address", ADDRESS_BITS);
    let first_beats = m.input("first_beats", 32);
    let each_beats = m.input("each_beats", 32);
    let base = m.input("base", ADDRESS_BITS);
    let total = m.input("total", 32);
    let tile = m.input("tile", 32);
    let panels = m.input("panels", 32);
    let stride = m.input("stride", 32);
    let has_gap = m.input("has_gap", 1);
    let has_tail = m.input("has_tail", 1);
    let tail = m.input("tail", 32);
    let seg_ready = m.input("seg_ready", 1);

    let left = m.state("left", 32, 0);
    let tile_base = m.state("tile_base", ADDRESS_BITS, 0);
    let panel_base = m.state("panel_base", ADDRESS_BITS, 0);
    let panels_left = m.state("panels_left", 32, 0);
    let last_address = m.state("last_address", ADDRESS_BITS, 0);

    let more_tiles = m.lt(tile, *left);
    let beats = m.mux(more_tiles, tile, *left);
    let last_panel = m.eq_const(*panels_left, 1);
    let at_tail = m.and(has_tail, last_panel);
    let before_last = m.eq_const(*panels_left, 2);
    let at_gap = m.and(has_gap, before_last);
    let nothing_here = m.constant(0, 32);
    let last_tile = m.not(more_tiles);
    let last = m.and(last_panel, last_tile);
    let nothing = m.eq_const(total, 0);
    let control = control::module("walk", WalkControl::default());
    let control = m.instance(
        "control",
        &control,
        &[
            ("start", start),
            ("has_first", has_first),
            ("each_first", each_first),
            ("nothing", nothing),
            ("seg_ready", seg_ready),
            ("last", last),
        ],
    );
    let [first, walk, idle] = ["first", "walk", "idle"].map(|port| m.output_of(&control, port));

    let step = m.and(walk, seg_ready);
    let next_tile = m.and(step, last_panel);
    let tile_after = advance(&mut m, *tile_base, tile);
    let panel_after = advance(&mut m, *panel_base, stride);
    let left_after = m.sub(*left, beats);
    let one = m.constant(1, 32);
    let fewer = m.sub(*panels_left, one);

    let next = m.choose(&[(start, total), (next_tile, left_after)], *left);
    m.drive(left, next);
    let next = m.choose(&[(start, base), (next_tile, tile_after)], *tile_base);
    m.drive(tile_base, next);
    let next = m.choose(&[(start, base), (next_tile, tile_after), (step, panel_after)], *panel_base);
    m.drive(panel_base, next);
    let next = m.choose(&[(start, panels), (next_tile, panels), (step, fewer)], *panels_left);
    m.drive(panels_left, next);
    m.drive_when(last_address, step, *panel_base);

    let first_base = m.state("first_base", ADDRESS_BITS, 0);
    let first_step = m.and(first, seg_ready);
    let begun = m.state("begun", 1, 0);
    let (yes, no) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(start, no), (first_step, yes)], *begun);
    m.drive(begun, next);
    let first_beats = m.mux(*begun, each_beats, first_beats);
    let first_after = advance(&mut m, *first_base, first_beats);
    let next = m.choose(&[(start, first_address), (first_step, first_after)], *first_base);
    m.drive(first_base, next);

    let valid = m.or(first, walk);
    let address = m.mux(first, *first_base, *panel_base);
    let beats = m.choose(&[(first, first_beats), (at_tail, tail), (at_gap, nothing_here)], beats);
    m.output("seg_valid", valid);
    m.output("seg_address", address);
    m.output("seg_beats", beats);
    m.output("seg_unchecked", first);
    m.output("idle", idle);
    m.output("last_address", *last_address);
    Rc::new(m)
}
