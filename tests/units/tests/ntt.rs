//! The transform engine against plonky2's field and a direct transform: every kind of job, every length, with an input
//! that stalls and an output that is held back.

use hotloop_sim::{Clocked, Port};
use hotloop_units::{seed, vectors};
use plonky2::field::{
    goldilocks_field::GoldilocksField as F,
    types::{Field, Field64, PrimeField64},
};
use rand::{rngs::StdRng, Rng, SeedableRng};

const PLONKY2: u64 = 7_277_203_076_849_721_926;
const SIGNED: u64 = 1_753_635_133_440_165_772;
const COLUMNS: usize = 8;
type Beat = [u64; COLUMNS];

#[derive(Clone, Copy, Debug, Default)]
struct Job {
    inverse: bool,
    forward: bool,
    coefficients: bool,
    log_n: usize,
    log_cosets: usize,
    panels: usize,
    own_tables: bool,
    log_inner: usize,
}

/// Which flags go together.
const KINDS: [(bool, bool, bool); 4] =
    [(false, true, false), (true, false, true), (true, true, false), (true, true, true)];

fn word(rng: &mut StdRng) -> u64 {
    let p = F::ORDER;
    let edges = [0, 1, p - 1, p, p + 1, u64::MAX, 0xffff_ffff, 1 << 32];
    match rng.gen_range(0..12) {
        i if i < edges.len() => edges[i],
        _ => rng.gen(),
    }
}

fn element(word: u64) -> F {
    F::from_noncanonical_u64(word)
}

/// Σ x_i·w^(ik), by decimation in time.
fn transform(x: &[F], w: F) -> Vec<F> {
    if let [one] = x {
        return vec![*one];
    }
    let half = |start| transform(&x.iter().skip(start).step_by(2).copied().collect::<Vec<_>>(), w * w);
    let (even, odd) = (half(0), half(1));
    let odd: Vec<F> = w.powers().zip(odd).map(|(t, x)| t * x).collect();
    let sums = even.iter().zip(&odd).map(|(&a, &b)| a + b);
    sums.chain(even.iter().zip(&odd).map(|(&a, &b)| a - b)).collect()
}

fn beats(columns: &[Vec<F>]) -> impl Iterator<Item = Beat> + '_ {
    (0..columns[0].len()).map(|row| std::array::from_fn(|k| columns[k][row].to_canonical_u64()))
}

/// What goes in and what has to come out.
fn stimulus(job: Job, generator: u64, rng: &mut StdRng) -> (Vec<Beat>, Vec<Beat>) {
    let (n, cosets) = (1usize << job.log_n, if job.forward { 1usize << job.log_cosets } else { 1 });
    let turning = job.inverse && job.own_tables;
    // Transforms that take turns in a panel, and their length.
    let (log_inner, log_outer) = if turning { (0, job.log_n) } else { (job.log_inner, job.log_n - job.log_inner) };
    let inner = 1 << log_inner;
    let root = F::from_canonical_u64(generator).exp_power_of_2(32 - log_outer);
    let hi_words = if job.log_n > 6 { 1 << (job.log_n - 6) } else { 1 };
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let new_tables = |rng: &mut StdRng, input: &mut Vec<Beat>| -> Vec<Vec<u64>> {
        let table = |_| {
            let mut table: Vec<u64> = (0..64 + hi_words).map(|_| word(rng)).collect();
            table.resize(table.len().next_multiple_of(COLUMNS), 0);
            input.extend(table.chunks(COLUMNS).map(|beat| <Beat>::try_from(beat).unwrap()));
            table
        };
        (0..cosets).map(table).collect()
    };
    let mut tables = new_tables(rng, &mut input);
    let of_output = tables[0].clone();
    let mut group = Vec::new();
    let scaled = |column: &[F], table: &[u64]| -> Vec<F> {
        let factor = |i: usize| element(table[64 + (i >> 6)]) * element(table[i & 63]);
        column.iter().enumerate().map(|(i, &x)| x * factor(i)).collect()
    };
    for panel in 0..job.panels {
        if job.own_tables && (panel > 0 || turning) {
            tables = new_tables(rng, &mut input);
        }
        let rows: Vec<Beat> = (0..n).map(|_| std::array::from_fn(|_| word(rng))).collect();
        input.extend(&rows);
        let columns = (0..COLUMNS).map(|k| rows.iter().map(|row| element(row[k])).collect::<Vec<F>>());
        // Row i of a panel is row i div 2^log_inner of transform i mod 2^log_inner.
        let every = |x: &[F], t: usize| x.iter().skip(t).step_by(inner).copied().collect::<Vec<F>>();
        let columns: Vec<Vec<F>> = if job.inverse {
            let scale = F::from_canonical_usize(n / inner).inverse();
            let inverse = |x: Vec<F>| -> Vec<F> {
                let x = if turning { scaled(&x, &tables[0]) } else { x };
                let parts: Vec<_> = (0..inner).map(|t| transform(&every(&x, t), root.inverse())).collect();
                (0..n).map(|i| parts[i % inner][i / inner] * scale).collect()
            };
            columns.map(inverse).collect()
        } else {
            columns.collect()
        };
        if turning {
            group.push(columns);
            if group.len() == 1 << job.log_inner {
                let rows: Vec<Vec<Beat>> = group
                    .drain(..)
                    .map(|columns| beats(&columns.iter().map(|x| scaled(x, &of_output)).collect::<Vec<_>>()).collect())
                    .collect();
                output.extend((0..n).flat_map(|k| rows.iter().map(move |panel| panel[k])));
            }
            continue;
        }
        if !job.forward {
            output.extend(beats(&columns.iter().map(|x| scaled(x, &tables[0])).collect::<Vec<_>>()));
            continue;
        }
        if job.coefficients {
            output.extend(beats(&columns));
        }
        for table in &tables {
            let values = (0..inner).map(|t| {
                let values: Vec<Vec<F>> =
                    columns.iter().map(|x| transform(&every(&scaled(x, table), t), root)).collect();
                beats(&values).collect::<Vec<Beat>>()
            });
            let natural: Vec<Vec<Beat>> = values.collect();
            let reversed = |j: usize| j.reverse_bits() >> (usize::BITS as usize - log_outer);
            output.extend((0..n).map(|j| natural[j % inner][reversed(j / inner)]));
        }
    }
    (input, output)
}

