//! The top of an ECP5 board: oscillator, PLL and reset around the accelerator.

use std::rc::Rc;

use hotloop_hdl::{
    accelerator,
    datapath::{Design, Module, PortDirection, Sig},
    Config,
};

use super::pll::Pll;
use crate::{
    board::Board,
    vivado::{
        logic::reset_sync,
        netlist::{Block, Netlist, Source},
    },
};

/// Name of the top module.
pub const TOP: &str = "board";
/// The accelerator's clock in the top.
pub const CLOCK: &str = "clock";

/// The top, and the designs of the datapath layer in it.
pub fn top(board: &Board, config: &Config, pll: &Pll) -> (Netlist, Vec<Design>) {
    let mut n = Netlist::default();
    let wire = |name: &str| Source::Wire(name.into());
    n.port("oscillator", PortDirection::In, 1);
    pll.place(&mut n, "pll", "oscillator");
    n.assign(CLOCK, 1, "pll_CLKOP");
    let good = match &board.reset {
        None => "pll_LOCK".to_owned(),
        Some(reset) => {
            n.port("reset_button", PortDirection::In, 1);
            format!("pll_LOCK & {}reset_button", if reset.active_low { "" } else { "~" })
        }
    };
    n.assign("good", 1, good);
    let reset = reset_sync();
    n.place("reset", Block::of(&reset));
    n.connect("reset", &[("clk", wire(CLOCK)), ("rst", Source::Constant(0)), ("good", wire("good"))]);

    let core = core(config);
    let block = Block::of(&core);
    // The engines' clocks are not gated.
    let gated: Vec<String> =
        block.ports.iter().map(|p| p.name.clone()).filter(|name| name.starts_with("clk_")).collect();
    n.port("rx", PortDirection::In, 1);
    n.port("tx", PortDirection::Out, 1);
    n.place("core", block);
    gated.iter().for_each(|port| n.connect("core", &[(port, wire(CLOCK))]));
    n.connect("core", &[("clk", wire(CLOCK)), ("rst", wire("reset_reset")), ("rx", wire("rx"))]);
    n.assign("tx", 1, "core_tx");

    if let Some(leds) = &board.leds {
        let invert = if leds.active_low { "~" } else { "" };
        for i in 0..leds.pins.len() {
            let name = format!("led_{i}");
            n.port(&name, PortDirection::Out, 1);
            // The clock runs; work is under way; the others are dark.
            let lit = ["reset_resetn", "core_busy"].get(i).copied().unwrap_or("1'h0");
            n.assign(&name, 1, format!("{invert}{lit}"));
        }
    }
    (n, vec![Design::new(core), Design::new(reset)])
}

/// What is between the line and the accelerator: a module with `clk`, `rst`, `rx`, `tx` and `busy`.
///
/// Until the serial link is there, this is a chain of registers through all of the accelerator's inputs, and a parity of its
/// outputs: place and route then keep all of it, with the timing that it has, but nobody can talk to it.
pub const LINK: &str = "scan";

fn core(config: &Config) -> Rc<Module> {
    let accelerator = Rc::clone(accelerator::design(config).top());
    let mut m = Module::new(LINK);
    let mut bit = m.input("rx", 1);
    let mut inputs: Vec<(String, Sig)> = Vec::new();
    for (name, direction, width) in accelerator.ports() {
        if direction != PortDirection::In {
            continue;
        }
        if name.starts_with("clk_") {
            let clock = m.input(name, 1);
            inputs.push((name.into(), clock));
            continue;
        }
        let chain = m.state(&format!("in_{name}"), width, 0);
        let next = if width == 1 {
            bit
        } else {
            let kept = m.slice(*chain, 0, width - 1);
            m.cat(&[kept, bit])
        };
        m.drive(chain, next);
        bit = m.bit(*chain, width - 1);
        inputs.push((name.into(), *chain));
    }
    let named: Vec<(&str, Sig)> = inputs.iter().map(|(name, sig)| (name.as_str(), *sig)).collect();
    let instance = m.instance("accelerator", &accelerator, &named);
    let mut bits = Vec::new();
    for (name, direction, width) in accelerator.ports() {
        if direction == PortDirection::Out {
            let caught = m.state(&format!("out_{name}"), width, 0);
            let out = m.output_of(&instance, name);
            m.drive(caught, out);
            bits.extend((0..width).map(|i| m.bit(*caught, i)));
        }
    }
    // A register behind each look-up table of four bits.
    let mut level = 0;
    while bits.len() > 1 {
        let parities = bits.chunks(4).enumerate().map(|(i, chunk)| {
            let first = chunk[0];
            let parity = chunk[1..].iter().fold(first, |parity, &bit| m.xor(parity, bit));
            let caught = m.state(&format!("parity_{level}_{i}"), 1, 0);
            m.drive(caught, parity);
            *caught
        });
        bits = parities.collect();
        level += 1;
    }
    m.output("tx", bits[0]);
    let busy = m.output_of(&instance, "busy");
    m.output("busy", busy);
    Rc::new(m)
}
