//! The port to the board's configuration flash: registers FLASH_OUT, FLASH_COMMAND, FLASH_IN and FLASH_STATE on one side,
//! the four wires of a SPI flash on the other. It knows no commands of flashes: bytes go out while as many come in, and the
//! driver does the rest (`hotloop_driver::flash`).

use std::rc::Rc;

use hotloop_regs::{map, FlashCommand, FlashState};

use crate::datapath::Module;

/// Bits of the longest command.
const BITS: u32 = 8 * map::FLASH_COMMAND_BYTES as u32;

/// How fast the port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashPort {
    /// Clock cycles of the accelerator for half a clock of the flash.
    pub half_period: u32,
}

impl FlashPort {
    /// For boards: 250 MHz give 15.6 MHz, 300 MHz 18.8. Every flash reads so fast (command 03h: from 33 MHz in S25FL to 54 in
    /// MT25Q), and what comes back has a whole clock for the way through the vendor's start-up block.
    pub const BOARD: FlashPort = FlashPort { half_period: 8 };
}

/// Outputs of the accelerator to the flash; `flash_miso` is its input.
pub const OUTPUTS: [&str; 3] = ["flash_select_n", "flash_clock", "flash_mosi"];

/// Module `flash_port`, in SPI mode 0: `flash_mosi` changes with the falling edge of `flash_clock`, `flash_miso` is taken
/// just before it. Registers in and out have their names in lower case; `busy` is high until the command in FLASH_COMMAND
/// is done.
pub fn port(port: FlashPort) -> Rc<Module> {
    let mut m = Module::new("flash_port");
    let name = |register: &hotloop_regs::Register| register.name.to_lowercase();
    let out = m.input(&name(&map::FLASH_OUT), map::FLASH_OUT.width);
    let command = m.input(&name(&map::FLASH_COMMAND), map::FLASH_COMMAND.width);
    let miso = m.input("flash_miso", 1);
    let mut field = |field: hotloop_regs::descriptor::Field| m.slice(command, field.bit, field.width);
    let [number, count, select] = [FlashCommand::number, FlashCommand::count, FlashCommand::select].map(&mut field);

    // A command begins when its number is another than that of the last one, and is done when its bits are. Under way, its
    // own is the current one already and not yet the last.
    let [last, current] = ["last", "current"].map(|name| m.state(name, FlashCommand::number.width, 0));
    let bits_left = m.state("bits_left", BITS.ilog2() + 1, 0);
    let same = m.eq(number, *last);
    let at_rest = m.eq_const(*bits_left, 0);
    let new = m.not(same);
    let idle = m.eq(*current, *last);
    let begins = m.all(&[new, at_rest, idle]);
    let begun = m.not(idle);
    let ends = m.and(begun, at_rest);
    m.drive_when(current, begins, number);
    m.drive_when(last, ends, *current);
    let selects_not = m.not(select);
    let select_n = m.state("select_n", 1, 1);
    m.drive_when(select_n, begins, selects_not);

    // Half clocks.
    let moves = m.not(at_rest);
    let half = m.state("half", port.half_period.max(2).next_power_of_two().ilog2(), 0);
    let over = m.eq_const(*half, (port.half_period.max(1) - 1).into());
    let turns = m.and(moves, over);
    let (zero, more) = (m.constant(0, half.width()), m.add_const(*half, 1));
    let stays = m.or(at_rest, over);
    let next = m.mux(stays, zero, more);
    m.drive(half, next);
    let level = m.state("level", 1, 0);
    let other = m.not(*level);
    m.drive_when(level, turns, other);
    let falls = m.and(turns, *level);

    // Bits: out at the top, in at the bottom.
    let shift = m.state("shift", BITS, 0);
    let rest = m.slice(*shift, 0, BITS - 1);
    let shifted = m.cat(&[rest, miso]);
    let next = m.mux(begins, out, shifted);
    let changes = m.or(begins, falls);
    m.drive_when(shift, changes, next);
    let none = m.constant(0, 3);
    let bits = m.cat(&[count, none]);
    let one = m.constant(1, bits_left.width());
    let fewer = m.sub(*bits_left, one);
    let next = m.mux(begins, bits, fewer);
    m.drive_when(bits_left, changes, next);

    let mosi = m.bit(*shift, BITS - 1);
    for (name, sig) in OUTPUTS.into_iter().zip([*select_n, *level, mosi]) {
        m.output(name, sig);
    }
    m.output("busy", new);
    let kind = m.constant(map::FLASH_KIND_SPI.into(), FlashState::kind.width);
    let state = m.pack(&[*last, kind]);
    let state = m.extend(state, map::FLASH_STATE.width);
    m.output(&name(&map::FLASH_STATE), state);
    m.output(&name(&map::FLASH_IN), *shift);
    Rc::new(m)
}
