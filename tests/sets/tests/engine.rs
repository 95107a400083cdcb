//! Permutations, leaves, parents and the pace of the engines against p3-goldilocks and Miden's hasher.
//!
//! Stalls, grinding and jobs of all kinds are in tests/units: that logic does not know the set.

use std::sync::LazyLock;

use hotloop_sets::{seed, vectors};
use hotloop_sim::Clocked;
use miden_stateful_hasher::{StatefulHasher, StatefulSponge};
use p3_field::{integers::QuotientMap, PrimeField64};
use p3_goldilocks::{
    default_goldilocks_poseidon2_12,
    poseidon1::{default_goldilocks_poseidon1_12, Poseidon1Goldilocks},
    Goldilocks, Poseidon2Goldilocks,
};
use p3_symmetric::{
    CryptographicHasher, CryptographicPermutation, PaddingFreeSponge, Permutation, PseudoCompressionFunction,
    TruncatedPermutation,
};
use rand::{rngs::StdRng, Rng, SeedableRng};

type Beat = [u64; 8];
type Digest = [Goldilocks; 4];
const PERMUTE: u64 = 0;
const HASH: u64 = 1;

static POSEIDON1: LazyLock<Poseidon1Goldilocks<12>> = LazyLock::new(default_goldilocks_poseidon1_12);
static POSEIDON2: LazyLock<Poseidon2Goldilocks<12>> = LazyLock::new(default_goldilocks_poseidon2_12);

/// A set's library.
#[derive(Clone, Copy)]
struct Library {
    /// The engine is told to fill last blocks with zeros.
    zeroed: bool,
    permute: fn(&mut [Goldilocks; 12]),
    leaf: fn(&[Goldilocks]) -> Digest,
    parent: fn([Digest; 2]) -> Digest,
}

fn truncated(permutation: impl CryptographicPermutation<[Goldilocks; 12]>, pair: [Digest; 2]) -> Digest {
    TruncatedPermutation::<_, 2, 4, 12>::new(permutation).compress(pair)
}

const PLONKY3: Library = Library {
    zeroed: false,
    permute: |state| POSEIDON1.permute_mut(state),
    leaf: |leaf| PaddingFreeSponge::<_, 12, 8, 4>::new(POSEIDON1.clone()).hash_iter(leaf.iter().copied()),
    parent: |pair| truncated(POSEIDON1.clone(), pair),
};

const PLONKY3_POSEIDON2: Library = Library {
    zeroed: false,
    leaf: |leaf| PaddingFreeSponge::<_, 12, 8, 4>::new(POSEIDON2.clone()).hash_iter(leaf.iter().copied()),
    ..MIDEN
};

const MIDEN: Library = Library {
    zeroed: true,
    permute: |state| POSEIDON2.permute_mut(state),
    leaf: |leaf| {
        let sponge = StatefulSponge::<_, 12, 8, 4>::new(POSEIDON2.clone());
        let mut state = [Goldilocks::default(); 12];
        sponge.absorb_into(&mut state, leaf.iter().copied());
        sponge.squeeze(&state)
    },
    parent: |pair| truncated(POSEIDON2.clone(), pair),
};

fn element(word: u64) -> Goldilocks {
    Goldilocks::from_int(word)
}

struct Engine {
    model: Clocked,
    library: Library,
    tile_rows: usize,
    rng: StdRng,
}

/// Beats and cycles of a job.
struct Outcome {
    beats: Vec<Beat>,
    permutations: u64,
    cycles: u64,
}

impl Engine {
    fn open(name: &str, library: Library, tile_rows: usize) -> Engine {
        let model = Clocked::open(name).unwrap();
        let mut engine = Engine { model, library, tile_rows, rng: StdRng::seed_from_u64(seed(11)) };
        let zeroed = library.zeroed.into();
        for (name, value) in [("rst", 1), ("start", 0), ("in_valid", 0), ("out_ready", 0), ("zeroed", zeroed)] {
            engine.set(name, value);
        }
        (0..16).for_each(|_| engine.model.step().unwrap());
        engine.set("rst", 0);
        engine.model.step().unwrap();
        engine
    }

    fn set(&mut self, name: &str, value: u64) {
        let port = self.model.port(name).unwrap();
        self.model.set(port, value);
    }

