//! From a descriptor to what engine and data movers are told, level by level.

use hotloop_regs::{
    descriptor::{Descriptor, FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES},
    scale_table_beats,
};

use super::{
    decode::{width_panels, zeroed, Operation},
    field,
};
use crate::{
    bus::{advance, ADDRESS_BITS},
    datapath::{Module, Sig},
    poseidon::{MODE_COMMIT, MODE_GRIND, MODE_HASH, MODE_PERMUTE},
    Config,
};

/// Elements of a parent hashes two digests of four elements.
const PARENT_WIDTH: u128 = 8;

/// Inputs of a segment walk: see [`super::segments::segment_walk`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub has_first: Sig,
    pub each_first: Sig,
    pub first_address: Sig,
    pub first_beats: Sig,
    pub each_beats: Sig,
    pub base: Sig,
    pub total: Sig,
    pub tile: Sig,
    pub panels: Sig,
    pub stride: Sig,
    pub has_gap: Sig,
    pub has_tail: Sig,
    pub tail: Sig,
}

impl Walk {
    /// The ports of a segment walk, `start` and `seg_ready` excepted.
    pub(crate) fn ports(&self) -> Vec<(&'static str, Sig)> {
        vec![
            ("has_first", self.has_first),
            ("each_first", self.each_first),
            ("first_address", self.first_address),
            ("first_beats", self.first_beats),
            ("each_beats", self.each_beats),
            ("base", self.base),
            ("total", self.total),
            ("tile", self.tile),
            ("panels", self.panels),
            ("stride", self.stride),
            ("has_gap", self.has_gap),
            ("has_tail", self.has_tail),
            ("tail", self.tail),
        ]
    }
}

/// What a job does now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Windows as (base, limit).
    pub read_window: (Sig, Sig),
    pub write_window: (Sig, Sig),
    pub read: Walk,
    pub write: Walk,
    /// A tree has a level above this one.
    pub more: Sig,
    /// The transform of a commit job.
    pub commit: Sig,
    /// In it: the last panel of values takes salts (behind the columns of its last, partial block), and there is one more
    /// panel of salts alone.
    pub merge: Sig,
    pub extra: Sig,
    /// Values are hashed as they leave the transform: both engines work.
    pub on_chip: Sig,
    /// Columns: elements of a leaf without salts.
    pub columns: Sig,
    /// The transform engine works.
    pub transform: Sig,
    /// The Poseidon engine works.
    pub hashing: Sig,
    /// Beats of an output panel, and of its coefficients if it has any.
    pub panel_beats: Sig,
    pub length: Sig,
    /// Poseidon engine.
    pub mode: Sig,
    pub rows: Sig,
    pub width: Sig,
    /// A last block of a leaf is filled with zeros.
    pub zeroed: Sig,
    /// Transform engine.
    pub inverse: Sig,
    pub forward: Sig,
    pub coefficients: Sig,
    pub own_tables: Sig,
    pub log_n: Sig,
    pub log_cosets: Sig,
    pub log_inner: Sig,
    pub panels: Sig,
}

