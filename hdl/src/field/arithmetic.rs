//! A field as the generator sees it: its description, and arithmetic on constants.

/// A prime field of at most 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, also in module names.
    pub name: &'static str,
    /// The prime.
    pub modulus: u64,
    /// Bits of a stored element.
    pub bits: u32,
}

impl Field {
    /// p = 2^64 − 2^32 + 1.
    pub const GOLDILOCKS: Field = Field { name: "goldilocks", modulus: 0xffff_ffff_0000_0001, bits: 64 };

    /// `a + b`.
    pub fn add(&self, a: u64, b: u64) -> u64 {
        ((u128::from(a) + u128::from(b)) % u128::from(self.modulus)) as u64
    }

    /// `−a`.
    pub fn neg(&self, a: u64) -> u64 {
        let a = a % self.modulus;
        if a == 0 {
            0
        } else {
            self.modulus - a
        }
    }

    /// `a · b`.
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.modulus)) as u64
    }

    /// `a^e`.
    pub fn pow(&self, a: u64, mut e: u64) -> u64 {
        let (mut base, mut result) = (a % self.modulus, 1);
        while e > 0 {
            if e & 1 == 1 {
                result = self.mul(result, base);
            }
            base = self.mul(base, base);
            e >>= 1;
        }
        result
    }

    /// `1 / a` by Fermat; 0 for 0.
    pub fn inverse(&self, a: u64) -> u64 {
        self.pow(a, self.modulus - 2)
    }
}