    /// An edge value now and then, canonical or not.
    fn word(&mut self) -> u64 {
        const P: u64 = 0xffff_ffff_0000_0001;
        const EDGES: [u64; 8] = [0, 1, P - 1, P, P + 1, u64::MAX, 0xffff_ffff, 0xffff_ffff << 32];
        let any = self.rng.gen();
        EDGES.get(self.rng.gen_range(0..16)).copied().unwrap_or(any)
    }

    /// Runs a job; each side holds back in `stalls` of a hundred cycles.
    fn run(&mut self, (mode, rows, width): (u64, usize, usize), input: &[Beat], stalls: u32) -> Outcome {
        let port = |name: &str| self.model.port(name).unwrap();
        let [in_valid, in_ready, out_valid, out_ready, busy, perms] =
            ["in_valid", "in_ready", "out_valid", "out_ready", "busy", "perms"].map(port);
        let [in_data, out_data] = ["in_data", "out_data"].map(port);
        for (name, value) in [("mode", mode), ("rows", rows as u64), ("width", width as u64), ("start", 1)] {
            self.set(name, value);
        }
        self.set("in_valid", 0);
        self.set("out_ready", 0);
        self.model.step().unwrap();
        self.set("start", 0);
        // What moves in a cycle: a beat, or a word of it.
        let words = (in_data.width() / 64) as usize;
        let input: Vec<&[u64]> = input.iter().flat_map(|beat| beat.chunks(words)).collect();
        let mut outcome = Outcome { beats: Vec::new(), permutations: 0, cycles: 0 };
        let mut moved = Vec::new();
        let (mut given, mut idle) = (0, 0);
        let start = self.model.cycles();
        while self.model.get(busy) == 1 {
            let offered = given < input.len() && self.rng.gen_range(0..100) >= stalls;
            let takes = self.rng.gen_range(0..100) >= stalls;
            self.model.set(in_valid, offered.into());
            self.model.set_words(in_data, if offered { input[given] } else { &[0xbad_cafe; 8][..words] });
            self.model.set(out_ready, takes.into());
            self.model.settle().unwrap();
            outcome.permutations += self.model.get(perms);
            idle += 1;
            if offered && self.model.get(in_ready) == 1 {
                (given, idle) = (given + 1, 0);
            }
            if takes && self.model.get(out_valid) == 1 {
                let mut beat = [0; 8];
                self.model.get_words(out_data, &mut beat);
                moved.extend(&beat[..words]);
                idle = 0;
            }
            self.model.edge().unwrap();
            assert!(idle < 100_000, "the engine hangs");
        }
        assert_eq!(given, input.len(), "all input is taken");
        let (beats, rest) = moved.as_chunks();
        assert_eq!(rest, [], "beats are whole");
        outcome.beats = beats.to_vec();
        outcome.cycles = self.model.cycles() - start;
        outcome
    }

    fn permute(&mut self, rows: usize, stalls: u32) {
        let states: Vec<[u64; 12]> = (0..rows).map(|_| std::array::from_fn(|_| self.word())).collect();
        let input: Vec<Beat> = states
            .iter()
            .flat_map(|s| [std::array::from_fn(|i| s[i]), std::array::from_fn(|i| s.get(8 + i).copied().unwrap_or(7))])
            .collect();
        let outcome = self.run((PERMUTE, rows, 3), &input, stalls);
        assert_eq!(outcome.beats.len(), 2 * rows);
        for (state, beats) in states.iter().zip(outcome.beats.chunks(2)) {
            let mut wanted = state.map(element);
            (self.library.permute)(&mut wanted);
            assert_eq!(beats.concat()[..12], wanted.map(|x| x.as_canonical_u64()), "{state:x?}");
        }
    }