/// Builds the plan. `load` takes the descriptor's first level, `next_level` goes on to the level above, which reads what
/// was written at `written`.
///
/// A commit job is a transform that hashes its own values: one more output panel, of digests. Above it, it is a hash. If it
/// has more rows than keep their states on chip, it is a transform, and then a hash of what that wrote.
pub(crate) fn plan(
    m: &mut Module,
    config: &Config,
    descriptor: Sig,
    op: Operation,
    load: Sig,
    next_level: Sig,
    written: Sig,
) -> Plan {
    let rows = field(m, descriptor, Descriptor::rows);
    let [src, dst, param] = [Descriptor::src, Descriptor::dst, Descriptor::param].map(|address| {
        let address = field(m, descriptor, address);
        m.extend(address, ADDRESS_BITS)
    });
    let src_beats = field(m, descriptor, Descriptor::src_beats);
    let dst_beats = field(m, descriptor, Descriptor::dst_beats);
    let src_limit = advance(m, src, src_beats);
    let dst_limit = advance(m, dst, dst_beats);

    // A level of a tree: its rows, where they are and where their digests go. Two digests in a beat.
    let level_rows = m.state("level_rows", 32, 0);
    let level_src = m.state("level_src", ADDRESS_BITS, 0);
    let level_dst = m.state("level_dst", ADDRESS_BITS, 0);
    let levels_left = m.state("levels_left", 8, 0);
    let leaves = m.state("leaves", 1, 0);
    // The values of a commit job were written and are read back.
    let back = m.state("back", 1, 0);
    let half_rows = half(m, *level_rows);
    let levels = field(m, descriptor, Descriptor::levels);
    let has_levels = m.or(op.hash, op.commit);
    let levels = m.gate(has_levels, levels);
    let log_n = field(m, descriptor, Descriptor::log_n);
    let log_cosets = field(m, descriptor, Descriptor::log_cosets);
    let one32 = m.constant(1, 32);
    let length = m.shl_var(one32, log_n);
    let cosets = m.shl_var(one32, log_cosets);
    let points = m.shl_var(length, log_cosets);
    let first_rows = m.mux(op.commit, points, rows);
    let fewer = {
        let one = m.constant(1, 8);
        m.sub(*levels_left, one)
    };
    let above = advance(m, written, half_rows);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));

    let flags = field(m, descriptor, Descriptor::flags);
    let [inverse, forward, coefficients, across, own_tables] =
        [FLAG_INVERSE, FLAG_FORWARD, FLAG_COEFFICIENTS, FLAG_ACROSS, FLAG_OWN_TABLES]
            .map(|flag| m.bit(flags, flag.trailing_zeros()));

    // Leaves: columns, then salts, in panels. Salts are at most eight, so that at most one panel has nothing else.
    let columns = field(m, descriptor, Descriptor::width);
    let salts = field(m, descriptor, Descriptor::salts);
    let salts = m.gate(op.commit, salts);
    let elements = {
        let salts = m.extend(salts, 16);
        m.add(columns, salts)
    };
    let leaf_panels = width_panels(m, elements);
    let (extra, merge) = {
        let same = m.eq(leaf_panels, rows);
        let other = m.not(same);
        let odd = m.slice(columns, 0, 3);
        let salted = m.eq_const(salts, 0);
        let salted = m.not(salted);
        let partial = m.eq_const(odd, 0);
        let partial = m.not(partial);
        (m.and(op.commit, other), m.and(salted, partial))
    };

    // More rows than there is room for.
    let streamed = {
        let [log_n, log_cosets] = [log_n, log_cosets].map(|log| m.extend(log, 9));
        let log_rows = m.add(log_n, log_cosets);
        let most = m.constant(config.poseidon.commit_log.into(), 9);
        let many = m.lt(most, log_rows);
        m.and(op.commit, many)
    };
    let forth = m.not(*back);
    let goes_back = m.and(streamed, forth);
    let values_at = {
        let coefficients = m.gate(coefficients, length);
        advance(m, dst, coefficients)
    };
    // Behind the last panel written, and behind one of salts if there is one.
    let dst_stride = field(m, descriptor, Descriptor::dst_stride);
    let digests_at = {
        let behind = advance(m, written, dst_stride);
        let salts = m.gate(extra, dst_stride);
        advance(m, behind, salts)
    };
    let turns_back = m.and(next_level, goes_back);
    for (state, first, values, then) in [
        (level_rows, first_rows, *level_rows, half_rows),
        (level_src, src, values_at, written),
        (level_dst, dst, digests_at, above),
        (levels_left, levels, *levels_left, fewer),
        (leaves, one, one, zero),
        (back, zero, one, *back),
    ] {
        let next = m.choose(&[(load, first), (turns_back, values), (next_level, then)], *state);
        m.drive(state, next);
    }
    let top = m.eq_const(*levels_left, 0);
    let above_top = m.not(top);
    let more = m.or(above_top, goes_back);
    let from_src = m.and(*leaves, forth);
    let read_window = (m.mux(from_src, src, dst), m.mux(from_src, src_limit, dst_limit));

    let commit = m.and(op.commit, from_src);
    let at_once = m.not(streamed);
    let on_chip = m.and(commit, at_once);
    let transform = m.or(op.transform, commit);
    let after = m.not(from_src);
    let tree = m.and(op.commit, after);
    let hash = m.or(op.hash, tree);
    let hashing = m.any(&[op.permute, hash, op.grind, on_chip]);

    let parent = m.constant(PARENT_WIDTH, 16);
    let width = m.mux(*leaves, elements, parent);
    let modes = [MODE_PERMUTE, MODE_HASH, MODE_GRIND, MODE_COMMIT].map(|mode| m.constant(mode, 2));
    let mode = m.choose(&[(hash, modes[1]), (op.grind, modes[2]), (on_chip, modes[3])], modes[0]);

    let [across, own_tables] = [across, own_tables].map(|flag| m.and(flag, op.transform));
    let log_inner = field(m, descriptor, Descriptor::log_inner);

    // Across a panel: tiles of 2^log_inner neighbouring rows, from each of the rows that are a stride apart.
    let inner = m.shl_var(one32, log_inner);
    let across_total = m.shl_var(rows, log_inner);
    let log_outer = m.sub(log_n, log_inner);
    let outer = m.shl_var(one32, log_outer);
    // An inverse job with tables of its own turns its panels: their rows are read one after the other, and leave as an
    // across job's do, 2^log_inner neighbours at a time.
    let turning = m.and(own_tables, inverse);

    // Input: a parameter block, then panels.
    let table: Vec<Sig> = (0..=config.ntt.max_log).map(|log| m.constant(scale_table_beats(log).into(), 32)).collect();
    let table = m.select(log_n, &table);
    // log_cosets is zero unless FORWARD.
    let tables = m.shl_var(table, log_cosets);
    let two_tables = m.shl(table, 1);
    let two_tables = m.slice(two_tables, 0, 32);
    let grind_beats = m.constant(2, 32);
    // Two powers a beat.
    let powers = half(m, length);
    let first_beats = m.choose(&[(turning, two_tables), (transform, tables), (op.fold, powers)], grind_beats);
    let has_first = m.any(&[transform, op.grind, op.fold]);
    let unfolded = m.shl_var(rows, log_n);
    let low = m.slice(rows, 0, 31);
    let twice = m.shl(low, 1);
    let none = m.constant(0, 32);
    let total = m.choose(
        &[
            (across, across_total),
            (op.permute, twice),
            (hash, *level_rows),
            (op.grind, none),
            (transform, length),
            (op.fold, unfolded),
        ],
        rows,
    );
    let tile_rows = m.constant(config.poseidon.tile_rows.into(), 32);
    let tile = m.choose(&[(hash, tile_rows), (across, inner)], total);
    let width_panels = width_panels(m, width);
    // A commit's salts follow its panels: those of the panel that is partly values, those of one that is not unless it
    // is read back with the values.
    let extra_now = m.and(extra, at_once);
    let salt_beats = {
        let [merged, alone] = [merge, extra_now].map(|there| m.gate(there, points));
        let beats = m.add(merged, alone);
        m.gate(commit, beats)
    };
    let salted = {
        let some = m.or(merge, extra_now);
        m.and(commit, some)
    };
    let inputs = {
        let salted = m.extend(salted, 32);
        m.add(rows, salted)
    };
    let panels = m.choose(&[(hash, width_panels), (across, outer), (transform, inputs)], one32);
    let stride = field(m, descriptor, Descriptor::src_stride);
    let stride = m.mux(*back, dst_stride, stride);
    let read = Walk {
        has_first,
        each_first: own_tables,
        first_address: param,
        first_beats,
        each_beats: tables,
        base: *level_src,
        total,
        tile,
        panels,
        stride,
        has_gap: zero,
        has_tail: salted,
        tail: salt_beats,
    };

    // Output: panels, and the digests of a commit on chip where one more panel would be, behind one of salts.
    let kept = m.extend(coefficients, 32);
    let blocks = m.gate(forward, cosets);
    let blocks = m.add(blocks, kept);
    let outputs = m.shl_var(blocks, log_n);
    let odd = m.bit(*level_rows, 0);
    let odd = m.extend(odd, 32);
    let digests = m.add(half_rows, odd);
    let cases = [
        (across, across_total),
        (turning, rows),
        (op.permute, twice),
        (hash, digests),
        (op.grind, one32),
        (transform, outputs),
    ];
    let total = m.choose(&cases, rows);
    let tiled = m.or(across, turning);
    let tile = m.mux(tiled, inner, total);
    let with_digests = m.add_const(leaf_panels, 1);
    let panels = m.choose(&[(across, outer), (turning, length), (on_chip, with_digests), (transform, rows)], one32);
    let has_gap = m.and(on_chip, extra);
    let write = Walk {
        has_first: zero,
        each_first: zero,
        first_address: param,
        first_beats: none,
        each_beats: none,
        base: *level_dst,
        total,
        tile,
        panels,
        stride: dst_stride,
        has_gap,
        has_tail: on_chip,
        tail: digests,
    };

    Plan {
        read_window,
        write_window: (dst, dst_limit),
        read,
        write,
        more,
        commit,
        merge,
        extra,
        on_chip,
        columns,
        transform,
        hashing,
        panel_beats: outputs,
        length,
        mode,
        rows: *level_rows,
        width,
        zeroed: zeroed(m, config, descriptor),
        inverse,
        forward,
        coefficients,
        own_tables,
        log_n,
        log_cosets,
        log_inner,
        panels: rows,
    }
}

/// `rows / 2`, rounded down.
fn half(m: &mut Module, rows: Sig) -> Sig {
    let high = m.slice(rows, 1, 31);
    m.extend(high, 32)
}
