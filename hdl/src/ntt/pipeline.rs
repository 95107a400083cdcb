//! The butterflies: all stages of all lanes, and the multiplier between the two groups.
//!
//! A row of eight columns is 8/L tokens of L lanes, one after the other, with the row's slot s in its block of N. Stages
//! of distance D = 2^(max_log − 1), …, 1 follow one another; those with D ≥ N pass rows on. Each stage that works holds
//! the stream back by D rows, what follows the last by one: what leaves with slot s of a block is row s of the block
//! before, in bit-reversed order. Before the stage of distance D the stream has been held back by N − 2·D rows, so a
//! row's position modulo 2·D is the slot's own: one counter serves all stages, and nothing in here has to be cleared
//! between jobs.
//!
//! A block can be T = 2^t ≤ 64 transforms of N/T rows, row i being row i div T of transform i mod T: the stages with
//! D < T then hold rows back and do nothing else, and all twiddles are those of the first row of each T.
//!
//! Row i = 64·h + i2 needs the twiddles w_2D^(i mod D) in each stage whose phase it met as a partner. Up to D = 64
//! these are w_(2D/64)^(h mod D/64) (in the stages), times w_2D^i2; the latter multiply to w_N^(i2·k1), with k1 the
//! bit-reversed h, after the last of these stages. With w of order 2^max_log that is w^(i2·r), r being h reversed in
//! max_log − 6 bits, whatever N is: the exponent grows by r with each row. It is looked up as low and high factor,
//! which one multiplier joins for all lanes.

use std::{collections::HashMap, rc::Rc};

use super::{
    product::{multiplier_unit, product, SHARED},
    shared::{self, Shared},
    shift::Factor,
    stage::{hold, Stage, FEEDBACK_LOG, GROUP_LOG, OPERANDS, RESULTS},
};
use crate::{
    config::Config,
    datapath::{Module, Sig},
};

/// Base-2 logarithm of the tokens in a row.
pub fn tokens_log(config: &Config) -> u32 {
    8u32.ilog2() - config.ntt.lanes.ilog2()
}

/// A token on its way.
struct Token {
    valid: Sig,
    /// The row's slot, and below it which token of the row this is.
    slot: Sig,
    rows: Vec<Sig>,
    cycle: u32,
}

/// What holds for a whole job.
#[derive(Clone, Copy)]
struct Settings {
    /// N − 1.
    mask: Sig,
    /// T − 1.
    inner: Sig,
}

/// Module `ntt_pipeline`: `token`, `slot`, `x0` … in, `y0` … out after its latency; `mask` = N − 1 and `inner` = T − 1 at
/// all times. Where stages share butterflies `turn` is the cycle modulo 4, 0 with a token. Gives the cycle in which its rows are multiplied, too.
pub fn pipeline(config: &Config) -> (Rc<Module>, u32) {
    let max_log = config.ntt.max_log;
    let mut m = Module::new("ntt_pipeline");
    let tokens_log = tokens_log(config);
    let settings = Settings { mask: m.input("mask", max_log), inner: m.input("inner", GROUP_LOG) };
    let valid = m.pipe_input("token", 1);
    let slot = m.pipe_input("slot", max_log + tokens_log);
    let rows = (0..config.ntt.lanes).map(|k| m.pipe_input(&format!("x{k}"), 64)).collect();
    let mut token = Token { valid, slot, rows, cycle: 0 };

    let stages: Vec<Stage> =
        (0..max_log).rev().map(|log| Stage::new(&config.set, log).with_tokens(tokens_log)).collect();
    let (first, second) = stages.split_at((max_log - GROUP_LOG) as usize);
    let multiplied_at: u32 = first.iter().map(|stage| latency(config, stage)).sum();
    let twiddle = twiddles(&mut m, config, settings, &token, multiplied_at);
    let mut butterflies = Butterflies::new(&mut m, config, &stages);
    for stage in first {
        token = place(&mut m, &mut butterflies, stage, settings, &token);
    }
    token = multiply(&mut m, config, twiddle, &token);
    let multiplied_at = token.cycle - multiplier_unit(config).latency().unwrap_or(0);
    for stage in second {
        token = place(&mut m, &mut butterflies, stage, settings, &token);
    }
    butterflies.close(&mut m);
    // The last row of delay: a block's rows leave with the next block's slots, one to one.
    let number = m.slice(token.slot, 0, tokens_log.max(1));
    for row in &mut token.rows {
        *row = if tokens_log < FEEDBACK_LOG {
            (0..1 << tokens_log).fold(*row, |row, _| hold(&mut m, token.valid, row))
        } else {
            m.ram(1 << tokens_log, token.valid, number, *row, number)
        };
    }
    let outputs: Vec<(String, Sig)> = token.rows.iter().enumerate().map(|(k, &y)| (format!("y{k}"), y)).collect();
    let outputs: Vec<(&str, Sig)> = outputs.iter().map(|(name, y)| (name.as_str(), *y)).collect();
    m.pipe_outputs(&outputs);
    (Rc::new(m), multiplied_at)
}

