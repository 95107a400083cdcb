//! The part's monitor of temperature and supplies, and the block that reads it: XADC of the 7 series (UG480), SYSMONE1 of
//! UltraScale and SYSMONE4 of UltraScale+ (UG580). What is read goes to register MONITOR as it is; the driver knows what
//! the codes mean.

use std::rc::Rc;

use hotloop_hdl::datapath::{Module, Sig};
use hotloop_regs::{map, Monitor, MonitorKind};

use super::netlist::{Block, Netlist, Source};
use crate::board::Family;

/// Addresses of the status registers, as the three kinds have them: temperature, VCCINT, VCCAUX, and the flags.
const ADDRESSES: [u128; 4] = [0x00, 0x01, 0x02, 0x3f];
/// Bit of the flags: the reference on the chip is in use.
const ON_CHIP: u32 = 9;
/// Most MHz of the converter's clock: 26 for XADC, 5.2 for the others (DS181, DS892); all may be as slow as 1 MHz.
const CONVERTER_MHZ: u32 = 5;
/// Base-2 logarithm of the cycles between two reads, which is also the patience with one. The converter needs about as
/// long for new averages; the register is anew after four reads, a millisecond or two.
const PAUSE_LOG: u32 = 16;

/// The monitor that a family has.
fn kind(family: Family) -> Option<MonitorKind> {
    match family {
        Family::Ecp5 => None,
        Family::Series7 => Some(MonitorKind::Xadc),
        Family::Ultrascale => Some(MonitorKind::Sysmone1),
        Family::UltrascalePlus => Some(MonitorKind::Sysmone4),
    }
}

/// The vendor's cell with its ports.
fn cell(kind: MonitorKind) -> Block {
    let (name, address, channel, alarms) = match kind {
        MonitorKind::Xadc => ("XADC", 7, 5, 8),
        MonitorKind::Sysmone1 => ("SYSMONE1", 8, 6, 16),
        MonitorKind::Sysmone4 => ("SYSMONE4", 8, 6, 16),
    };
    let block = Block::new(name).inputs(&[("DCLK", 1), ("RESET", 1), ("DEN", 1), ("DWE", 1), ("DI", 16)]);
    let block = block.inputs(&[("DADDR", address), ("CONVST", 1), ("CONVSTCLK", 1)]);
    let block = block.inputs(&[("VP", 1), ("VN", 1), ("VAUXP", 16), ("VAUXN", 16)]);
    let block = block.outputs(&[("DO", 16), ("DRDY", 1), ("BUSY", 1), ("EOC", 1), ("EOS", 1), ("OT", 1)]);
    let block = block.outputs(&[("CHANNEL", channel), ("ALM", alarms), ("MUXADDR", 5)]);
    let block = block.outputs(&[("JTAGBUSY", 1), ("JTAGLOCKED", 1), ("JTAGMODIFIED", 1)]);
    let block = match kind {
        MonitorKind::Xadc => return block,
        _ => block.inputs(&[("I2C_SCLK", 1), ("I2C_SDA", 1)]).outputs(&[("I2C_SCLK_TS", 1), ("I2C_SDA_TS", 1)]),
    };
    match kind {
        MonitorKind::Sysmone4 => block.outputs(&[("ADC_DATA", 16), ("SMBALERT_TS", 1)]),
        _ => block,
    }
}

