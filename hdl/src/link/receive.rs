//! What the host says: fields of frames that are whole.

use std::rc::Rc;

use hotloop_regs::link::to_board;

use crate::datapath::Module;

/// What the bridge takes of [`receive`].
pub const OUTPUTS: &[&str] = &[
    "serial",
    "access",
    "address",
    "strobe",
    "value",
    "word_valid",
    "word",
    "word_number",
    "data",
    "failed",
    "words",
    "written",
];

/// Bytes that are kept of a frame: kind, sequence, address (2), strobes, value (4).
const FIELDS: u32 = 9;
/// Bytes of the CRC behind a frame.
const CRC: u32 = 4;
/// The byte of a DATA frame with which its words begin; the one before is its status.
const WORDS_AT: u32 = 3;

/// Module `link_receive`. From `valid`, `octet`, `ends`, `good` of `frame_rx`:
///
/// - `restart`: a RESET; `access`: a REGISTER with `address`, `strobe` (0 for a read) and `value`; `data`: a DATA
///   of `words` words, or one that says `failed`; `written`: a WRITTEN, or one that says `failed`. Each is high for the cycle at
///   a frame's end; `serial` (its sequence number) and the fields stay until the next frame.
/// - `word_valid`, `word`, `word_number`: words of a DATA as they come, before anybody knows whether it is good.
/// - `seen` changes with each good frame; `garbled` stays high after a bad one until a RESET.
pub fn receive() -> Rc<Module> {
    let mut m = Module::new("link_receive");
    let valid = m.input("valid", 1);
    let byte = m.input("octet", 8);
    let end = m.input("ends", 1);
    let good = m.input("good", 1);

    // The byte's number, which stops at 15.
    let at = m.state("at", 4, 0);
    let (zero, more) = (m.constant(0, 4), m.add_const(*at, 1));
    let most = m.eq_const(*at, 15);
    let more = m.mux(most, *at, more);
    let next = m.choose(&[(end, zero), (valid, more)], *at);
    m.drive(at, next);
    let fields: Vec<_> = (0..FIELDS)
        .map(|i| {
            let field = m.state(&format!("field_{i}"), 8, 0);
            let here = m.eq_const(*at, i.into());
            let here = m.and(here, valid);
            m.drive_when(field, here, byte);
            *field
        })
        .collect();

    // Words of a DATA: the last four bytes of a good one are its CRC.
    let kind = fields[0];
    let is_data = m.eq_const(kind, to_board::DATA.into());
    let before = m.constant(WORDS_AT.into(), 4);
    let early = m.lt(*at, before);
    let in_words = m.not(early);
    let part = m.all(&[valid, in_words, is_data]);
    let count = m.counter("part", 3, part, end);
    let recent = m.state("recent", 56, 0);
    let high = m.slice(*recent, 8, 48);
    let shifted = m.cat(&[byte, high]);
    m.drive_when(recent, part, shifted);
    let word = m.cat(&[byte, *recent]);
    let last = m.eq_const(count, 7);
    let number = m.state("number", 9, 0);
    let full = m.bit(*number, 8);
    let room = m.not(full);
    let whole = m.and(part, last);
    let word_valid = m.and(whole, room);
    // More words than the longest burst has: so many that no answer has them.
    let (none, more) = (m.constant(0, 9), m.add_const(*number, 1));
    let over = m.constant(0x1ff, 9);
    let beyond = m.and(whole, full);
    let next = m.choose(&[(end, none), (beyond, over), (word_valid, more)], *number);
    m.drive(number, next);
    let word_number = m.slice(*number, 0, 8);

    let mut of_kind = |kind_is: u8, bytes: Option<u32>| {
        let right = m.eq_const(kind, kind_is.into());
        let length = match bytes {
            Some(bytes) => m.eq_const(*at, (bytes + CRC).into()),
            None => m.eq_const(count, CRC.into()),
        };
        m.all(&[good, right, length])
    };
    let restart = of_kind(to_board::RESET, Some(2));
    let access = of_kind(to_board::REGISTER, Some(FIELDS));
    let written = of_kind(to_board::WRITTEN, Some(3));
    let data = of_kind(to_board::DATA, None);
    let failed = m.eq_const(fields[2], 0);
    let failed = m.not(failed);

    let seen = m.state("seen", 1, 0);
    let next = m.xor(*seen, good);
    m.drive(seen, next);
    let garbled = m.state("garbled", 1, 0);
    let bad = m.not(good);
    let bad = m.and(end, bad);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(restart, zero), (bad, one)], *garbled);
    m.drive(garbled, next);

    let address = m.pack(&fields[2..4]);
    let strobe = m.slice(fields[4], 0, 4);
    let value = m.pack(&fields[5..9]);
    let outputs = [
        ("restart", restart),
        ("serial", fields[1]),
        ("access", access),
        ("address", address),
        ("strobe", strobe),
        ("value", value),
        ("word_valid", word_valid),
        ("word", word),
        ("word_number", word_number),
        ("data", data),
        ("failed", failed),
        ("words", *number),
        ("written", written),
        ("seen", *seen),
        ("garbled", *garbled),
    ];
    for (name, sig) in outputs {
        m.output(name, sig);
    }
    Rc::new(m)
}
