//! What is issued when: the order of blocks, and the slots in a block.
//!
//! A *block* is N slots in lock-step: rows 0 … N − 1 enter the butterflies, the results of the block before leave. With
//! L < 8 lanes a slot is issued 8/L times, once for each token of its row.
//! With I(g) = the values of panel g enter, F_b(g) = its coefficients enter, scaled for coset b, − = nothing enters:
//!
//! | job | blocks |
//! |---|---|
//! | forward | F_0(0) … F_c−1(0), F_0(1) …, − ; F_0 comes from the input and is stored on its way |
//! | inverse, then forward | I(0), I(1), F_0(0) … F_c−1(0), I(2), F_0(1) …, −, F_0(last) …, − |
//! | … one half | I(0), −, F_0(0) … F_c−1(0), I(1), −, F_0(1) …, − |
//! | inverse | I(0), I(1), I(2) with tap(0), I(3) with tap(1) …, − with tap(last − 1), − with tap(last) |
//! | … one half | I(0), −, I(1) with tap(0), −, …, − with tap(last) |
//! | turning | G(0), G(1), … G(T−1), −, tap of all T, G(T), … G(2T−1), −, tap … |
//!
//! A *tap* sends the stored coefficients to the output; in an inverse-then-forward job F_0(g) is one when coefficients
//! are asked for. The buffer has two halves, used in turns, while 2N rows fit it; forward jobs need one.
//!
//! Where each panel brings scale tables of its own (forward and turning jobs), they are taken before its block; nothing is
//! issued meanwhile. The last read of the tables before takes place in the cycle in which its slot is issued.
//!
//! A *turning* job is an inverse one whose panels bring tables: G(g) is panel g, which enters scaled by its own table
//! (table 1), and whose results are every T-th row of the buffer, from row g mod T on. When T panels are there, their tap
//! is one block of T·N rows, scaled by table 0, which came before all others.
//!
//! **The output.** A slot gives at most one beat: results go there in the block after an F, and a tap is only in blocks
//! after an I or a − (F_0 of inverse-then-forward) or in jobs without F. All that a job sends to the output takes the
//! same number of cycles from its slot, so beats neither meet nor overtake each other. A slot that gives a beat is
//! issued only against a credit: there are as many as words in the output FIFO, and each comes back with its beat.
//!
//! **The buffer.** Results are written `hazard` cycles after a read of the same slot would take place. Taps of an
//! inverse job are read that much later, which puts writes and reads into the order of slots (a turning job's taps are
//! not: like F_0(g), they wait at their first slot). Otherwise F_0(g) reads what was written in the slots of an earlier block, and only its first slot can be too early: it waits until
//! `hazard` cycles have passed since the last slot that wrote. F_b, b > 0, reads what F_0 could read. What is stored
//! next in the half that a block reads is written at least a block later.

//!
//! **Registers.** Where a multiplier is shared, slots are issued in phase 0 of four cycles. What the last one has changed
//! is then settled in three steps: that a block has ended is seen in phase 1, state and counters are there in phase 2, what
//! is read off the counters in phase 3, and all that a slot needs with the next one ([`Pace`]). Elsewhere a slot may
//! follow a slot, and all of this is in one cycle.

use std::rc::Rc;

use super::{
    pipeline::{last_token, tokens_log},
    scale::{hi_beat_bits, table_bits, LO_BEATS_LOG},
    stage::GROUP_LOG,
};
use crate::{
    bus::{steps, Bus},
    config::Config,
    datapath::{Module, Sig, State},
};

const STATE_BITS: u32 = 3;
const IDLE: u128 = 0;
const TABLES: u128 = 1;
/// I(g) that the table above shows at the start of a line, or after each panel if there is one half.
const VALUES: u128 = 2;
/// The block between it and F_0.
const BETWEEN: u128 = 3;
const FORWARD: u128 = 4;
/// A block of an inverse job; the tap of a turning one.
const INVERSE: u128 = 5;
/// The last − after an F.
const FLUSH: u128 = 6;
const DRAIN: u128 = 7;

/// Where the results of the block before go.
const NOWHERE: u128 = 0;
const TO_BUFFER: u128 = 1;
const TO_OUTPUT: u128 = 2;

/// Bits of `log_n` and `log_cosets` at the engine's ports.
pub const LOG_BITS: u32 = 8;