    /// Digests of `leaves`, all of one length.
    fn hash(&mut self, leaves: &[Vec<u64>], stalls: u32) -> (Vec<[u64; 4]>, Outcome) {
        let width = leaves[0].len();
        let mut input = Vec::new();
        for tile in leaves.chunks(self.tile_rows) {
            for panel in 0..width.div_ceil(8) {
                let word = |leaf: &Vec<u64>, i: usize| leaf.get(8 * panel + i).copied().unwrap_or(u64::MAX);
                input.extend(tile.iter().map(|leaf| -> Beat { std::array::from_fn(|i| word(leaf, i)) }));
            }
        }
        let outcome = self.run((HASH, leaves.len(), width), &input, stalls);
        let mut digests = outcome.beats.as_flattened().as_chunks::<4>().0.to_vec();
        digests.truncate(leaves.len());
        assert_eq!(outcome.permutations, (leaves.len() * width.div_ceil(8)) as u64, "no leaf is its own digest");
        (digests, outcome)
    }

    fn leaves(&mut self, rows: usize, width: usize) -> Vec<Vec<u64>> {
        (0..rows).map(|_| (0..width).map(|_| self.word()).collect()).collect()
    }

    fn trees(&mut self) {
        for width in (1..=25).chain([40, 100]) {
            let (rows, stalls) = (self.rng.gen_range(1..300), [0, 50][width % 2]);
            let leaves = self.leaves(rows, width);
            let (digests, _) = self.hash(&leaves, stalls);
            for (leaf, digest) in leaves.iter().zip(&digests) {
                let elements: Vec<Goldilocks> = leaf.iter().map(|&x| element(x)).collect();
                let wanted = (self.library.leaf)(&elements).map(|x| x.as_canonical_u64());
                assert_eq!(*digest, wanted, "{width} elements");
            }
            // The level above is a hash of width 8 over pairs.
            let pairs: Vec<Vec<u64>> = digests.chunks_exact(2).map(|pair| pair.concat()).collect();
            if pairs.is_empty() {
                continue;
            }
            let (parents, _) = self.hash(&pairs, stalls);
            for (pair, parent) in digests.chunks_exact(2).zip(&parents) {
                let wanted = (self.library.parent)([pair[0].map(element), pair[1].map(element)]);
                assert_eq!(*parent, wanted.map(|x| x.as_canonical_u64()));
            }
        }
    }

    /// permutations × 472 ÷ (cycles × multipliers), two units of 4 + 1 S-boxes.
    fn pace(&mut self) -> f64 {
        let leaves = self.leaves(4096, 32);
        let (_, outcome) = self.hash(&leaves, 0);
        (outcome.permutations * 472) as f64 / (outcome.cycles * 40) as f64
    }
}

fn plonky3() -> Engine {
    Engine::open("set_plonky3", PLONKY3, 256)
}

fn miden() -> Engine {
    Engine::open("set_miden", MIDEN, 256)
}

/// The same board for Plonky3: another rule for last blocks.
fn plonky3_poseidon2() -> Engine {
    Engine::open("set_miden", PLONKY3_POSEIDON2, 256)
}

fn serial() -> Engine {
    Engine::open("set_miden_serial", MIDEN, 64)
}

fn pair() -> Engine {
    Engine::open("set_miden_pair", MIDEN, 64)
}

fn odd() -> Engine {
    Engine::open("set_miden_odd", MIDEN, 40)
}

/// A vector is a state.
const VECTORS: usize = 100_000;

#[test]
fn plonky3s_permutation() {
    let mut engine = plonky3();
    (0..vectors(VECTORS)).step_by(VECTORS).for_each(|_| engine.permute(VECTORS, 0));
    plonky3().permute(300, 60);
}

#[test]
fn midens_permutation() {
    let mut engine = miden();
    (0..vectors(VECTORS)).step_by(VECTORS).for_each(|_| engine.permute(VECTORS, 0));
    miden().permute(300, 60);
    odd().permute(2000, 0);
    odd().permute(300, 60);
    serial().permute(2000, 0);
    serial().permute(300, 60);
    pair().permute(2000, 0);
    pair().permute(300, 60);
}

#[test]
fn leaves_and_parents() {
    plonky3().trees();
    miden().trees();
    plonky3_poseidon2().trees();
    odd().trees();
    serial().trees();
    pair().trees();
}

#[test]
fn multipliers_are_kept_busy() {
    for (name, mut engine) in [("plonky3", plonky3()), ("miden", miden())] {
        let pace = engine.pace();
        println!("{name}: {pace:.4}");
        assert!(pace > 0.97, "{name}: {pace}");
    }
}
