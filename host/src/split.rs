//! Transforms longer than the chip holds, in two passes through device memory: docs/ntt.md.
//!
//! With N = N1·N2, i = i1·N2 + i2 and k = k1 + N1·k2, a value is
//!
//! X_k = Σ_i2 w_N2^(i2·k2) · (s·w_N^k1)^i2 · Σ_i1 w_N1^(i1·k1) · (s^N2)^i1 · x_i
//!
//! The first pass computes the inner sums *across* the panel: rows that are N2 apart. The second computes the outer sums,
//! each over N2 rows that follow one another. Both scale what enters by powers of one number, which is what scale tables
//! are for: s^N2 for all of the first pass, s·w_N^k1 for row k1 of the second. Both leave their results in bit-reversed
//! order and in place, and the bit-reversed k is the bit-reversed k1 followed by the bit-reversed k2.
//!
//! An inverse transform, its coefficients scaled by powers of s, is
//!
//! x_k = s^(N1·k2) · 1/N2 · Σ_i2 w_N2^(−i2·k2) · s^k1 · w_N^(−k1·i2) · 1/N1 · Σ_i1 w_N1^(−i1·k1) · X_i
//!
//! in natural order: across first, then along the rows, whose results k2 leave N1 rows apart, those of neighbouring k1
//! together. It is not in place: what is between the passes needs room of its own.

use hotloop_driver::{Descriptor, TransformShape, Window};
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES},
    scale_table_beats, BEAT_WORDS, SCALE_LO_WORDS,
};

use crate::{
    buffer::Buffer,
    cycles::{InverseSplit, Split},
    device::{Device, Job},
    error::Result,
    goldilocks::{inverse, mul, pow, reverse_bits, root},
    offload::Offload,
    panels::Panels,
    transform::{bytes_of, fill_powers, NAME},
};

/// Base-2 logarithm of the longest transform of a board that holds 2^`max_log` rows.
pub(crate) fn longest(max_log: u32) -> u32 {
    (2 * max_log).min(31)
}

/// What is transformed.
pub(crate) struct Request<'a> {
    pub log_n: u32,
    /// A coset's shift for each block of values; of an inverse transform alone, the scale of its coefficients.
    pub shifts: &'a [u64],
    pub flags: u16,
}

/// The jobs that transform every panel of `input`; and what they need: scale tables, and room between passes.
///
/// The results are laid out as by one job, in the same panels of the same buffer. The input is in the place of the
/// coefficients, if these are kept, else of the last coset's values: the last job that reads it is the one that writes
/// there, which passes across may, or comes before it.
pub(crate) fn passes(device: &Device, input: Panels<'_>, request: &Request<'_>) -> Result<(Vec<Buffer>, Vec<Job>)> {
    let (n, max_log) = (1usize << request.log_n, device.identity().max_log);
    let has = |flag| request.flags & flag != 0;
    let kept = if has(FLAG_COEFFICIENTS) { n } else { 0 };
    let values = if has(FLAG_FORWARD) { request.shifts.len() * n } else { 0 };

    let mut needed = Vec::new();
    let mut cosets = Vec::new();
    if has(FLAG_FORWARD) {
        for &shift in request.shifts {
            let passes = Forward::new(device, Split::forward(request.log_n, max_log), shift)?;
            needed.extend(passes.tables());
            cosets.push(passes);
        }
    }
    let mut back = None;
    if has(FLAG_INVERSE) {
        // The coefficients of an extension are not scaled.
        let scale = if has(FLAG_FORWARD) { 1 } else { request.shifts[0] };
        let passes = Inverse::new(device, InverseSplit::new(request.log_n, max_log), scale)?;
        let room = device.allocate(n)?;
        needed.extend(passes.tables());
        needed.push(room.clone());
        back = Some((passes, room));
    }

    let mut jobs = Vec::new();
    for panel in 0..input.count() {
        let output = input.buffer;
        let real = BEAT_WORDS.min(input.columns - panel * BEAT_WORDS) as u64;
        let job = |pass: &Pass, src: Window, dst: Window| Job {
            name: NAME,
            descriptor: Descriptor::transform(device.set(), src, dst, pass.tables.iova(), pass.shape),
            work: Offload {
                butterflies: real * (n as u64 / 2) * u64::from(pass.log_length),
                bytes_to_device: bytes_of(n) + bytes_of(pass.table_beats),
                bytes_from_device: bytes_of(n),
                ..Offload::default()
            },
        };
        let start = panel * (kept + values);
        let mut coefficients = output.window(start + input.start, n)?;
        if let Some((passes, room)) = &back {
            // Where nobody wants the coefficients, they take the room and what is between passes that of the values.
            let room = room.window(0, n)?;
            let (between, last) =
                if kept > 0 { (room, output.window(start, n)?) } else { (output.window(start, n)?, room) };
            jobs.push(job(&passes.across, coefficients, between));
            jobs.push(job(&passes.turning, between, last));
            coefficients = last;
        }
        for (coset, passes) in cosets.iter().enumerate() {
            let block = output.window(start + kept + coset * n, n)?;
            jobs.push(job(&passes.across, coefficients, block));
            jobs.push(job(&passes.along, block, block));
        }
    }
    Ok((needed, jobs))
}

