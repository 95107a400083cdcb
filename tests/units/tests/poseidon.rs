//! The Poseidon engine against plonky2: permutations, sponges, grinding, with stalls on both sides, and its pace.

use hotloop_sim::{Clocked, Port};
use hotloop_units::{rounds, seed, vectors};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        types::{Field, Field64, PrimeField64},
    },
    hash::poseidon::{Poseidon, PoseidonHash},
    plonk::config::Hasher,
};
use rand::{rngs::StdRng, Rng, SeedableRng};

type Beat = [u64; 8];

const PERMUTE: u64 = 0;
const HASH: u64 = 1;
const GRIND: u64 = 2;
const COMMIT: u64 = 3;

/// How often, in percent, each side holds back.
#[derive(Clone, Copy)]
struct Stalls {
    input: u32,
    output: u32,
}

const NONE: Stalls = Stalls { input: 0, output: 0 };

struct Job {
    mode: u64,
    rows: u64,
    width: u64,
    stalls: Stalls,
}

/// What a job gave: beats with `out_half`, permutations and cycles.
struct Outcome {
    beats: Vec<(Beat, bool)>,
    permutations: u64,
    cycles: u64,
}

struct Engine {
    model: Clocked,
    tile_rows: usize,
    rng: StdRng,
}

impl Engine {
    fn open(name: &str, tile_rows: usize) -> Engine {
        let mut model = Clocked::open(name).unwrap();
        let port = |model: &Clocked, name: &str| model.port(name).unwrap();
        for (name, value) in [("rst", 1), ("start", 0), ("in_valid", 0), ("out_ready", 0)] {
            let port = port(&model, name);
            model.set(port, value);
        }
        (0..16).for_each(|_| model.step().unwrap());
        let rst = port(&model, "rst");
        model.set(rst, 0);
        model.step().unwrap();
        Engine { model, tile_rows, rng: StdRng::seed_from_u64(seed(7)) }
    }

    fn port(&self, name: &str) -> Port {
        self.model.port(name).unwrap()
    }

    fn get(&self, name: &str) -> u64 {
        self.model.get(self.port(name))
    }

    fn set(&mut self, name: &str, value: u64) {
        let port = self.port(name);
        self.model.set(port, value);
    }

    /// An edge value now and then, canonical or not.
    fn word(&mut self) -> u64 {
        const EDGES: [u64; 8] = [0, 1, F::ORDER - 1, F::ORDER, F::ORDER + 1, u64::MAX, 0xffff_ffff, 0xffff_ffff << 32];
        let any = self.rng.gen();
        EDGES.get(self.rng.gen_range(0..16)).copied().unwrap_or(any)
    }

