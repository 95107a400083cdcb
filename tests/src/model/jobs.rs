//! What the operations of docs/jobs.md compute, by plonky2.

use std::sync::Arc;

use hotloop_driver::{hash_digests, Descriptor, DmaMemory};
use hotloop_regs::{
    descriptor::{
        ACROSS_ROWS_LOG, FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES,
        GRIND_TRAILING_BIT, MAX_LOG_INNER, MAX_SALTS,
    },
    map, scale_table_beats, Error, Opcode, BEAT_BYTES, BEAT_WORDS, SCALE_LO_WORDS,
};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, PrimeField64},
    },
    hash::poseidon::Poseidon,
};

use super::{registers::Registers, Mappings};

type Beat = [u64; BEAT_WORDS];
const BEAT: u64 = BEAT_BYTES as u64;

/// The memory behind `iova .. iova + bytes`, and the offset in it.
pub(super) fn reach(mappings: &Mappings, iova: u64, bytes: u64) -> Option<(&Arc<DmaMemory>, u64)> {
    let (start, memory) = mappings.range(..=iova).next_back()?;
    let offset = iova - start;
    (offset.checked_add(bytes)? <= memory.len()).then_some((memory, offset))
}

/// One beat of host memory.
pub(super) fn load(mappings: &Mappings, iova: u64) -> Option<Beat> {
    let (memory, offset) = reach(mappings, iova, BEAT)?;
    let mut beat = [0; BEAT_WORDS];
    memory.read_words(offset, &mut beat).ok()?;
    Some(beat)
}

/// What became of a job.
#[derive(Default)]
pub(super) struct Done {
    pub(super) error: Option<Error>,
    pub(super) cycles: u64,
    pub(super) bytes_read: u64,
    pub(super) bytes_written: u64,
    pub(super) permutations: u64,
    pub(super) ntt_beats: u64,
}

/// Runs one job.
pub(super) fn run(job: &Descriptor, mappings: &Mappings, registers: &Registers) -> Done {
    let mut run = Run { job, mappings, done: Done::default(), salts: Vec::new() };
    match run.admit(registers) {
        Err(error) => run.fail(error),
        Ok(Opcode::Loopback) => run.loopback(),
        Ok(Opcode::Permute) => run.permute(),
        Ok(Opcode::Hash) => run.hash(),
        Ok(Opcode::Grind) => run.grind(),
        Ok(Opcode::Transform) => drop(run.transform()),
        Ok(Opcode::Fold) => run.fold(),
        Ok(Opcode::Commit) => run.commit(registers.get(&map::COMMIT_LOG)),
    }
    // There is no clock: a cycle a beat and a permutation.
    let done = &mut run.done;
    done.cycles = 1 + (done.bytes_read + done.bytes_written) / BEAT + done.permutations;
    run.done
}

struct Run<'a> {
    job: &'a Descriptor,
    mappings: &'a Mappings,
    done: Done,
    /// A commit's beats that have the salts of the last panel of values.
    salts: Vec<Beat>,
}