/// A job without its windows.
struct Pass {
    shape: TransformShape,
    tables: Buffer,
    table_beats: usize,
    /// Base-2 logarithm of its transforms' length.
    log_length: u32,
}

impl Pass {
    /// Writes the scale tables, all of one length, one after the other.
    fn new(
        device: &Device,
        log_length: u32,
        shape: TransformShape,
        tables: impl ExactSizeIterator<Item = Vec<u64>>,
    ) -> Result<Pass> {
        let mut tables = tables.peekable();
        let beats = tables.peek().map_or(0, |first| first.len() / BEAT_WORDS);
        let table_beats = tables.len() * beats;
        let buffer = device.allocate(table_beats)?;
        for (i, words) in tables.enumerate() {
            buffer.write(i * beats, &words)?;
        }
        Ok(Pass { shape, tables: buffer, table_beats, log_length })
    }
}

struct Forward {
    across: Pass,
    along: Pass,
}

impl Forward {
    fn new(device: &Device, split: Split, shift: u64) -> Result<Forward> {
        let w = root(device.set(), split.log_n());
        let on_chip = split.first + split.inner;
        let stride = 1 << split.second;
        let shape = TransformShape { src_stride: stride, dst_stride: stride, ..TransformShape::default() };
        // Row i of the first pass is row i div 2^inner of its transform.
        let first = table(on_chip, 1, pow(shift, 1 << split.second), split.inner);
        // A table for each k1, in the order in which the first pass leaves them.
        let rows = (0..1usize << split.first).map(|place| {
            let k1 = reverse_bits(place, split.first) as u64;
            table(split.second, 1, mul(shift, pow(w, k1)), 0)
        });
        let across = TransformShape {
            panels: 1 << (split.second - split.inner),
            log_n: on_chip as u8,
            log_inner: split.inner as u8,
            flags: FLAG_FORWARD | FLAG_ACROSS,
            ..shape
        };
        let along = TransformShape {
            panels: 1 << split.first,
            log_n: split.second as u8,
            flags: FLAG_FORWARD | FLAG_OWN_TABLES,
            ..shape
        };
        Ok(Forward {
            across: Pass::new(device, split.first, across, [first].into_iter())?,
            along: Pass::new(device, split.second, along, rows)?,
        })
    }

    fn tables(&self) -> [Buffer; 2] {
        [self.across.tables.clone(), self.along.tables.clone()]
    }
}

struct Inverse {
    across: Pass,
    turning: Pass,
}

impl Inverse {
    fn new(device: &Device, split: InverseSplit, scale: u64) -> Result<Inverse> {
        let w = inverse(root(device.set(), split.log_n()));
        let on_chip = split.first + split.inner;
        let ones = table(on_chip, 1, 1, 0);
        // That of the results, then one for each k1.
        let results = table(split.second, 1, pow(scale, 1 << split.first), 0);
        let rows = (0..1u64 << split.first).map(|k1| table(split.second, pow(scale, k1), pow(w, k1), 0));
        let tables: Vec<Vec<u64>> = [results].into_iter().chain(rows).collect();
        let (n1, n2) = (1 << split.first, 1 << split.second);
        let across = TransformShape {
            panels: 1 << (split.second - split.inner),
            log_n: on_chip as u8,
            log_inner: split.inner as u8,
            flags: FLAG_INVERSE | FLAG_COEFFICIENTS | FLAG_ACROSS,
            src_stride: n2,
            dst_stride: n2,
            ..TransformShape::default()
        };
        let turning = TransformShape {
            panels: n1,
            log_n: split.second as u8,
            log_inner: split.turns as u8,
            flags: FLAG_INVERSE | FLAG_COEFFICIENTS | FLAG_OWN_TABLES,
            src_stride: n2,
            dst_stride: n1,
            ..TransformShape::default()
        };
        Ok(Inverse {
            across: Pass::new(device, split.first, across, [ones].into_iter())?,
            turning: Pass::new(device, split.second, turning, tables.into_iter())?,
        })
    }

    fn tables(&self) -> [Buffer; 2] {
        [self.across.tables.clone(), self.turning.tables.clone()]
    }
}

/// The scale table of 2^`log_rows` rows in which row i has `first` · `step`^(i div 2^`inner`).
fn table(log_rows: u32, first: u64, step: u64, inner: u32) -> Vec<u64> {
    let mut words = vec![0; scale_table_beats(log_rows) as usize * BEAT_WORDS];
    let (low, high) = words.split_at_mut(SCALE_LO_WORDS);
    for (j, word) in low.iter_mut().enumerate() {
        *word = pow(step, (j >> inner) as u64);
    }
    let high = &mut high[..1 << log_rows.saturating_sub(6)];
    fill_powers(high, pow(step, (SCALE_LO_WORDS >> inner) as u64));
    high.iter_mut().for_each(|word| *word = mul(*word, first));
    words
}
