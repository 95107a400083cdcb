//! The shell: everything between the pins of a board and the accelerator.
//!
//! ```text
//!  pins ─► PCIe block with AXI bridge ─► BAR0: clocks, 32 bits, Lite ─► accelerator's registers
//!                 ▲   │                                                        │
//!                 │   └─ AXI clock ─► MMCM ─► accelerator's clock              │
//!                 └────── host memory: clocks ◄── width ◄──────────────────────┘
//! ```

use hotloop_hdl::{accelerator, datapath::Design, datapath::PortDirection, Config};
use hotloop_regs::MSIX_VECTORS;

use super::{
    axi::{clock_converter, lite_converter, width_converter, Axi},
    bridge::{bridge, Bridge, Interrupts},
    flash, logic, monitor,
    netlist::{Block, Netlist, Source},
    Ip, ProjectError,
};
use crate::board::{Board, Family, Pcie};

/// Name of the top module.
pub const TOP: &str = "shell";

/// Bits of addresses on the way from BAR0.
const BAR_ADDRESS: u32 = 32;

/// A shell with what is in it.
#[derive(Debug)]
pub struct Shell {
    /// The top.
    pub netlist: Netlist,
    /// Modules of the datapath layer in it, the accelerator first.
    pub designs: Vec<Design>,
    /// IP in it.
    pub ips: Vec<Ip>,
    /// Cells of the family in it.
    pub cells: Vec<Block>,
    /// Ports of the top with the board's key of each bit's pin.
    pub pins: Vec<(String, String)>,
}

fn wire(name: impl Into<String>) -> Source {
    Source::Wire(name.into())
}

/// The shell of a board around an accelerator whose clock has `clock_mhz`.
pub fn shell(board: &Board, pcie: &Pcie, config: &Config, clock_mhz: u32) -> Result<Shell, ProjectError> {
    let mut n = Netlist::default();
    let bridge = bridge(board, pcie)?;
    let mut pins = ports(&mut n, board, pcie);
    let design = accelerator::design(config);
    let vectors = u32::from(MSIX_VECTORS);
    let (events, sender) = (logic::irq_events(vectors), logic::irq_sender(vectors, bridge.interrupts));
    let reset = logic::reset_sync();

    n.place("accelerator", Block::of(design.top()));
    n.place("irq_events", Block::of(&events));
    n.place("irq_sender", Block::of(&sender));
    n.place("reset_sync", Block::of(&reset));
    n.place("bridge", bridge.ip.block.clone());
    let buffer = reference_buffer(board.family);
    n.place("reference", buffer.clone());
    let ports = [("I", wire("pcie_clock_p")), ("IB", wire("pcie_clock_n")), ("CEB", Source::Constant(0))];
    n.connect("reference", &ports);

    clocks(&mut n, board.family, &bridge);
    let clock = clock(bridge.mhz, clock_mhz);
    n.place("accelerator_clock", clock.block.clone());
    n.connect("accelerator_clock", &[("clk_in1", wire("axi_clock")), ("reset", wire("axi_reset"))]);
    n.assign("good", 1, "axi_resetn & accelerator_clock_locked");
    n.assign("clock", 1, "accelerator_clock_clk_out1");
    n.connect("reset_sync", &[("clk", wire("clock")), ("rst", Source::Constant(0)), ("good", wire("good"))]);

    // The accelerator. Its engines' clocks are not gated: all are the same clock.
    let ins = Block::of(design.top()).ports;
    n.connect("accelerator", &[("clk", wire("clock")), ("rst", wire("reset_sync_reset"))]);
    for port in ins.iter().filter(|p| p.direction == PortDirection::In && p.name.starts_with("clk_")) {
        n.connect("accelerator", &[(&port.name, wire("clock"))]);
    }
    let mut ips = vec![bridge.ip.clone(), clock];
    ips.extend(registers_path(&mut n, &bridge));
    ips.extend(memory_path(&mut n, &bridge, width_of(&ins, "m_wdata"), width_of(&ins, "m_araddr")));
    interrupts(&mut n, &bridge);
    let monitor = monitor::place(&mut n, board.family, clock_mhz);
    n.connect("accelerator", &[("part_idcode", Source::Constant(board.idcode.into()))]);

    n.assign("pcie_tx_p", pcie.lanes, "bridge_pci_exp_txp");
    n.assign("pcie_tx_n", pcie.lanes, "bridge_pci_exp_txn");
    n.connect("bridge", &[("pci_exp_rxp", wire("pcie_rx_p")), ("pci_exp_rxn", wire("pcie_rx_n"))]);
    lights(&mut n, board);
    for tie in &board.ties {
        n.assign(&tie.name, 1, format!("1'b{}", u32::from(tie.value)));
    }
    let mut designs = vec![design, Design::new(events), Design::new(sender), Design::new(reset)];
    let mut cells = vec![buffer];
    if let Some((cell, reader)) = monitor {
        cells.push(cell);
        designs.push(Design::new(reader));
    }
    if let Some((cell, wires)) = config.flash.and_then(|_| flash::place(&mut n, board.family)) {
        cells.push(cell);
        pins.extend(wires);
    }
    Ok(Shell { netlist: n, designs, ips, cells, pins })
}