    fn run(&mut self, job: &Job, input: &[Beat]) -> Outcome {
        let mut outcome = Outcome { beats: Vec::new(), permutations: 0, cycles: 0 };
        let ports =
            ["in_valid", "in_ready", "out_valid", "out_ready", "out_half", "busy", "perms", "in_data", "out_data"];
        let [in_valid, in_ready, out_valid, out_ready, out_half, busy, perms, in_data, out_data] =
            ports.map(|name| self.port(name));
        self.set("mode", job.mode);
        self.set("rows", job.rows);
        self.set("width", job.width);
        self.set("start", 1);
        self.set("in_valid", 0);
        self.set("out_ready", 0);
        self.model.step().unwrap();
        self.set("start", 0);
        // What moves in a cycle: a beat, or a word of it.
        let words = (in_data.width() / 64) as usize;
        let input: Vec<&[u64]> = input.iter().flat_map(|beat| beat.chunks(words)).collect();
        let (mut given, mut offered, mut idle) = (0, false, 0);
        let mut shown: Option<(Beat, bool)> = None;
        let mut partial: (Vec<u64>, Vec<bool>) = Default::default();
        let start = self.model.cycles();
        while self.get("busy") == 1 {
            offered = given < input.len() && (offered || self.rng.gen_range(0..100) >= job.stalls.input);
            let takes = self.rng.gen_range(0..100) >= job.stalls.output;
            let junk = [0xdead_beef_0bad_cafe; 8];
            self.model.set(in_valid, offered.into());
            self.model.set_words(in_data, if offered { input[given] } else { &junk[..words] });
            self.model.set(out_ready, takes.into());
            self.model.settle().unwrap();
            outcome.permutations += self.model.get(perms);
            idle += 1;
            if offered && self.model.get(in_ready) == 1 {
                (given, offered, idle) = (given + 1, false, 0);
            }
            let mut beat = [0; 8];
            self.model.get_words(out_data, &mut beat);
            let half = self.model.get(out_half) == 1;
            let valid = self.model.get(out_valid) == 1;
            assert!(!valid || job.mode != COMMIT || given == input.len(), "digests wait for the last panel");
            if let Some(before) = shown {
                assert_eq!((valid, beat, half), (true, before.0, before.1), "an offer stays until it is taken");
            }
            shown = (valid && !takes).then_some((beat, half));
            if valid && takes {
                partial.0.extend(&beat[..words]);
                partial.1.push(half);
                if let Ok(beat) = <Beat>::try_from(&partial.0[..]) {
                    // A half that is not valid is all of the upper one.
                    let half = partial.1[partial.1.len() - 1];
                    let upper = partial.1.len() / 2;
                    let expected = (0..partial.1.len()).map(|part| half && part >= upper);
                    assert!(expected.eq(partial.1.iter().copied()), "{:?}", partial.1);
                    outcome.beats.push((beat, half));
                    partial = Default::default();
                }
                idle = 0;
            }
            self.model.edge().unwrap();
            assert!(idle < 10_000_000, "the engine hangs");
            assert!(self.model.get(busy) == 1 || shown.is_none(), "the engine ends with a beat in hand");
        }
        assert_eq!(given, input.len(), "all input is taken");
        assert_eq!(partial.0, [], "beats are whole");
        outcome.cycles = self.model.cycles() - start;
        outcome
    }

    fn permute(&mut self, rows: usize, stalls: Stalls) -> Outcome {
        let states: Vec<[u64; 12]> = (0..rows).map(|_| std::array::from_fn(|_| self.word())).collect();
        let input: Vec<Beat> = states
            .iter()
            .flat_map(|s| [std::array::from_fn(|i| s[i]), std::array::from_fn(|i| s.get(8 + i).copied().unwrap_or(7))])
            .collect();
        let outcome = self.run(&Job { mode: PERMUTE, rows: rows as u64, width: 3, stalls }, &input);
        assert_eq!(outcome.beats.len(), 2 * rows);
        assert_eq!(outcome.permutations, rows as u64);
        for (state, beats) in states.iter().zip(outcome.beats.chunks(2)) {
            let expected = F::poseidon(state.map(F::from_noncanonical_u64)).map(|x| x.to_canonical_u64());
            let words = [beats[0].0, beats[1].0].concat();
            assert_eq!(words[..12], expected, "{state:x?}");
            assert_eq!(words[12..], [0; 4]);
            assert!(!beats[0].1 && !beats[1].1);
        }
        outcome
    }

    fn hash(&mut self, rows: usize, width: usize, stalls: Stalls) -> Outcome {
        self.leaves(HASH, self.tile_rows, rows, width, stalls)
    }

    /// As `hash`, with all rows in one tile.
    fn commit(&mut self, rows: usize, width: usize, stalls: Stalls) -> Outcome {
        self.leaves(COMMIT, rows, rows, width, stalls)
    }

