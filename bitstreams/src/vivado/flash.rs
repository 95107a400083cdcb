//! The way from the accelerator's port to the board's configuration flash. Its clock belongs to the configuration logic,
//! since UltraScale all its pins do; the start-up cell lends them: STARTUPE2 of the 7 series (UG470, UG953), where the other
//! pins are ordinary ones behind configuration, and STARTUPE3 of UltraScale and UltraScale+ (UG570, UG974).
//!
//! Looked at: the tables of ports in UG953 and UG974, Yosys' `xilinx/cells_xtra.v`, and how openFPGALoader (commit d43508f,
//! `spiOverJtag/xilinx_spiOverJtag.v`) and corundum tie the inputs; not the text of UG470 and UG570. On the 7 series the first
//! three clocks behind configuration do not reach the flash (UG470 by what others say of it: litespi, pull request 107, waits
//! for as many), so the driver clocks with chip select high before it says anything.

use hotloop_hdl::datapath::PortDirection::{In, Out};

use super::netlist::{Block, Netlist, Source};
use crate::board::Family;

/// Port of the top that the flash drives.
pub const MISO: &str = "flash_miso";
/// Beginning of the keys of the flash's pins in a board's file.
pub const KEYS: &str = "flash.pins.";

/// The vendor's cell with its ports; ECP5 has none.
fn cell(family: Family) -> Option<Block> {
    let (name, own): (_, &[(&str, u32)]) = match family {
        Family::Ecp5 => return None,
        Family::Series7 => ("STARTUPE2", &[("CLK", 1)]),
        Family::Ultrascale | Family::UltrascalePlus => {
            ("STARTUPE3", &[("DO", 4), ("DTS", 4), ("FCSBO", 1), ("FCSBTS", 1)])
        }
    };
    let block = Block::new(name).outputs(&[("CFGCLK", 1), ("CFGMCLK", 1), ("EOS", 1), ("PREQ", 1)]).inputs(own);
    let block = block.inputs(&[("GSR", 1), ("GTS", 1), ("KEYCLEARB", 1), ("PACK", 1)]);
    let block = block.inputs(&[("USRCCLKO", 1), ("USRCCLKTS", 1), ("USRDONEO", 1), ("USRDONETS", 1)]);
    Some(match family {
        Family::Series7 => block,
        _ => block.outputs(&[("DI", 4)]),
    })
}

/// Places the family's start-up cell, and connects the four wires of the accelerator's port. Gives the cell, and ports of
/// the top with the board's key of each pin, where the flash is on ordinary ones.
pub fn place(n: &mut Netlist, family: Family) -> Option<(Block, Vec<(String, String)>)> {
    let wire = |name: &str| Source::Wire(name.into());
    let cell = cell(family)?;
    n.place("startup", cell.clone());
    // The clock is driven, DONE is left alone, nothing is reset, and the key for encrypted images is kept.
    n.connect("startup", &[("USRCCLKO", wire("accelerator_flash_clock")), ("USRCCLKTS", Source::Constant(0))]);
    n.connect("startup", &[("USRDONEO", Source::Constant(1)), ("USRDONETS", Source::Constant(1))]);
    n.connect("startup", &[("GSR", Source::Constant(0)), ("GTS", Source::Constant(0))]);
    n.connect("startup", &[("PACK", Source::Constant(0)), ("KEYCLEARB", Source::Constant(1))]);
    n.connect("accelerator", &[("flash_miso", wire(MISO))]);
    if family != Family::Series7 {
        // Line 0 goes out, line 1 comes in; 2 and 3 are write protect and hold, low when they are meant.
        n.assign("flash_lines", 4, "{3'b110, accelerator_flash_mosi}");
        n.connect("startup", &[("DO", wire("flash_lines")), ("DTS", Source::Constant(0b0010))]);
        n.connect("startup", &[("FCSBO", wire("accelerator_flash_select_n")), ("FCSBTS", Source::Constant(0))]);
        n.assign(MISO, 1, "startup_DI[1]");
        return Some((cell, Vec::new()));
    }
    // No clock for the start-up sequence but the configuration's own.
    n.connect("startup", &[("CLK", Source::Constant(0))]);
    n.port(MISO, In, 1);
    let mut pins = vec![(MISO.to_owned(), format!("{KEYS}dq.1"))];
    for (name, key, value) in [
        ("flash_select_n", "select", "accelerator_flash_select_n"),
        ("flash_mosi", "dq.0", "accelerator_flash_mosi"),
        ("flash_write_protect_n", "dq.2", "1'b1"),
        ("flash_hold_n", "dq.3", "1'b1"),
    ] {
        n.port(name, Out, 1);
        n.assign(name, 1, value);
        pins.push((name.to_owned(), format!("{KEYS}{key}")));
    }
    Some((cell, pins))
}