fn width_of(ports: &[super::netlist::Port], name: &str) -> u32 {
    ports.iter().find(|port| port.name == name).map_or(0, |port| port.width)
}

/// The top's ports; their pins by the keys of the board's file.
fn ports(n: &mut Netlist, board: &Board, pcie: &Pcie) -> Vec<(String, String)> {
    use PortDirection::{In, Out};
    let mut pins = Vec::new();
    for (name, key) in
        [("pcie_clock_p", "pcie.clock.0"), ("pcie_clock_n", "pcie.clock.1"), ("pcie_reset_n", "pcie.reset")]
    {
        n.port(name, In, 1);
        pins.push((name.to_owned(), key.to_owned()));
    }
    for (name, direction) in [("rx_p", In), ("rx_n", In), ("tx_p", Out), ("tx_n", Out)] {
        n.port(&format!("pcie_{name}"), direction, pcie.lanes);
        pins.extend((0..pcie.lanes).map(|lane| (format!("pcie_{name}[{lane}]"), format!("pcie.{name}.{lane}"))));
    }
    let leds = board.leds.as_ref().map_or(0, |leds| leds.pins.len());
    for i in 0..leds {
        n.port(&format!("led_{i}"), Out, 1);
        pins.push((format!("led_{i}"), format!("leds.pins.{i}")));
    }
    for (i, tie) in board.ties.iter().enumerate() {
        n.port(&tie.name, Out, 1);
        pins.push((tie.name.clone(), format!("ties.{i}.pin")));
    }
    pins
}

/// Input buffer of the reference clock: UG476, UG576, UG578.
fn reference_buffer(family: Family) -> Block {
    let cell = match family {
        Family::Ecp5 | Family::Series7 => "IBUFDS_GTE2",
        Family::Ultrascale => "IBUFDS_GTE3",
        Family::UltrascalePlus => "IBUFDS_GTE4",
    };
    Block::new(cell).inputs(&[("I", 1), ("IB", 1), ("CEB", 1)]).outputs(&[("O", 1), ("ODIV2", 1)])
}

/// The accelerator's clock, from the bridge's.
fn clock(from_mhz: u32, mhz: u32) -> Ip {
    let block = Block::new("accelerator_clock").inputs(&[("clk_in1", 1), ("reset", 1)]);
    let block = block.outputs(&[("clk_out1", 1), ("locked", 1)]);
    let settings = [
        ("PRIM_IN_FREQ", format!("{from_mhz}.000")),
        // The bridge's clock is on a clock net already.
        ("PRIM_SOURCE", "No_buffer".into()),
        ("CLKOUT1_REQUESTED_OUT_FREQ", format!("{mhz}.000")),
        ("USE_RESET", "true".into()),
        ("RESET_TYPE", "ACTIVE_HIGH".into()),
        ("USE_LOCKED", "true".into()),
    ];
    Ip::new("clk_wiz", "6.0", block, &settings)
}

/// The bridge's clocks and resets: wires `axi_clock`, `axi_resetn`, `axi_reset`.
fn clocks(n: &mut Netlist, family: Family, bridge: &Bridge) {
    let perst = wire("pcie_reset_n");
    if bridge.ip.block.port("axi_aclk_out").is_some() {
        n.connect("bridge", &[("axi_aresetn", perst), ("REFCLK", wire("reference_O"))]);
        n.assign("axi_clock", 1, "bridge_axi_aclk_out");
        n.assign("axi_resetn", 1, "pcie_reset_n & bridge_mmcm_lock");
    } else {
        let half = if family == Family::Ultrascale { "refclk" } else { "sys_clk" };
        let ports = [("sys_rst_n", perst), ("sys_clk_gt", wire("reference_O")), (half, wire("reference_ODIV2"))];
        n.connect("bridge", &ports);
        n.assign("axi_clock", 1, "bridge_axi_aclk");
        n.assign("axi_resetn", 1, "bridge_axi_aresetn");
    }
    n.assign("axi_reset", 1, "~axi_resetn");
    if bridge.ip.block.port("axi_ctl_aclk").is_some() {
        n.connect("bridge", &[("axi_ctl_aclk", wire("axi_clock"))]);
    }
    // The bridge's own registers are not used.
    let ports = &bridge.ip.block.ports;
    for port in ports.iter().filter(|p| p.direction == PortDirection::In && p.name.starts_with("s_axi_ctl_")) {
        n.connect("bridge", &[(&port.name, Source::Constant(0))]);
    }
}