    fn leaves(&mut self, mode: u64, tile_rows: usize, rows: usize, width: usize, stalls: Stalls) -> Outcome {
        let leaves: Vec<Vec<u64>> = (0..rows).map(|_| (0..width).map(|_| self.word()).collect()).collect();
        let panels = width.div_ceil(8);
        let mut input = Vec::new();
        for tile in leaves.chunks(tile_rows) {
            for panel in 0..panels {
                input.extend(tile.iter().map(|leaf| -> Beat {
                    std::array::from_fn(|i| leaf.get(8 * panel + i).copied().unwrap_or(u64::MAX))
                }));
            }
        }
        let outcome = self.run(&Job { mode, rows: rows as u64, width: width as u64, stalls }, &input);
        assert_eq!(outcome.permutations, if width <= 4 { 0 } else { (rows * panels) as u64 });
        assert_eq!(outcome.beats.len(), rows.div_ceil(2));
        for (pair, (beat, half)) in leaves.chunks(2).zip(&outcome.beats) {
            assert_eq!(*half, pair.len() == 1, "only a last odd digest is alone");
            for (leaf, digest) in pair.iter().zip(beat.chunks(4)) {
                let elements: Vec<F> = leaf.iter().map(|&x| F::from_noncanonical_u64(x)).collect();
                let expected = PoseidonHash::hash_or_noop(&elements).elements.map(|x| x.to_canonical_u64());
                assert_eq!(digest, expected, "{rows} × {width}");
            }
        }
        outcome
    }

    /// Both kinds of zeros, each with a state of its own; gives the latter's outcome.
    fn grind(&mut self, first: u64, count: u64, position: usize, output: usize, bits: u32, stalls: Stalls) -> Outcome {
        self.grind_for((first, count), (position, output), (bits, false), stalls);
        self.grind_for((first, count), (position, output), (bits, true), stalls)
    }

    fn grind_for(
        &mut self,
        (first, count): (u64, u64),
        (position, output): (usize, usize),
        (bits, trailing): (u32, bool),
        stalls: Stalls,
    ) -> Outcome {
        let state: [u64; 12] = std::array::from_fn(|_| self.word());
        let fits = |nonce: u64| {
            let mut words = state.map(F::from_noncanonical_u64);
            words[position] = F::from_noncanonical_u64(nonce);
            let word = F::poseidon(words)[output].to_canonical_u64();
            bits <= if trailing { word.trailing_zeros() } else { word.leading_zeros() }
        };
        let found = (first..first + count).find(|&nonce| fits(nonce));
        let control = position as u64 | (output as u64) << 8 | u64::from(bits) << 16 | u64::from(trailing) << 24;
        let mut words = state.to_vec();
        words.extend([first, count, control, 0]);
        let input: Vec<Beat> = words.chunks(8).map(|beat| std::array::from_fn(|i| beat[i])).collect();
        let outcome = self.run(&Job { mode: GRIND, rows: 9, width: 9, stalls }, &input);
        let expected = [found.is_some().into(), found.unwrap_or(count), 0, 0, 0, 0, 0, 0];
        assert_eq!(outcome.beats, [(expected, false)], "{count} from {first}, {bits} bits, trailing: {trailing}");
        outcome
    }

    fn stalls(&mut self) -> Stalls {
        let mut some = || [0, 0, 30, 60, 90][self.rng.gen_range(0..5)];
        Stalls { input: some(), output: some() }
    }

    /// Hash and commit jobs of every small width, of at most so many rows and 2^so many.
    fn sponges(&mut self, rows: usize, log_rows: u32) {
        for width in (1..=20).chain([33]) {
            let (rows, log_rows) = (self.rng.gen_range(1..=rows), self.rng.gen_range(1..=log_rows));
            let stalls = self.stalls();
            self.hash(rows, width, stalls);
            self.commit(1 << log_rows, width, stalls);
        }
    }

    /// Nonces in every word, looked at in every word.
    fn nonces(&mut self) {
        for position in 0..12 {
            self.grind(1 << 20, 200, position, 11 - position, 4, Stalls { input: 50, output: 50 });
        }
    }

