//! The transform engine: batches of forward, inverse and coset transforms of lengths 2 to 2^max_log.
//!
//! ```text
//!            scale tables ──► ntt_scale ── factor of the row
//!                                            │
//!  in ──┬──────────────────────► ┌───────┐ ┌─▼─┐
//!       │          ┌───────────► │ or    ├─► × ├──┬────────► tap (inverse) ──┐
//!       │   ┌──────┴───────┐     └───────┘ └───┘  ▼                          │
//!       ├──►│ coefficients ├──── tap (before F_0) │ ─────────────────────┐   │
//!       │   └──────▲───────┘                   ┌──▼─┐  ┌──────────────┐  ▼   ▼
//!       └─ − ──────│──────────────────────────►│ or ├─►│ ntt_pipeline ├─► or ─► FIFO ─► out
//!                  └──── · 2^(96 − log_n) ◄────└────┘──┤              │
//!                                                      └──────────────┘
//! ```
//!
//! The butterflies always compute X_k = Σ x_i·w^(ik), natural order in, bit-reversed out ([`pipeline`](self)). An
//! inverse transform is that with k read as −k: X_k is N times the coefficient of degree −k mod N, and its place in the
//! buffer says so. 1/N = −2^(96 − log_n) is a shift, its sign being taken where values enter. [`sequencer`](self) orders
//! what passes when, and says why nothing collides.
//!
//! Several transforms share the buffer where they take turns in a panel, and in *turning* jobs, whose panels are
//! transforms of their own: result k of number t is row k·T + t.

mod pipeline;
mod product;
mod scale;
mod sequencer;
mod shared;
mod shift;
mod stage;

use std::rc::Rc;

use product::{multiplier_unit, operands, SHARED};

use crate::{
    bus::Bus,
    config::Config,
    datapath::{Module, Sig},
    field::Field,
    sets::SetTables,
};

/// Twiddle tables for w of order 2^`max_log`: low factors w^0 … w^127, then high factors w^(128·i).
pub fn twiddle_tables(set: &SetTables, max_log: u32) -> (Vec<u64>, Vec<u64>) {
    let root = set.root(max_log);
    let low = (0..128).map(|e| set.field.pow(root, e)).collect();
    let high = (0..1u64 << (max_log - 7)).map(|e| set.field.pow(root, 128 * e)).collect();
    (low, high)
}

/// Multiplier leaves in the engine: scale and twiddle per lane, and one each that makes the factors; or one for all.
pub fn multipliers(config: &Config) -> u32 {
    match config.ntt.sharing {
        1 => 2 * config.ntt.lanes + 2,
        _ => 1,
    }
}

/// Bits of `log_inner`, 0 to 6.
const TURN_BITS: u32 = 3;

/// Bits that hold `value`.
fn bits(value: u32) -> u32 {
    32 - value.leading_zeros()
}

