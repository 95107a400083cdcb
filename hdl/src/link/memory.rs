//! The accelerator's bursts as requests to the host: one read and one write at a time.

use std::rc::Rc;

use hotloop_regs::link::BURST_WORDS;

use crate::datapath::{Module, Sig};

/// A request of the board: sent, answered, or sent again.
struct Request {
    /// The frame wants to be sent.
    send: Sig,
    /// It was sent, and no answer has come.
    waits: Sig,
    /// Its number.
    sequence: Sig,
}

/// `begin` makes a request, which is sent (until `sent`) and sent again when `2^patience_log` cycles brought no
/// `answer`.
fn request(m: &mut Module, patience_log: u32, begin: Sig, sent: Sig, answer: Sig) -> Request {
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let send = m.state("send", 1, 0);
    let waits = m.state("waits", 1, 0);
    let clear = m.not(*waits);
    let patience = m.counter("patience", patience_log + 1, *waits, clear);
    let late = m.bit(patience, patience_log);
    let next = m.choose(&[(sent, zero), (begin, one), (answer, zero), (late, one)], *send);
    m.drive(send, next);
    let next = m.choose(&[(sent, one), (answer, zero), (late, zero)], *waits);
    m.drive(waits, next);
    let sequence = m.counter("serial", 8, answer, zero);
    Request { send: *send, waits: *waits, sequence }
}

/// Module `link_read`: AXI4 reads (`m_ar*`, `m_r*`). A burst becomes `send` with `address`, `length` and `number`, until
/// `sent`; its words are kept as they come and given to the accelerator after a good frame with the number and as many words.
pub fn read(patience_log: u32) -> Rc<Module> {
    let mut m = Module::new("link_read");
    let araddr = m.input("m_araddr", 64);
    let arlen = m.input("m_arlen", 8);
    let arvalid = m.input("m_arvalid", 1);
    let sent = m.input("sent", 1);
    let word_valid = m.input("word_valid", 1);
    let word = m.input("word", 64);
    let word_number = m.input("word_number", 8);
    let data = m.input("data", 1);
    let failed = m.input("failed", 1);
    let words = m.input("words", 9);
    let sequence = m.input("serial", 8);

    // Free: a burst is taken. Busy: asked for. Drains: its words go to the accelerator.
    let busy = m.state("busy", 1, 0);
    let drains = m.state("drains", 1, 0);
    let free = {
        let some = m.or(*busy, *drains);
        m.not(some)
    };
    let begin = m.and(free, arvalid);
    let address = m.state("address", 64, 0);
    m.drive_when(address, begin, araddr);
    let length = m.state("length", 8, 0);
    m.drive_when(length, begin, arlen);

    let answer = m.wire(1);
    let request = request(&mut m, patience_log, begin, sent, *answer);
    let right = {
        let wanted = m.extend(*length, 9);
        let wanted = m.add_const(wanted, 1);
        let all = m.eq(words, wanted);
        let none = m.eq_const(words, 0);
        let complete = m.mux(failed, none, all);
        let mine = m.eq(sequence, request.sequence);
        let complete = m.and(mine, complete);
        // A frame is long: there is a cycle to compare numbers in.
        let (data, complete) = (m.delay_valid(data, 1), m.reg(complete));
        m.all(&[data, complete, request.waits])
    };
    let failed = m.reg(failed);
    m.connect(answer, right);
    let fault = m.state("fault", 1, 0);
    m.drive_when(fault, right, failed);

    let place = m.wire(8);
    // Late words of a frame that was sent twice must not get in.
    let keep = m.and(word_valid, request.waits);
    let buffered = m.ram_apart(BURST_WORDS as u64, keep, word_number, word, *place);
    let count = m.counter("drained", 8, *drains, right);
    m.connect(place, count);
    let last = m.eq(count, *length);
    let ends = m.and(*drains, last);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(begin, one), (right, zero)], *busy);
    m.drive(busy, next);
    let next = m.choose(&[(right, one), (ends, zero)], *drains);
    m.drive(drains, next);

    // The memory's word comes a cycle behind its number; the accelerator always takes it.
    let valid = m.delay_valid(*drains, 1);
    let last = m.delay_valid(ends, 1);
    let response = m.cat(&[*fault, zero]);
    let fine = m.not(*fault);
    let rdata = m.gate(fine, buffered);
    let outputs = [
        ("m_arready", free),
        ("m_rvalid", valid),
        ("m_rdata", rdata),
        ("m_rresp", response),
        ("m_rlast", last),
        ("send", request.send),
        ("number", request.sequence),
        ("address", *address),
        ("length", *length),
    ];
    for (name, sig) in outputs {
        m.output(name, sig);
    }
    Rc::new(m)
}

/// Module `link_write`: AXI4 writes (`m_aw*`, `m_w*`, `m_b*`). A burst that has all its data becomes `send` with `address`,
/// `length` and `number`, until `sent`; meanwhile `entry` shows, a cycle later, the word at `place`, its eight strobes above it. The
/// accelerator gets its response with the answer.
pub fn write(patience_log: u32) -> Rc<Module> {
    let mut m = Module::new("link_write");
    let awaddr = m.input("m_awaddr", 64);
    let awlen = m.input("m_awlen", 8);
    let awvalid = m.input("m_awvalid", 1);
    let wdata = m.input("m_wdata", 64);
    let wstrb = m.input("m_wstrb", 8);
    let wlast = m.input("m_wlast", 1);
    let wvalid = m.input("m_wvalid", 1);
    let sent = m.input("sent", 1);
    let place = m.input("place", 8);
    let written = m.input("written", 1);
    let failed = m.input("failed", 1);
    let sequence = m.input("serial", 8);

    let held = m.state("held", 1, 0);
    let full = m.state("full", 1, 0);
    let asked = m.state("asked", 1, 0);
    let (address_ready, data_ready) = (m.not(*held), m.not(*full));
    let take = m.and(awvalid, address_ready);
    let address = m.state("address", 64, 0);
    m.drive_when(address, take, awaddr);
    let length = m.state("length", 8, 0);
    m.drive_when(length, take, awlen);
    let store = m.and(wvalid, data_ready);
    let last = m.and(store, wlast);

    let answer = m.wire(1);
    let new = m.not(*asked);
    let begin = m.all(&[*held, *full, new]);
    let request = request(&mut m, patience_log, begin, sent, *answer);
    // A frame is long: there is a cycle to compare numbers in.
    let mine = m.eq(sequence, request.sequence);
    let (written, mine, failed) = (m.delay_valid(written, 1), m.reg(mine), m.reg(failed));
    let right = m.all(&[written, mine, request.waits]);
    m.connect(answer, right);

    let number = m.counter("stored", 8, store, right);
    let entry = m.cat(&[wstrb, wdata]);
    let entry = m.ram_apart(BURST_WORDS as u64, store, number, entry, place);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    for (state, set) in [(held, take), (full, last), (asked, begin)] {
        let next = m.choose(&[(right, zero), (set, one)], *state);
        m.drive(state, next);
    }
    let response = m.cat(&[failed, zero]);
    let outputs = [
        ("m_awready", address_ready),
        ("m_wready", data_ready),
        ("m_bvalid", right),
        ("m_bresp", response),
        ("send", request.send),
        ("number", request.sequence),
        ("address", *address),
        ("length", *length),
        ("entry", entry),
    ];
    for (name, sig) in outputs {
        m.output(name, sig);
    }
    Rc::new(m)
}
