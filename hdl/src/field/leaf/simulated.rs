//! The leaf for simulation: four 32 × 32 products, which is what a simulator multiplies fastest.

use std::rc::Rc;

use super::MULTIPLIER_LEAF;
use crate::datapath::Module;

/// Four products and their sum, `latency` ≥ 2 stages.
pub(super) fn simulated(latency: u32) -> Rc<Module> {
    assert!(latency >= 2, "a multiplier leaf has at least two stages");
    let mut m = Module::new(MULTIPLIER_LEAF);
    let (a, b) = (m.pipe_input("a", 64), m.pipe_input("b", 64));
    let halves = |m: &mut Module, x| (m.slice(x, 0, 32), m.slice(x, 32, 32));
    let ((al, ah), (bl, bh)) = (halves(&mut m, a), halves(&mut m, b));
    let products = [(al, bl), (al, bh), (ah, bl), (ah, bh)].map(|(x, y)| {
        let product = m.mul(x, y);
        m.reg(product)
    });
    let [ll, lh, hl, hh] = products;
    let (ll0, ll1) = halves(&mut m, ll);
    let (lh0, lh1) = halves(&mut m, lh);
    let (hl0, hl1) = halves(&mut m, hl);
    let middle = [ll1, lh0, hl0].map(|x| m.extend(x, 34));
    let middle = m.sum(&middle);
    let middle_low = m.slice(middle, 0, 32);
    let carry = m.slice(middle, 32, 2);
    let parts = [lh1, hl1].map(|x| m.extend(x, 64));
    let carry = m.extend(carry, 64);
    let high = m.sum(&[hh, parts[0], parts[1], carry]);
    let low = m.cat(&[middle_low, ll0]);
    let (low, high) = (m.delay(low, latency - 1), m.delay(high, latency - 1));
    m.pipe_outputs(&[("low", low), ("high", high)]);
    Rc::new(m)
}
