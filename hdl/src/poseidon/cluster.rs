//! Many units: clusters of a few, each behind registers of its own.
//!
//! ```text
//!                ┌─► register ─► units ─► in order ─► register ─┐
//!  states ──┬───►│                 (cluster)                    ├───┬─► results, in order
//!           └───►└─► register ─► units ─► in order ─► register ─┘───┘
//! ```
//!
//! One unit after the other takes a state, and results are taken in the order in which states went: that needs every
//! state at every unit, and one choice among all results. With more than [`MOST_DIRECT`] units both are cut in two
//! levels. A cluster has the ports of a unit and keeps the order by itself, so that the engine sees a few units that are
//! faster. A register in front takes a state when it is empty, so no ready goes through it; that is at most one in two
//! cycles, while [`SIZE`] units take one in six. The same holds for the register behind.

use std::rc::Rc;

use super::{
    engine::{next_free, order},
    fifo::{hold, index_bits},
    unit::{in_flight, unit},
};
use crate::{
    config::Config,
    datapath::{Instance, Module, Sig},
};

/// Units that the engine serves without clusters.
pub const MOST_DIRECT: u32 = 6;
/// Units of a cluster; the last one may have fewer.
const SIZE: u32 = 4;

/// What the engine gives states to: units, or clusters of them.
pub fn slots(config: &Config) -> Vec<Rc<Module>> {
    let (units, module) = (config.poseidon.units, unit(config));
    if units <= MOST_DIRECT {
        return (0..units).map(|_| Rc::clone(&module)).collect();
    }
    let whole = cluster(config, &module, SIZE);
    let mut slots: Vec<Rc<Module>> = (0..units / SIZE).map(|_| Rc::clone(&whole)).collect();
    if units % SIZE > 0 {
        slots.push(cluster(config, &module, units % SIZE));
    }
    slots
}

/// Most states in all slots.
pub fn inside(config: &Config) -> u64 {
    let (units, each) = (config.poseidon.units, in_flight(config) + 1);
    let clusters = if units > MOST_DIRECT { units.div_ceil(SIZE) } else { 0 };
    u64::from(units) * each + 2 * u64::from(clusters)
}

/// A cluster of `count` units: ports as a unit's.
fn cluster(config: &Config, unit: &Rc<Module>, count: u32) -> Rc<Module> {
    let mut m = Module::new(format!("poseidon_cluster_{count}"));
    let in_valid = m.input("in_valid", 1);
    let inputs: Vec<Sig> = (0..12).map(|i| m.input(&format!("in_{i}"), 64)).collect();
    let out_ready = m.input("out_ready", 1);

    let waits = m.state("waits", 1, 0);
    let empty = m.not(*waits);
    let load = m.and(in_valid, empty);
    let words: Vec<Sig> = inputs.iter().map(|&word| hold(&mut m, load, word)).collect();
    let goes_to = m.wire(index_bits(count.into()));
    let comes_from = m.wire(index_bits(count.into()));
    let takes = m.wire(1);
    let units: Vec<Instance> = (0..count)
        .map(|u| {
            let (mine_in, mine_out) = (m.eq_const(*goes_to, u.into()), m.eq_const(*comes_from, u.into()));
            let (valid, ready) = (m.and(*waits, mine_in), m.and(*takes, mine_out));
            place(&mut m, &format!("unit_{u}"), unit, valid, ready, &words)
        })
        .collect();
    let from_units = |m: &mut Module, port: &str| units.iter().map(|u| m.output_of(u, port)).collect::<Vec<Sig>>();
    let readies = from_units(&mut m, "in_ready");
    let any = m.any(&readies);
    let fire = m.and(*waits, any);
    let stays = m.not(any);
    let stays = m.and(*waits, stays);
    let next = m.or(load, stays);
    m.drive(waits, next);
    let target = next_free(&mut m, &readies, fire);
    m.connect(goes_to, target);
    let most = u64::from(count) * (in_flight(config) + 1);
    let source = order(&mut m, most, target, fire, *takes);
    m.connect(comes_from, source);

    let shown = m.state("shown", 1, 0);
    let valids = from_units(&mut m, "out_valid");
    let valid = m.select(source, &valids);
    let free = m.not(*shown);
    let take = m.and(valid, free);
    m.connect(takes, take);
    let popped = m.and(*shown, out_ready);
    let kept = m.not(popped);
    let kept = m.and(*shown, kept);
    let next = m.or(take, kept);
    m.drive(shown, next);
    m.output("in_ready", empty);
    m.output("out_valid", *shown);
    for i in 0..12 {
        let port = format!("out_{i}");
        let choices = from_units(&mut m, &port);
        let word = m.select(source, &choices);
        let word = hold(&mut m, take, word);
        m.output(&port, word);
    }
    Rc::new(m)
}

/// An instance with a unit's ports.
pub fn place(m: &mut Module, name: &str, unit: &Rc<Module>, valid: Sig, ready: Sig, words: &[Sig]) -> Instance {
    let names: Vec<String> = (0..12).map(|i| format!("in_{i}")).collect();
    let mut ports = vec![("in_valid", valid), ("out_ready", ready)];
    ports.extend(names.iter().map(String::as_str).zip(words.iter().copied()));
    m.instance(name, unit, &ports)
}
