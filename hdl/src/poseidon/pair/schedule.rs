//! What happens when in a frame of the unit with two S-boxes: all of it follows from the tables here.
//!
//! Phases count from the cycle in which a word leaves the S-boxes: what leaves in phase x was chosen [`Schedule::way`]
//! cycles earlier.

use crate::datapath::{Module, Sig};

/// Cycles of a frame: a state of every pass goes through the matrix in two of them, so it is 15 passes long.
pub const FRAME: i64 = 30;
/// When word 0 of two partial passes leaves, one from each S-box: as far apart as what holds them needs.
pub const PARTIALS: [i64; 6] = [6, 10, 16, 21, 25, 29];
/// Of these the one with a word from the first S-box only: eleven partial passes go with four full ones.
pub const SINGLE: i64 = 25;
/// When the first and the last six words of the four full passes leave, two words a cycle except in [`PARTIALS`].
const FULLS: [(i64, i64); 4] = [(0, 5), (7, 13), (14, 20), (22, 28)];
/// Their rows come from the memory a cycle before what leaves then is chosen: when the words of the pass before go or have
/// gone, and all odd.
const LOADED: [i64; 4] = [-1, 5, 13, 21];
/// When the matrix takes the states of these passes. It takes one every other cycle.
pub const FULLS_MIXED: [i64; 4] = [6, 14, 22, 30];
/// When it takes that of a partial pass whose word 0 came from the second S-box; in all other even phases, from the first.
pub const SECOND_MIXED: [i64; 5] = [4, 10, 16, 20, 26];

/// The phases of a unit, whose S-boxes have some latency.
pub struct Schedule {
    /// A bit for each phase, of which one is set.
    ring: Sig,
    /// Cycles from the choice of a word to its power: odd, so that full passes read the memory in odd phases and partial ones
    /// in even ones.
    pub way: u32,
}

impl Schedule {
    /// With a way through the S-boxes of at least `least` cycles.
    pub fn new(m: &mut Module, least: u32) -> Schedule {
        let ring = m.state("phase", FRAME as u32, 1);
        let (low, top) = (m.slice(*ring, 0, FRAME as u32 - 1), m.bit(*ring, FRAME as u32 - 1));
        let next = m.cat(&[low, top]);
        m.drive(ring, next);
        Schedule { ring: *ring, way: least | 1 }
    }

    /// High in some phases: from a register, for it goes far.
    pub fn at(&self, m: &mut Module, phases: impl IntoIterator<Item = i64>) -> Sig {
        let before = phases.into_iter().map(|phase| (phase - 1).rem_euclid(FRAME) as u32);
        let before: Vec<Sig> = before.map(|phase| m.bit(self.ring, phase)).collect();
        let any = m.any(&before);
        m.reg(any)
    }

    /// The same from another register, the `copy`th, for others that it goes to: no tool makes one of them, as they come
    /// from earlier phases.
    pub fn copy(&self, m: &mut Module, phases: impl IntoIterator<Item = i64>, copy: u32) -> Sig {
        let early = self.at(m, phases.into_iter().map(|phase| phase - i64::from(copy)));
        m.delay(early, copy)
    }

    /// The phase in which something is chosen that leaves the S-boxes in phase `x`.
    pub fn chosen(&self, x: i64) -> i64 {
        x - i64::from(self.way)
    }

    /// When the row of a full pass comes from the memory.
    pub fn loads(&self) -> [i64; 4] {
        LOADED.map(|x| self.chosen(x) - 1)
    }

    /// When a row may be asked for that no pass needs.
    pub fn free(&self) -> impl Iterator<Item = i64> {
        let taken = self.loads().map(|load| (load - 2).rem_euclid(FRAME));
        (1..FRAME).step_by(2).filter(move |phase| !taken.contains(phase))
    }
}

/// When words of full passes leave.
pub fn fulls() -> impl Iterator<Item = i64> {
    FULLS.into_iter().flat_map(|(first, last)| first..=last).filter(|x| !PARTIALS.contains(x))
}

