//! The folding engine against plonky2's `reduce_with_powers`, with an input that stalls and an output that is held back.

use hotloop_sim::Clocked;
use hotloop_units as _;
use plonky2::{
    field::{
        extension::{quadratic::QuadraticExtension, FieldExtension},
        goldilocks_field::GoldilocksField as F,
        types::{Field, Field64, PrimeField64},
    },
    plonk::plonk_common::reduce_with_powers,
};
use rand::{rngs::StdRng, Rng, SeedableRng};

type FE = QuadraticExtension<F>;
type Beat = [u64; 8];

fn word(rng: &mut StdRng) -> u64 {
    let p = F::ORDER;
    let edges = [0, 1, p - 1, p, p + 1, u64::MAX, 0xffff_ffff, 1 << 32];
    match rng.gen_range(0..16) {
        i if i < edges.len() => edges[i],
        _ => rng.gen(),
    }
}

fn element(words: [u64; 2]) -> FE {
    FE::from_basefield_array(words.map(F::from_noncanonical_u64))
}

/// What goes in, and what has to come out.
fn stimulus(log_arity: u32, rows: usize, rng: &mut StdRng) -> (Vec<Beat>, Vec<Beat>) {
    let arity = 1 << log_arity;
    let beta = element([word(rng), word(rng)]);
    let table: Vec<u64> = beta
        .powers()
        .take(arity)
        .flat_map(|power| {
            let [b0, b1] = power.0;
            let w = F::from_canonical_u64(7);
            // The fourth word means nothing.
            [b0.to_canonical_u64(), b1.to_canonical_u64(), (w * b1).to_canonical_u64(), word(rng)]
        })
        .collect();
    let data: Vec<Beat> = (0..rows * arity).map(|_| std::array::from_fn(|_| word(rng))).collect();
    let coefficients: Vec<FE> =
        data.iter().flat_map(|beat| beat.chunks(2).map(|x| element([x[0], x[1]])).collect::<Vec<_>>()).collect();
    let folded: Vec<u64> = coefficients
        .chunks(arity)
        .flat_map(|chunk| reduce_with_powers(chunk, beta).0.map(|x| x.to_canonical_u64()))
        .collect();
    let beats = |words: &[u64]| words.chunks(8).map(|beat| Beat::try_from(beat).unwrap()).collect::<Vec<_>>();
    ([beats(&table), data].concat(), beats(&folded))
}

/// Runs a job; input and output move in so many cycles of eight. Gives its cycles.
fn run(engine: &mut Clocked, log_arity: u32, rows: usize, (offered, taken): (u32, u32), rng: &mut StdRng) -> usize {
    let port = |engine: &Clocked, name, width| engine.input(name, width).unwrap();
    let (start, in_valid, in_data) =
        (port(engine, "start", 1), port(engine, "in_valid", 1), port(engine, "in_data", 512));
    let (out_ready, log, count) =
        (port(engine, "out_ready", 1), port(engine, "log_arity", 3), port(engine, "rows", 32));
    let out = |engine: &Clocked, name, width| engine.output(name, width).unwrap();
    let (in_ready, out_valid, busy) = (out(engine, "in_ready", 1), out(engine, "out_valid", 1), out(engine, "busy", 1));
    let out_data = out(engine, "out_data", 512);

    let (input, wanted) = stimulus(log_arity, rows, rng);
    engine.set(log, log_arity.into());
    engine.set(count, rows as u64);
    engine.set(start, 1);
    engine.step().unwrap();
    engine.set(start, 0);
    let (mut sent, mut found) = (0, Vec::new());
    let mut cycles = 0;
    let mut offering = false;
    while found.len() < wanted.len() {
        assert!(cycles < 1000 + 200 * input.len(), "it takes too long");
        cycles += 1;
        // What is offered stays until it is taken.
        offering = sent < input.len() && (offering || rng.gen_range(0..8) < offered);
        engine.set(in_valid, offering.into());
        if offering {
            engine.set_words(in_data, &input[sent]);
        }
        engine.set(out_ready, (rng.gen_range(0..8) < taken).into());
        engine.settle().unwrap();
        assert_eq!(engine.get(busy), 1);
        if offering && engine.get(in_ready) == 1 {
            sent += 1;
            offering = false;
        }
        if engine.get(out_valid) == 1 && engine.get(out_ready) == 1 {
            let mut beat = Beat::default();
            engine.get_words(out_data, &mut beat);
            found.push(beat);
        }
        engine.edge().unwrap();
    }
    engine.set(out_ready, 0);
    engine.settle().unwrap();
    assert_eq!((sent, engine.get(busy)), (input.len(), 0));
    engine.edge().unwrap();
    assert!(found == wanted, "arity 2^{log_arity}, {rows} rows");
    cycles
}

fn reset(engine: &mut Clocked) {
    let rst = engine.input("rst", 1).unwrap();
    engine.set(rst, 1);
    engine.step().unwrap();
    engine.set(rst, 0);
}

#[test]
fn folded_coefficients_are_plonky2s() {
    let mut rng = StdRng::seed_from_u64(11);
    for model in ["fold_engine", "fold_engine_7"] {
        let mut engine = Clocked::open(model).unwrap();
        reset(&mut engine);
        let mut coefficients = 0;
        while coefficients < 120_000 {
            let (log_arity, rows) = (rng.gen_range(1..=4), rng.gen_range(1..60));
            let stalls = [(8, 8), (8, 1), (1, 8), (4, 4), (8, 6)][rng.gen_range(0..5)];
            run(&mut engine, log_arity, rows, stalls, &mut rng);
            coefficients += (4 * rows) << log_arity;
        }
    }
}

/// One coefficient a cycle.
#[test]
fn there_are_no_bubbles() {
    let mut rng = StdRng::seed_from_u64(12);
    let mut engine = Clocked::open("fold_engine").unwrap();
    reset(&mut engine);
    for log_arity in 1..=4 {
        let coefficients = (4 * 100) << log_arity;
        let cycles = run(&mut engine, log_arity, 100, (8, 8), &mut rng);
        assert!(cycles < coefficients + 48, "{cycles} cycles for {coefficients} coefficients");
    }
}
