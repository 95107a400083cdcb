//! From a descriptor to what engine and data movers are told, level by level.

use hotloop_regs::{
    descriptor::{
        Descriptor, FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES, MAX_LOG_INNER,
    },
    scale_table_beats,
};

use super::{
    decode::{width_panels, zeroed, Operation},
    field,
};
use crate::{
    bus::{advance, ADDRESS_BITS},
    datapath::{Module, Sig},
    fold,
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

/// Cycles after which the plan stands, once the descriptor or the level has changed: more than there are registers in a
/// row between them and any part of it (and of the descriptor's error). Registers stand behind each sum and each shift.
pub(crate) const SETTLES: u64 = 8;

/// Builds the plan. `load` takes the descriptor's first level, `next_level` goes on to the level above, which reads what
/// was written at `written`. It stands [`SETTLES`] cycles later.
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
    // Whole beats, or the job is refused.
    let [src, dst, param] = [Descriptor::src, Descriptor::dst, Descriptor::param].map(|address| {
        let address = field(m, descriptor, address);
        let (beats, zeros) = (m.slice(address, 6, 58), m.constant(0, 6));
        let address = m.cat(&[beats, zeros]);
        m.extend(address, ADDRESS_BITS)
    });
    let src_beats = field(m, descriptor, Descriptor::src_beats);
    let dst_beats = field(m, descriptor, Descriptor::dst_beats);

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
    let (most_log, most_cosets) = (config.ntt.max_log, config.ntt.max_log_cosets);
    let most_length = most_log.max(if config.fold { fold::MAX_LOG } else { 0 });
    let length = power(m, log_n, most_length);
    let points = {
        let [log_n, log_cosets] = [log_n, log_cosets].map(|log| m.resize(log, 6));
        let log = m.add(log_n, log_cosets);
        let log = m.reg(log);
        power(m, log, most_log + most_cosets)
    };
    let first_rows = m.mux(op.commit, points, rows);
    let one32 = m.constant(1, 32);
    let fewer = {
        let one = m.constant(1, 8);
        m.sub(*levels_left, one)
    };
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
        let sum = m.add(columns, salts);
        m.reg(sum)
    };
    let leaf_panels = width_panels(m, elements);
    let leaf_panels = m.reg(leaf_panels);
    let (extra, merge) = {
        let same = m.eq(leaf_panels, rows);
        let other = m.not(same);
        let odd = m.slice(columns, 0, 3);
        let salted = m.eq_const(salts, 0);
        let salted = m.not(salted);
        let partial = m.eq_const(odd, 0);
        let partial = m.not(partial);
        let (extra, merge) = (m.and(op.commit, other), m.and(salted, partial));
        (m.reg(extra), m.reg(merge))
    };

    // More rows than there is room for.
    let streamed = {
        let [log_n, log_cosets] = [log_n, log_cosets].map(|log| m.extend(log, 9));
        let log_rows = m.add(log_n, log_cosets);
        let log_rows = m.reg(log_rows);
        let most = m.constant(config.poseidon.commit_log.into(), 9);
        let many = m.lt(most, log_rows);
        let streamed = m.and(op.commit, many);
        m.reg(streamed)
    };
    let forth = m.not(*back);
    let goes_back = m.and(streamed, forth);
    let dst_stride = field(m, descriptor, Descriptor::dst_stride);
    let turns_back = m.and(next_level, goes_back);
    for (state, first, values, then) in [
        (level_rows, first_rows, *level_rows, half_rows),
        (levels_left, levels, *levels_left, fewer),
        (leaves, one, one, zero),
        (back, zero, one, *back),
    ] {
        let next = m.choose(&[(load, first), (turns_back, values), (next_level, then)], *state);
        m.drive(state, next);
    }
    // Where a level reads and writes is found in the two cycles behind `next_level`. Values are behind their
    // coefficients. Digests are behind the last panel written, and behind one of salts if there is one; those of a level
    // above the leaves' are behind what that wrote, as many beats as there are rows now.
    let moved = m.delay_valid(next_level, 1);
    let moved_again = m.delay_valid(moved, 1);
    let goes_on = m.and(*leaves, moved_again);
    let values_at = {
        let kept = m.and(*leaves, coefficients);
        let kept = m.gate(kept, length);
        advance(m, *level_src, kept)
    };
    let from = m.mux(goes_back, dst, written);
    let next = m.choose(&[(load, src), (next_level, from), (moved, values_at)], *level_src);
    m.drive(level_src, next);
    let digests_at = {
        let written_beats = m.mux(*leaves, dst_stride, *level_rows);
        let salts = m.gate(extra, dst_stride);
        let beats = m.mux(goes_on, salts, written_beats);
        advance(m, *level_dst, beats)
    };
    let goes_on = m.or(moved, goes_on);
    let next = m.choose(&[(load, dst), (next_level, written), (goes_on, digests_at)], *level_dst);
    m.drive(level_dst, next);
    let top = m.eq_const(*levels_left, 0);
    let above_top = m.not(top);
    let more = m.or(above_top, goes_back);
    let from_src = m.and(*leaves, forth);
    let (read_base, read_beats) = (m.mux(from_src, src, dst), m.mux(from_src, src_beats, dst_beats));
    let read_base = m.reg(read_base);
    let (read_limit, write_limit) = (advance(m, read_base, read_beats), advance(m, dst, dst_beats));
    let (read_limit, write_limit) = (m.reg(read_limit), m.reg(write_limit));

    let commit = m.and(op.commit, from_src);
    let commit = m.reg(commit);
    let at_once = m.not(streamed);
    let on_chip = m.and(commit, at_once);
    let on_chip = m.reg(on_chip);
    let transform = m.or(op.transform, commit);
    let transform = m.reg(transform);
    let after = m.not(from_src);
    let tree = m.and(op.commit, after);
    let hash = m.or(op.hash, tree);
    let hash = m.reg(hash);
    let hashing = m.any(&[op.permute, hash, op.grind, on_chip]);
    let hashing = m.reg(hashing);

    let parent = m.constant(PARENT_WIDTH, 16);
    let width = m.mux(*leaves, elements, parent);
    let width = m.reg(width);
    let modes = [MODE_PERMUTE, MODE_HASH, MODE_GRIND, MODE_COMMIT].map(|mode| m.constant(mode, 2));
    let mode = m.choose(&[(hash, modes[1]), (op.grind, modes[2]), (on_chip, modes[3])], modes[0]);
    let mode = m.reg(mode);

    let [across, own_tables] = [across, own_tables].map(|flag| {
        let flag = m.and(flag, op.transform);
        m.reg(flag)
    });
    let log_inner = field(m, descriptor, Descriptor::log_inner);

    // Across a panel: tiles of 2^log_inner neighbouring rows, from each of the rows that are a stride apart.
    let inner = power(m, log_inner, MAX_LOG_INNER);
    let across_total = m.shl_var(rows, log_inner);
    let across_total = m.reg(across_total);
    let log_outer = m.sub(log_n, log_inner);
    let log_outer = m.reg(log_outer);
    let outer = power(m, log_outer, most_log);
    // An inverse job with tables of its own turns its panels: their rows are read one after the other, and leave as an
    // across job's do, 2^log_inner neighbours at a time.
    let turning = m.and(own_tables, inverse);
    let turning = m.reg(turning);

    // Input: a parameter block, then panels.
    let tables = {
        let most = u128::from(scale_table_beats(most_log)) << most_cosets;
        let bits = u128::BITS - most.leading_zeros();
        let table: Vec<Sig> = (0..=most_log).map(|log| m.constant(scale_table_beats(log).into(), bits)).collect();
        let table = m.select(log_n, &table);
        let table = m.reg(table);
        // log_cosets is zero unless FORWARD.
        let tables = m.shl_var(table, log_cosets);
        let tables = m.reg(tables);
        m.extend(tables, 32)
    };
    let two_tables = m.shl(tables, 1);
    let two_tables = m.slice(two_tables, 0, 32);
    let grind_beats = m.constant(2, 32);
    // Two powers a beat.
    let powers = half(m, length);
    let first_beats = m.choose(&[(turning, two_tables), (transform, tables), (op.fold, powers)], grind_beats);
    let first_beats = m.reg(first_beats);
    let has_first = m.any(&[transform, op.grind, op.fold]);
    let has_first = m.reg(has_first);
    let unfolded = m.shl_var(rows, log_n);
    let unfolded = m.reg(unfolded);
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
    let total = m.reg(total);
    let tile_rows = m.constant(config.poseidon.tile_rows.into(), 32);
    let tile = m.choose(&[(hash, tile_rows), (across, inner)], total);
    let tile = m.reg(tile);
    let width_panels = width_panels(m, width);
    let width_panels = m.reg(width_panels);
    // A commit's salts follow its panels: those of the panel that is partly values, those of one that is not unless it
    // is read back with the values.
    let extra_now = m.and(extra, at_once);
    let salt_beats = {
        let both = m.and(merge, extra_now);
        let twice = m.shl(points, 1);
        let twice = m.slice(twice, 0, 32);
        let beats = m.mux(both, twice, points);
        m.reg(beats)
    };
    let salted = {
        let some = m.or(merge, extra_now);
        let salted = m.and(commit, some);
        m.reg(salted)
    };
    let inputs = {
        let salted = m.extend(salted, 32);
        m.add(rows, salted)
    };
    let inputs = m.reg(inputs);
    let panels = m.choose(&[(hash, width_panels), (across, outer), (transform, inputs)], one32);
    let panels = m.reg(panels);
    let stride = field(m, descriptor, Descriptor::src_stride);
    let stride = m.mux(*back, dst_stride, stride);
    let stride = m.reg(stride);
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
    let outputs = {
        let bits = most_cosets + 1;
        let one = m.constant(1, bits);
        let cosets = m.shl_var(one, log_cosets);
        let blocks = m.gate(forward, cosets);
        let (blocks, kept) = (m.extend(blocks, bits + most_log), m.extend(coefficients, bits + most_log));
        let blocks = m.add(blocks, kept);
        let blocks = m.reg(blocks);
        let outputs = m.shl_var(blocks, log_n);
        let outputs = m.reg(outputs);
        m.resize(outputs, 32)
    };
    let odd = m.bit(*level_rows, 0);
    let odd = m.extend(odd, 32);
    let digests = m.add(half_rows, odd);
    let digests = m.reg(digests);
    let cases = [
        (across, across_total),
        (turning, rows),
        (op.permute, twice),
        (hash, digests),
        (op.grind, one32),
        (transform, outputs),
    ];
    let total = m.choose(&cases, rows);
    let total = m.reg(total);
    let tiled = m.or(across, turning);
    let tile = m.mux(tiled, inner, total);
    let tile = m.reg(tile);
    let with_digests = m.add_const(leaf_panels, 1);
    let panels = m.choose(&[(across, outer), (turning, length), (on_chip, with_digests), (transform, rows)], one32);
    let panels = m.reg(panels);
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
        read_window: (read_base, read_limit),
        write_window: (dst, write_limit),
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

/// `2^log` in 32 bits, of logarithms up to `most`: nothing else is started.
fn power(m: &mut Module, log: Sig, most: u32) -> Sig {
    let one = m.constant(1, most + 1);
    let power = m.shl_var(one, log);
    let power = m.reg(power);
    m.extend(power, 32)
}

/// `rows / 2`, rounded down.
fn half(m: &mut Module, rows: Sig) -> Sig {
    let high = m.slice(rows, 1, 31);
    m.extend(high, 32)
}
