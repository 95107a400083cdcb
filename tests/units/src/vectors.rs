//! How long tests run, and from where their random numbers come.

/// The variable that `make test-long` sets: vectors of each unit.
const VECTORS: &str = "HOTLOOP_VECTORS";
/// The variable that `make test-long` sets: the seed of all random numbers.
const SEED: &str = "HOTLOOP_SEED";

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Vectors for a test that takes `short` of them in `make test`: at least `HOTLOOP_VECTORS`, if it is set.
pub fn vectors(short: usize) -> usize {
    variable(VECTORS).map_or(short, |long| short.max(long as usize))
}

/// Rounds for a test that takes `short` of them in `make test`: one more for each `each` of `HOTLOOP_VECTORS`.
pub fn rounds(short: usize, each: usize) -> usize {
    variable(VECTORS).map_or(short, |long| short + long as usize / each)
}

/// A test's seed: `own` in `make test`, mixed with `HOTLOOP_SEED` if it is set. What a failing test prints says how to
/// get the same numbers again.
pub fn seed(own: u64) -> u64 {
    let Some(seed) = variable(SEED) else {
        println!("random numbers from seed {own}");
        return own;
    };
    println!("random numbers from {SEED}={seed}");
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ own
}
