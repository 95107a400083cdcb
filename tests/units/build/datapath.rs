//! Every operation of the datapath layer, so that what it prints is what its documentation says.

use std::rc::Rc;

use hotloop_hdl::datapath::Module;
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    vec![
        super::unit("datapath_operations", Rc::new(operations())),
        super::unit("datapath_delays", Rc::new(delays())),
        super::unit("datapath_fifo", Module::fifo(64, 8)),
    ]
}

fn operations() -> Module {
    let mut m = Module::new("operations");
    let (a, b) = (m.input("a", 64), m.input("b", 64));
    let n = m.input("n", 6);
    let select = m.bit(a, 0);
    let (a32, b32) = (m.slice(a, 16, 32), m.slice(b, 7, 32));
    let results = [
        ("add", m.add(a, b)),
        ("sub", m.sub(a, b)),
        ("add_carry", m.add_carry(a, b)),
        ("mul", m.mul(a32, b32)),
        ("and", m.and(a, b)),
        ("or", m.or(a, b)),
        ("xor", m.xor(a, b)),
        ("not", m.not(a)),
        ("eq", m.eq(a, b)),
        ("lt", m.lt(a, b)),
        ("shr_var", m.shr_var(a, n)),
        ("shl_var", m.shl_var(a, n)),
        ("shl", m.shl(a32, 5)),
        ("mux", m.mux(select, a, b)),
        ("pack", m.pack(&[a32, b32])),
        ("select", m.select(n, &[a, b, a, b])),
        ("gate", m.gate(select, b)),
    ];
    for (name, sig) in results {
        m.output(&format!("o_{name}"), sig);
    }
    m
}

/// Delays of the lengths on both sides of where registers turn into a circular memory, and operands that are aligned
/// by the layer.
fn delays() -> Module {
    let mut m = Module::new("delays");
    let a = m.pipe_input("a", 64);
    let flag = m.pipe_input("flag", 1);
    let mut outputs: Vec<(String, _)> = [1, 2, 5, 6, 7, 40].iter().map(|&n| (format!("d{n}"), m.delay(a, n))).collect();
    let late = m.delay(a, 9);
    outputs.push(("aligned".into(), m.sub(late, a)));
    outputs.push(("valid".into(), m.delay_valid(flag, 9)));
    for (name, sig) in outputs {
        m.output(&name, sig);
    }
    m
}
