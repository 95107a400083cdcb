//! The field of 2^64 − 2^32 + 1 elements, as far as scale tables and checks need it. Values are canonical unless a
//! function says that it takes any 64 bits.

use hotloop_regs::ParameterSet;

/// The modulus, 2^64 − 2^32 + 1.
pub const ORDER: u64 = 0xffff_ffff_0000_0001;

/// 2^64 mod p.
const EPSILON: u64 = 0xffff_ffff;

/// The canonical value of any 64 bits.
#[inline]
pub const fn canonical(x: u64) -> u64 {
    if x >= ORDER {
        x - ORDER
    } else {
        x
    }
}

/// Sum of two canonical values.
#[inline]
pub const fn add(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    if carry || sum >= ORDER {
        sum.wrapping_sub(ORDER)
    } else {
        sum
    }
}

/// Difference of two canonical values.
#[inline]
pub const fn sub(a: u64, b: u64) -> u64 {
    let (difference, borrow) = a.overflowing_sub(b);
    if borrow {
        difference.wrapping_add(ORDER)
    } else {
        difference
    }
}

/// Product of any two 64-bit values.
#[inline]
pub const fn mul(a: u64, b: u64) -> u64 {
    reduce(a as u128 * b as u128)
}

/// The canonical value of any 128 bits.
#[inline]
pub const fn reduce(product: u128) -> u64 {
    let (low, high) = (product as u64, (product >> 64) as u64);
    // 2^64 = 2^32 − 1 and 2^96 = −1, so the product is low + (middle << 32) − middle − top.
    let (middle, top) = (high & EPSILON, high >> 32);
    let (mut t, borrow) = low.overflowing_sub(top);
    if borrow {
        t = t.wrapping_sub(EPSILON);
    }
    let (sum, carry) = t.overflowing_add((middle << 32) - middle);
    // After a carry `sum` is at most 2^64 − 2^33, so that adding 2^64 mod p cannot carry again.
    canonical(if carry { sum + EPSILON } else { sum })
}

/// `base` to the power `exponent`.
pub const fn pow(base: u64, mut exponent: u64) -> u64 {
    let (mut square, mut result) = (canonical(base), 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(result, square);
        }
        square = mul(square, square);
        exponent >>= 1;
    }
    result
}

/// The inverse; that of 0 is 0.
pub const fn inverse(x: u64) -> u64 {
    pow(x, ORDER - 2)
}

/// Inverts every value in place with one inversion in all. None may be 0.
pub fn invert_all(values: &mut [u64]) {
    let mut running = 1;
    let prefixes: Vec<u64> = values
        .iter()
        .map(|&value| {
            let prefix = running;
            running = mul(running, value);
            prefix
        })
        .collect();
    let mut suffix = inverse(running);
    for (value, prefix) in values.iter_mut().zip(prefixes).rev() {
        let inverted = mul(suffix, prefix);
        suffix = mul(suffix, *value);
        *value = inverted;
    }
}

/// The set's root of unity of order 2^`log_n`, `log_n` at most 32.
pub const fn root(set: ParameterSet, log_n: u32) -> u64 {
    pow(set.generator(), 1 << (32 - log_n))
}

/// The low `bits` bits of `index` in reverse order.
pub const fn reverse_bits(index: usize, bits: u32) -> usize {
    if bits == 0 {
        0
    } else {
        index.reverse_bits() >> (usize::BITS - bits)
    }
}

/// Transform in place, natural order in and out: values at the powers of the set's root of unity. For checks: simple,
/// not fast.
pub(crate) fn transform(set: ParameterSet, values: &mut [u64]) {
    let log_n = values.len().ilog2();
    for i in 0..values.len() {
        let j = reverse_bits(i, log_n);
        if i < j {
            values.swap(i, j);
        }
    }
    for stage in 1..=log_n {
        let (w, half) = (root(set, stage), 1 << (stage - 1));
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            let mut twiddle = 1;
            for (a, b) in low.iter_mut().zip(high) {
                let t = mul(*b, twiddle);
                (*a, *b) = (add(*a, t), sub(*a, t));
                twiddle = mul(twiddle, w);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_agrees_with_wide_remainder() {
        let edges = [0, 1, 2, EPSILON, EPSILON + 1, ORDER - 1, ORDER, ORDER + 1, u64::MAX - 1, u64::MAX];
        let mut x = 1u64;
        let random: Vec<u64> = (0..300)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                x ^ (x >> 29)
            })
            .collect();
        let all: Vec<u64> = edges.into_iter().chain(random).collect();
        for &a in &all {
            for &b in &all {
                assert_eq!(mul(a, b), (a as u128 * b as u128 % ORDER as u128) as u64, "{a} * {b}");
                let (a, b) = (canonical(a), canonical(b));
                assert_eq!(add(a, b), ((a as u128 + b as u128) % ORDER as u128) as u64);
                assert_eq!(sub(a, b), ((a as u128 + ORDER as u128 - b as u128) % ORDER as u128) as u64);
            }
        }
    }

    #[test]
    fn roots_and_inverses() {
        for &set in ParameterSet::ALL {
            assert_eq!(pow(root(set, 32), 1 << 31), ORDER - 1, "order 2^32");
            assert_eq!(mul(inverse(12345), 12345), 1);
        }
        let mut values = [3, 5, ORDER - 1];
        invert_all(&mut values);
        assert_eq!(values, [inverse(3), inverse(5), ORDER - 1]);
    }
}