struct Bench {
    engine: Clocked,
    generator: u64,
    rng: StdRng,
    elements: usize,
    in_data: Port,
    out_data: Port,
}

impl Bench {
    fn new(model: &str, generator: u64) -> Bench {
        let engine = Clocked::open(model).unwrap();
        let (in_data, out_data) = (engine.port("in_data").unwrap(), engine.port("out_data").unwrap());
        let mut bench =
            Bench { engine, generator, rng: StdRng::seed_from_u64(seed(3)), elements: 0, in_data, out_data };
        bench.reset();
        bench
    }

    fn set(&mut self, port: &str, value: usize) {
        let port = self.engine.port(port).unwrap();
        self.engine.set(port, value as u64);
    }

    fn reset(&mut self) {
        self.set("in_valid", 0);
        self.set("rst", 1);
        (0..1024).for_each(|_| self.engine.step().unwrap());
        self.set("rst", 0);
    }

    fn start(&mut self, job: Job) {
        self.set("inverse", job.inverse.into());
        self.set("forward", job.forward.into());
        self.set("coefficients", job.coefficients.into());
        self.set("log_n", job.log_n);
        self.set("log_cosets", job.log_cosets);
        self.set("panels", job.panels);
        self.set("own_tables", job.own_tables.into());
        self.set("log_inner", job.log_inner);
        self.set("start", 1);
        self.engine.step().unwrap();
        self.set("start", 0);
    }

    /// Runs a job with a word on offer in `offered` and room for one in `taken` of 100 cycles; gives the cycles and the
    /// beats that entered the butterflies.
    fn run(&mut self, job: Job, offered: u32, taken: u32) -> (u64, u64) {
        let (input, output) = stimulus(job, self.generator, &mut self.rng);
        let [in_valid, in_ready, out_valid, out_ready, busy, beat] =
            ["in_valid", "in_ready", "out_valid", "out_ready", "busy", "beat"].map(|p| self.engine.port(p).unwrap());
        // What moves in a cycle: a beat, or a word of it.
        let words = (self.in_data.width() / 64) as usize;
        let input: Vec<&[u64]> = input.iter().flat_map(|beat| beat.chunks(words)).collect();
        let output: Vec<&[u64]> = output.iter().flat_map(|beat| beat.chunks(words)).collect();
        let limit =
            self.engine.cycles() + 8000 + 12_000 * (input.len() + output.len()) as u64 / u64::from(offered.min(taken));
        let begin = self.engine.cycles();
        self.start(job);
        let (mut sent, mut got, mut real) = (0, 0, 0);
        let mut offering = false;
        loop {
            offering = sent < input.len() && (offering || self.rng.gen_range(0..100) < offered);
            self.engine.set(in_valid, offering.into());
            let junk: Beat = [self.rng.gen(); COLUMNS];
            self.engine.set_words(self.in_data, if offering { input[sent] } else { &junk[..words] });
            let room = self.rng.gen_range(0..100) < taken;
            self.engine.set(out_ready, room.into());
            self.engine.settle().unwrap();
            real += self.engine.get(beat);
            if self.engine.get(out_valid) == 1 && room {
                let mut beat: Beat = [0; COLUMNS];
                self.engine.get_words(self.out_data, &mut beat);
                assert!(got < output.len(), "{job:?}: a beat too many");
                assert_eq!(&beat[..words], output[got], "{job:?}: beat {got}");
                got += 1;
            }
            if offering && self.engine.get(in_ready) == 1 {
                (sent, offering) = (sent + 1, false);
            }
            if self.engine.get(busy) == 0 {
                break;
            }
            assert!(
                self.engine.cycles() < limit,
                "{job:?}: {sent} of {} in, {got} of {} out",
                input.len(),
                output.len()
            );
            self.engine.edge().unwrap();
        }
        self.engine.edge().unwrap();
        assert_eq!((sent, got), (input.len(), output.len()), "{job:?}");
        self.elements += COLUMNS * output.len();
        (self.engine.cycles() - begin, real)
    }