/// Control registers, the others being 0: temperature, VCCINT, VCCAUX and the calibration by turns, for ever, averages of
/// 16, no alarms. The over-temperature alarm keeps the limit that the part comes with.
fn settings(kind: MonitorKind, clock_mhz: u32) -> [(&'static str, u32); 5] {
    // Bits 15..12 of 41h: the continuous sequence; 11..8 and 3..1: alarms that are off; 7..4: calibrations that are on,
    // those that the vendor's wizard turns on.
    let sequence = match kind {
        MonitorKind::Xadc => 0x2ffe,
        MonitorKind::Sysmone1 | MonitorKind::Sysmone4 => 0x2f9e,
    };
    // Bit 0: calibration; 8: temperature; 9: VCCINT; 10: VCCAUX.
    let channels = 0x0700;
    [
        ("INIT_40", 0x1000),
        ("INIT_41", sequence),
        ("INIT_42", clock_mhz.div_ceil(CONVERTER_MHZ) << 8),
        ("INIT_48", channels | 1),
        ("INIT_4A", channels),
    ]
}

/// Module `monitor_reader`, in the accelerator's clock, which is the port's too: reads the four registers in turn, one
/// every 2^`pause_log` cycles. Inputs: `drdy` and `data` (DO) of the cell. Outputs: `den` and `daddr` for it, and `monitor` for
/// the accelerator. What was not answered when the next read is due is asked for again, and the codes are not there until
/// all four have been read anew.
fn reader(kind: MonitorKind, pause_log: u32) -> Rc<Module> {
    let mut m = Module::new("monitor_reader");
    let (drdy, data) = (m.input("drdy", 1), m.input("data", 16));
    // The cell is far away, and slow.
    let (drdy, data) = (registered(&mut m, "drdy_in", drdy), registered(&mut m, "data_in", data));
    let count = m.state("count", pause_log, 0);
    let next = m.add_const(*count, 1);
    m.drive(count, next);
    let due = m.eq_const(*count, (1 << pause_log) - 1);
    let den = registered(&mut m, "den_out", due);

    // An answer counts once, and when it is waited for.
    let waiting = m.state("waiting", 1, 0);
    let answered = m.and(drdy, *waiting);
    let more = m.not(answered);
    let still = m.and(*waiting, more);
    let next = m.or(due, still);
    m.drive(waiting, next);
    let late = m.and(due, still);

    // The address moves on with the answer, so it stands long before the next read.
    let turn = m.state("turn", 2, 0);
    let next = m.add_const(*turn, 1);
    m.drive_when(turn, answered, next);
    let addresses = ADDRESSES.map(|address| m.constant(address, address_bits(kind)));
    let address = m.select(*turn, &addresses);
    m.output("den", den);
    m.output("daddr", address);

    let mut kept = |name: &str, which: u128, value: Sig| {
        let mine = m.eq_const(*turn, which);
        let load = m.and(mine, answered);
        let state = m.state(name, value.width(), 0);
        m.drive_when(state, load, value);
        *state
    };
    let codes = [("temperature", 0), ("vccint", 1), ("vccaux", 2)].map(|(name, which)| kept(name, which, data));
    let flags = kept("flags", 3, data);
    let on_chip = m.bit(flags, ON_CHIP);

    // Four answers since the last silence.
    let answers = m.state("answers", 3, 0);
    let present = m.bit(*answers, 2);
    let fewer = m.not(present);
    let counts = m.and(answered, fewer);
    let (none, one_more) = (m.constant(0, 3), m.add_const(*answers, 1));
    let next = m.choose(&[(late, none), (counts, one_more)], *answers);
    m.drive(answers, next);

    let kind = m.constant(kind.code().into(), Monitor::kind.width);
    let fields = m.pack(&[codes[0], codes[1], codes[2], kind, present, on_chip]);
    let monitor = m.extend(fields, map::MONITOR.width);
    m.output("monitor", monitor);
    Rc::new(m)
}

fn address_bits(kind: MonitorKind) -> u32 {
    cell(kind).port("DADDR").map_or(0, |port| port.width)
}

fn registered(m: &mut Module, name: &str, value: Sig) -> Sig {
    let state = m.state(name, value.width(), 0);
    m.drive(state, value);
    *state
}

/// Places the family's monitor and its reader, and connects the accelerator's input: without a monitor to 0. Gives what
/// was placed.
pub fn place(n: &mut Netlist, family: Family, clock_mhz: u32) -> Option<(Block, Rc<Module>)> {
    let wire = |name: &str| Source::Wire(name.into());
    let Some(kind) = kind(family) else {
        n.connect("accelerator", &[("monitor", Source::Constant(0))]);
        return None;
    };
    let (cell, reader) = (cell(kind), reader(kind, PAUSE_LOG));
    n.place("monitor", cell.clone());
    n.place("monitor_reader", Block::of(&reader));
    for (name, value) in settings(kind, clock_mhz) {
        n.parameter("monitor", name, &format!("16'h{value:04x}"));
    }
    let clock = [("DCLK", wire("clock")), ("RESET", wire("reset_sync_reset"))];
    let read = [("DEN", wire("monitor_reader_den")), ("DADDR", wire("monitor_reader_daddr"))];
    n.connect("monitor", &clock);
    n.connect("monitor", &read);
    // Nothing is written, conversions follow each other by themselves, and no pin is measured.
    for port in ["DWE", "DI", "CONVST", "CONVSTCLK", "VP", "VN", "VAUXP", "VAUXN"] {
        n.connect("monitor", &[(port, Source::Constant(0))]);
    }
    // The cell's own bus is not used, and idle is high.
    for port in ["I2C_SCLK", "I2C_SDA"].into_iter().filter(|port| cell.port(port).is_some()) {
        n.connect("monitor", &[(port, Source::Constant(1))]);
    }
    n.connect("monitor_reader", &[("clk", wire("clock")), ("rst", wire("reset_sync_reset"))]);
    n.connect("monitor_reader", &[("drdy", wire("monitor_DRDY")), ("data", wire("monitor_DO"))]);
    n.connect("accelerator", &[("monitor", wire("monitor_reader_monitor"))]);
    Some((cell, reader))
}
