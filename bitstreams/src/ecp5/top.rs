//! The top of an ECP5 board: oscillator, PLL and reset around the accelerator with its serial link.

use hotloop_hdl::{
    datapath::{Design, PortDirection},
    link::{self, Link},
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

/// Name of the top module; the one below it is [`link::TOP`].
pub const TOP: &str = "top";
/// The accelerator's clock in the top.
pub const CLOCK: &str = "clock";
/// Lights of the link (docs/serial.md): the board's first LEDs.
const LIGHTS: u32 = 4;

/// The top, and the designs of the datapath layer in it.
pub fn top(board: &Board, config: &Config, pll: &Pll, line: &Link) -> (Netlist, Vec<Design>) {
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
    n.place("started", Block::of(&reset));
    n.connect("started", &[("clk", wire(CLOCK)), ("rst", Source::Constant(0)), ("good", wire("good"))]);

    // The engines' clocks are not gated.
    let design = link::board(config, line, false);
    n.port("rx", PortDirection::In, 1);
    n.port("tx", PortDirection::Out, 1);
    n.place("link", Block::of(design.top()));
    n.connect("link", &[("clk", wire(CLOCK)), ("rst", wire("started_reset")), ("rx", wire("rx"))]);
    n.connect("link", &[("part_idcode", Source::Constant(board.idcode.into()))]);
    n.assign("tx", 1, "link_tx");

    if let Some(leds) = &board.leds {
        let invert = if leds.active_low { "~" } else { "" };
        for i in (0u32..).take(leds.pins.len()) {
            let name = format!("led_{i}");
            n.port(&name, PortDirection::Out, 1);
            // A board with more of them leaves the others dark.
            let lit = if i < LIGHTS { format!("link_leds[{i}]") } else { "1'h0".into() };
            n.assign(&name, 1, format!("{invert}{lit}"));
        }
    }
    (n, vec![design, Design::new(reset)])
}
