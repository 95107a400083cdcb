//! Between frames and the accelerator's buses.

use std::rc::Rc;

use super::{frame, memory, receive, send, slot, Link};
use crate::datapath::{Module, PortDirection, Sig};

/// Module `link_lite`: an AXI4-Lite master for one access at a time. An `access` that comes before the last one is
/// answered is dropped: the host waits for its answers.
fn lite() -> Rc<Module> {
    let mut m = Module::new("link_lite");
    let access = m.input("access", 1);
    let fields = [("address", 16), ("strobe", 4), ("value", 32), ("serial", 8)].map(|(n, w)| (n, m.input(n, w)));
    let sent = m.input("sent", 1);
    let [awready, wready, bvalid, arready, rvalid] =
        ["s_awready", "s_wready", "s_bvalid", "s_arready", "s_rvalid"].map(|n| m.input(n, 1));
    let (bresp, rresp) = (m.input("s_bresp", 2), m.input("s_rresp", 2));
    let rdata = m.input("s_rdata", 32);

    let [address_on, data_on, waits, answer] = ["address_on", "data_on", "waits", "answer"].map(|n| m.state(n, 1, 0));
    let occupied = m.any(&[*waits, *answer]);
    let idle = m.not(occupied);
    let begin = m.and(access, idle);
    let [address, strobe, value, number] = fields.map(|(name, sig)| {
        let kept = m.state(&format!("kept_{name}"), sig.width(), 0);
        m.drive_when(kept, begin, sig);
        *kept
    });
    let is_read = m.eq_const(strobe, 0);
    let is_write = m.not(is_read);
    let address_taken = m.mux(is_read, arready, awready);
    let done = m.mux(is_read, rvalid, bvalid);
    let done = m.and(done, *waits);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    for (state, set, clear) in
        [(address_on, begin, address_taken), (data_on, begin, wready), (waits, begin, done), (answer, done, sent)]
    {
        let next = m.choose(&[(set, one), (clear, zero)], *state);
        m.drive(state, next);
    }
    let response = m.mux(is_read, rresp, bresp);
    let status = m.state("status", 2, 0);
    m.drive_when(status, done, response);
    let result = m.state("result", 32, 0);
    let read_value = m.gate(is_read, rdata);
    m.drive_when(result, done, read_value);
    let awvalid = m.and(*address_on, is_write);
    let wvalid = m.and(*data_on, is_write);
    let arvalid = m.and(*address_on, is_read);
    let status = m.extend(*status, 8);
    let outputs = [
        ("s_awaddr", address),
        ("s_awvalid", awvalid),
        ("s_wdata", value),
        ("s_wstrb", strobe),
        ("s_wvalid", wvalid),
        ("s_bready", one),
        ("s_araddr", address),
        ("s_arvalid", arvalid),
        ("s_rready", one),
        ("answer", *answer),
        ("number", number),
        ("status", status),
        ("result", *result),
    ];
    for (name, sig) in outputs {
        m.output(name, sig);
    }
    Rc::new(m)
}