/// The butterflies that stages share, if tokens come in every fourth cycle: stages in a row, four each.
struct Butterflies {
    /// By the stage's logarithm of its distance, its butterfly.
    places: HashMap<u32, usize>,
    shared: Vec<Shared>,
    turn: Option<Sig>,
}

impl Butterflies {
    fn new(m: &mut Module, config: &Config, stages: &[Stage]) -> Butterflies {
        if config.ntt.sharing == 1 {
            return Butterflies { places: HashMap::new(), shared: Vec::new(), turn: None };
        }
        let logs: Vec<u32> = stages.iter().filter(|stage| Shared::takes(stage)).map(|stage| stage.log).collect();
        // One that is left over is cheaper by itself.
        let groups = logs.chunks(SHARED as usize).filter(|group| group.len() > 1);
        let places = groups.clone().enumerate().flat_map(|(i, group)| group.iter().map(move |&log| (log, i))).collect();
        let shared = groups.map(|_| Shared::new(m)).collect();
        Butterflies { places, shared, turn: Some(m.input("turn", SHARED.ilog2())) }
    }

    fn of(&mut self, stage: &Stage) -> Option<&mut Shared> {
        self.places.get(&stage.log).map(|&i| &mut self.shared[i])
    }

    fn close(self, m: &mut Module) {
        let Some(turn) = self.turn else { return };
        // A register for each, as much is chosen by it.
        let turns = [0, 1, 2, 3].map(|cycle| {
            let next = m.eq_const(turn, ((cycle + SHARED - 1) % SHARED).into());
            m.reg(next)
        });
        for (i, butterfly) in self.shared.into_iter().enumerate() {
            butterfly.close(m, &format!("butterfly_{i}"), turns);
        }
    }
}

/// Cycles from a stage's row to its result.
fn latency(config: &Config, stage: &Stage) -> u32 {
    if config.ntt.sharing > 1 && Shared::takes(stage) {
        shared::LATENCY
    } else {
        stage.latency()
    }
}

/// Delays the token's valid bit and slot, not its rows.
fn later(m: &mut Module, token: &Token, cycles: u32) -> (Sig, Sig) {
    (m.delay_valid(token.valid, cycles), m.delay(token.slot, cycles))
}

/// Places a stage: a lane of its own for each row, or a turn in a butterfly.
fn place(m: &mut Module, butterflies: &mut Butterflies, stage: &Stage, settings: Settings, token: &Token) -> Token {
    match butterflies.of(stage) {
        Some(butterfly) => {
            let wait = butterfly.wait(token.cycle);
            let (valid, slot) = later(m, token, wait);
            let rows = token.rows.iter().map(|&x| m.delay(x, wait)).collect();
            let token = Token { valid, slot, rows, cycle: token.cycle + wait };
            let (mut inputs, results) = control(m, stage, settings, &token);
            inputs.push(("x", token.rows[0]));
            let y = butterfly.place(m, stage, token.cycle, inputs);
            let (valid, slot) = later(m, &results, shared::LATENCY - RESULTS);
            Token { valid, slot, rows: vec![y], cycle: token.cycle + shared::LATENCY }
        }
        None => {
            let lane = stage.lane();
            let (inputs, results) = control(m, stage, settings, token);
            let cycle = token.cycle + stage.latency();
            let rows = token.rows.iter().enumerate().map(|(k, &x)| {
                let mut inputs = inputs.clone();
                inputs.push(("x", x));
                let instance = m.instance(&format!("stage_{}_{k}", 1u32 << stage.log), &lane, &inputs);
                let y = m.output_of(&instance, "y");
                m.at(y, Some(cycle))
            });
            let rows = rows.collect();
            let (valid, slot) = later(m, &results, stage.latency() - RESULTS);
            Token { valid, slot, rows, cycle }
        }
    }
}