    /// Jobs of all kinds, one after the other.
    fn mix(&mut self, jobs: usize) {
        for _ in 0..jobs {
            let stalls = self.stalls();
            match self.rng.gen_range(0..4) {
                0 => {
                    let rows = self.rng.gen_range(1..60);
                    self.permute(rows, stalls);
                }
                1 => {
                    let (rows, width) = (self.rng.gen_range(1..200), self.rng.gen_range(1..30));
                    self.hash(rows, width, stalls);
                }
                2 => {
                    let (log_rows, width) = (self.rng.gen_range(1..8), self.rng.gen_range(1..30));
                    self.commit(1 << log_rows, width, stalls);
                }
                _ => {
                    let (first, count) = (self.rng.gen::<u64>() >> 1, self.rng.gen_range(1..300));
                    let (position, output) = (self.rng.gen_range(0..12), self.rng.gen_range(0..12));
                    let bits = self.rng.gen_range(0..10);
                    self.grind(first, count, position, output, bits, stalls);
                }
            }
        }
    }
}

fn sim() -> Engine {
    Engine::open("poseidon_engine", 256)
}

/// Three units of 2 + 1 S-boxes, of DSP48.
fn odd() -> Engine {
    Engine::open("poseidon_engine_odd", 40)
}

/// One unit with one S-box, of MULT18, a word a cycle.
fn serial() -> Engine {
    Engine::open("poseidon_engine_serial", 64)
}

/// Four of them.
fn turns() -> Engine {
    Engine::open("poseidon_engine_turns", 256)
}

/// Two units with two S-boxes, of MULT18.
fn pair() -> Engine {
    Engine::open("poseidon_engine_pair", 64)
}

#[test]
fn permutations_of_any_words() {
    let mut engine = sim();
    engine.permute(1, NONE);
    // A vector is a state.
    (0..vectors(100_000)).step_by(100_000).for_each(|_| drop(engine.permute(100_000, NONE)));
    engine.permute(300, Stalls { input: 40, output: 70 });
    odd().permute(1000, NONE);
}

#[test]
fn sponges_of_every_width_and_odd_tiles() {
    let (mut engine, mut other) = (sim(), odd());
    for width in (1..=40).chain([100]) {
        let (rows, stalls) = (engine.rng.gen_range(1..=600), engine.stalls());
        engine.hash(rows, width, stalls);
        other.hash(rows / 4 + 1, width, stalls);
    }
    for rows in [1, 2, 3, 255, 256, 257, 511, 513] {
        engine.hash(rows, 17, NONE);
    }
    // And as many leaves as a long run wants.
    for _ in (0..vectors(0)).step_by(2000) {
        let (width, stalls) = (engine.rng.gen_range(1..=20), engine.stalls());
        engine.hash(2000, width, stalls);
    }
}

#[test]
fn all_rows_stay_on_chip_in_a_commit() {
    let (mut engine, mut other) = (sim(), odd());
    for width in 1..=40 {
        let (log_rows, stalls) = (engine.rng.gen_range(1..=9), engine.stalls());
        engine.commit(1 << log_rows, width, stalls);
        other.commit(1 << log_rows.min(7), width, stalls);
    }
    // As many as there is room for, and odd numbers, which no tree has.
    engine.commit(1 << 14, 9, NONE);
    engine.commit(1 << 14, 3, NONE);
    other.commit(128, 33, NONE);
    for rows in [1, 3, 257, 1001] {
        engine.commit(rows, 17, NONE);
    }
}

#[test]
fn grinding_finds_the_smallest_nonce() {
    let mut engine = sim();
    for bits in 0..=10 {
        let first = engine.rng.gen::<u64>() >> 2;
        engine.grind(first, 3000, bits % 12, (bits + 5) % 12, bits as u32, NONE);
    }
    for position in 0..12 {
        engine.grind(1 << 20, 200, position, 11 - position, 4, Stalls { input: 50, output: 50 });
    }
    // The only one, none, none in many, more than can be.
    engine.grind(5, 1, 0, 0, 0, NONE);
    engine.grind(5, 1, 0, 0, 20, NONE);
    engine.grind(0, 3000, 3, 7, 40, NONE);
    engine.grind(0, 300, 3, 7, 64, NONE);
    engine.grind(u64::MAX - 500, 500, 2, 7, 7, NONE);
}

