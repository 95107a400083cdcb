//! Folding polynomials over the quadratic extension, as FRI does.

use hotloop_driver::Descriptor;
use hotloop_regs::BEAT_WORDS;

use crate::{
    check,
    device::{Device, Job},
    error::{bad_shape, Result},
    goldilocks::{add, canonical, mul},
    offload::Offload,
    words::Words,
};

const NAME: &str = "fold";
/// Elements of the extension in a beat.
const PER_BEAT: usize = BEAT_WORDS / 2;

/// X² in the quadratic extension of every set: `QuadraticExtension` of plonky2_field 1.0 (`goldilocks_extensions.rs`) and
/// `BinomiallyExtendable<2>` of p3-goldilocks 0.5.4 (`extension.rs`).
pub const NON_RESIDUE: u64 = 7;

/// An element a + b·X of the quadratic extension, X² = [`NON_RESIDUE`].
pub type Extension = [u64; 2];

/// The product.
pub(crate) fn extension_mul(a: Extension, b: Extension) -> Extension {
    [add(mul(a[0], b[0]), mul(NON_RESIDUE, mul(a[1], b[1]))), add(mul(a[0], b[1]), mul(a[1], b[0]))]
}

impl Device {
    /// The polynomial whose coefficient i is Σ c_(i·2^a + j) · beta^j for j below 2^a, a = `log_arity`: a step of FRI on
    /// coefficients. `coefficients` are the two components, constant first; there are a multiple of 2^a.
    pub fn fold<W: Words>(&self, coefficients: [&W; 2], beta: Extension, log_arity: u32) -> Result<Vec<Extension>> {
        self.needs_fold(NAME)?;
        let count = coefficients[0].len();
        if coefficients[1].len() != count {
            return bad_shape(NAME, format!("components of {count} and {} coefficients", coefficients[1].len()));
        }
        self.limit("log2 of the arity", log_arity.into(), self.identity().fold_max_log.into())?;
        let arity = 1usize << log_arity;
        if log_arity == 0 || count == 0 || !count.is_multiple_of(arity) {
            return bad_shape(NAME, format!("{count} coefficients are no multiple of {arity}, or {arity} is 1"));
        }
        let folded = count / arity;
        let rows = folded.div_ceil(PER_BEAT);
        self.limit("folded beats", rows as u64, u64::from(u32::MAX) >> self.identity().fold_max_log)?;

        let mut table = Vec::with_capacity(2 * BEAT_WORDS * arity);
        let mut power = [1, 0];
        for _ in 0..arity {
            table.extend([power[0], power[1], mul(NON_RESIDUE, power[1]), 0]);
            power = extension_mul(power, beta.map(canonical));
        }
        let powers = self.allocate(table.len() / BEAT_WORDS)?;
        powers.write(0, &table)?;
        let (input, output) = (self.allocate(rows * arity)?, self.allocate(rows)?);
        for beat in 0..rows * arity {
            let word = |k: usize| {
                let i = beat * PER_BEAT + k / 2;
                if i < count {
                    coefficients[k % 2].word(i)
                } else {
                    0
                }
            };
            input.write(beat, &std::array::from_fn::<u64, BEAT_WORDS, _>(word))?;
        }
        let (src, dst) = (input.window(0, rows * arity)?, output.window(0, rows)?);
        let work = Offload {
            folded: count as u64,
            bytes_to_device: (rows * arity + table.len() / BEAT_WORDS) as u64 * 64,
            bytes_from_device: rows as u64 * 64,
            ..Offload::default()
        };
        let descriptor = Descriptor::fold(self.set(), src, dst, powers.iova(), log_arity as u8, rows as u32);
        self.run(&[Job { name: NAME, descriptor, work }])?;
        let mut words = vec![0; rows * BEAT_WORDS];
        output.read(0, &mut words)?;
        words.truncate(2 * folded);
        let (results, _) = words.as_chunks();
        check::fold(self, coefficients, beta.map(canonical), arity, results)?;
        Ok(results.to_vec())
    }
}
