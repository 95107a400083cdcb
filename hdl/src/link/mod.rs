//! The bring-up link of boards without PCI Express: the accelerator behind a serial line.
//!
//! ```text
//!  rx ─► uart_rx ─► frame_rx ─► link_receive ─┬─► link_lite ──► AXI4-Lite ─┐
//!                                             ├─► link_read  ◄─ AXI4 reads ─┤ accelerator
//!  tx ◄─ uart_tx ◄─ frame_tx ◄── link_send ◄──┴── link_write ◄─ AXI4 writes ┘
//! ```
//!
//! docs/serial.md describes what goes over the line. A byte FIFO (FTDI's) instead of the two ends on the left would see the
//! same bytes.

mod bridge;
pub mod frame;
mod memory;
mod receive;
mod send;
pub mod uart;

use std::rc::Rc;

use hotloop_regs::{link::BURST_WORDS, map};

use crate::{
    accelerator,
    bus::Bus,
    datapath::{Design, Module, PortDirection, Sig},
    Config,
};

pub use bridge::bridge;

/// Name of the top module.
pub const TOP: &str = "board";
/// What a serial line needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Clock cycles of a bit on the line: clock ÷ baud rate, at least 4.
    pub divider: u32,
    /// Base-2 logarithm of the cycles after which the board asks again for what was not answered. Long enough for a
    /// burst on the line and for the host.
    pub patience_log: u32,
}

impl Link {
    /// The line's parameters for a clock and a baud rate, in Hz; a request is repeated after a quarter of a second
    /// and four times what the longest answer takes.
    pub fn new(clock: u32, baud: u32) -> Link {
        let divider = (clock + baud / 2) / baud;
        // 2 KiB, all of them escaped, ten bits each.
        let burst = u64::from(divider) * 10 * 2 * 8 * BURST_WORDS as u64;
        Link { divider, patience_log: (u64::from(clock) / 4 + 4 * burst).next_power_of_two().ilog2() }
    }
}

/// A byte, with what goes with it, on its way along the line.
struct Slot {
    /// It can be put in.
    ready: Sig,
    /// It is there.
    valid: Sig,
    data: Sig,
}

/// Room for one byte between two that must not see each other within a cycle. A byte passes in every second cycle at
/// most, which on a line takes many.
fn slot(m: &mut Module, name: &str, valid: Sig, data: Sig, ready: Sig) -> Slot {
    let full = m.state(&format!("{name}_full"), 1, 0);
    let held = m.state(&format!("{name}_held"), data.width(), 0);
    let free = m.not(*full);
    let take = m.and(valid, free);
    m.drive_when(held, take, data);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(take, one), (ready, zero)], *full);
    m.drive(full, next);
    Slot { ready: free, valid: *full, data: *held }
}