/// Module `link_bridge`: from what `link_receive` says to the accelerator's buses, and from them to bytes for the line
/// (`tx_valid`, `tx_octet`, `tx_ready`). After a reset it greets.
pub fn bridge(link: &Link) -> Rc<Module> {
    let mut m = Module::new("link_bridge");
    let received = receive::receive();
    let width = |name: &str| received.ports().find(|(port, ..)| *port == name).map_or(1, |(.., width)| width);
    let mut inputs: Vec<(String, Sig)> =
        receive::OUTPUTS.iter().map(|name| (name.to_string(), m.input(name, width(name)))).collect();
    let (lite, read, write) = (lite(), memory::read(link.patience_log), memory::write(link.patience_log));
    let irq = m.input("irq", 2);
    let tx_ready = m.input("tx_ready", 1);
    for module in [&lite, &read, &write] {
        for (name, _, width) in module.ports().filter(|(n, d, _)| *d == PortDirection::In && bus(n)) {
            inputs.push((name.to_owned(), m.input(name, width)));
        }
    }
    let place = |m: &mut Module, name: &str, module: &Rc<Module>, more: &[(&str, Sig)]| {
        let wanted: Vec<(&str, Sig)> = module
            .ports()
            .filter(|(_, direction, _)| *direction == PortDirection::In)
            .filter_map(|(port, ..)| {
                let found = more.iter().copied().find(|(n, _)| *n == port);
                found.or_else(|| inputs.iter().find(|(n, _)| n == port).map(|(n, s)| (n.as_str(), *s)))
            })
            .collect();
        m.instance(name, module, &wanted)
    };
    let [answer_sent, read_sent, write_sent, send_ready] = [(); 4].map(|_| m.wire(1));
    let place_wire = m.wire(8);
    let lite_at = place(&mut m, "lite", &lite, &[("sent", *answer_sent)]);
    let read_at = place(&mut m, "read", &read, &[("sent", *read_sent)]);
    let write_at = place(&mut m, "write", &write, &[("sent", *write_sent), ("place", *place_wire)]);
    // They stand beside the accelerator's data movers, far from the line.
    let reset = m.own_reset();
    let reset = m.reg(reset);
    for at in [&read_at, &write_at] {
        m.reset_by(at, reset);
    }

    let mut ports: Vec<(String, Sig)> = vec![("irq".into(), irq), ("ready".into(), *send_ready)];
    let greeting = inputs.iter().find(|(n, _)| n == "serial").map(|(_, s)| *s).expect("receive has a sequence");
    ports.push(("greeting".into(), greeting));
    for (port, from) in
        [("answer", "answer"), ("answer_number", "number"), ("answer_status", "status"), ("answer_value", "result")]
    {
        ports.push((port.into(), m.output_of(&lite_at, from)));
    }
    for (side, at) in [("read", &read_at), ("write", &write_at)] {
        ports.push((side.into(), m.output_of(at, "send")));
        for field in ["number", "address", "length"] {
            ports.push((format!("{side}_{field}"), m.output_of(at, field)));
        }
    }
    ports.push(("entry".into(), m.output_of(&write_at, "entry")));
    let ports: Vec<(&str, Sig)> = ports.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let send = m.instance("send", &send::send(), &ports);
    for (wire, port) in
        [(answer_sent, "answer_sent"), (read_sent, "read_sent"), (write_sent, "write_sent"), (place_wire, "place")]
    {
        let sig = m.output_of(&send, port);
        m.connect(wire, sig);
    }
    let [valid, byte, last] = ["valid", "octet", "last"].map(|port| m.output_of(&send, port));
    let (send_takes, line_takes) = (m.wire(1), m.wire(1));
    let byte = m.cat(&[last, byte]);
    let said = slot(&mut m, "said", valid, byte, *send_takes);
    m.connect(send_ready, said.ready);
    let (byte, last) = (m.slice(said.data, 0, 8), m.bit(said.data, 8));
    let parts = [("in_valid", said.valid), ("in_octet", byte), ("in_last", last), ("ready", *line_takes)];
    let frames = m.instance("frames_out", &frame::transmitter(), &parts);
    let [takes, valid, byte] = ["in_ready", "valid", "octet"].map(|port| m.output_of(&frames, port));
    m.connect(send_takes, takes);
    let framed = slot(&mut m, "framed", valid, byte, tx_ready);
    m.connect(line_takes, framed.ready);
    for (module, at) in [(&lite, &lite_at), (&read, &read_at), (&write, &write_at)] {
        for (name, ..) in module.ports().filter(|(n, d, _)| *d == PortDirection::Out && bus(n)) {
            let sig = m.output_of(at, name);
            m.output(name, sig);
        }
    }
    m.output("tx_valid", framed.valid);
    m.output("tx_octet", framed.data);
    Rc::new(m)
}

/// A port of the accelerator's buses.
fn bus(name: &str) -> bool {
    name.starts_with("s_") || name.starts_with("m_")
}