/// What tells a stage's lanes what to do, and the token in the cycle of the results, without rows.
fn control(m: &mut Module, stage: &Stage, settings: Settings, token: &Token) -> (Vec<(&'static str, Sig)>, Token) {
    let Settings { mask, inner } = settings;
    let (log, depth_log) = (stage.log, stage.depth_log());
    let (at_operands, slot_at_operands) = later(m, token, OPERANDS);
    let middle = Token { valid: at_operands, slot: slot_at_operands, rows: Vec::new(), cycle: token.cycle + OPERANDS };
    let (write, slot_at_results) = later(m, &middle, RESULTS - OPERANDS);
    let results = Token { valid: write, slot: slot_at_results, rows: Vec::new(), cycle: token.cycle + RESULTS };

    // Slots do not exceed the mask: the phase is 0 in a stage that is passed.
    let phase = m.bit(token.slot, depth_log);
    let holds = if log < GROUP_LOG { m.bit(inner, log) } else { m.constant(0, 1) };
    let pairs = m.not(holds);
    let phase = m.and(phase, pairs);
    let phase = m.delay(phase, OPERANDS);
    let works = m.bit(mask, log);
    // A register of the stage's own: it stays through a job, and stands in front of additions.
    let bypass = m.not(works);
    let bypass = m.reg(bypass);
    let mut inputs: Vec<(&'static str, Sig)> = vec![("phase", phase), ("bypass", bypass), ("write", write)];
    if stage.feedback() {
        let address = m.slice(token.slot, 0, depth_log);
        let write_address = m.slice(slot_at_results, 0, depth_log);
        inputs.extend([("address", address), ("write_address", write_address)]);
    } else {
        inputs.extend([("token", at_operands), ("holds", holds)]);
    }
    if !stage.factors.is_empty() {
        let words: Vec<u64> = stage.factors.iter().map(|f| f.control()).collect();
        let bits = words.len().ilog2();
        let mut position = m.slice(token.slot, depth_log - bits, bits);
        if log < GROUP_LOG {
            let inner = m.slice(inner, 0, bits);
            let outer = m.not(inner);
            position = m.and(position, outer);
        }
        let control = m.rom(&words, Factor::CONTROL_BITS, position);
        let not_yet = m.not(phase);
        let leaving = m.all(&[not_yet, works, pairs]);
        let shifts = m.gate(leaving, control);
        let shifts = m.delay(shifts, RESULTS - OPERANDS);
        inputs.push(("shift", m.slice(shifts, 0, 7)));
        if stage.signed() {
            inputs.push(("swap", m.bit(control, 7)));
        }
        if stage.double() {
            inputs.push(("second", m.slice(shifts, 8, 9)));
        }
    }
    (inputs, results)
}

/// The twiddle of each token that the multiplier meets at cycle `wanted`, at that cycle if there is time.
fn twiddles(m: &mut Module, config: &Config, settings: Settings, token: &Token, wanted: u32) -> Sig {
    let Settings { mask, inner } = settings;
    let (max_log, tokens_log) = (config.ntt.max_log, tokens_log(config));
    let unit = multiplier_unit(config);
    let ahead = 2 + unit.latency().unwrap_or(0);
    let (valid, slot) = later(m, token, wanted.saturating_sub(ahead));
    let last_token = last_token(m, slot, tokens_log);
    let turn = m.and(valid, last_token);
    let slot = m.slice(slot, tokens_log, max_log);

    // The stages before the multiplier hold the stream back by N − 64 tokens: slot s meets row s + 64.
    let bits = max_log - GROUP_LOG;
    let group = m.slice(slot, GROUP_LOG, bits);
    let group = m.add_const(group, 1);
    let group_mask = m.slice(mask, GROUP_LOG, bits);
    let group = m.and(group, group_mask);
    let group_bits = m.split(group, 1);
    let step = m.cat(&group_bits);
    let step = m.extend(step, max_log);
    let row = m.slice(slot, 0, GROUP_LOG);
    let first = m.eq_const(row, 0);
    let state = m.state("exponent", max_log, 0);
    let zero = m.constant(0, max_log);
    let running = m.mux(first, zero, *state);
    let next = m.add(running, step);
    m.drive_when(state, turn, next);
    let position = m.and(row, inner);
    let outer = m.eq_const(position, 0);
    let first_of_each = m.state("exponent_of_each", max_log, 0);
    let now = m.and(valid, outer);
    m.drive_when(first_of_each, now, running);
    let exponent = m.mux(outer, running, *first_of_each);
    let exponent = m.reg(exponent);

    let (low, high) = &config.ntt.twiddles;
    let low_bits = low.len().ilog2();
    assert_eq!(1u64 << max_log, (low.len() * high.len()) as u64, "twiddle tables belong to another length");
    let address = m.slice(exponent, 0, low_bits);
    let low = if config.ntt.sharing == 1 {
        m.rom(low, 64, address)
    } else {
        // Where look-up tables are short, long enough to be a block memory.
        let mut low = low.clone();
        low.resize(512, 0);
        let address = m.extend(address, low.len().ilog2());
        m.rom(&low, 64, address)
    };
    let high = match high[..] {
        [one] => m.constant(one.into(), 64),
        _ => {
            let address = m.slice(exponent, low_bits, max_log - low_bits);
            m.rom(high, 64, address)
        }
    };
    product(m, config, "twiddle", low, high)
}

/// Whether a token is its row's last.
pub fn last_token(m: &mut Module, slot: Sig, tokens_log: u32) -> Sig {
    let bits: Vec<Sig> = (0..tokens_log).map(|i| m.bit(slot, i)).collect();
    if bits.is_empty() {
        return m.constant(1, 1);
    }
    m.all(&bits)
}

fn multiply(m: &mut Module, config: &Config, twiddle: Sig, token: &Token) -> Token {
    let rows: Vec<Sig> =
        token.rows.iter().enumerate().map(|(k, &x)| product(m, config, &format!("multiply_{k}"), x, twiddle)).collect();
    let cycle = rows[0].stage().unwrap_or(token.cycle);
    let (valid, slot) = later(m, token, cycle - token.cycle);
    Token { valid, slot, rows, cycle }
}