fn clocked(n: &mut Netlist, instance: &str, side: &str, clock: &str, resetn: &str) {
    let (aclk, aresetn) = (format!("{side}aclk"), format!("{side}aresetn"));
    n.connect(instance, &[(&aclk, wire(clock)), (&aresetn, wire(resetn))]);
}

/// From BAR0 to the registers.
fn registers_path(n: &mut Netlist, bridge: &Bridge) -> Vec<Ip> {
    let axi = Axi { address: BAR_ADDRESS, ..bridge.bar };
    let ips = vec![
        clock_converter("bar_clocks", axi),
        width_converter("bar_width", axi, 32),
        lite_converter("bar_lite", BAR_ADDRESS),
    ];
    for ip in &ips {
        n.place(&ip.block.module, ip.block.clone());
    }
    clocked(n, "bar_clocks", "s_axi_", "axi_clock", "axi_resetn");
    clocked(n, "bar_clocks", "m_axi_", "clock", "reset_sync_resetn");
    clocked(n, "bar_width", "s_axi_", "clock", "reset_sync_resetn");
    clocked(n, "bar_lite", "", "clock", "reset_sync_resetn");
    n.link(("bridge", bridge.master), ("bar_clocks", "s_axi_"));
    n.link(("bar_clocks", "m_axi_"), ("bar_width", "s_axi_"));
    n.link(("bar_width", "m_axi_"), ("bar_lite", "s_axi_"));
    n.link(("bar_lite", "m_axi_"), ("accelerator", "s_"));
    ips
}

/// From the accelerator to the host's memory. There is no converter between equal widths.
fn memory_path(n: &mut Netlist, bridge: &Bridge, data: u32, address: u32) -> Vec<Ip> {
    let mut ips = Vec::new();
    let mut from = ("accelerator", "m_");
    if data != bridge.host.data {
        ips.push(width_converter("host_width", Axi { address, data, id: 0 }, bridge.host.data));
        n.place("host_width", ips[0].block.clone());
        clocked(n, "host_width", "s_axi_", "clock", "reset_sync_resetn");
        n.link(from, ("host_width", "s_axi_"));
        from = ("host_width", "m_axi_");
    }
    let clocks = clock_converter("host_clocks", Axi { address, data: bridge.host.data, id: 0 });
    n.place("host_clocks", clocks.block.clone());
    clocked(n, "host_clocks", "s_axi_", "clock", "reset_sync_resetn");
    clocked(n, "host_clocks", "m_axi_", "axi_clock", "axi_resetn");
    n.link(from, ("host_clocks", "s_axi_"));
    n.link(("host_clocks", "m_axi_"), ("bridge", bridge.slave));
    ips.push(clocks);
    ips
}

/// From the accelerator's pulses to messages.
fn interrupts(n: &mut Netlist, bridge: &Bridge) {
    let events = [("irq", wire("accelerator_irq")), ("seen", wire("irq_sender_seen"))];
    n.connect("irq_events", &[("clk", wire("clock")), ("rst", wire("reset_sync_reset"))]);
    n.connect("irq_events", &events);
    n.connect("irq_sender", &[("clk", wire("axi_clock")), ("rst", wire("axi_reset"))]);
    n.connect("irq_sender", &[("toggles", wire("irq_events_toggles"))]);
    match bridge.interrupts {
        Interrupts::Each => {
            n.connect("irq_sender", &[("enable", wire("bridge_msi_enable")), ("sent", wire("bridge_usr_irq_ack"))]);
            n.connect("bridge", &[("usr_irq_req", wire("irq_sender_request"))]);
        }
        Interrupts::OneByOne => {
            // The older IP writes the same names in capitals.
            let capitals = bridge.ip.block.port("MSI_enable").is_some();
            let [request, vector, grant, enable] = match capitals {
                true => ["INTX_MSI_Request", "MSI_Vector_Num", "bridge_INTX_MSI_Grant", "bridge_MSI_enable"],
                false => ["intx_msi_request", "msi_vector_num", "bridge_intx_msi_grant", "bridge_msi_enable"],
            };
            n.connect("irq_sender", &[("enable", wire(enable)), ("granted", wire(grant))]);
            n.connect("bridge", &[(request, wire("irq_sender_request")), (vector, wire("irq_sender_vector"))]);
        }
    }
}

/// LED 0: the link is up. LED 1: work is under way. The others are dark.
fn lights(n: &mut Netlist, board: &Board) {
    let Some(leds) = &board.leds else { return };
    let link = match board.family {
        Family::UltrascalePlus => "bridge_user_lnk_up",
        _ => "bridge_user_link_up",
    };
    let invert = if leds.active_low { "~" } else { "" };
    for i in 0..leds.pins.len() {
        let on = match i {
            0 => link,
            1 => "accelerator_busy",
            _ => "1'b0",
        };
        n.assign(&format!("led_{i}"), 1, format!("{invert}{on}"));
    }
}