impl Run<'_> {
    fn admit(&self, registers: &Registers) -> Result<Opcode, Error> {
        let job = self.job;
        let opcode = Opcode::from_code(job.opcode.into()).ok_or(Error::BadOpcode)?;
        let there = |register| registers.get(register) > 0;
        let (ntt, poseidon) = (there(&map::NTT_LANES), there(&map::POSEIDON_UNITS));
        let held = match opcode {
            Opcode::Loopback => true,
            Opcode::Permute | Opcode::Hash | Opcode::Grind => poseidon,
            Opcode::Transform => ntt,
            Opcode::Commit => ntt && poseidon,
            Opcode::Fold => there(&map::FOLD_MAX_LOG),
        };
        if !held {
            return Err(Error::BadOpcode);
        }
        if job.set >= 32 || registers.get(&map::SETS) >> job.set & 1 == 0 {
            return Err(Error::BadSet);
        }
        if !(job.src | job.dst | job.param).is_multiple_of(BEAT) {
            return Err(Error::Misaligned);
        }
        let shape = job.transform_shape();
        let (log_n, log_cosets) = (u64::from(job.log_n), u64::from(job.log_cosets));
        let transforms = job.rows > 0
            && shape.flags_are_valid()
            && (1..=registers.get(&map::NTT_MAX_LOG)).contains(&log_n)
            && log_cosets <= registers.get(&map::NTT_MAX_LOG_COSETS)
            && match shape.across() {
                true => {
                    shape.log_inner < shape.log_n
                        && u32::from(shape.log_inner) <= MAX_LOG_INNER
                        && job.rows >> ACROSS_ROWS_LOG == 0
                }
                false if shape.turning() => {
                    u32::from(shape.log_inner) <= MAX_LOG_INNER
                        && log_n + u64::from(shape.log_inner) <= registers.get(&map::NTT_MAX_LOG)
                        && job.rows.trailing_zeros() >= shape.log_inner.into()
                }
                false => shape.log_inner == 0,
            };
        let good = match opcode {
            Opcode::Loopback | Opcode::Permute => job.rows > 0,
            Opcode::Hash => {
                job.rows > 0 && job.width > 0 && job.levels < 32 && job.rows.trailing_zeros() >= job.levels.into()
            }
            Opcode::Grind => true,
            Opcode::Transform => transforms,
            Opcode::Fold => {
                let most = registers.get(&map::FOLD_MAX_LOG);
                job.rows > 0 && (1..=most).contains(&log_n) && u64::from(job.rows) >> (32 - most) == 0
            }
            Opcode::Commit => {
                transforms
                    && job.flags & FLAG_FORWARD != 0
                    && job.flags & (FLAG_ACROSS | FLAG_OWN_TABLES) == 0
                    && job.width > 0
                    && job.rows == u32::from(job.width).div_ceil(BEAT_WORDS as u32)
                    && u32::from(job.salts) <= MAX_SALTS
                    && u32::from(job.width) + u32::from(job.salts) <= u16::MAX.into()
                    && u64::from(job.levels) <= log_n + log_cosets
            }
        };
        if good {
            Ok(opcode)
        } else {
            Err(Error::BadShape)
        }
    }

    /// The first error is the one reported.
    fn fail(&mut self, error: Error) {
        self.done.error.get_or_insert(error);
    }

    /// Beat `index` of the source; zero where it cannot be read.
    fn read(&mut self, index: u64) -> Beat {
        if index >= self.job.src_beats.into() {
            self.fail(Error::OutOfWindow);
            return Beat::default();
        }
        self.read_at(self.job.src + BEAT * index)
    }

    fn param(&mut self, index: u64) -> Beat {
        self.read_at(self.job.param + BEAT * index)
    }

    fn read_at(&mut self, iova: u64) -> Beat {
        self.done.bytes_read += BEAT;
        load(self.mappings, iova).unwrap_or_else(|| {
            self.fail(Error::ReadError);
            Beat::default()
        })
    }

    /// Writes the first words of beat `index` of the destination.
    fn write(&mut self, index: u64, words: &[u64]) {
        if index >= self.job.dst_beats.into() {
            return self.fail(Error::OutOfWindow);
        }
        self.done.bytes_written += size_of_val(words) as u64;
        let written = reach(self.mappings, self.job.dst + BEAT * index, BEAT)
            .is_some_and(|(memory, offset)| memory.write_words(offset, words).is_ok());
        if !written {
            self.fail(Error::WriteError);
        }
    }

    fn permutation(&mut self, state: [F; 12]) -> [F; 12] {
        self.done.permutations += 1;
        F::poseidon(state)
    }

    fn loopback(&mut self) {
        for row in 0..self.job.rows.into() {
            let beat = self.read(row);
            self.write(row, &beat);
        }
    }

    fn permute(&mut self) {
        for row in 0..u64::from(self.job.rows) {
            let (low, high) = (self.read(2 * row), self.read(2 * row + 1));
            let state = std::array::from_fn(|i| if i < 8 { field(low[i]) } else { field(high[i - 8]) });
            let out = self.permutation(state).map(|x| x.to_canonical_u64());
            self.write(2 * row, &out[..8]);
            self.write(2 * row + 1, &[out[8], out[9], out[10], out[11], 0, 0, 0, 0]);
        }
    }

    fn hash(&mut self) {
        let (rows, width) = (u64::from(self.job.rows), usize::from(self.job.width));
        let stride = u64::from(self.job.src_stride);
        let leaves = (0..rows)
            .map(|row| {
                let panels = width.div_ceil(BEAT_WORDS) as u64;
                let beats: Vec<Beat> = (0..panels).map(|panel| self.read(panel * stride + row)).collect();
                self.leaf(&beats, width)
            })
            .collect();
        self.tree(leaves, 0);
    }

    /// Writes leaves' digests from beat `start` on, and the levels above them.
    fn tree(&mut self, leaves: Vec<[F; 4]>, start: u64) {
        let mut level = leaves;
        let mut digests = level.clone();
        let rows = digests.len() as u32;
        for _ in 0..self.job.levels {
            level = level.chunks_exact(2).map(|pair| self.parent(pair[0], pair[1])).collect();
            digests.extend(&level);
        }
        debug_assert_eq!(digests.len() as u64, hash_digests(rows, self.job.levels));
        for (index, pair) in (start..).zip(digests.chunks(2)) {
            let words: Vec<u64> = pair.iter().flatten().map(F::to_canonical_u64).collect();
            self.write(index, &words);
        }
    }

    /// The digest of a row, given as its beats of all panels.
    fn leaf(&mut self, beats: &[Beat], width: usize) -> [F; 4] {
        let mut state = [F::ZERO; 12];
        for (beat, start) in beats.iter().zip((0..width).step_by(BEAT_WORDS)) {
            let columns = (width - start).min(BEAT_WORDS);
            for (slot, word) in state.iter_mut().zip(&beat[..columns]) {
                *slot = field(*word);
            }
            if width > 4 {
                state = self.permutation(state);
            }
        }
        [state[0], state[1], state[2], state[3]]
    }

    fn parent(&mut self, left: [F; 4], right: [F; 4]) -> [F; 4] {
        let mut state = [F::ZERO; 12];
        state[..4].copy_from_slice(&left);
        state[4..8].copy_from_slice(&right);
        let out = self.permutation(state);
        [out[0], out[1], out[2], out[3]]
    }

    fn grind(&mut self) {
        let (first, second) = (self.param(0), self.param(1));
        let words: Vec<u64> = first.into_iter().chain(second).collect();
        let (position, output) = ((words[14] & 15) as usize, (words[14] >> 8 & 15) as usize);
        let zeros = (words[14] >> 16 & 127) as u32;
        let trailing = words[14] >> GRIND_TRAILING_BIT & 1 == 1;
        if position >= 12 || output >= 12 || zeros > 64 || words[13] == 0 {
            return self.fail(Error::BadShape);
        }
        let state: [F; 12] = std::array::from_fn(|i| field(words[i]));
        for tried in 0..words[13] {
            let nonce = words[12].wrapping_add(tried);
            let mut state = state;
            state[position] = field(nonce);
            let word = self.permutation(state)[output].to_canonical_u64();
            if zeros <= if trailing { word.trailing_zeros() } else { word.leading_zeros() } {
                return self.write(0, &[1, nonce, 0, 0, 0, 0, 0, 0]);
            }
        }
        self.write(0, &[0, words[13], 0, 0, 0, 0, 0, 0]);
    }

    /// Every coefficient is the sum of products with the powers and, for the second components, with W times theirs.
    fn fold(&mut self) {
        let arity = 1u64 << self.job.log_n;
        let table: Vec<u64> = (0..arity / 2).flat_map(|beat| self.param(beat)).collect();
        for row in 0..u64::from(self.job.rows) {
            let words: Vec<u64> = (0..arity).flat_map(|beat| self.read(row * arity + beat)).collect();
            let folded = words.chunks(2 * arity as usize).flat_map(|chunk| {
                let mut sum = [F::ZERO; 2];
                for (x, power) in chunk.chunks(2).zip(table.chunks(4)) {
                    let ([x0, x1], [b0, b1, wb1]) = ([0, 1].map(|i| field(x[i])), [0, 1, 2].map(|i| field(power[i])));
                    sum = [sum[0] + x0 * b0 + x1 * wb1, sum[1] + x0 * b1 + x1 * b0];
                }
                sum.map(canonical)
            });
            let beat: Vec<u64> = folded.collect();
            self.write(row, &beat);
        }
    }

    /// Whether values are hashed on their way or read back changes where the salts of a panel of their own are read, and
    /// what is read.
    fn commit(&mut self, commit_log: u64) {
        let shape = self.job.commit_shape();
        let (width, start) = (usize::from(shape.width) + usize::from(shape.salts), shape.digest_start());
        let (points, streamed) = (u64::from(shape.leaves()), u64::from(shape.leaves()) > 1 << commit_log);
        let salts_at = u64::from(self.job.rows) * u64::from(self.job.src_stride);
        let merged = if shape.merges_salts() { points } else { 0 };
        self.salts = (0..merged).map(|row| self.read(salts_at + row)).collect();
        let mut panels = self.transform();
        if shape.leaf_panels() > panels.len() as u64 {
            let values_at = shape.transform.panel_beats() - points;
            let there = u64::from(self.job.rows) * u64::from(self.job.dst_stride) + values_at;
            panels.push(match streamed {
                true => (0..points).map(|row| self.read_at(self.job.dst + BEAT * (there + row))).collect(),
                false => (0..points).map(|row| self.read(salts_at + merged + row)).collect(),
            });
        }
        if streamed {
            self.done.bytes_read += BEAT * points * u64::from(self.job.rows);
        }
        let leaves = (0..panels[0].len())
            .map(|row| {
                let beats: Vec<Beat> = panels.iter().map(|panel| panel[row]).collect();
                self.leaf(&beats, width)
            })
            .collect();
        self.tree(leaves, start);
    }

    /// Gives each panel's rows of values.
    fn transform(&mut self) -> Vec<Vec<Beat>> {
        let shape = self.job.transform_shape();
        let (log_n, cosets) = (u32::from(shape.log_n), 1u64 << shape.log_cosets);
        let mut scales: Vec<Vec<F>> = (0..cosets).map(|coset| self.scale_table(log_n, coset)).collect();
        if shape.across() {
            self.across(&scales[0]);
            return Vec::new();
        }
        if shape.turning() {
            self.turning(&scales[0]);
            return Vec::new();
        }
        let mut panels = Vec::new();
        for panel in 0..u64::from(shape.panels) {
            if shape.flags & FLAG_OWN_TABLES != 0 && panel > 0 {
                scales = (0..cosets).map(|coset| self.scale_table(log_n, panel * cosets + coset)).collect();
            }
            panels.push(self.panel(panel, log_n, &scales));
        }
        panels
    }

    /// Every inner row is a transform of its own.
    fn across(&mut self, scale: &[F]) {
        let shape = self.job.transform_shape();
        let log_outer = u32::from(shape.log_n - shape.log_inner);
        for inner in 0..u64::from(shape.panels) << shape.log_inner {
            let place = |row: usize, stride: u32| row as u64 * u64::from(stride) + inner;
            let rows: Vec<Beat> = (0..1 << log_outer).map(|row| self.read(place(row, shape.src_stride))).collect();
            self.done.ntt_beats += rows.len() as u64;
            let first = inner as usize % (1 << shape.log_inner);
            let factors = || scale.iter().skip(first).step_by(1 << shape.log_inner);
            let column = |c: usize| rows.iter().zip(factors()).map(|(beat, scale)| field(beat[c]) * *scale).collect();
            if shape.flags & FLAG_INVERSE != 0 {
                let natural = |c: usize| PolynomialValues::new(rows.iter().map(|beat| field(beat[c])).collect()).ifft();
                let columns: Vec<Vec<F>> = (0..BEAT_WORDS).map(|c| natural(c).coeffs).collect();
                for (row, factor) in (0..1usize << log_outer).zip(factors()) {
                    let beat: Vec<u64> = columns.iter().map(|x| canonical(x[row] * *factor)).collect();
                    self.write(place(row, shape.dst_stride), &beat);
                }
                continue;
            }
            let values: Vec<Vec<F>> = (0..BEAT_WORDS).map(|c| PolynomialCoeffs::new(column(c)).fft().values).collect();
            for row in 0..1usize << log_outer {
                let natural = row.reverse_bits() >> (usize::BITS - log_outer);
                let beat: Vec<u64> = values.iter().map(|v| canonical(v[natural])).collect();
                self.write(place(row, shape.dst_stride), &beat);
            }
        }
    }

    /// Each panel is scaled on its way in, and all by one table on their way out.
    fn turning(&mut self, out: &[F]) {
        let shape = self.job.transform_shape();
        for panel in 0..u64::from(shape.panels) {
            let scale = self.scale_table(shape.log_n.into(), panel + 1);
            let src = panel * u64::from(shape.src_stride);
            let rows: Vec<Beat> = (0..scale.len() as u64).map(|row| self.read(src + row)).collect();
            self.done.ntt_beats += rows.len() as u64;
            let column = |c: usize| rows.iter().zip(&scale).map(|(beat, s)| field(beat[c]) * *s).collect();
            let columns: Vec<Vec<F>> =
                (0..BEAT_WORDS).map(|c| PolynomialValues::new(column(c)).ifft().coeffs).collect();
            for (row, factor) in out.iter().enumerate() {
                let beat: Vec<u64> = columns.iter().map(|x| canonical(x[row] * *factor)).collect();
                self.write(row as u64 * u64::from(shape.dst_stride) + panel, &beat);
            }
        }
    }

    /// Factor of each row of a coset.
    fn scale_table(&mut self, log_n: u32, coset: u64) -> Vec<F> {
        let beats = u64::from(scale_table_beats(log_n));
        let table: Vec<u64> = (0..beats).flat_map(|beat| self.param(coset * beats + beat)).collect();
        (0..1usize << log_n).map(|i| field(table[i & 63]) * field(table[SCALE_LO_WORDS + (i >> 6)])).collect()
    }

    fn panel(&mut self, panel: u64, log_n: u32, scales: &[Vec<F>]) -> Vec<Beat> {
        let (n, flags) = (1usize << log_n, self.job.flags);
        let src = panel * u64::from(self.job.src_stride);
        let mut dst = panel * u64::from(self.job.dst_stride);
        let rows: Vec<Beat> = (0..n as u64).map(|row| self.read(src + row)).collect();
        let columns: Vec<Vec<F>> = (0..BEAT_WORDS).map(|c| rows.iter().map(|beat| field(beat[c])).collect()).collect();
        self.done.ntt_beats += if flags & FLAG_INVERSE == 0 { 0 } else { n as u64 };
        let columns: Vec<Vec<F>> = match flags & FLAG_INVERSE {
            0 => columns,
            _ => columns.into_iter().map(|column| PolynomialValues::new(column).ifft().coeffs).collect(),
        };
        if flags & FLAG_COEFFICIENTS != 0 {
            let one = vec![F::ONE; n];
            let scale = if flags & FLAG_FORWARD == 0 { &scales[0] } else { &one };
            for row in 0..n {
                self.write(
                    dst + row as u64,
                    &columns.iter().map(|c| canonical(c[row] * scale[row])).collect::<Vec<_>>(),
                );
            }
            dst += n as u64;
        }
        if flags & FLAG_FORWARD == 0 {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(n * scales.len());
        for (coset, scale) in (0..).zip(scales) {
            self.done.ntt_beats += n as u64;
            let scaled =
                |c: &Vec<F>| PolynomialCoeffs::new(c.iter().zip(scale).map(|(x, s)| *x * *s).collect()).fft().values;
            let values: Vec<Vec<F>> = columns.iter().map(scaled).collect();
            for row in 0..n {
                let natural = row.reverse_bits() >> (usize::BITS - log_n);
                let mut beat: Beat = std::array::from_fn(|c| canonical(values[c][natural]));
                if panel + 1 == u64::from(self.job.rows) && !self.salts.is_empty() {
                    let columns = usize::from(self.job.width) % BEAT_WORDS;
                    beat[columns..].copy_from_slice(&self.salts[coset as usize * n + row][columns..]);
                }
                self.write(dst + coset * n as u64 + row as u64, &beat);
                out.push(beat);
            }
        }
        out
    }
}

/// Inputs may be any 64-bit values.
fn field(word: u64) -> F {
    F::from_noncanonical_u64(word)
}

fn canonical(x: F) -> u64 {
    x.to_canonical_u64()
}