/// A board: accelerator and bridge.
///
/// Ports beside `clk` and `rst`: `rx`, `tx` (idle high), `leds`: bit 0 work is under way, bit 1 the host's frames arrive
/// (changes with each), bit 2 a garbled frame has come since the last reset, bit 3 the clock runs (changes every 2^25
/// cycles), `part_idcode`: what this register reads.
///
/// With `gates`, the accelerator's gated clocks are ports, as for [`accelerator::design`]; else they are `clk`.
pub fn board(config: &Config, link: &Link, gates: bool) -> Design {
    assert_eq!(config.bus, Bus::Narrow, "the serial link is for boards with a bus of 64 bits");
    let accelerator = Rc::clone(accelerator::design(config).top());
    let bridge = bridge(link);
    let mut m = Module::new(TOP);
    let rx = m.input("rx", 1);

    // What stands outside the reset that comes over the line.
    let line = m.instance("line_in", &uart::receiver(link.divider), &[("rx", rx)]);
    let [valid, byte] = ["valid", "octet"].map(|port| m.output_of(&line, port));
    let (valid, byte) = (m.delay_valid(valid, 1), m.reg(byte));
    let frames = m.instance("frames_in", &frame::receiver(), &[("in_valid", valid), ("in_octet", byte)]);
    let [valid, byte, end, good] = ["valid", "octet", "ends", "good"].map(|port| m.output_of(&frames, port));
    let [valid, end, good] = [valid, end, good].map(|sig| m.delay_valid(sig, 1));
    let byte = m.reg(byte);
    let parts = [("valid", valid), ("octet", byte), ("ends", end), ("good", good)];
    let receive = m.instance("receive", &receive::receive(), &parts);
    let received: Vec<(String, Sig)> =
        receive::OUTPUTS.iter().map(|n| (n.to_string(), m.output_of(&receive, n))).collect();
    let restart = m.output_of(&receive, "restart");
    let count = m.state("reset_left", 4, 0xf);
    let (most, none) = (m.constant(0xf, 4), m.eq_const(*count, 0));
    let one = m.constant(1, 4);
    let less = m.sub(*count, one);
    let next = m.choose(&[(restart, most), (none, *count)], less);
    m.drive(count, next);
    let own = m.own_reset();
    let counting = m.not(none);
    let reset = m.or(own, counting);

    // The accelerator and the bridge, which drive each other.
    let side = |prefix: &'static str, direction| {
        let ports = accelerator.ports().filter(move |(n, d, _)| n.starts_with(prefix) && *d == direction);
        ports.map(|(n, _, width)| (n.to_owned(), width)).collect::<Vec<_>>()
    };
    let ins: Vec<(String, u32)> = [side("s_", PortDirection::In), side("m_", PortDirection::In)].concat();
    let wires: Vec<_> = ins.iter().map(|(n, width)| (n.clone(), m.wire(*width))).collect();
    let mut inputs: Vec<(String, Sig)> = wires.iter().map(|(n, w)| (n.clone(), **w)).collect();
    for (name, _) in side("clk_", PortDirection::In) {
        let clock = if gates { m.input(&name, 1) } else { m.own_clock() };
        inputs.push((name, clock));
    }
    // These parts have no monitor.
    inputs.push(("monitor".into(), m.constant(0, map::MONITOR.width)));
    inputs.push(("part_idcode".into(), m.input("part_idcode", map::PART_IDCODE.width)));
    let inputs: Vec<(&str, Sig)> = inputs.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let core = m.instance("accelerator", &accelerator, &inputs);
    m.reset_by(&core, reset);
    let mut inputs = received.clone();
    let outs =
        bridge.ports().filter(|(n, d, _)| *d == PortDirection::In && (n.starts_with("s_") || n.starts_with("m_")));
    let outs: Vec<String> = outs.map(|(n, ..)| n.to_owned()).collect();
    inputs.extend(outs.into_iter().map(|n| (n.clone(), m.output_of(&core, &n))));
    inputs.push(("irq".into(), m.output_of(&core, "irq")));
    let ready = m.wire(1);
    inputs.push(("tx_ready".into(), *ready));
    let inputs: Vec<(&str, Sig)> = inputs.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let bridge = m.instance("bridge", &bridge, &inputs);
    m.reset_by(&bridge, reset);
    for (name, wire) in wires {
        let sig = m.output_of(&bridge, &name);
        m.connect(wire, sig);
    }
    let [valid, byte] = ["tx_valid", "tx_octet"].map(|port| m.output_of(&bridge, port));
    let line = m.instance("line_out", &uart::transmitter(link.divider), &[("valid", valid), ("octet", byte)]);
    let [line_ready, tx] = ["ready", "tx"].map(|port| m.output_of(&line, port));
    m.connect(ready, line_ready);
    m.output("tx", tx);
    if gates {
        for (name, _) in side("run_", PortDirection::Out) {
            let run = m.output_of(&core, &name);
            m.output(&name, run);
        }
    }

    let alive = m.state("alive", 26, 0);
    let next = m.add_const(*alive, 1);
    m.drive(alive, next);
    let beat = m.bit(*alive, 25);
    let [seen, garbled] = ["seen", "garbled"].map(|port| m.output_of(&receive, port));
    let busy = m.output_of(&core, "busy");
    let leds = m.pack(&[busy, seen, garbled, beat]);
    m.output("leds", leds);
    Design::new(Rc::new(m))
}