    /// Every kind and length up to `longest`, one to three panels, one to eight cosets.
    fn all(&mut self, longest: usize) {
        for log_n in 1..=longest {
            for (inverse, forward, coefficients) in KINDS {
                for panels in 1..=3 {
                    for log_cosets in 0..=3 {
                        let large = log_n > 9 && log_cosets + panels > 2 || log_n > 11 && log_cosets + panels > 1;
                        if !forward && log_cosets > 0 || large && (log_cosets, panels) != (1, 2) {
                            continue;
                        }
                        let job = Job { inverse, forward, coefficients, log_n, log_cosets, panels, ..Job::default() };
                        let (offered, taken) = [(100, 100), (60, 100), (100, 50), (40, 40)][self.rng.gen_range(0..4)];
                        self.run(job, offered, taken);
                    }
                }
            }
        }
    }

    /// The two passes of split transforms: scale tables for each panel, and several transforms in a panel.
    fn passes(&mut self, longest: usize) {
        let forward = Job { forward: true, ..Job::default() };
        for log_n in 1..=longest {
            for (log_cosets, panels) in [(0, 1), (0, 4), (1, 3)] {
                let job = Job { log_n, log_cosets, panels, own_tables: true, ..forward };
                let (offered, taken) = [(100, 100), (60, 80)][self.rng.gen_range(0..2)];
                self.run(job, offered, taken);
            }
            for log_inner in 1..log_n.min(7) {
                let job = Job { log_n, log_inner, panels: 3, own_tables: self.rng.gen(), ..forward };
                let (offered, taken) = [(100, 100), (60, 80)][self.rng.gen_range(0..2)];
                self.run(job, offered, taken);
            }
        }
    }

    /// The same for inverse transforms, on a chip of 2^`max_log`: first passes, then turning ones.
    fn inverse_passes(&mut self, longest: usize, max_log: usize) {
        let inverse = Job { inverse: true, coefficients: true, ..Job::default() };
        for log_n in 1..=longest {
            for log_inner in 0..log_n.min(7) {
                let job = Job { log_n, log_inner, panels: self.rng.gen_range(1..5), ..inverse };
                let (offered, taken) = [(100, 100), (60, 80), (90, 30)][self.rng.gen_range(0..3)];
                self.run(job, offered, taken);
            }
            for log_inner in 0..=6.min(max_log - log_n).min(longest + 1 - log_n) {
                let panels = self.rng.gen_range(1..4) << log_inner;
                let job = Job { log_n, log_inner, panels, own_tables: true, ..inverse };
                let (offered, taken) = [(100, 100), (60, 80), (90, 30)][self.rng.gen_range(0..3)];
                self.run(job, offered, taken);
            }
        }
    }

    fn random(&mut self, longest: usize) -> Job {
        let rng = &mut self.rng;
        let (inverse, forward, coefficients) = KINDS[rng.gen_range(0..4)];
        let log_cosets = if forward { rng.gen_range(0..3) } else { 0 };
        Job {
            inverse,
            forward,
            coefficients,
            log_n: rng.gen_range(1..=longest),
            log_cosets,
            panels: rng.gen_range(1..4),
            ..Job::default()
        }
    }
}

#[test]
fn every_kind_and_length() {
    let mut bench = Bench::new("ntt_engine", PLONKY2);
    bench.all(13);
    let (mut jobs, wanted) = (0, bench.elements + vectors(100_000));
    while jobs < 200 || bench.elements < wanted {
        jobs += 1;
        let job = bench.random(8);
        let (offered, taken) = (bench.rng.gen_range(20..=100), bench.rng.gen_range(20..=100));
        bench.run(job, offered, taken);
    }
}