/// When the first words of full passes leave.
pub fn firsts() -> impl Iterator<Item = i64> {
    FULLS.into_iter().map(|(first, _)| first)
}

/// Word 0s that the second S-box gives.
pub fn seconds() -> impl Iterator<Item = i64> {
    PARTIALS.into_iter().filter(|&x| x != SINGLE)
}

/// When the matrix takes a state, low halves first.
pub fn mixed() -> impl Iterator<Item = i64> {
    (0..FRAME).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the matrix takes a state of a partial pass.
    fn partials_mixed() -> impl Iterator<Item = i64> {
        (2..FRAME).step_by(2).filter(|g| !FULLS_MIXED.contains(g))
    }

    /// Next after `phase` in a list, going round.
    fn next(phases: &[i64], phase: i64) -> i64 {
        phases.iter().map(|p| phase + 1 + (p - phase - 1).rem_euclid(FRAME)).min().unwrap()
    }

    #[test]
    fn a_frame_has_four_full_passes_and_eleven_partial_ones() {
        let full: Vec<i64> = fulls().collect();
        assert_eq!(full.len(), 24);
        assert_eq!(full.len() + PARTIALS.len(), FRAME as usize);
        for (first, last) in FULLS {
            assert_eq!(full.iter().filter(|x| (first..=last).contains(x)).count(), 6);
        }
        assert_eq!(partials_mixed().count() + FULLS_MIXED.len(), FRAME as usize / 2);
        assert_eq!(PARTIALS.len() + seconds().count(), partials_mixed().count());
    }

    #[test]
    fn a_full_pass_is_mixed_before_the_words_of_the_next_one_move_it() {
        let full: Vec<i64> = fulls().collect();
        for ((_, last), mixed) in FULLS.into_iter().zip(FULLS_MIXED) {
            assert!(mixed % 2 == 0 && (last + 1..=next(&full, last)).contains(&mixed), "{last}: {mixed}");
        }
    }

    #[test]
    fn each_word_0_is_mixed_before_the_next_one_from_its_s_box() {
        let second: Vec<i64> = SECOND_MIXED.to_vec();
        let first: Vec<i64> = partials_mixed().filter(|g| !second.contains(g)).collect();
        for (leaves, mixed) in [(PARTIALS.to_vec(), first), (seconds().collect(), second)] {
            assert_eq!(leaves.len(), mixed.len());
            for &x in &leaves {
                // Held from the cycle after on, until the next one is.
                let g = next(&mixed, x);
                assert!(g <= next(&leaves, x), "{x}: {g}");
            }
        }
        // In their order: first S-box, second, first …
        for &x in &PARTIALS {
            let first = next(&partials_mixed().filter(|g| !SECOND_MIXED.contains(g)).collect::<Vec<_>>(), x);
            let second = next(&SECOND_MIXED, x);
            assert!(x == SINGLE || first < second, "{x}");
        }
    }

    #[test]
    fn rows_are_loaded_when_the_words_before_them_have_gone_and_in_odd_phases() {
        let mut m = Module::new("m");
        let schedule = Schedule::new(&mut m, 46);
        let full: Vec<i64> = fulls().map(|x| schedule.chosen(x) - 1).collect();
        for (load, (first, _)) in schedule.loads().into_iter().zip(FULLS) {
            // Words move on at the end of the cycles in `full`; a load takes the place of a last move.
            let first = schedule.chosen(first) - 1;
            let last_before = full.iter().map(|x| first - 1 - (first - 1 - x).rem_euclid(FRAME)).max().unwrap();
            let load = first - 1 - (first - 1 - load).rem_euclid(FRAME);
            assert!((last_before..first).contains(&load), "{load}: {last_before} to {first}");
            // Reads are asked for two cycles before a row is there.
            assert_eq!((load - 2).rem_euclid(2), 1, "partial passes ask in even phases");
        }
    }
}
