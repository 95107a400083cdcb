//! Forward transforms longer than the chip holds, in two passes through device memory: docs/ntt.md.
//!
//! With N = N1·N2, i = i1·N2 + i2 and k = k1 + N1·k2, a value is
//!
//! X_k = Σ_i2 w_N2^(i2·k2) · (s·w_N^k1)^i2 · Σ_i1 w_N1^(i1·k1) · (s^N2)^i1 · x_i
//!
//! The first pass computes the inner sums *across* the panel: rows that are N2 apart. The second computes the outer sums,
//! each over N2 rows that follow one another. Both scale what enters by powers of one number, which is what scale tables
//! are for: s^N2 for all of the first pass, s·w_N^k1 for row k1 of the second. Both leave their results in bit-reversed
//! order and in place, and the bit-reversed k is the bit-reversed k1 followed by the bit-reversed k2.

use hotloop_driver::{Descriptor, TransformShape};
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_FORWARD, FLAG_OWN_TABLES},
    scale_table_beats, BEAT_WORDS, SCALE_LO_WORDS,
};

use crate::{
    buffer::Buffer,
    cycles::Split,
    device::{Device, Job},
    error::Result,
    goldilocks::{mul, pow, reverse_bits, root},
    offload::Offload,
    transform::{bytes_of, fill_powers, NAME},
};

/// Base-2 logarithm of the longest forward transform of a board that holds 2^`max_log` rows.
pub(crate) fn longest(max_log: u32) -> u32 {
    (2 * max_log).min(31)
}

/// The jobs that transform every panel of `input` onto each coset, in `output`; and the tables that they read.
pub(crate) fn passes(
    device: &Device,
    input: &Buffer,
    output: &Buffer,
    columns: usize,
    shifts: &[u64],
    log_n: u32,
) -> Result<(Vec<Buffer>, Vec<Job>)> {
    let split = Split::forward(log_n, device.identity().max_log);
    let n = 1usize << log_n;
    let (mut tables, mut jobs) = (Vec::new(), Vec::new());
    for (coset, &shift) in shifts.iter().enumerate() {
        let (across, along) = (across_table(device, split, shift)?, along_tables(device, split, shift)?);
        for panel in 0..columns.div_ceil(BEAT_WORDS) {
            let (src, dst) = (input.window(panel * n, n)?, output.window((panel * shifts.len() + coset) * n, n)?);
            let stride = 1 << split.second;
            let real = BEAT_WORDS.min(columns - panel * BEAT_WORDS) as u64;
            let pass = |source, table: &Buffer, table_beats: u64, log: u32, shape| Job {
                name: NAME,
                descriptor: Descriptor::transform(device.set(), source, dst, table.iova(), shape),
                work: Offload {
                    butterflies: real * (n as u64 / 2) * u64::from(log),
                    bytes_to_device: bytes_of(n) + 64 * table_beats,
                    bytes_from_device: bytes_of(n),
                    ..Offload::default()
                },
            };
            let shape = TransformShape { src_stride: stride, dst_stride: stride, ..TransformShape::default() };
            let log_rows = split.first + split.inner;
            jobs.push(pass(
                src,
                &across,
                scale_table_beats(log_rows).into(),
                split.first,
                TransformShape {
                    panels: 1 << (split.second - split.inner),
                    log_n: log_rows as u8,
                    log_inner: split.inner as u8,
                    flags: FLAG_FORWARD | FLAG_ACROSS,
                    ..shape
                },
            ));
            jobs.push(pass(
                dst,
                &along,
                u64::from(scale_table_beats(split.second)) << split.first,
                split.second,
                TransformShape {
                    panels: 1 << split.first,
                    log_n: split.second as u8,
                    flags: FLAG_FORWARD | FLAG_OWN_TABLES,
                    ..shape
                },
            ));
        }
        tables.extend([across, along]);
    }
    Ok((tables, jobs))
}

/// Row i of the first pass is row i div 2^inner of its transform: (s^N2)^(i div 2^inner).
fn across_table(device: &Device, split: Split, shift: u64) -> Result<Buffer> {
    let step = pow(shift, 1 << split.second);
    let log_rows = split.first + split.inner;
    let mut words = vec![0; scale_table_beats(log_rows) as usize * BEAT_WORDS];
    let (low, high) = words.split_at_mut(SCALE_LO_WORDS);
    for (j, word) in low.iter_mut().enumerate() {
        *word = pow(step, (j >> split.inner) as u64);
    }
    fill_powers(&mut high[..1 << log_rows.saturating_sub(6)], pow(step, (SCALE_LO_WORDS >> split.inner) as u64));
    let table = device.allocate(words.len() / BEAT_WORDS)?;
    table.write(0, &words)?;
    Ok(table)
}

/// A table for each k1, in the order in which the first pass leaves them.
fn along_tables(device: &Device, split: Split, shift: u64) -> Result<Buffer> {
    let w = root(device.set(), split.log_n());
    let beats = scale_table_beats(split.second) as usize;
    let tables = device.allocate(beats << split.first)?;
    for place in 0..1usize << split.first {
        let k1 = reverse_bits(place, split.first) as u64;
        let step = mul(shift, pow(w, k1));
        let mut words = vec![0; beats * BEAT_WORDS];
        let (low, high) = words.split_at_mut(SCALE_LO_WORDS);
        fill_powers(low, step);
        fill_powers(&mut high[..1 << split.second.saturating_sub(6)], pow(step, SCALE_LO_WORDS as u64));
        tables.write(place * beats, &words)?;
    }
    Ok(tables)
}