#[test]
fn the_shortest_engine() {
    Bench::new("ntt_engine_7", PLONKY2).all(7);
}

#[test]
fn passes_of_split_transforms() {
    Bench::new("ntt_engine", PLONKY2).passes(11);
    Bench::new("ntt_engine_signed", SIGNED).passes(9);
    Bench::new("ntt_engine_7", PLONKY2).passes(7);
}

#[test]
fn passes_of_inverse_split_transforms() {
    Bench::new("ntt_engine_7", PLONKY2).inverse_passes(7, 7);
    let mut bench = Bench::new("ntt_engine", PLONKY2);
    bench.inverse_passes(10, 13);
    let inverse = Job { inverse: true, coefficients: true, ..Job::default() };
    // All of the buffer, in both passes.
    bench.run(Job { log_n: 13, log_inner: 2, panels: 2, ..inverse }, 100, 100);
    bench.run(Job { log_n: 12, log_inner: 1, panels: 4, own_tables: true, ..inverse }, 100, 100);
    Bench::new("ntt_engine_signed", SIGNED).inverse_passes(8, 13);
}

/// Eight columns through fewer lanes: the same results, 8 / lanes cycles a beat.
#[test]
fn fewer_lanes() {
    for (model, tokens) in [("ntt_engine_1_lane", 8), ("ntt_engine_2_lanes", 4), ("ntt_engine_4_lanes", 2)] {
        let mut bench = Bench::new(model, PLONKY2);
        bench.all(7);
        bench.passes(7);
        bench.inverse_passes(7, 7);
        let job = Job { forward: true, log_n: 7, panels: 12, ..Job::default() };
        let (cycles, real) = bench.run(job, 100, 100);
        assert_eq!(real, 12 << 7);
        assert!(cycles <= tokens * (real + (1 << 7)) + 320, "{model}: {cycles} cycles for {real} beats");
    }
}

/// One multiplier for the four products of one lane: the same results, four times as many cycles. With beats, and with
/// words one by one.
#[test]
fn one_shared_multiplier() {
    for (model, max_log) in [("ntt_engine_shared_7", 7), ("ntt_engine_shared_9", 9), ("ntt_engine_words_9", 9)] {
        let mut bench = Bench::new(model, PLONKY2);
        bench.all(6);
        bench.passes(7);
        bench.inverse_passes(7, max_log);
        for (inverse, forward, coefficients) in KINDS {
            for log_n in 7..=max_log {
                bench.run(Job { inverse, forward, coefficients, log_n, panels: 2, ..Job::default() }, 100, 90);
            }
        }
        let job = Job { forward: true, log_n: 7, panels: 12, ..Job::default() };
        let (cycles, real) = bench.run(job, 100, 100);
        assert_eq!(real, 12 << 7);
        assert!(cycles <= 4 * 8 * (real + (1 << 7)) + 320, "{model}: {cycles} cycles for {real} beats");
    }
}

#[test]
fn twiddles_with_signs() {
    let mut bench = Bench::new("ntt_engine_signed", SIGNED);
    for (inverse, forward, coefficients) in KINDS {
        for log_n in 1..=13 {
            bench.run(Job { inverse, forward, coefficients, log_n, panels: 2, ..Job::default() }, 100, 100);
        }
    }
}

#[test]
fn a_reset_amid_a_job_leaves_nothing() {
    let mut bench = Bench::new("ntt_engine", PLONKY2);
    for _ in 0..40 {
        let job = bench.random(9);
        bench.start(job);
        bench.set("in_valid", 1);
        for _ in 0..bench.rng.gen_range(0..3000) {
            let room = bench.rng.gen_range(0..2);
            bench.set("out_ready", room);
            bench.engine.step().unwrap();
        }
        bench.reset();
        let job = bench.random(7);
        bench.run(job, 80, 80);
    }
}

/// All that a batch loses is one block, and the way through the engine.
#[test]
fn a_batch_has_no_bubbles() {
    let mut bench = Bench::new("ntt_engine", PLONKY2);
    let n = 1 << 9;
    for (kind, blocks, flushes) in [(KINDS[0], 1, 1), (KINDS[1], 1, 2), (KINDS[2], 3, 2), (KINDS[3], 3, 2)] {
        let (inverse, forward, coefficients) = kind;
        let log_cosets = if blocks == 3 { 1 } else { 0 };
        let job = Job { inverse, forward, coefficients, log_n: 9, log_cosets, panels: 12, ..Job::default() };
        let (cycles, real) = bench.run(job, 100, 100);
        assert_eq!(real, 12 * blocks * n);
        assert!(cycles <= real + flushes * n + 320, "{job:?}: {cycles} cycles for {real} beats");
    }
}