/// Module `ntt_sequencer`. `credits` = places in the output FIFO; `hazard`: see the module's page.
///
/// Outputs: `issue` (the others say what it is that is issued), `slot` with the token's number below it; `raw` (this block is an I), `read_table`,
/// `tap`, `read_half`, `from_input` (what enters scaled is the input), `store` (it goes to the buffer), `to_buffer`,
/// `write_half`, `write_turn` (panel's number among T), `to_output` (where the results of the block before go);
/// `phase` (cycle modulo `sharing`; slots are issued in phase 0), if it is not 1;
/// `write_lo`, `write_hi`, `write_table`, `write_beat`, on a narrow bus `write_word`, for scale tables; `mask` = N − 1, `tap_only` = the job is an
/// inverse one, `turning`, `in_ready`, `busy`, `beat` (a row has entered the butterflies).
pub fn sequencer(config: &Config, credits: u32, hazard: u32) -> Rc<Module> {
    let (max_log, tokens_log) = (config.ntt.max_log, tokens_log(config));
    let mut m = Module::new("ntt_sequencer");
    let start = m.input("start", 1);
    let inverse = m.input("inverse", 1);
    let forward = m.input("forward", 1);
    let coefficients = m.input("coefficients", 1);
    let own_tables = m.input("own_tables", 1);
    let log_n = m.input("log_n", LOG_BITS);
    let log_inner = m.input("log_inner", LOG_BITS);
    let log_cosets = m.input("log_cosets", LOG_BITS);
    let panels = m.input("panels", 32);
    let in_valid = m.input("in_valid", 1);
    let pop = m.input("pop", 1);

    // What the job is made of, settled before the first table has come.
    let mask = thermometer(&mut m, log_n, max_log);
    let tables = table_bits(config);
    let last_coset = thermometer(&mut m, log_cosets, tables);
    let last_coset = m.gate(forward, last_coset);
    let turning = m.and(inverse, own_tables);
    let turning = m.reg(turning);
    let log_group = m.add(log_n, log_inner);
    let group_mask = thermometer(&mut m, log_group, max_log);
    let last_turn = thermometer(&mut m, log_inner, GROUP_LOG);
    let [group_mask, last_turn] = [group_mask, last_turn].map(|x| m.reg(x));
    let hi_bits = hi_beat_bits(config);
    let last_hi = thermometer(&mut m, log_n, 9 + hi_bits);
    let last_hi = m.slice(last_hi, 9, hi_bits);
    let [mask, last_coset, last_hi] = [mask, last_coset, last_hi].map(|x| m.reg(x));
    let longest = m.bit(mask, max_log - 1);
    let whole = m.or(longest, turning);
    let halves = m.not(whole);
    let not_turning = m.not(turning);
    let not_forward = m.not(forward);
    let tap_only = m.and(inverse, not_forward);

    let pace = Pace { unhurried: config.ntt.sharing > 1 };
    let state = m.state("state", STATE_BITS, IDLE);
    let is: Vec<Sig> = (0..=DRAIN).map(|value| m.eq_const(*state, value)).collect();
    let is = |value: u128| is[value as usize];
    let slot = m.state("slot", max_log + tokens_log, 0);
    let coset = m.state("coset", tables, 0);
    // Blocks of an inverse job: 0, 1, then 2 and 3 in turns.
    let age = m.state("age", 2, 0);
    let values_left = m.state("values_left", 32, 0);
    let panels_left = m.state("panels_left", 32, 0);
    let store_half = m.state("store_half", 1, 0);
    let read_half = m.state("read_half", 1, 0);
    let results = m.state("results", 2, NOWHERE);
    let results_half = m.state("results_half", 1, 0);
    let turn_number = m.state("turn_number", GROUP_LOG, 0);
    let results_turn = m.state("results_turn", GROUP_LOG, 0);

    // The block.
    let no_values = m.eq_const(*values_left, 0);
    let no_values = pace.settle(&mut m, no_values);
    let values = m.not(no_values);
    let odd = m.bit(*age, 0);
    let odd_idles = m.all(&[odd, longest, not_turning]);
    let works = m.not(odd_idles);
    let first_coset = m.eq_const(*coset, 0);
    let final_coset = m.eq(*coset, last_coset);
    let [first_coset, final_coset] = [first_coset, final_coset].map(|x| pace.settle(&mut m, x));
    let not_inverse = m.not(inverse);
    let between = m.all(&[is(BETWEEN), halves, values]);
    let inverse_block = m.all(&[is(INVERSE), works, values, not_turning]);
    let raw = m.any(&[is(VALUES), between, inverse_block]);
    let store = m.all(&[is(FORWARD), not_inverse, first_coset]);
    let turned = m.and(is(FORWARD), turning);
    let from_input = m.or(store, turned);
    let take_input = m.or(raw, from_input);
    let [raw, store, from_input, take_input] = [raw, store, from_input, take_input].map(|x| pace.settle(&mut m, x));
    let settled = m.bit(*age, 1);
    let settled_or_turned = m.or(settled, turning);
    let inverse_tap = m.all(&[is(INVERSE), works, settled_or_turned]);
    let turned_tap = m.and(is(INVERSE), turning);
    let forward_tap = m.all(&[is(FORWARD), inverse, coefficients, first_coset, not_turning]);
    let tap = m.or(inverse_tap, forward_tap);
    let to_buffer = m.eq_const(*results, TO_BUFFER);
    let to_output = m.eq_const(*results, TO_OUTPUT);
    let gives = m.or(tap, to_output);
    // A slot is made possible a step before all this is settled.
    let no_output = m.not(gives);
    let [tap, to_buffer, to_output, gives] = [tap, to_buffer, to_output, gives].map(|x| pace.settle(&mut m, x));

    // The slot.
    let credit = m.state("outstanding", credits.ilog2() + 1, 0);
    let full = m.bit(*credit, credits.ilog2());
    let wait = m.state("wait", super::bits(hazard), 0);
    let waited = m.eq_const(*wait, 0);
    let first_slot = m.eq_const(*slot, 0);
    let [written, first_slot] = [waited, first_slot].map(|x| pace.settle(&mut m, x));
    let fresh = m.all(&[is(FORWARD), inverse, first_coset, not_turning]);
    let fresh = m.or(fresh, turned_tap);
    let fresh = m.and(fresh, first_slot);
    let other = m.not(fresh);
    let readable = m.or(other, written);
    let not_full = m.not(full);
    // A row's first token takes the credit for all of its beat, and its last one the beat; on a narrow bus each token is a
    // word for itself.
    let row_ends = last_token(&mut m, *slot, tokens_log);
    let (row_begins, moves_on) = match config.bus {
        Bus::Wide => (first_token(&mut m, *slot, tokens_log), row_ends),
        Bus::Narrow => (m.constant(1, 1), m.constant(1, 1)),
    };
    let row_goes_on = m.not(row_begins);
    let room = m.any(&[no_output, not_full, row_goes_on]);
    let active = m.any(&[is(VALUES), is(BETWEEN), is(FORWARD), is(INVERSE), is(FLUSH)]);
    let phase_comes = match config.ntt.sharing {
        1 => m.constant(1, 1),
        sharing => {
            let phase = m.state("phase", sharing.ilog2(), 0);
            let next = m.add_const(*phase, 1);
            m.drive(phase, next);
            m.output("phase", *phase);
            m.eq_const(*phase, u128::from(sharing) - 1)
        }
    };
    let possible = m.all(&[active, room, readable, phase_comes]);
    let possible = pace.settle_event(&mut m, possible);
    let no_input = m.not(take_input);
    let fed = m.or(no_input, in_valid);
    let issue = m.and(possible, fed);
    let wants = m.all(&[possible, take_input, moves_on]);
    let in_ready = m.or(is(TABLES), wants);
    let rows = m.mux(turned_tap, group_mask, mask);
    let slots = if tokens_log == 0 {
        rows
    } else {
        let tokens = m.constant((1 << tokens_log) - 1, tokens_log);
        m.cat(&[rows, tokens])
    };
    let last_slot = m.eq(*slot, slots);
    let last_slot = pace.settle(&mut m, last_slot);
    let turn = m.and(issue, last_slot);
    let turn = pace.settle_event(&mut m, turn);

    let next = m.add_const(*slot, 1);
    let next = m.and(next, slots);
    m.drive_when(slot, issue, next);
    let given = m.all(&[issue, gives, row_begins]);
    let [given, pop] = [given, pop].map(|x| pace.settle_event(&mut m, x));
    let (more, one) = (m.add_const(*credit, 1), m.constant(1, credits.ilog2() + 1));
    let less = m.sub(*credit, one);
    let moves = m.xor(given, pop);
    let next = m.mux(given, more, less);
    m.drive_when(credit, moves, next);
    let none_out = m.eq_const(*credit, 0);
    let writes = m.and(issue, to_buffer);
    let writes = pace.settle_event(&mut m, writes);
    // From a slot to the next that may follow there are three registers more where there is time for them.
    let full_wait = if pace.unhurried { hazard - 3 } else { hazard };
    let full_wait = m.constant(full_wait.into(), super::bits(hazard));
    let one_less = m.add_const(*wait, (1 << super::bits(hazard)) - 1);
    let next = m.choose(&[(writes, full_wait), (waited, *wait)], one_less);
    m.drive(wait, next);

    // Tables.
    let beat_bits = hi_bits.max(LO_BEATS_LOG);
    let table_beat = m.state("table_beat", beat_bits, 0);
    let in_hi = m.state("in_hi", 1, 0);
    let write_table = m.state("write_table", tables, 0);
    let in_lo = m.not(*in_hi);
    let table_input = m.and(is(TABLES), in_valid);
    let (write_lo, write_hi) = (m.and(table_input, in_lo), m.and(table_input, *in_hi));
    let last_lo = m.constant((1 << LO_BEATS_LOG) - 1, beat_bits);
    let last_hi = m.extend(last_hi, beat_bits);
    let last = m.mux(*in_hi, last_hi, last_lo);
    let last_beat = m.eq(*table_beat, last);
    // A beat takes eight cycles on a narrow bus: time for registers behind what is asked at its end.
    let beats = Pace { unhurried: config.bus == Bus::Narrow };
    let last_beat = beats.settle(&mut m, last_beat);
    let (word, beat_ends) = steps(&mut m, config.bus, "table_word", table_input);
    if let Some(word) = word {
        m.output("write_word", word);
    }
    let table_beat_done = m.and(table_input, beat_ends);
    let part_done = m.and(table_beat_done, last_beat);
    let more = m.add_const(*table_beat, 1);
    let zero = m.constant(0, beat_bits);
    let next = m.mux(last_beat, zero, more);
    m.drive_when(table_beat, table_beat_done, next);
    m.drive_when(in_hi, part_done, in_lo);
    let table_done = m.and(part_done, *in_hi);
    let more = m.add_const(*write_table, 1);
    let zero = m.constant(0, tables);
    let panel_ends = m.wire(1);
    // Table 0 of a turning job comes once.
    let own = m.extend(turning, tables);
    let next = m.choose(&[(is(IDLE), zero), (*panel_ends, own), (table_done, more)], *write_table);
    let last = m.mux(turning, own, last_coset);
    let last_table = m.eq(*write_table, last);
    m.drive(write_table, next);
    let all_end = m.all(&[last_beat, *in_hi, last_table]);
    let all_end = beats.settle(&mut m, all_end);
    let tables_done = m.and(table_beat_done, all_end);

    // The block after this one.
    let value = |m: &mut Module, state: u128| m.constant(state, STATE_BITS);
    let last_panel = m.eq_const(*panels_left, 1);
    let no_panels = m.eq_const(*panels_left, 0);
    let [last_panel, no_panels] = [last_panel, no_panels].map(|x| pace.settle(&mut m, x));
    let [idle, loading, first, middle, transform, inverting, flush, drain] =
        [IDLE, TABLES, VALUES, BETWEEN, FORWARD, INVERSE, FLUSH, DRAIN].map(|s| value(&mut m, s));
    let begin =
        m.choose(&[(no_panels, drain), (turning, transform), (tap_only, inverting), (inverse, first)], transform);
    let begin = pace.settle(&mut m, begin);
    let panel_follows = m.choose(&[(own_tables, loading), (not_inverse, transform), (halves, middle)], first);
    let after_panel = m.mux(last_panel, flush, panel_follows);
    let final_turn = m.eq(*turn_number, last_turn);
    let final_turn = pace.settle(&mut m, final_turn);
    let after_turn = m.mux(final_turn, flush, loading);
    let after_forward = m.choose(&[(turning, after_turn), (final_coset, after_panel)], transform);
    let last_tap = m.and(inverse_tap, last_panel);
    let after_tap = m.mux(no_panels, drain, loading);
    let after_inverse = m.choose(&[(turning, after_tap), (last_tap, drain)], inverting);
    let after_flush = m.mux(turning, inverting, drain);
    let after_block = m.choose(
        &[
            (is(VALUES), middle),
            (is(BETWEEN), transform),
            (is(FORWARD), after_forward),
            (is(INVERSE), after_inverse),
            (is(FLUSH), after_flush),
        ],
        drain,
    );
    let after_block = pace.settle(&mut m, after_block);
    let idle_start = m.and(is(IDLE), start);
    let drained = m.and(is(DRAIN), none_out);
    let drained = pace.settle_event(&mut m, drained);
    let next = m.choose(&[(idle_start, loading), (tables_done, begin), (turn, after_block), (drained, idle)], *state);
    m.drive(state, next);

    // All else starts from what it is while there is no job, so that `start` has little to do.
    let no_job = is(IDLE);
    let forward_turn = m.and(turn, is(FORWARD));
    let more = m.add_const(*coset, 1);
    let zero = m.constant(0, tables);
    let next = m.mux(final_coset, zero, more);
    drive_from(&mut m, coset, no_job, zero, forward_turn, next);
    let inverse_turn = m.and(turn, is(INVERSE));
    let wrapped = m.not(odd);
    let high = m.or(settled, odd);
    let aged = m.cat(&[high, wrapped]);
    let zero = m.constant(0, 2);
    drive_from(&mut m, age, no_job, zero, inverse_turn, aged);
    let raw_turn = m.and(turn, raw);
    let less = m.add_const(*values_left, u32::MAX.into());
    drive_from(&mut m, values_left, no_job, panels, raw_turn, less);
    let panel_turn = m.and(forward_turn, final_coset);
    let tap_turn = m.all(&[turn, inverse_tap, not_turning]);
    let panel_turn = m.or(panel_turn, tap_turn);
    m.connect(panel_ends, panel_turn);
    let less = m.add_const(*panels_left, u32::MAX.into());
    drive_from(&mut m, panels_left, no_job, panels, panel_turn, less);
    let no = m.constant(0, 1);
    let swapped = m.not(*store_half);
    let swapped = m.and(swapped, halves);
    drive_from(&mut m, store_half, no_job, no, raw_turn, swapped);
    let swapped = m.not(*read_half);
    let swapped = m.all(&[swapped, halves, inverse]);
    drive_from(&mut m, read_half, no_job, no, panel_turn, swapped);
    let [nowhere, buffer, output] = [NOWHERE, TO_BUFFER, TO_OUTPUT].map(|x| m.constant(x, 2));
    let next = m.choose(&[(raw, buffer), (turned, buffer), (is(FORWARD), output)], nowhere);
    drive_from(&mut m, results, no_job, nowhere, turn, next);
    drive_from(&mut m, results_half, no_job, no, turn, *store_half);
    let more = m.add_const(*turn_number, 1);
    let none = m.constant(0, GROUP_LOG);
    let next = m.mux(final_turn, none, more);
    drive_from(&mut m, turn_number, no_job, none, forward_turn, next);
    drive_from(&mut m, results_turn, no_job, none, turn, *turn_number);

    let busy = m.not(is(IDLE));
    let real = m.or(raw, is(FORWARD));
    let read_table = m.extend(turned, tables);
    let read_table = m.mux(turning, read_table, *coset);
    let beat = m.all(&[issue, real, row_ends]);
    let beat = pace.settle_event(&mut m, beat);
    for (name, sig) in [
        ("issue", issue),
        ("slot", *slot),
        ("raw", raw),
        ("read_table", read_table),
        ("tap", tap),
        ("read_half", *read_half),
        ("from_input", from_input),
        ("store", store),
        ("to_buffer", to_buffer),
        ("write_half", *results_half),
        ("write_turn", *results_turn),
        ("to_output", to_output),
        ("write_lo", write_lo),
        ("write_hi", write_hi),
        ("write_table", *write_table),
        ("write_beat", *table_beat),
        ("mask", mask),
        ("tap_only", tap_only),
        ("turning", turning),
        ("in_ready", in_ready),
        ("busy", busy),
        ("beat", beat),
    ] {
        m.output(name, sig);
    }
    Rc::new(m)
}

