//! An asynchronous line: eight data bits, no parity, one stop bit, the least significant bit first.

use std::rc::Rc;

use crate::datapath::{Module, Sig};

/// Module `uart_rx`: bytes from `rx`, which idles high and belongs to no clock. `valid` is high for a cycle with each `octet`;
/// one without its stop bit (noise, another speed, a break) is dropped.
///
/// `divider` is the number of clock cycles of a bit, at least 4. Bits are looked at in their middle, which is found
/// anew at each start bit to a cycle; so both sides' clocks may differ by nearly 5 % less one cycle in `10 · divider`.
pub fn receiver(divider: u32) -> Rc<Module> {
    assert!(divider >= 4, "a bit lasts at least four cycles");
    let bits = phase_bits(divider);
    let mut m = Module::new("uart_rx");
    let rx = m.input("rx", 1);
    // Two registers against metastability, high after reset as the idle line is.
    let caught = m.state("caught", 1, 1);
    m.drive(caught, rx);
    let line = m.state("line", 1, 1);
    m.drive(line, *caught);

    let busy = m.state("busy", 1, 0);
    let phase = m.state("phase", bits, 0);
    let count = m.state("count", 4, 0);
    let shift = m.state("shift", 8, 0);
    let resting = m.not(*busy);
    let low = m.not(*line);
    let begins = m.and(resting, low);
    let due = m.eq_const(*phase, 0);
    let look = m.and(*busy, due);
    let is_start = m.eq_const(*count, 0);
    let is_stop = m.eq_const(*count, 9);
    // A start bit that is over by its middle was none.
    let glitch = m.all(&[look, is_start, *line]);
    let stop = m.and(look, is_stop);

    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let over = m.or(glitch, stop);
    let next = m.choose(&[(begins, one), (over, zero)], *busy);
    m.drive(busy, next);
    let half = m.constant((divider / 2 - 1).into(), bits);
    let whole = m.constant((divider - 1).into(), bits);
    let less = less_one(&mut m, *phase);
    let next = m.choose(&[(begins, half), (look, whole)], less);
    m.drive(phase, next);
    let (none, more) = (m.constant(0, 4), m.add_const(*count, 1));
    let next = m.choose(&[(begins, none), (look, more)], *count);
    m.drive(count, next);
    let high = m.slice(*shift, 1, 7);
    let shifted = m.cat(&[*line, high]);
    let is_data = {
        let edge = m.or(is_start, is_stop);
        let inner = m.not(edge);
        m.and(look, inner)
    };
    m.drive_when(shift, is_data, shifted);
    let valid = m.and(stop, *line);
    m.output("valid", valid);
    m.output("octet", *shift);
    Rc::new(m)
}

/// Module `uart_tx`: takes a `octet` when `valid` and `ready` are high and sends it on `tx`.
pub fn transmitter(divider: u32) -> Rc<Module> {
    let bits = phase_bits(divider);
    let mut m = Module::new("uart_tx");
    let valid = m.input("valid", 1);
    let byte = m.input("octet", 8);
    let left = m.state("left", 4, 0);
    let phase = m.state("phase", bits, 0);
    // What is on the line is the lowest bit; behind the last one follow ones.
    let shift = m.state("shift", 10, 0x3ff);
    let ready = m.eq_const(*left, 0);
    let load = m.and(valid, ready);
    let sending = m.not(ready);
    let due = m.eq_const(*phase, 0);
    let step = m.and(sending, due);

    let whole = m.constant((divider - 1).into(), bits);
    let less = less_one(&mut m, *phase);
    let restart = m.or(load, step);
    let next = m.choose(&[(restart, whole)], less);
    m.drive(phase, next);
    let ten = m.constant(10, 4);
    let fewer = less_one(&mut m, *left);
    let next = m.choose(&[(load, ten), (step, fewer)], *left);
    m.drive(left, next);
    let (start, stop) = (m.constant(0, 1), m.constant(1, 1));
    let framed = m.cat(&[stop, byte, start]);
    let high = m.slice(*shift, 1, 9);
    let shifted = m.cat(&[stop, high]);
    let next = m.choose(&[(load, framed), (step, shifted)], *shift);
    m.drive(shift, next);
    let tx = m.bit(*shift, 0);
    m.output("ready", ready);
    m.output("tx", tx);
    Rc::new(m)
}

/// Bits that count the cycles of a bit.
fn phase_bits(divider: u32) -> u32 {
    u32::BITS - (divider - 1).leading_zeros()
}

fn less_one(m: &mut Module, value: Sig) -> Sig {
    let one = m.constant(1, value.width());
    m.sub(value, one)
}
