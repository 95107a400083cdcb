//! Nested loops of segments: what the data movers are told for a job.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    bus::{advance, ADDRESS_BITS},
    control,
    datapath::{Module, Sig},
};

/// `Idle` waits for `start`; `Judge` then sees whether there is anything. `First` offers the segment that goes ahead (a
/// parameter block), `Walk` one segment of the loops after the other until the last is taken; if each panel has a
/// parameter block, by turns. Between segments, `Step` goes on to the next panel; behind a tile's last one `Turn` goes on
/// to the next tile, and `Return` to its first panel.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum WalkState {
    Idle,
    Judge,
    First,
    Walk,
    Step,
    Turn,
    Return,
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
    last_panel: Signal<In, Bit>,
    last_tile: Signal<In, Bit>,
    judge: Signal<Out, Bit>,
    first: Signal<Out, Bit>,
    walk: Signal<Out, Bit>,
    step: Signal<Out, Bit>,
    turn: Signal<Out, Bit>,
    back: Signal<Out, Bit>,
    idle: Signal<Out, Bit>,
    state: DFF<WalkState>,
}

impl Logic for WalkControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.judge.next = false;
        self.first.next = false;
        self.walk.next = false;
        self.step.next = false;
        self.turn.next = false;
        self.back.next = false;
        self.idle.next = false;
        match self.state.q.val() {
            WalkState::Idle => {
                self.idle.next = true;
                if self.start.val() {
                    self.state.d.next = WalkState::Judge;
                }
            }
            WalkState::Judge => {
                self.judge.next = true;
                if self.has_first.val() {
                    self.state.d.next = WalkState::First;
                } else if self.nothing.val() {
                    self.state.d.next = WalkState::Idle;
                } else {
                    self.state.d.next = WalkState::Walk;
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
                    self.state.d.next = WalkState::Step;
                    if self.last_panel.val() {
                        self.state.d.next = WalkState::Turn;
                        if self.last_tile.val() {
                            self.state.d.next = WalkState::Idle;
                        }
                    }
                }
            }
            WalkState::Step => {
                self.step.next = true;
                self.state.d.next = WalkState::Walk;
                if self.each_first.val() {
                    self.state.d.next = WalkState::First;
                }
            }
            WalkState::Turn => {
                self.turn.next = true;
                self.state.d.next = WalkState::Return;
            }
            WalkState::Return => {
                self.back.next = true;
                self.state.d.next = WalkState::Walk;
                if self.each_first.val() {
                    self.state.d.next = WalkState::First;
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
    // Addresses of whole beats.
    let [base, first_address] = [base, first_address].map(|address| m.slice(address, BEAT_LOG, BEAT_ADDRESS_BITS));
    let [tile_base, panel_base, last_address, first_base] =
        ["tile_base", "panel_base", "last_address", "first_base"].map(|name| m.state(name, BEAT_ADDRESS_BITS, 0));
    let panels_left = m.state("panels_left", 32, 0);

    // What is known of the segment that is offered, found while the one before it was left behind.
    let [last_panel, before_last, last_tile] = ["last_panel", "before_last", "last_tile"].map(|n| m.state(n, 1, 0));
    let nothing = m.state("nothing", 1, 0);
    let none = m.eq_const(total, 0);
    m.drive(nothing, none);
    let control = control::module("walk", WalkControl::default());
    let control = m.instance(
        "control",
        &control,
        &[
            ("start", start),
            ("has_first", has_first),
            ("each_first", each_first),
            ("nothing", *nothing),
            ("seg_ready", seg_ready),
            ("last_panel", *last_panel),
            ("last_tile", *last_tile),
        ],
    );
    let [judge, first, walk, step, turn, back, idle] =
        ["judge", "first", "walk", "step", "turn", "back", "idle"].map(|port| m.output_of(&control, port));

    // `left` is what the tile that is walked and those behind it have: not more than a tile in the last one.
    let begins = m.or(start, back);
    let (after_tile, after_panel) = (further(&mut m, *tile_base, tile), further(&mut m, *panel_base, stride));
    let left_after = m.sub(*left, tile);
    let one = m.constant(1, 32);
    let fewer = m.sub(*panels_left, one);
    let changes = m.or(start, turn);
    for (state, at_start, at_turn) in [(left, total, left_after), (tile_base, base, after_tile)] {
        let next = m.mux(start, at_start, at_turn);
        m.drive_when(state, changes, next);
    }
    let changes = m.or(begins, step);
    let next = m.choose(&[(start, base), (back, *tile_base)], after_panel);
    m.drive_when(panel_base, changes, next);
    let next = m.mux(begins, panels, fewer);
    m.drive_when(panels_left, changes, next);
    m.drive_when(last_address, walk, *panel_base);

    // Of `panels_left` as it is at the beginning of a tile, and as it will be one panel on.
    let restarts = m.or(judge, back);
    let changes = m.or(restarts, step);
    for (state, from) in [(last_panel, 1), (before_last, 2)] {
        let at_start = m.eq_const(panels, from);
        let one_on = m.eq_const(*panels_left, from + 1);
        let next = m.mux(restarts, at_start, one_on);
        m.drive_when(state, changes, next);
    }
    let more_tiles = m.lt(tile, *left);
    let no_more = m.not(more_tiles);
    m.drive_when(last_tile, restarts, no_more);
    let at_tail = m.and(has_tail, *last_panel);
    let at_gap = m.and(has_gap, *before_last);
    let nothing_here = m.constant(0, 32);
    let beats = m.mux(*last_tile, *left, tile);

    let first_step = m.and(first, seg_ready);
    let begun = m.state("begun", 1, 0);
    let (yes, no) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(start, no), (first_step, yes)], *begun);
    m.drive(begun, next);
    let first_beats = m.mux(*begun, each_beats, first_beats);
    let first_after = further(&mut m, *first_base, first_beats);
    let next = m.choose(&[(start, first_address), (first_step, first_after)], *first_base);
    m.drive(first_base, next);

    let valid = m.or(first, walk);
    let address = m.mux(first, *first_base, *panel_base);
    let beats = m.choose(&[(first, first_beats), (at_tail, tail), (at_gap, nothing_here)], beats);
    m.output("seg_valid", valid);
    let address = bytes(&mut m, address);
    let last_address = bytes(&mut m, *last_address);
    m.output("seg_address", address);
    m.output("seg_beats", beats);
    m.output("seg_unchecked", first);
    m.output("idle", idle);
    m.output("last_address", last_address);
    Rc::new(m)
}

/// Base-2 logarithm of a beat's bytes.
const BEAT_LOG: u32 = 6;
/// Addresses of whole beats, with the bit that says that their computation overflowed.
const BEAT_ADDRESS_BITS: u32 = ADDRESS_BITS - BEAT_LOG;

/// The byte address of a beat.
fn bytes(m: &mut Module, beat: Sig) -> Sig {
    m.shl(beat, BEAT_LOG)
}

/// The address so many beats further on.
fn further(m: &mut Module, beat: Sig, beats: Sig) -> Sig {
    let from = bytes(m, beat);
    let to = advance(m, from, beats);
    m.slice(to, BEAT_LOG, BEAT_ADDRESS_BITS)
}