#[test]
fn jobs_of_all_kinds_follow_each_other() {
    sim().mix(rounds(80, 1000));
    odd().mix(rounds(40, 2000));
}

/// permutations × 472 ÷ (cycles × multipliers), two units of 4 + 1 S-boxes.
#[test]
fn multipliers_are_kept_busy() {
    let mut engine = sim();
    let utilisation = |o: &Outcome| (o.permutations * 472) as f64 / (o.cycles * 40) as f64;
    let leaves = utilisation(&engine.hash(4096, 32, NONE));
    let parents = utilisation(&engine.hash(1 << 13, 8, NONE));
    let nonces = utilisation(&engine.grind(0, 1 << 13, 3, 7, 60, NONE));
    assert!(leaves > 0.975 && parents > 0.97 && nonces > 0.97, "{leaves} {parents} {nonces}");
}

/// One S-box for full and partial rounds: the same results, 118 of 120 multiplier slots used.
#[test]
fn one_sbox_serves_all_rounds() {
    let mut engine = serial();
    engine.permute(1, NONE);
    let states = engine.permute(10_000, NONE);
    engine.permute(300, Stalls { input: 40, output: 99 });
    engine.sponges(150, 8);
    engine.mix(20);
    let leaves = engine.hash(1024, 32, NONE);
    let nonces = engine.grind(0, 4096, 3, 7, 60, NONE);
    let utilisation = |o: &Outcome| (o.permutations * 472) as f64 / (o.cycles * 4) as f64;
    let all = [states, leaves, nonces].map(|o| utilisation(&o));
    assert!(all.iter().all(|&u| u > 0.97), "{all:?}");
}

/// Two S-boxes for full and partial rounds: the same, at twice the pace.
#[test]
fn two_sboxes_serve_all_rounds() {
    let mut engine = pair();
    engine.permute(1, NONE);
    let states = engine.permute(10_000, NONE);
    engine.permute(300, Stalls { input: 40, output: 99 });
    engine.sponges(150, 8);
    engine.nonces();
    engine.mix(20);
    let nonces = engine.grind(0, 8192, 3, 7, 60, NONE);
    let utilisation = |o: &Outcome| (o.permutations * 472) as f64 / (o.cycles * 16) as f64;
    let all = [states, nonces].map(|o| utilisation(&o));
    assert!(all.iter().all(|&u| u > 0.95), "{all:?}");
}

/// Four units with one in turn: the same, with what one word a cycle brings.
#[test]
fn units_with_one_sbox_take_turns() {
    let mut engine = turns();
    engine.permute(1, NONE);
    engine.permute(300, Stalls { input: 40, output: 99 });
    engine.sponges(600, 9);
    engine.commit(512, 24, NONE);
    engine.nonces();
    engine.mix(20);
    let states = engine.permute(10_000, NONE);
    let leaves = engine.hash(1024, 64, NONE);
    let nonces = engine.grind(0, 8192, 3, 7, 60, NONE);
    let utilisation = |o: &Outcome| (o.permutations * 472) as f64 / (o.cycles * 16) as f64;
    let all = [states, leaves, nonces].map(|o| utilisation(&o));
    assert!(all.iter().all(|&u| u > 0.95), "{all:?}");
}

/// Fourteen units in four clusters: in order whoever is free, whatever holds back, and all of them busy.
#[test]
fn many_units_keep_order_and_pace() {
    let mut engine = Engine::open("poseidon_engine_many", 1024);
    engine.permute(1, NONE);
    engine.permute(500, Stalls { input: 40, output: 99 });
    engine.mix(20);
    let states = engine.permute(15_000, NONE);
    let leaves = engine.hash(4096, 32, NONE);
    // Of the time of the S-box for full rounds: 96 cycles a permutation.
    let utilisation = |o: &Outcome| (o.permutations * 96) as f64 / (o.cycles * 14) as f64;
    let all = [states, leaves].map(|o| utilisation(&o));
    assert!(all.iter().all(|&u| u > 0.95), "{all:?}");
}
