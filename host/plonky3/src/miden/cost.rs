//! What a proof will cost, known from the number of rows.

use std::time::{Duration, Instant};

use hotloop::{
    cycles::{of_permutation, Engine, Split},
    Device, STATE_WORDS,
};
use miden_core::{field::QuadFelt, Felt};
use miden_lifted_stark::fri::PcsParams;
use miden_prover::config::pcs_params;
use p3_field::BasedVectorSpace;

use crate::error::Result;

/// Columns of the three commitments: the trace (`miden_air::trace::TRACE_WIDTH`), the lookups' and the quotient's, whose
/// elements are of the extension (miden-air 0.23.5, `LOGUP_AUX_TRACE_WIDTH` = 7; eight parts of the quotient).
const WIDTHS: [usize; 3] = [72, 7 * DIMENSION, 8 * DIMENSION];
const DIMENSION: usize = <QuadFelt as BasedVectorSpace<Felt>>::DIMENSION;
const RATE: usize = 8;

/// Bytes that a proof takes for each row of its trace, on the host and shared with the board: 8 points of each column of the
/// three commitments (6.6 KB), trees above them (1.5 KB), columns, quotient and FRI (2 KB), and the trace's windows while its
/// extension runs (5.3 KB).
const BYTES_PER_ROW: u64 = 16 << 10;

/// What a device will be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Rows of the trace.
    pub rows: usize,
    /// Permutations of leaves and trees.
    pub permutations: u64,
    /// Radix-2 butterflies.
    pub butterflies: u64,
    /// Clock cycles of the engines one after the other, by [`hotloop::cycles`] and the pace of the board's Poseidon units;
    /// what memory and link cost comes on top.
    pub cycles: u64,
}

/// Bytes that a proof of a trace of so many rows takes.
pub fn bytes_of(rows: usize) -> u64 {
    (rows as u64).saturating_mul(BYTES_PER_ROW)
}

/// The longest trace that a device holds and that takes at most `memory` bytes: a power of two, or 0.
pub fn largest_trace(device: Option<&Device>, memory: u64) -> usize {
    let fits = |log_rows: u32| {
        bytes_of(1 << log_rows) <= memory
            && device.is_none_or(|d| d.check_commit(WIDTHS[0], log_rows, pcs_params().log_blowup().into()).is_ok())
    };
    (0..29).take_while(|&log_rows| fits(log_rows)).last().map_or(0, |log_rows| 1 << log_rows)
}

impl Cost {
    /// The cost of a proof of a trace of so many rows, a power of two, on a device.
    pub fn of(device: &Device, rows: usize) -> Cost {
        let params = pcs_params();
        let (log_n, log_blowup) = (rows.max(2).ilog2(), u32::from(params.log_blowup()));
        let permutations = permutations(&params, log_n);
        let transforms = |width: usize, count: u64| width as u64 * count * ((rows as u64 / 2) * u64::from(log_n));
        // Values to coefficients and onto every coset; the quotient's two steps are as many.
        let butterflies = WIDTHS.iter().map(|&width| transforms(width, 1 + (1 << log_blowup))).sum();
        let identity = device.identity();
        let engine = Engine::of(identity);
        let transforms = WIDTHS.iter().map(|&width| {
            let panels = width.div_ceil(RATE) as u64;
            engine.map_or(0, |engine| match log_n <= engine.max_log {
                true => engine.extension(log_n, panels, log_blowup),
                // In two passes; an inverse transform takes about as long as a forward one.
                false => engine.forward_split(Split::forward(log_n, engine.max_log)) * panels * (1 + (1 << log_blowup)),
            })
        });
        let pace = u64::from(of_permutation(identity.poseidon_full_sboxes, identity.poseidon_partial_sboxes));
        let hashing = permutations * pace / u64::from(identity.poseidon_units.max(1));
        Cost { rows, permutations, butterflies, cycles: transforms.sum::<u64>() + hashing }
    }

    /// How long that takes on a device whose clock is the simulator's: some permutations are timed.
    ///
    /// # Errors
    /// The device's.
    pub fn simulated(&self, device: &Device) -> Result<Duration> {
        let (before, start) = (device.offload().cycles, Instant::now());
        device.permute(&mut vec![[1; STATE_WORDS]; 512])?;
        let cycles = (device.offload().cycles - before).max(1);
        Ok(start.elapsed().mul_f64(self.cycles as f64 / cycles as f64))
    }
}

/// Permutations of three trees over rows of [`WIDTHS`], and of FRI's: each round has a leaf of arity elements of the extension
/// for what is left of the domain (miden-lifted-stark 0.25.1, `src/pcs/fri/prover.rs:128`).
fn permutations(params: &PcsParams, log_n: u32) -> u64 {
    let log_domain = log_n + u32::from(params.log_blowup());
    let points = 1u64 << log_domain;
    let tree = |leaves: u64, width: usize| leaves * width.div_ceil(RATE) as u64 + leaves - 1;
    let trees: u64 = WIDTHS.iter().map(|&width| tree(points, width)).sum();
    let log_arity = u32::from(params.log_folding_arity());
    let last = u32::from(params.log_final_degree()) + u32::from(params.log_blowup());
    let rounds = (0..).map(|round| log_domain.saturating_sub(round * log_arity)).take_while(|&log| log > last);
    let folded = rounds.map(|log| tree(1 << log.saturating_sub(log_arity), DIMENSION << log_arity));
    trees + folded.sum::<u64>()
}