/// Module `ntt_engine`: `start` with `inverse`, `forward`, `coefficients`, `log_n`, `log_cosets`, `panels` begins a
/// transform of docs/jobs.md; these stay as they are while `busy`. `beat`: a row of data enters the butterflies. With
/// `own_tables` scale tables come before each panel, not once; with `log_inner` = t a panel is 2^t transforms, of which
/// row i of the panel has row i div 2^t of number i mod 2^t. Jobs that go inverse and then forward have neither. An
/// inverse one with `own_tables` is *turning*: a scale table for its output, then for each panel one for its input; the
/// results of 2^t panels leave together, row i div 2^t of panel i mod 2^t.
pub fn engine(config: &Config) -> Rc<Module> {
    let (lanes, max_log) = (config.ntt.lanes, config.ntt.max_log);
    assert!([1, 2, 4, 8].contains(&lanes), "eight columns are a whole number of tokens");
    assert!((7..=13).contains(&max_log), "the two groups of stages hold transforms of 2^7 to 2^13");
    let sharing = config.ntt.sharing;
    assert!(sharing == 1 || sharing == SHARED && lanes == 1, "a multiplier is shared by the four products of one lane");
    assert!(config.bus == Bus::Wide || lanes == 1, "a narrow bus brings one lane's token at a time");
    assert_eq!(config.set.field, Field::GOLDILOCKS, "shifts stand for roots of unity in this field only");

    // When things happen, in cycles after a slot is here, which is one after its issue.
    let (pipeline, multiplied_at) = pipeline::pipeline(config);
    let scale = scale::scale(config);
    let unit = multiplier_unit(config);
    let latency = |m: &Module| m.latency().unwrap_or(0);
    // Where slots come in every fourth cycle there is time for a register behind the choice of what is read of scale tables,
    // as new ones come only after the last slot.
    let row_at = u32::from(sharing > 1);
    let operand_at = row_at + latency(&scale);
    // The same where a block takes long enough that what it stored is not read too early.
    let read_at = operand_at - 1 - row_at;
    let scaled_at = operand_at + latency(&unit);
    // A shared multiplier scales and joins factors in even cycles from `operand_at`; then it must twiddle in odd ones.
    let entry_at = match sharing {
        1 => scaled_at + 1,
        _ => scaled_at + 1 + (scaled_at + multiplied_at + operand_at) % 2,
    };
    let result_at = entry_at + latency(&pipeline);
    let rotated_at = result_at + shift::ROTATE_STAGES;
    // Late taps must find a shared multiplier as others do.
    let write_at = read_at + (rotated_at - read_at).next_multiple_of(sharing);
    let hazard = write_at - read_at;
    // The last beat under way is one that waits for a credit, which takes the FIFO's two cycles and those around it.
    let longest_way = result_at.max(hazard + scaled_at) + 7;
    let depth = longest_way.next_power_of_two();

    let mut m = Module::new("ntt_engine");
    let sequencer = sequencer::sequencer(config, depth, hazard);
    let ports = [
        ("start", 1),
        ("inverse", 1),
        ("forward", 1),
        ("coefficients", 1),
        ("own_tables", 1),
        ("log_n", sequencer::LOG_BITS),
        ("log_cosets", sequencer::LOG_BITS),
        ("panels", 32),
        ("in_valid", 1),
    ];
    let mut inputs: Vec<(&str, Sig)> = ports.iter().map(|&(name, width)| (name, m.input(name, width))).collect();
    let (inverse, log_n) = (inputs[1].1, inputs[5].1);
    let log_inner = m.input("log_inner", sequencer::LOG_BITS);
    let tokens_log = pipeline::tokens_log(config);
    let in_data = m.input("in_data", config.bus.bits());
    let in_data = m.reg(in_data);
    let out_ready = m.input("out_ready", 1);
    let pop = m.wire(1);
    inputs.extend([("pop", *pop), ("log_inner", log_inner)]);
    let sequencer = m.instance("sequencer", &sequencer, &inputs);
    // What comes with a slot or a word; what makes something happen, which a reset clears; what a job has all the time.
    let said = |m: &mut Module, port: &str| {
        let sig = m.output_of(&sequencer, port);
        let sig = m.reg(sig);
        m.at(sig, Some(0))
    };
    let event = |m: &mut Module, port: &str| {
        let sig = m.output_of(&sequencer, port);
        let sig = m.delay_valid(sig, 1);
        m.at(sig, Some(0))
    };
    let settled = |m: &mut Module, port: &str| m.output_of(&sequencer, port);
    let issue = event(&mut m, "issue");
    let slot = said(&mut m, "slot");
    let mask = settled(&mut m, "mask");
    let longest = m.bit(mask, max_log - 1);
    let tap_only = settled(&mut m, "tap_only");
    let turning = settled(&mut m, "turning");
    let straight = m.not(turning);
    let late_tap = m.and(tap_only, straight);
    // T − 1 and N/T − 1 where T transforms take turns in a panel.
    let log_turns = m.gate(straight, log_inner);
    let inner = sequencer::thermometer(&mut m, log_turns, stage::GROUP_LOG);
    let log_length = m.sub(log_n, log_turns);
    let log_length = m.reg(log_length);
    let length_mask = sequencer::thermometer(&mut m, log_length, max_log);
    let [inner, length_mask] = [inner, length_mask].map(|x| m.reg(x));
    let whole = m.or(longest, turning);

    // Taps of an inverse job read and scale `hazard` cycles after their slot.
    let table = said(&mut m, "read_table");
    let half = said(&mut m, "read_half");
    let reading = m.cat(&[table, half, slot]);
    let delayed = m.delay(reading, hazard);
    let delayed = m.at(delayed, Some(0));
    let reading = m.mux(late_tap, delayed, reading);
    let slot_bits = max_log + tokens_log;
    let read_slot = m.slice(reading, 0, slot_bits);
    let half = m.bit(reading, slot_bits);
    let table = m.slice(reading, slot_bits + 1, table.width());
    let read_row = m.slice(read_slot, tokens_log, max_log);
    // What the tap of a turning job reads: T neighbours have the same place in their transforms.
    let tap = settled(&mut m, "tap");
    let turned = m.and(tap, turning);
    let shift = m.slice(log_inner, 0, TURN_BITS);
    let shift = m.gate(turned, shift);
    let shift = m.reg(shift);
    let shift = m.at(shift, Some(0));
    let read_row = m.shr_var(read_row, shift);
    let read_address = address(&mut m, whole, half, read_slot);
    let read_address = m.delay(read_address, read_at);
    let [table, read_row] = [table, read_row].map(|x| m.delay(x, row_at));

    let mut scale_inputs = vec![("data", in_data), ("read_table", table), ("row", read_row)];
    for write in ["write_lo", "write_hi"] {
        scale_inputs.push((write, event(&mut m, write)));
    }
    for (port, of) in [("write_table", "write_table"), ("beat", "write_beat")] {
        scale_inputs.push((port, said(&mut m, of)));
    }
    if config.bus == Bus::Narrow {
        scale_inputs.push(("word", said(&mut m, "write_word")));
    }
    // What a shared multiplier gives; who takes it depends on the cycle.
    let shared = m.wire(64);
    let all_products = m.at(*shared, None);
    if sharing > 1 {
        scale_inputs.push(("join_y", all_products));
    }
    let scale = m.instance("scale", &scale, &scale_inputs);
    let factor = m.output_of(&scale, "factor");
    let factor = m.at(factor, Some(operand_at));

    // What is stored: results in natural order, or the input on its way.
    let store = said(&mut m, "store");
    let stored = m.and(store, issue);
    let stored = m.delay_valid(stored, operand_at);
    let input_slot = m.delay(slot, operand_at);
    let to_buffer = said(&mut m, "to_buffer");
    let to_buffer = m.and(to_buffer, issue);
    let to_buffer = m.delay_valid(to_buffer, write_at);
    let (write_half, write_turn) = (said(&mut m, "write_half"), said(&mut m, "write_turn"));
    let result = m.cat(&[write_turn, write_half, slot]);
    let result = m.delay(result, write_at - 3);
    let result_slot = m.slice(result, tokens_log, max_log);
    let index = coefficient(&mut m, result_slot, log_n, length_mask);
    let result = m.delay(result, 2);
    let (result_half, turn) = (m.bit(result, slot_bits), m.slice(result, slot_bits + 1, stage::GROUP_LOG));
    let neighbour = m.slice(result, tokens_log, stage::GROUP_LOG);
    let neighbour = m.and(neighbour, inner);
    let number = m.mux(turning, turn, neighbour);
    let number = m.extend(number, max_log);
    let shift = m.slice(log_inner, 0, TURN_BITS);
    let row = m.shl_var(index, shift);
    let mut row = m.or(row, number);
    if tokens_log > 0 {
        let token = m.slice(result, 0, tokens_log);
        row = m.cat(&[row, token]);
    }
    let result_address = address(&mut m, whole, result_half, row);
    let result_address = m.reg(result_address);
    let [stored, input_slot, to_buffer, result_address] =
        [stored, input_slot, to_buffer, result_address].map(|x| m.at(x, None));
    let write = m.or(stored, to_buffer);
    let write_address = m.mux(stored, input_slot, result_address);

    // Rows enter.
    let from_input = said(&mut m, "from_input");
    let raw = said(&mut m, "raw");
    let token = m.delay_valid(issue, entry_at);
    let token_slot = m.delay(slot, entry_at);
    let words = m.split(in_data, 64 * lanes);
    let words = if words.len() == 1 {
        words[0]
    } else {
        let token = m.slice(slot, 0, tokens_log);
        m.select(token, &words)
    };
    let words = m.split(words, 64);
    let mut pipeline_inputs =
        vec![("mask".to_owned(), mask), ("inner".into(), inner), ("token".into(), token), ("slot".into(), token_slot)];
    if sharing > 1 {
        let phase = settled(&mut m, "phase");
        let phase = m.reg(phase);
        let turn = m.add_const(phase, ((SHARED - entry_at % SHARED) % SHARED).into());
        pipeline_inputs.push(("turn".to_owned(), turn));
        for name in ["twiddle_y", "multiply_0_y"] {
            pipeline_inputs.push((name.to_owned(), all_products));
        }
    }
    let mut columns = Vec::new();
    let mut to_scale = Vec::new();
    for (k, &word) in words.iter().enumerate() {
        let word = m.at(word, Some(0));
        // 1/N has its sign from here: what enters an inverse job is negative.
        let signed = shift::negate(&mut m, word, inverse);
        let input = m.delay(signed, operand_at - shift::NEGATE_STAGES);
        let written = m.wire(64);
        let buffered = m.ram_apart(1 << slot_bits, write, write_address, *written, read_address);
        let buffered = m.delay(buffered, row_at);
        let operand = m.mux(from_input, input, buffered);
        let scaled = if sharing == 1 {
            let scaled = m.call(&format!("scale_{k}"), &unit, &[("a", operand), ("b", factor)]);
            m.output_of(&scaled, "y")
        } else {
            to_scale = vec![operand, factor];
            m.at(all_products, Some(scaled_at))
        };
        assert_eq!(scaled.stage(), Some(scaled_at));
        let entering = m.mux(raw, input, scaled);
        let entering = m.reg(entering);
        let entering = m.delay(entering, entry_at - scaled_at - 1);
        pipeline_inputs.push((format!("x{k}"), entering));
        columns.push((input, written, buffered, scaled));
    }
    let pipeline_inputs: Vec<(&str, Sig)> = pipeline_inputs.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let pipeline = m.instance("pipeline", &pipeline, &pipeline_inputs);
    match to_scale[..] {
        [operand, factor] => {
            // By the cycle modulo 4 in which each product's operands are there.
            let twiddled_at = entry_at + multiplied_at;
            let mut turns = [None; SHARED as usize];
            let uses = [
                (operand_at + 2, operands(&mut m, &scale, "join")),
                (operand_at, [operand, factor].map(|x| m.at(x, None))),
                (twiddled_at + 2, operands(&mut m, &pipeline, "twiddle")),
                (twiddled_at, operands(&mut m, &pipeline, "multiply_0")),
            ];
            for (cycle, operands) in uses {
                assert!(turns[(cycle % SHARED) as usize].replace(operands).is_none(), "two products at a time");
            }
            let phase = settled(&mut m, "phase");
            let phase = m.reg(phase);
            let [a, b] = [0, 1].map(|side| {
                let sides: Vec<Sig> = turns.iter().flatten().map(|operands| operands[side]).collect();
                m.select(phase, &sides)
            });
            let product = m.instance("multiplier", &unit, &[("a", a), ("b", b)]);
            let y = m.output_of(&product, "y");
            m.connect(shared, y);
        }
        _ => {
            let nothing = m.constant(0, 64);
            m.connect(shared, nothing);
        }
    }

    // Rows leave.
    let tap = said(&mut m, "tap");
    let tap = m.and(tap, issue);
    let tap_late = m.and(tap, late_tap);
    let tap_prompt = m.and(tap, turning);
    let other = m.not(tap_only);
    let tap_raw = m.and(tap, other);
    let to_output = said(&mut m, "to_output");
    let to_output = m.and(to_output, issue);
    let tap_late = m.delay_valid(tap_late, hazard + scaled_at);
    let tap_prompt = m.delay_valid(tap_prompt, scaled_at);
    let [tap_late, tap_prompt] = [tap_late, tap_prompt].map(|x| m.at(x, None));
    let tap_scaled = m.or(tap_late, tap_prompt);
    let [tap_raw, to_output] = [tap_raw, to_output].map(|x| m.delay_valid(x, result_at));
    let [tap_scaled, tap_raw, to_output] = [tap_scaled, tap_raw, to_output].map(|x| m.at(x, None));
    // A transform's length is 2 at least, so that 96 − its logarithm is 64 and the rest.
    let (two, thirty_two) = (m.constant(2, 2), m.constant(32, sequencer::LOG_BITS));
    let remainder = m.sub(thirty_two, log_length);
    let remainder = m.slice(remainder, 0, 5);
    let remainder = m.reg(remainder);
    let mut leaving = Vec::new();
    for (k, (input, written, buffered, scaled)) in columns.into_iter().enumerate() {
        let result = m.output_of(&pipeline, &format!("y{k}"));
        let result = m.at(result, Some(result_at));
        let coefficient = shift::rotate(&mut m, result, two, remainder);
        let coefficient = m.delay(coefficient, write_at - rotated_at);
        assert_eq!(coefficient.stage(), Some(write_at));
        let tapped = m.delay(buffered, result_at - operand_at);
        let [input, coefficient, scaled, tapped, result] =
            [input, coefficient, scaled, tapped, result].map(|x| m.at(x, None));
        let next = m.mux(stored, input, coefficient);
        m.connect(written, next);
        let out = m.choose(&[(tap_scaled, scaled), (tap_raw, tapped)], result);
        leaving.push(m.reg(out));
    }
    let out_valid = m.any(&[tap_scaled, tap_raw, to_output]);
    let out_valid = m.delay_valid(out_valid, 1);
    let out_data = m.pack(&leaving);
    let (out_valid, out_data) = match config.bus {
        Bus::Wide => whole_beats(&mut m, out_valid, out_data, tokens_log),
        Bus::Narrow => (out_valid, out_data),
    };
    let fifo = Module::fifo(config.bus.bits(), depth.into());
    let taken = m.wire(1);
    let fifo = m.instance("output", &fifo, &[("in_valid", out_valid), ("in_data", out_data), ("out_ready", *taken)]);
    let (out_valid, out_data) = (m.output_of(&fifo, "out_valid"), m.output_of(&fifo, "out_data"));
    let popped = m.and(out_valid, *taken);
    m.connect(pop, popped);
    // Where parts are small and far apart, ways from the core end at a relay.
    let (ready, out_valid, out_data) = match config.bus {
        Bus::Wide => (out_ready, out_valid, out_data),
        Bus::Narrow => {
            let relay = Module::relay(config.bus.bits());
            let ports = [("in_valid", out_valid), ("in_data", out_data), ("out_ready", out_ready)];
            let relay = m.instance("leaving", &relay, &ports);
            ["in_ready", "out_valid", "out_data"].map(|port| m.output_of(&relay, port)).into()
        }
    };
    m.connect(taken, ready);

    m.output("out_valid", out_valid);
    m.output("out_data", out_data);
    // The sequencer does not know what waits in the relay.
    let busy = settled(&mut m, "busy");
    let busy = m.or(busy, out_valid);
    m.output("busy", busy);
    for port in ["in_ready", "beat"] {
        let sig = settled(&mut m, port);
        m.output(port, sig);
    }
    Rc::new(m)
}

