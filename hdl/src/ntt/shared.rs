//! One butterfly for four stages of a lane whose tokens come in every fourth cycle.
//!
//! A stage ([`super::stage`]) takes a token every four cycles and is idle for three, and its way here has eleven cycles, one
//! short of three rounds: what leaves one stage meets the next in the turn before its own. So four stages in a row
//! need the same butterfly in four different cycles modulo 4, and most of them get their token from the butterfly itself.
//! What is a stage's own is its control, chosen by the cycle, and its part of the memory: with D tokens held back, the
//! words D to 2·D − 1. No word is read and written in the same cycle: a stage reads in its turn and writes four cycles later,
//! when it reads for the next token, which is another word.
//!
//! Three cycles more than a stage's own way are registers: one behind the choice of control and addresses and one behind the
//! memory, so that neither is in one cycle with the addition or the other, and one where the result leaves.
//!
//! Stages with sums of two powers of two (distance 2^12 only) have a longer way and keep a butterfly of their own.

use std::rc::Rc;

use super::{
    product::SHARED,
    shift::{rotate, ROTATE_STAGES},
    stage::{input_at, signs, Butterfly, Stage, OPERANDS, RESULTS},
};
use crate::datapath::{Module, Sig, Wire};

/// Cycles that memory and control take more than in a stage of its own.
const SETTLING: u32 = 2;
/// Cycles from a token to the stage's result.
pub const LATENCY: u32 = (RESULTS + SETTLING + ROTATE_STAGES + 1).next_multiple_of(SHARED) - 1;

/// Ports: name, width (0: that of an address) and cycle after the token's arrival.
const PORTS: [(&str, u32, u32); 8] = [
    ("x", 64, 0),
    ("address", 0, 0),
    ("phase", 1, OPERANDS),
    ("bypass", 1, OPERANDS),
    ("swap", 1, OPERANDS),
    ("write", 1, RESULTS),
    ("write_address", 0, RESULTS),
    ("shift", 7, RESULTS),
];

/// Up to four stages, while they are being placed.
pub struct Shared {
    stages: Vec<Placed>,
    y: Wire,
}

struct Placed {
    cycle: u32,
    depth_log: u32,
    inputs: Vec<(&'static str, Sig)>,
}

impl Shared {
    /// A butterfly without stages.
    pub fn new(m: &mut Module) -> Shared {
        Shared { stages: Vec::new(), y: m.wire(64) }
    }

    /// Whether a stage can share one.
    pub fn takes(stage: &Stage) -> bool {
        !stage.double() && stage.feedback()
    }

    /// Cycles from `cycle` to one in which the butterfly is free.
    pub fn wait(&self, cycle: u32) -> u32 {
        let taken = |cycle: u32| self.stages.iter().any(|stage| stage.cycle % SHARED == cycle % SHARED);
        (0..SHARED).find(|wait| !taken(cycle + wait)).unwrap_or_else(|| panic!("a butterfly serves four stages"))
    }

    /// A stage whose tokens come in `cycle`, in which the butterfly is free; `inputs` are the ports of
    /// [`Stage::lane`]. Gives its result.
    pub fn place(&mut self, m: &Module, stage: &Stage, cycle: u32, inputs: Vec<(&'static str, Sig)>) -> Sig {
        assert_eq!(self.wait(cycle), 0, "two stages at a time");
        self.stages.push(Placed { cycle, depth_log: stage.depth_log(), inputs });
        m.at(*self.y, Some(cycle + LATENCY))
    }

    /// Places the butterfly as instance `name`; `turns` say which cycle modulo 4 it is.
    pub fn close(self, m: &mut Module, name: &str, turns: [Sig; SHARED as usize]) {
        let bits = 1 + self.stages.iter().map(|stage| stage.depth_log).max().unwrap_or_default();
        let mut inputs = Vec::new();
        for (port, width, after) in PORTS {
            let width = if width == 0 { bits } else { width };
            let mut choices: Vec<(Sig, Vec<Sig>)> = Vec::new();
            for stage in &self.stages {
                let now = turns[((stage.cycle + after) % SHARED) as usize];
                let input = stage.input(m, port, width);
                // Those that take what the butterfly gave are one choice.
                match choices.iter_mut().find(|(other, _)| *other == input) {
                    Some((_, when)) => when.push(now),
                    None => choices.push((input, vec![now])),
                }
            }
            let cases: Vec<(Sig, Sig)> = choices.into_iter().map(|(input, when)| (m.any(&when), input)).collect();
            // With four stages one of the cases holds; with fewer, nothing may be written in between.
            let (last, rest) = cases.split_last().expect("a butterfly has stages");
            let otherwise = if port == "write" { m.gate(last.0, last.1) } else { last.1 };
            inputs.push((port, m.choose(rest, otherwise)));
        }
        let butterfly = m.instance(name, &butterfly(bits), &inputs);
        let y = m.output_of(&butterfly, "y");
        m.connect(self.y, y);
    }
}

impl Placed {
    /// A port of the butterfly in this stage's turn.
    fn input(&self, m: &mut Module, port: &str, width: u32) -> Sig {
        let given = self.inputs.iter().find(|(name, _)| *name == port).map(|(_, sig)| m.at(*sig, None));
        match (given, port) {
            (Some(index), "address" | "write_address") => {
                let part = m.constant(1, width - self.depth_log);
                m.cat(&[part, index])
            }
            (Some(sig), _) => sig,
            // A stage whose twiddles are all 1, or positive.
            (None, _) => m.constant(0, width),
        }
    }
}

/// Module `ntt_butterfly_<words>`.
fn butterfly(bits: u32) -> Rc<Module> {
    let mut m = Module::new(format!("ntt_butterfly_{}", 1u32 << bits));
    let ports = PORTS.map(|(name, width, cycle)| input_at(&mut m, name, if width == 0 { bits } else { width }, cycle));
    let [x, address, phase, bypass, swap, write, write_address, shift] = ports;
    let x = m.delay(x, OPERANDS + SETTLING);
    let address = m.reg(address);
    let [straight, swapped] = signs(&mut m, phase, Some(swap));
    let [phase, bypass, straight, swapped, write, write_address, shift] =
        [phase, bypass, straight, swapped, write, write_address, shift].map(|control| m.delay(control, SETTLING));
    let memory = Butterfly { depth_log: bits, shared: true, address, write, write_address };
    let sum_or_waiting = memory.describe(&mut m, x, phase, bypass, [straight, swapped]);
    let (remainder, quotient) = (m.slice(shift, 0, 5), m.slice(shift, 5, 2));
    let y = rotate(&mut m, sum_or_waiting, quotient, remainder);
    let y = m.delay(y, LATENCY - RESULTS - SETTLING - ROTATE_STAGES);
    assert_eq!(y.stage(), Some(LATENCY));
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}
