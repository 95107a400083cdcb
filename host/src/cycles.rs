//! Clock cycles of transforms, by the formulas of docs/ntt.md, at a link and memory that do not bind. A job takes a few
//! hundred more at most, for the way there and back, whatever its length.

use hotloop_driver::Identity;
use hotloop_regs::{descriptor::MAX_LOG_INNER, scale_table_beats, BEAT_WORDS};

/// Cycles in which a data mover takes a segment of one burst.
const SEGMENT_CYCLES: u64 = 2;

/// Cycles in which a Poseidon unit that is kept busy gives a permutation: with k + 1 S-boxes, k of them for full rounds,
/// 96/k; with one S-box that all rounds share (k = 0) 120, with two of them 60.
pub const fn of_permutation(full_sboxes: u32, partial_sboxes: u32) -> u32 {
    match (full_sboxes, partial_sboxes) {
        (0, 0) => 120,
        (0, 1..=120) => 120 / partial_sboxes,
        (1..=96, _) => 96 / full_sboxes,
        _ => 1,
    }
}

/// A transform engine, as far as its cycles depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Columns that move in lock-step: 1, 2, 4 or 8.
    pub lanes: u32,
    /// Base-2 logarithm of the rows that the chip holds.
    pub max_log: u32,
    /// Cycles between tokens of so many columns: 1, or 4 where all products of one lane share a multiplier.
    pub sharing: u32,
}

/// A transform of 2^(`first` + `second`) rows in two passes; all base-2 logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// N1: length of the transforms of the first pass.
    pub first: u32,
    /// N2: length of those of the second.
    pub second: u32,
    /// Neighbouring rows that the pass across the panel takes along, 0 to 6: its bursts are as long.
    pub inner: u32,
}

impl Split {
    /// The split of a forward transform on a chip that holds 2^`max_log` rows: N2 is all of the chip, so that the first
    /// pass is as short, and its bursts as long, as possible.
    pub fn forward(log_n: u32, max_log: u32) -> Split {
        let first = log_n.saturating_sub(max_log);
        Split::of(first, log_n - first, max_log)
    }

    /// Forward passes of N1 = 2^`first` and N2 = 2^`second` with the longest bursts that a chip of 2^`max_log` allows: of
    /// one row, where N1 fills it (or is more than it holds, which no board does).
    pub fn of(first: u32, second: u32, max_log: u32) -> Split {
        Split { first, second, inner: MAX_LOG_INNER.min(max_log.saturating_sub(first)) }
    }

    /// log2 N.
    pub fn log_n(&self) -> u32 {
        self.first + self.second
    }
}

/// An inverse transform of 2^(`first` + `second`) rows in two passes; all base-2 logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InverseSplit {
    /// N1: length of the transforms of the first pass.
    pub first: u32,
    /// N2: length of those of the second.
    pub second: u32,
    /// As in [`Split`].
    pub inner: u32,
    /// Transforms of the second pass whose results leave together: the length of its bursts to memory.
    pub turns: u32,
}

impl InverseSplit {
    /// How the host splits: evenly, for both passes leave in bursts that are as long as their transforms are short. The
    /// first keeps to half of the chip, where that is possible, so that one block enters while another leaves.
    pub fn new(log_n: u32, max_log: u32) -> InverseSplit {
        let first = log_n / 2;
        let second = log_n - first;
        InverseSplit {
            first,
            second,
            inner: MAX_LOG_INNER.min(max_log.saturating_sub(1 + first)),
            turns: MAX_LOG_INNER.min(max_log.saturating_sub(second)),
        }
    }

    /// log2 N.
    pub fn log_n(&self) -> u32 {
        self.first + self.second
    }
}

impl Engine {
    /// The engine of a board; `None` if it has none.
    pub fn of(identity: &Identity) -> Option<Engine> {
        let sharing = if identity.ntt_multipliers == 1 { 4 } else { 1 };
        (identity.lanes > 0).then_some(Engine { lanes: identity.lanes, max_log: identity.max_log, sharing })
    }