/// Beats from their 2^`tokens_log` tokens, which come one after the other, though not in cycles that follow one another.
fn whole_beats(m: &mut Module, valid: Sig, token: Sig, tokens_log: u32) -> (Sig, Sig) {
    if tokens_log == 0 {
        return (valid, token);
    }
    let number = m.state("token", tokens_log, 0);
    let next = m.add_const(*number, 1);
    m.drive_when(number, valid, next);
    let last = pipeline::last_token(m, *number, tokens_log);
    let mut parts: Vec<Sig> = (0..(1u128 << tokens_log) - 1)
        .map(|i| {
            let part = m.state(&format!("token_{i}"), token.width(), 0);
            let mine = m.eq_const(*number, i);
            let mine = m.and(mine, valid);
            m.drive_when(part, mine, token);
            *part
        })
        .collect();
    parts.push(token);
    (m.and(valid, last), m.pack(&parts))
}

/// Where row `row` is in the buffer: the half is its top bit, unless a transform needs all of it.
fn address(m: &mut Module, longest: Sig, half: Sig, row: Sig) -> Sig {
    let bits = row.width();
    let (top, rest) = (m.bit(row, bits - 1), m.slice(row, 0, bits - 1));
    let top = m.mux(longest, top, half);
    m.cat(&[top, rest])
}

/// −bitrev(`slot`) mod N: the degree of the coefficient that leaves with a slot. Where transforms take turns, `mask` is
/// that of their length: what is reversed above it is the number of the transform. Two stages.
fn coefficient(m: &mut Module, slot: Sig, log_n: Sig, mask: Sig) -> Sig {
    let bits = slot.width();
    let reversed = m.split(slot, 1);
    let reversed = m.cat(&reversed);
    let all = m.constant(bits.into(), log_n.width());
    let unused = m.sub(all, log_n);
    let unused = m.slice(unused, 0, self::bits(bits));
    let unused = m.reg(unused);
    let index = m.shr_var(reversed, unused);
    let index = m.reg(index);
    let zero = m.constant(0, bits);
    let negative = m.sub(zero, index);
    let index = m.and(negative, mask);
    m.reg(index)
}

#[cfg(test)]
mod tests;
