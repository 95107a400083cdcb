//! What the board says: one frame after the other.

use std::rc::Rc;

use hotloop_regs::link::{to_host, VERSION};

use crate::datapath::{Module, Sig};

/// Bytes of the longest frame without words: kind, sequence, address (8), length.
const HEAD: u32 = 11;
/// Bytes of a word with its strobes.
const WORD: u32 = 9;

/// Module `link_send`. Frames in order of urgency: a greeting after reset; a register's answer; interrupts; a memory
/// read; a memory write. Of each that is offered (`answer`, `read`, `write`) `answer_sent` and so on say when it is taken. Bytes leave on
/// `valid`, `octet`, `last` (ready/valid).
///
/// The words of a write come from `entry`, the cycle after `place`: eight bytes of data, their strobes above.
pub fn send() -> Rc<Module> {
    let mut m = Module::new("link_send");
    let ready = m.input("ready", 1);
    let greeting = m.input("greeting", 8);
    let irq = m.input("irq", 2);
    let answer = m.input("answer", 1);
    let answer_number = m.input("answer_number", 8);
    let answer_status = m.input("answer_status", 8);
    let answer_value = m.input("answer_value", 32);
    let [read, write] = ["read", "write"].map(|side| {
        let mut port = |name: &str, width| m.input(&format!("{side}{name}"), width);
        [port("", 1), port("_number", 8), port("_address", 64), port("_length", 8)]
    });
    let entry = m.input("entry", 72);

    let active = m.state("active", 1, 0);
    let rest = m.not(*active);
    let hello = m.state("hello", 1, 1);
    let pending = m.state("pending", 2, 0);
    let none = m.eq_const(*pending, 0);
    let interrupts = m.not(none);

    // The first that is wanted.
    let mut free = rest;
    let taken = [*hello, answer, interrupts, read[0], write[0]].map(|wanted| {
        let taken = m.and(free, wanted);
        let other = m.not(wanted);
        free = m.and(free, other);
        taken
    });
    let load = m.any(&taken);
    let writes = taken[4];

    let zero8 = m.constant(0, 8);
    let version = m.constant(VERSION.into(), 8);
    let vectors = m.extend(*pending, 8);
    let heads: [(u8, Vec<Sig>); 5] = [
        (to_host::HELLO, vec![greeting, version]),
        (to_host::REGISTER, vec![answer_number, answer_status, answer_value]),
        (to_host::INTERRUPT, vec![zero8, vectors]),
        (to_host::READ, read[1..].to_vec()),
        (to_host::WRITE, write[1..].to_vec()),
    ];
    let heads = heads.map(|(kind, fields)| {
        let kind = m.constant(kind.into(), 8);
        let head = m.pack(&[vec![kind], fields].concat());
        let bytes = m.constant((head.width() / 8).into(), 4);
        (m.extend(head, 8 * HEAD), bytes)
    });
    let cases: Vec<(Sig, Sig)> = taken.iter().zip(heads).map(|(&t, (head, _))| (t, head)).collect();
    let head = m.choose(&cases[..4], cases[4].1);
    let cases: Vec<(Sig, Sig)> = taken.iter().zip(heads).map(|(&t, (_, bytes))| (t, bytes)).collect();
    let head_bytes = m.choose(&cases[..4], cases[4].1);

    let shift = m.state("shift", 8 * HEAD, 0);
    let left = m.state("left", 4, 0);
    let words = m.state("words", 9, 0);
    let no_words = m.eq_const(*words, 0);
    let ends = m.eq_const(*left, 1);
    let last = m.and(ends, no_words);
    let moved = m.and(*active, ready);
    let more = m.not(no_words);
    let next_word = m.all(&[moved, ends, more]);
    let over = m.and(moved, last);

    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(load, one), (over, zero)], *active);
    m.drive(active, next);
    let (data, strobes) = (m.slice(entry, 0, 64), m.slice(entry, 64, 8));
    let word = m.pack(&[strobes, data]);
    let word = m.extend(word, 8 * HEAD);
    let high = m.slice(*shift, 8, 8 * HEAD - 8);
    let shifted = m.extend(high, 8 * HEAD);
    let next = m.choose(&[(load, head), (next_word, word), (moved, shifted)], *shift);
    m.drive(shift, next);
    let (nine, one4) = (m.constant(WORD.into(), 4), m.constant(1, 4));
    let fewer = m.sub(*left, one4);
    let next = m.choose(&[(load, head_bytes), (next_word, nine), (moved, fewer)], *left);
    m.drive(left, next);
    let count = {
        let length = m.extend(write[3], 9);
        let count = m.add_const(length, 1);
        m.gate(writes, count)
    };
    let one9 = m.constant(1, 9);
    let fewer = m.sub(*words, one9);
    let next = m.choose(&[(load, count), (next_word, fewer)], *words);
    m.drive(words, next);
    let place = m.counter("place", 8, next_word, load);

    let next = m.mux(taken[0], zero, *hello);
    m.drive(hello, next);
    // Interrupts come from far.
    let heard = m.state("heard", 2, 0);
    m.drive(heard, irq);
    let both = m.or(*pending, *heard);
    let next = m.mux(taken[2], *heard, both);
    m.drive(pending, next);

    let byte = m.slice(*shift, 0, 8);
    let outputs = [
        ("valid", *active),
        ("octet", byte),
        ("last", last),
        ("place", place),
        ("answer_sent", taken[1]),
        ("read_sent", taken[3]),
        ("write_sent", taken[4]),
    ];
    for (name, sig) in outputs {
        m.output(name, sig);
    }
    Rc::new(m)
}
