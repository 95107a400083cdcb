//! [`Timeouts`]: how long a job may take.

use std::time::Duration;

use hotloop_regs::Opcode;

use crate::{
    descriptor::{hash_digests, Descriptor},
    pool::DmaPool,
    validate::GRIND_WORDS,
};

/// Cycles that one permutation takes at most: a unit with a single S-box, 8 · 12 + 22 of them and their latencies.
const PERMUTATION_CYCLES: u64 = 1000;
/// Four elements of a folding engine.
const FOLD_BEAT_CYCLES: u64 = 8;
/// Cycles that one beat of a transform takes at most: one lane, eight columns, in and out.
const TRANSFORM_BEAT_CYCLES: u64 = 32;
/// Cycles that moving one beat takes at most.
const BEAT_CYCLES: u64 = 16;

/// Default deadlines: a fixed part, and one that grows with the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the way there and back, and for everything that does not grow.
    pub base: Duration,
    /// Slowest clock to expect, in cycles a second.
    pub cycles_per_second: u64,
}

impl Default for Timeouts {
    /// Right for a simulated board on a slow machine: 10 s, and 1000 cycles a second. A board of hardware can do with
    /// 10^7.
    fn default() -> Timeouts {
        Timeouts { base: Duration::from_secs(10), cycles_per_second: 1000 }
    }
}

impl Timeouts {
    /// Deadline for a batch.
    pub(crate) fn of(&self, jobs: &[Descriptor], pool: &DmaPool) -> Duration {
        let cycles =
            jobs.iter().fold(0u64, |sum, job| sum.saturating_add(most_cycles(job, || grind_nonces(job, pool))));
        self.base.saturating_add(Duration::from_secs(cycles / self.cycles_per_second.max(1)))
    }
}

/// More cycles than any board takes for a job; `nonces` is asked for grind jobs.
fn most_cycles(job: &Descriptor, nonces: impl FnOnce() -> u64) -> u64 {
    let rows = u64::from(job.rows);
    let transform = || {
        let panel = job.transform_shape().panel_beats().saturating_add(1 << job.log_n.min(32));
        rows.saturating_mul(panel).saturating_mul(TRANSFORM_BEAT_CYCLES)
    };
    let hash = |leaves: u32| {
        (u64::from(leaves) * u64::from(job.width).div_ceil(8) + hash_digests(leaves, job.levels)) * PERMUTATION_CYCLES
    };
    match Opcode::from_code(job.opcode.into()) {
        None => 0,
        Some(Opcode::Loopback) => rows * BEAT_CYCLES,
        Some(Opcode::Permute) => rows * PERMUTATION_CYCLES,
        Some(Opcode::Hash) => hash(job.rows),
        Some(Opcode::Fold) => (rows << job.log_n.min(8)) * FOLD_BEAT_CYCLES,
        Some(Opcode::Grind) => nonces().saturating_mul(PERMUTATION_CYCLES),
        Some(Opcode::Transform) => transform(),
        Some(Opcode::Commit) => transform().saturating_add(hash(job.commit_shape().leaves())),
    }
}

/// Nonces tried at most: those of the range, but after 64 · 2^bits one was found but for a chance of e^-64.
fn grind_nonces(job: &Descriptor, pool: &DmaPool) -> u64 {
    let mut words = [0; GRIND_WORDS];
    let block = pool.find(job.param, (GRIND_WORDS * 8) as u64);
    match block.map(|block| block.read_words(job.param - block.iova(), &mut words)) {
        Some(Ok(())) => words[13].min(1u64.checked_shl((words[14] >> 16 & 127) as u32 + 6).unwrap_or(u64::MAX)),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_grow_with_the_work_and_never_overflow() {
        let zero = Descriptor::default();
        for opcode in Opcode::ALL {
            let job = Descriptor { opcode: *opcode as u8, width: 8, log_n: 3, flags: 7, ..zero };
            let cycles = |rows, nonces| most_cycles(&Descriptor { rows, ..job }, || nonces);
            assert!(cycles(1, 1) < cycles(2, 2), "{}", opcode.name());
            let huge = Descriptor { rows: !0, width: !0, levels: !0, log_n: !0, log_cosets: !0, flags: !0, ..job };
            assert!(most_cycles(&huge, || u64::MAX) >= cycles(1 << 20, 1 << 20), "{}", opcode.name());
            for log_n in 0..=255 {
                most_cycles(&Descriptor { log_n, log_cosets: log_n, ..huge }, || 0);
            }
        }
        assert_eq!(most_cycles(&zero, || 1), 0);
    }
}