/// Whether a token is its row's first.
fn first_token(m: &mut Module, slot: Sig, tokens_log: u32) -> Sig {
    if tokens_log == 0 {
        return m.constant(1, 1);
    }
    let token = m.slice(slot, 0, tokens_log);
    m.eq_const(token, 0)
}

/// 2^`log` − 1 in `width` bits.
pub fn thermometer(m: &mut Module, log: Sig, width: u32) -> Sig {
    let bits: Vec<Sig> = (0..width)
        .map(|bit| {
            let bit = m.constant(bit.into(), log.width());
            m.lt(bit, log)
        })
        .collect();
    m.pack(&bits)
}

/// Whether there is time for a register before what it says is asked for again.
struct Pace {
    unhurried: bool,
}

impl Pace {
    /// `x` a cycle later if there is time.
    fn settle(&self, m: &mut Module, x: Sig) -> Sig {
        if self.unhurried {
            m.reg(x)
        } else {
            x
        }
    }

    /// The same for what makes something happen, which a reset clears.
    fn settle_event(&self, m: &mut Module, x: Sig) -> Sig {
        m.delay_valid(x, self.unhurried.into())
    }
}

/// `state` = `initial` while there is no job, else `next` when `enable`.
fn drive_from(m: &mut Module, state: State, no_job: Sig, initial: Sig, enable: Sig, next: Sig) {
    let any = m.or(no_job, enable);
    let next = m.mux(no_job, initial, next);
    m.drive_when(state, any, next);
}
