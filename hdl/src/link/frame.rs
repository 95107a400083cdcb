//! Frames on a stream of bytes: a flag between them, escapes within, a CRC at the end.

use std::rc::Rc;

use hotloop_regs::link::{CRC_POLYNOMIAL, CRC_RESIDUE, ESCAPE, FLAG, FLIP};

use crate::datapath::{Module, Sig};

/// The CRC's register before a frame.
const START: u128 = 0xffff_ffff;

/// The CRC's register after a byte.
fn crc_after(m: &mut Module, crc: Sig, byte: Sig) -> Sig {
    let polynomial = m.constant(CRC_POLYNOMIAL.into(), 32);
    (0..8).fold(crc, |crc, i| {
        let (low, bit) = (m.bit(crc, 0), m.bit(byte, i));
        let odd = m.xor(low, bit);
        let high = m.slice(crc, 1, 31);
        let shifted = m.extend(high, 32);
        let taken = m.gate(odd, polynomial);
        m.xor(shifted, taken)
    })
}

/// Module `frame_rx`: `in_valid`, `in_octet` from the line; `valid` with each `octet` of a frame, its CRC included;
/// then `ends`, and with it `good`, if the CRC is right. An `ends` without `good` follows what was no frame; nothing
/// between two flags is nothing.
pub fn receiver() -> Rc<Module> {
    let mut m = Module::new("frame_rx");
    let in_valid = m.input("in_valid", 1);
    let in_byte = m.input("in_octet", 8);
    let flag = m.eq_const(in_byte, FLAG.into());
    let flag = m.and(in_valid, flag);
    let escape = m.eq_const(in_byte, ESCAPE.into());
    let escaped = m.state("escaped", 1, 0);
    let next = {
        let other = m.not(flag);
        m.and(escape, other)
    };
    m.drive_when(escaped, in_valid, next);
    let plain = {
        let special = m.or(flag, escape);
        let plain = m.not(special);
        m.and(in_valid, plain)
    };
    let flip = {
        let flip = m.constant(FLIP.into(), 8);
        m.gate(*escaped, flip)
    };
    let byte = m.xor(in_byte, flip);

    let crc = m.state("crc", 32, START);
    let some = m.state("some", 1, 0);
    let (start, after) = (m.constant(START, 32), crc_after(&mut m, *crc, byte));
    let next = m.choose(&[(flag, start), (plain, after)], *crc);
    m.drive(crc, next);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(flag, zero), (plain, one)], *some);
    m.drive(some, next);
    let end = m.and(flag, *some);
    let good = m.eq_const(*crc, CRC_RESIDUE.into());
    let whole = m.not(*escaped);
    let good = m.all(&[end, good, whole]);
    m.output("valid", plain);
    m.output("octet", byte);
    m.output("ends", end);
    m.output("good", good);
    Rc::new(m)
}

/// Module `frame_tx`: frames from `in_valid`, `in_octet`, `in_last` (ready/valid), to the line with flags on both sides,
/// escapes and CRC as `valid`, `octet` (ready/valid).
pub fn transmitter() -> Rc<Module> {
    let mut m = Module::new("frame_tx");
    let in_valid = m.input("in_valid", 1);
    let in_byte = m.input("in_octet", 8);
    let in_last = m.input("in_last", 1);
    let ready = m.input("ready", 1);

    // 0: the first flag; 1: the frame; 2 to 5: the CRC; 6: the last flag.
    let place = m.state("place", 3, 0);
    let second = m.state("second", 1, 0);
    let crc = m.state("crc", 32, START);
    let [opens, body, closes] = [0, 1, 6].map(|p| m.eq_const(*place, p));
    let needs_input = m.or(opens, body);
    let own = m.not(needs_input);
    let valid = m.or(own, in_valid);

    let inverted = m.not(*crc);
    let low = m.slice(inverted, 0, 8);
    let raw = m.mux(body, in_byte, low);
    let [is_flag, is_escape] = [FLAG, ESCAPE].map(|b| m.eq_const(raw, b.into()));
    let special = m.or(is_flag, is_escape);
    let edge = m.or(opens, closes);
    let inner = m.not(edge);
    let first = m.not(*second);
    let escapes = m.all(&[special, inner, first]);
    let flip = {
        let flip = m.constant(FLIP.into(), 8);
        m.gate(*second, flip)
    };
    let plain = m.xor(raw, flip);
    let [flag, escape] = [FLAG, ESCAPE].map(|b| m.constant(b.into(), 8));
    let byte = m.choose(&[(edge, flag), (escapes, escape)], plain);

    let moved = m.and(valid, ready);
    m.drive_when(second, moved, escapes);
    let whole = m.not(escapes);
    let done = m.and(moved, whole);
    let next = {
        let more = m.add_const(*place, 1);
        let (zero, again) = (m.constant(0, 3), m.not(in_last));
        let again = m.and(body, again);
        m.choose(&[(closes, zero), (again, *place)], more)
    };
    m.drive_when(place, done, next);
    let next = {
        let (start, after) = (m.constant(START, 32), crc_after(&mut m, *crc, in_byte));
        let shifted = m.slice(*crc, 8, 24);
        let shifted = m.extend(shifted, 32);
        m.choose(&[(edge, start), (body, after)], shifted)
    };
    m.drive_when(crc, done, next);
    let in_ready = m.and(done, body);
    m.output("in_ready", in_ready);
    m.output("valid", valid);
    m.output("octet", byte);
    Rc::new(m)
}
