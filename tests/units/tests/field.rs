//! Modular arithmetic units against plonky2's field, on random and edge operands.

use hotloop_hdl::field::QUARTER_BITS;
use hotloop_sim::Clocked;
use hotloop_units::{seed, vectors};
use plonky2::field::{
    goldilocks_field::GoldilocksField as F,
    types::{Field, Field64, PrimeField64},
};
use rand::{rngs::StdRng, Rng, SeedableRng};

/// An output port and what it is to be for a pair of operands.
type Output = (&'static str, fn(u64, u64) -> u64);

fn edges() -> Vec<u64> {
    let p = F::ORDER;
    let e = u64::from(u32::MAX);
    let mut edges = vec![0, 1, 2, e - 1, e, e + 1, 1 << 63, p / 2, p - 2, p - 1, p, p + 1, u64::MAX - 1, u64::MAX];
    // Words whose parts are all ones up to, and from, each place at which a multiplier leaf cuts its operands.
    for cut in [16, 17, 24, 32, 34, 48, 51] {
        edges.extend([(1 << cut) - 1, u64::MAX << cut, 1 << cut]);
    }
    edges
}

/// Every pair of edge values, then random ones.
fn pairs(below: u64) -> Vec<(u64, u64)> {
    let edges: Vec<u64> = edges().into_iter().filter(|&x| x <= below).collect();
    let mut pairs: Vec<(u64, u64)> = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    let mut rng = StdRng::seed_from_u64(seed(1));
    pairs.extend((pairs.len()..vectors(1_000_000)).map(|_| (rng.gen_range(0..=below), rng.gen_range(0..=below))));
    pairs
}

/// Streams one pair a cycle through a unit and compares each output with what is expected of it, `latency` later.
fn check(model: &str, latency: usize, below: u64, outputs: &[Output]) {
    stream(model, latency, &["a", "b"], &pairs(below), outputs);
}

/// The same for a unit that squares.
fn check_square(model: &str, latency: usize, outputs: &[Output]) {
    let squares: Vec<(u64, u64)> = pairs(u64::MAX).into_iter().map(|(x, _)| (x, x)).collect();
    stream(model, latency, &["a"], &squares, outputs);
}

fn stream(model: &str, latency: usize, operands: &[&str], pairs: &[(u64, u64)], outputs: &[Output]) {
    let mut unit = Clocked::open(model).unwrap();
    let operands: Vec<_> = operands.iter().map(|name| unit.port(name).unwrap()).collect();
    let ports: Vec<_> = outputs.iter().map(|(name, f)| (unit.port(name).unwrap(), *f)).collect();
    for cycle in 0..pairs.len() + latency {
        let (x, y) = pairs[cycle.min(pairs.len() - 1)];
        for (&port, value) in operands.iter().zip([x, y]) {
            unit.set(port, value);
        }
        unit.step().unwrap();
        if let Some(done) = (cycle + 1).checked_sub(latency) {
            let Some(&(x, y)) = pairs.get(done) else { break };
            for (port, f) in &ports {
                assert_eq!(unit.get(*port), f(x, y), "{model}: {x:#x}, {y:#x}");
            }
        }
    }
}

fn in_field(x: u64, y: u64, f: fn(F, F) -> F) -> u64 {
    f(F::from_noncanonical_u64(x), F::from_noncanonical_u64(y)).to_canonical_u64()
}

#[test]
fn sums_of_canonical_operands() {
    let outputs: [Output; 2] =
        [("add", |x, y| in_field(x, y, |x, y| x + y)), ("sub", |x, y| in_field(x, y, |x, y| x - y))];
    check("field_sums", 2, F::ORDER - 1, &outputs);
}

/// A leaf of `latency` stages alone that gives words, and the modular multipliers on it, which reduce in four more.
fn check_products(leaf: &str, latency: usize) {
    let words: [Output; 2] =
        [("low", |x, y| x.wrapping_mul(y)), ("high", |x, y| ((u128::from(x) * u128::from(y)) >> 64) as u64)];
    check(&format!("field_leaf_{leaf}"), latency, u64::MAX, &words);
    check_modular(leaf, [latency + 4; 2]);
}

/// The multiplier with a canonical product and the one with any word of the right residue, of so many stages.
fn check_modular(leaf: &str, [canonical, weak]: [usize; 2]) {
    for (model, port, latency) in [("multiplier", "y", canonical), ("weak_multiplier", "canonical", weak)] {
        let product: [Output; 1] = [(port, |x, y| in_field(x, y, |x, y| x * y))];
        check(&format!("field_{model}_{leaf}"), latency, u64::MAX, &product);
    }
}

#[test]
fn products_as_simulated() {
    check_products("2", 2);
}

#[test]
fn products_with_a_longer_leaf() {
    check_products("7", 7);
}

/// A coefficient of the product of `x` and `y` as polynomials at z = 2^16, modulo z^4 − z^2 + 1.
fn coefficient(x: u64, y: u64, index: usize) -> u64 {
    let quarters = |x: u64| [0, 16, 32, 48].map(|lo| i128::from(x >> lo & 0xffff));
    let (x, y) = (quarters(x), quarters(y));
    let mut product = [0; 7];
    for (i, x) in x.iter().enumerate() {
        for (j, y) in y.iter().enumerate() {
            product[i + j] += x * y;
        }
    }
    for degree in (4..7).rev() {
        product[degree - 2] += product[degree];
        product[degree - 4] -= product[degree];
    }
    // Two's complement.
    (product[index] & ((1 << QUARTER_BITS[index]) - 1)) as u64
}

const COEFFICIENTS: [Output; 4] = [
    ("c0", |x, y| coefficient(x, y, 0)),
    ("c1", |x, y| coefficient(x, y, 1)),
    ("c2", |x, y| coefficient(x, y, 2)),
    ("c3", |x, y| coefficient(x, y, 3)),
];

#[test]
fn products_of_the_ecp5_leaf() {
    check("field_leaf_ecp5", 6, u64::MAX, &COEFFICIENTS);
    check_modular("ecp5", [11, 10]);
}

#[test]
fn squares_of_the_ecp5_leaf() {
    check_square("field_square_leaf_ecp5", 4, &COEFFICIENTS);
    let square: [Output; 1] = [("canonical", |x, y| in_field(x, y, |x, y| x * y))];
    check_square("field_weak_square_ecp5", 8, &square);
}

#[test]
fn products_of_the_xilinx_7_series_leaf() {
    check_products("xilinx7", 8);
}

#[test]
fn products_of_the_xilinx_ultrascale_leaf() {
    check_products("xilinx", 8);
}
