//! Modular arithmetic units against plonky2's field, on random and edge operands.

use hotloop_sim::Clocked;
use hotloop_units as _;
use plonky2::field::{
    goldilocks_field::GoldilocksField as F,
    types::{Field, Field64, PrimeField64},
};
use rand::{rngs::StdRng, Rng, SeedableRng};

const VECTORS: usize = 1_000_000;

fn edges() -> Vec<u64> {
    let p = F::ORDER;
    let e = u64::from(u32::MAX);
    vec![0, 1, 2, e - 1, e, e + 1, 1 << 63, p / 2, p - 2, p - 1, p, p + 1, u64::MAX - 1, u64::MAX]
}

/// Every pair of edge values, then random ones.
fn pairs(below: u64) -> Vec<(u64, u64)> {
    let edges: Vec<u64> = edges().into_iter().filter(|&x| x <= below).collect();
    let mut pairs: Vec<(u64, u64)> = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    let mut rng = StdRng::seed_from_u64(1);
    pairs.extend((pairs.len()..VECTORS).map(|_| (rng.gen_range(0..=below), rng.gen_range(0..=below))));
    pairs
}

/// Streams one pair a cycle through a unit and compares each output with what is expected of it, `latency` later.
fn check(model: &str, latency: usize, below: u64, outputs: &[(&str, fn(F, F) -> F)]) {
    let mut unit = Clocked::open(model).unwrap();
    let (a, b) = (unit.port("a").unwrap(), unit.port("b").unwrap());
    let ports: Vec<_> = outputs.iter().map(|(name, f)| (unit.port(name).unwrap(), *f)).collect();
    let pairs = pairs(below);
    for cycle in 0..pairs.len() + latency {
        let (x, y) = pairs[cycle.min(pairs.len() - 1)];
        unit.set(a, x);
        unit.set(b, y);
        unit.step().unwrap();
        if let Some(done) = (cycle + 1).checked_sub(latency) {
            let Some(&(x, y)) = pairs.get(done) else { break };
            for (port, f) in &ports {
                let expected = f(F::from_noncanonical_u64(x), F::from_noncanonical_u64(y)).to_canonical_u64();
                assert_eq!(unit.get(*port), expected, "{model}: {x:#x}, {y:#x}");
            }
        }
    }
}

#[test]
fn sums_of_canonical_operands() {
    check("field_sums", 2, F::ORDER - 1, &[("add", |x, y| x + y), ("sub", |x, y| x - y)]);
}

#[test]
fn products_of_any_words() {
    check("field_multiplier", 6, u64::MAX, &[("y", |x, y| x * y)]);
}

#[test]
fn products_with_a_longer_leaf() {
    check("field_multiplier_7", 11, u64::MAX, &[("y", |x, y| x * y)]);
}