    /// Multipliers: two for each lane, and two that make the factors; or the one that is shared. They are what the netlist
    /// counts.
    pub fn multipliers(&self) -> u32 {
        if self.sharing > 1 {
            return 1;
        }
        2 * self.lanes + 2
    }

    /// Cycles that `beats` beats take to enter the butterflies.
    fn beats(&self, beats: u64) -> u64 {
        beats * (BEAT_WORDS as u64 / u64::from(self.lanes)) * u64::from(self.sharing)
    }

    /// Forward transforms of 2^`log_n` rows that the chip holds: `panels` panels of eight columns, 2^`log_cosets` cosets.
    pub fn forward(&self, log_n: u32, panels: u64, log_cosets: u32) -> u64 {
        self.beats((panels << (log_n + log_cosets)) + (1 << log_n)) + (table(log_n) << log_cosets)
    }

    /// Inverse transforms, their coefficients scaled.
    pub fn inverse(&self, log_n: u32, panels: u64) -> u64 {
        let blocks = if log_n == self.max_log { 2 * panels + 1 } else { panels + 2 };
        self.beats(blocks << log_n) + table(log_n)
    }

    /// Inverse transforms, and forward ones of their coefficients.
    pub fn extension(&self, log_n: u32, panels: u64, log_cosets: u32) -> u64 {
        let cosets = 1u64 << log_cosets;
        let blocks = if log_n == self.max_log { panels * (cosets + 2) + 1 } else { panels * (cosets + 1) + 2 };
        self.beats(blocks << log_n) + (table(log_n) << log_cosets)
    }

    /// The first pass of a forward split: the transforms of one panel's columns of N1 rows, N2 beats apart.
    pub fn across(&self, split: Split) -> u64 {
        let on_chip = split.first + split.inner;
        self.segments(split.log_n(), split.inner) + self.beats(1 << on_chip) + table(on_chip)
    }

    /// 2^`log` beats in segments of 2^`inner`.
    fn segments(&self, log: u32, inner: u32) -> u64 {
        self.beats(1 << inner).max(SEGMENT_CYCLES) << (log - inner)
    }

    /// The second pass of a forward split: N1 transforms of N2 rows that follow one another, each with its scale table.
    pub fn along(&self, split: Split) -> u64 {
        self.beats((1 << split.log_n()) + (1 << split.second)) + (table(split.second) << split.first)
    }

    /// Both passes of a forward transform of one panel onto one coset.
    pub fn forward_split(&self, split: Split) -> u64 {
        self.across(split) + self.along(split)
    }

    /// Both passes of an inverse transform of one panel; besides, the second waits for less than 128 cycles in each of its
    /// N1 / 2^turns groups.
    pub fn inverse_split(&self, split: InverseSplit) -> u64 {
        let on_chip = split.first + split.inner;
        let panels = 1 << (split.second - split.inner);
        let block = self.segments(on_chip, split.inner);
        let across = if on_chip == self.max_log {
            block + panels * (block + self.beats(1 << on_chip))
        } else {
            (panels + 2) * block
        };
        let group = (self.beats(1 << split.second) << split.turns)
            + self.beats(1 << split.second)
            + self.segments(split.second + split.turns, split.turns);
        let turning = group << (split.first - split.turns);
        across + table(on_chip) + turning + table(split.second) * ((1 << split.first) + 1)
    }
}

fn table(log_n: u32) -> u64 {
    scale_table_beats(log_n).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_of_more_than_a_chip_holds_have_bursts_of_one_row() {
        assert_eq!(Split::of(9, 3, 8), Split { first: 9, second: 3, inner: 0 });
        assert_eq!(Split::forward(17, 8), Split { first: 9, second: 8, inner: 0 });
        assert_eq!(Split::of(4, 12, 12).inner, 6);
        let split = InverseSplit::new(20, 8);
        assert_eq!((split.inner, split.turns), (0, 0));
        assert_eq!(InverseSplit::new(4, 0).inner, 0);
    }
}
