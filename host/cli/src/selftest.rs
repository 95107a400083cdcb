//! `hotloop selftest`: every operation of a device against plonky2's own results.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use hotloop::{Device, GrindRequest, HotloopError, Input, LdeRequest, Leaves, TreeRequest, STATE_WORDS};
use hotloop_driver::{Descriptor, DriverError, HashShape, TransformShape, Window};
use hotloop_plonky2::FE;
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_FORWARD},
    map, Error as JobCode, ParameterSet,
};
use plonky2::{
    field::{
        extension::FieldExtension,
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, PrimeField64, Sample},
    },
    hash::{
        merkle_tree::MerkleTree,
        poseidon::{Poseidon, PoseidonHash},
    },
    plonk::{config::Hasher, plonk_common::reduce_with_powers},
    util::reverse_index_bits_in_place,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    open,
    output::{Failure, Output},
    random::{columns, words},
};

/// What to test.
#[derive(Args)]
pub struct SelftestArgs {
    /// `sim`, `sim:<preset>`.
    #[arg(long, default_value = "sim")]
    device: String,
    /// Random states for the permutation.
    #[arg(long, default_value_t = 2000)]
    vectors: usize,
    /// `all`, or a parameter set: its board is tested too. `make prove` builds without the others' boards: `make build` adds them.
    #[arg(long)]
    sets: Option<String>,
}

/// The answer of one check: what was compared, or what differs.
pub type Answer = Result<String, String>;

#[derive(Serialize)]
struct Checked {
    name: &'static str,
    /// False where the check failed.
    passed: bool,
    /// The board lacks what would be checked.
    skipped: bool,
    detail: String,
}

/// Runs the command: exit status 0 when everything passed, else 1.
pub fn run(args: &SelftestArgs, output: &Output) -> Result<ExitCode, Failure> {
    let device = open(&args.device)?;
    let vectors = args.vectors;
    type Check<'a> = (&'static str, Box<dyn Fn() -> Answer + 'a>);
    let checks: Vec<Check<'_>> = vec![
        ("registers", Box::new(|| registers(&device))),
        ("loopback", Box::new(|| loopback(&device))),
        ("permute", Box::new(|| permute(&device, vectors))),
        ("hash leaves", Box::new(|| leaves(&device))),
        ("trees", Box::new(|| trees(&device))),
        ("grind", Box::new(|| grind(&device))),
        ("forward transforms", Box::new(|| forward(&device))),
        ("inverse transforms", Box::new(|| inverse(&device))),
        ("low-degree extensions", Box::new(|| extensions(&device))),
        ("commitments", Box::new(|| commitments(&device))),
        ("folding", Box::new(|| folding(&device))),
        ("refused jobs", Box::new(|| refusals(&device))),
        ("counters", Box::new(|| counters(&device))),
    ];
    let mut report = Vec::new();
    let lacking = lacking(&device);
    for (name, check) in checks {
        if let Some((_, detail)) = lacking.iter().find(|(checks, _)| checks.contains(&name)) {
            report.push(Checked { name, passed: true, skipped: true, detail: detail.clone() });
            continue;
        }
        output.progress(&format!("checking {name} …"));
        let answer = check();
        let (passed, detail) = match answer {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        report.push(Checked { name, passed, skipped: false, detail });
    }
    report.extend(other_sets(args, output)?);
    output.progress_done();
    let failed = report.iter().filter(|c| !c.passed).count();
    let skipped = report.iter().filter(|c| c.skipped).count();
    let passed = report.len() - failed - skipped;
    let mut lines: Vec<String> = report
        .iter()
        .map(|c| {
            let state = match (c.passed, c.skipped) {
                (_, true) => "lacks ",
                (true, _) => "ok    ",
                (false, _) => "FAILED",
            };
            format!("{state} {:<22} {}", c.name, c.detail)
        })
        .collect();
    lines.push(match skipped {
        0 => format!("{passed} passed, {failed} failed"),
        _ => format!("{passed} passed, {failed} failed, {skipped} of what this board lacks"),
    });
    let object = json!({
        "device": device.name(), "passed": passed, "failed": failed, "skipped": skipped, "checks": report
    });
    output.result(&object, &lines)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks of engines that the board lacks, and the reason to show.
fn lacking(device: &Device) -> Vec<(&'static [&'static str], String)> {
    let identity = device.identity();
    let reason = |engine: &str| format!("preset {} has no {engine} engine", identity.preset);
    let mut lacking: Vec<(&'static [&'static str], String)> = Vec::new();
    if identity.poseidon_units == 0 {
        lacking.push((&["permute", "hash leaves", "trees", "grind", "commitments"], reason("Poseidon")));
    }
    if identity.lanes == 0 {
        lacking.push((
            &["forward transforms", "inverse transforms", "low-degree extensions", "commitments"],
            reason("transform"),
        ));
    }
    if identity.fold_max_log == 0 {
        lacking.push((&["folding"], reason("folding")));
    }
    lacking
}

/// The boards of other parameter sets that `--sets` names.
fn other_sets(args: &SelftestArgs, output: &Output) -> Result<Vec<Checked>, Failure> {
    let Some(asked) = args.sets.as_deref() else { return Ok(Vec::new()) };
    let known: Vec<&str> = ParameterSet::ALL.iter().map(|set| set.name()).collect();
    if asked != "all" && !known.contains(&asked) {
        return Err(Failure::usage(format!(
            "there is no parameter set `{asked}`; there is: all, {}",
            known.join(", ")
        )));
    }
    let others = ParameterSet::ALL.iter().copied().filter(|&set| set != ParameterSet::Plonky2V1);
    let wanted = others.filter(|set| asked == "all" || set.name() == asked);
    Ok(wanted
        .map(|set| {
            output.progress(&format!("checking {} …", set.name()));
            let (passed, detail) = match other_set(set, args.vectors) {
                Ok(detail) => (true, detail),
                Err(detail) => (false, detail),
            };
            Checked { name: set.name(), passed, skipped: false, detail }
        })
        .collect())
}

#[cfg(feature = "sets")]
fn other_set(set: ParameterSet, vectors: usize) -> Answer {
    let board = crate::sets::BOARDS.iter().find(|(held, _)| *held == set);
    let (_, board) = board.ok_or("no board holds this set")?;
    crate::sets::check(set, board, vectors)
}

#[cfg(not(feature = "sets"))]
fn other_set(_set: ParameterSet, _vectors: usize) -> Answer {
    Err("no board with this set in this build: `make build`, or build hotloop-cli with its feature `sets`".into())
}

pub fn text(error: HotloopError) -> String {
    Failure::new(error).text().to_owned()
}

pub fn expect<T: PartialEq>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what} differs from the library's"))
    }
}

fn elements(words: &[u64]) -> Vec<F> {
    words.iter().map(|&w| F::from_noncanonical_u64(w)).collect()
}

fn canonical(elements: &[F]) -> Vec<u64> {
    elements.iter().map(|x| x.to_canonical_u64()).collect()
}

/// plonky2's digest of a leaf.
pub fn plonky2_leaf(leaf: &[u64]) -> [u64; 4] {
    PoseidonHash::hash_or_noop(&elements(leaf)).elements.map(|x| x.to_canonical_u64())
}

fn registers(device: &Device) -> Answer {
    let bar = device.board().bar();
    for value in [0x5555_5555u32, 0xaaaa_aaaa, 0, 1] {
        bar.write(&map::SCRATCH, value.into()).map_err(|e| e.to_string())?;
        let back = bar.read32(&map::SCRATCH).map_err(|e| e.to_string())?;
        if back != value {
            return Err(format!("SCRATCH holds {back:#x} after {value:#x} was written"));
        }
    }
    Ok(format!("preset {}, scratch register holds what is written", device.identity().preset))
}

fn loopback(device: &Device) -> Answer {
    let words = words(8 * 1500);
    let beats: Vec<[u64; 8]> = words.chunks(8).map(|b| std::array::from_fn(|i| b[i])).collect();
    device.loopback(&beats).map_err(text)?;
    Ok(format!("{} beats", beats.len()))
}

fn permute(device: &Device, vectors: usize) -> Answer {
    let words = words(STATE_WORDS * vectors.max(1));
    let mut states: Vec<[u64; STATE_WORDS]> =
        words.chunks(STATE_WORDS).map(|s| std::array::from_fn(|i| s[i])).collect();
    let wanted: Vec<[u64; STATE_WORDS]> =
        states.iter().map(|s| F::poseidon(s.map(F::from_noncanonical_u64)).map(|x| x.to_canonical_u64())).collect();
    device.permute(&mut states).map_err(text)?;
    expect("a permutation", &states, &wanted)?;
    Ok(format!("{} states", states.len()))
}

fn leaves(device: &Device) -> Answer {
    let tile = device.identity().tile_rows as usize;
    let shapes = [(1, 3), (4, 5), (5, 1), (8, 2), (9, tile + 3), (12, 17), (40, 33), (100, 9)];
    for (width, rows) in shapes {
        let columns = columns(width, rows);
        let digests = device.hash_leaves(Leaves::Columns(&columns)).map_err(text)?;
        let wanted: Vec<[u64; 4]> = (0..rows)
            .map(|i| {
                let row: Vec<u64> = columns.iter().map(|c| c[i]).collect();
                plonky2_leaf(&row)
            })
            .collect();
        expect(&format!("a digest of {width} elements"), &digests, &wanted)?;
    }
    Ok(format!("{} shapes, 1 to 100 elements a leaf", shapes.len()))
}

fn trees(device: &Device) -> Answer {
    for (log_rows, width, cap_height) in [(0, 8, 0), (1, 3, 0), (5, 9, 2), (8, 20, 4), (9, 8, 0)] {
        let rows: Vec<Vec<u64>> = (0..1 << log_rows).map(|_| words(width)).collect();
        let tree =
            device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: log_rows - cap_height }).map_err(text)?;
        let rows = rows.iter().map(|row| elements(row)).collect();
        let wanted = MerkleTree::<F, PoseidonHash>::new(rows, cap_height as usize);
        let wanted: Vec<[u64; 4]> = wanted.cap.0.iter().map(|h| h.elements.map(|x| x.to_canonical_u64())).collect();
        expect(&format!("the cap over 2^{log_rows} leaves"), &tree.cap().to_vec(), &wanted)?;
    }
    Ok("2^0 to 2^9 leaves, caps of height 0 to 4".into())
}

fn grind(device: &Device) -> Answer {
    let state: [u64; STATE_WORDS] = std::array::from_fn(|i| F::rand().to_canonical_u64() ^ i as u64);
    for (position, output_word, bits) in [(0, 7, 8), (3, 0, 5), (11, 11, 0), (7, 7, 10)] {
        let request = GrindRequest { state, position, output_word, bits, start: 1, tries: 1 << 20 };
        let nonce = device.grind(&request).map_err(text)?;
        let wanted = (1u64..).find(|&n| {
            let mut s = state.map(F::from_noncanonical_u64);
            s[usize::from(position)] = F::from_canonical_u64(n);
            F::poseidon(s)[usize::from(output_word)].to_canonical_u64().leading_zeros() >= bits
        });
        expect(&format!("the nonce for {bits} bits"), &Some(nonce), &wanted)?;
    }
    Ok("smallest nonces for 0 to 10 bits".into())
}

/// Lengths to try: all up to the preset's.
fn lengths(device: &Device) -> std::ops::RangeInclusive<u32> {
    1..=device.identity().max_log
}

fn forward(device: &Device) -> Answer {
    // One length that takes two passes.
    let longest = device.identity().max_log + 1;
    for log_n in 1..=longest {
        let columns = columns(if log_n % 2 == 0 { 9 } else { 3 }, 1 << log_n);
        let shift = F::coset_shift();
        let batch = device.forward(&columns, shift.to_canonical_u64()).map_err(text)?;
        let wanted: Vec<Vec<u64>> = columns.iter().map(|c| extended(c, 0, shift)).collect();
        expect(&format!("a transform of 2^{log_n}"), &batch.value_columns(|x| x).map_err(text)?, &wanted)?;
    }
    Ok(format!("2^1 to 2^{longest}, on a coset"))
}

/// plonky2's values of a polynomial on a coset of 2^`log_blowup` times its length, in bit-reversed order.
fn extended(coefficients: &[u64], log_blowup: usize, shift: F) -> Vec<u64> {
    let coefficients = PolynomialCoeffs::new(elements(coefficients)).lde(log_blowup);
    let mut values = coefficients.coset_fft(shift).values;
    reverse_index_bits_in_place(&mut values);
    canonical(&values)
}

fn inverse(device: &Device) -> Answer {
    for log_n in lengths(device) {
        let columns = columns(if log_n % 2 == 0 { 2 } else { 10 }, 1 << log_n);
        for shift in [F::ONE, F::coset_shift()] {
            let batch = device.inverse(&columns, shift.to_canonical_u64()).map_err(text)?;
            let wanted: Vec<Vec<u64>> = columns
                .iter()
                .map(|c| canonical(&PolynomialValues::new(elements(c)).coset_ifft(shift).coeffs))
                .collect();
            expect(&format!("an inverse transform of 2^{log_n}"), &batch.coefficients(|x| x).map_err(text)?, &wanted)?;
        }
    }
    Ok(format!("2^1 to 2^{}, on the subgroup and on a coset", device.identity().max_log))
}

fn extensions(device: &Device) -> Answer {
    let max_cosets = device.identity().max_log_cosets;
    for log_n in lengths(device) {
        let log_blowup = log_n % (max_cosets.min(3) + 1);
        let columns = columns(if log_n < 9 { 17 } else { 3 }, 1 << log_n);
        for input in [Input::Values, Input::Coefficients] {
            let coefficients = input == Input::Values;
            let shift = F::coset_shift();
            let request =
                LdeRequest { columns: &columns, input, log_blowup, shift: shift.to_canonical_u64(), coefficients };
            let batch = device.lde(&request).map_err(text)?;
            let polynomials: Vec<Vec<u64>> = columns
                .iter()
                .map(|c| {
                    if coefficients {
                        canonical(&PolynomialValues::new(elements(c)).ifft().coeffs)
                    } else {
                        c.clone()
                    }
                })
                .collect();
            let what = format!("an extension of 2^{log_n} by 2^{log_blowup}");
            let wanted: Vec<Vec<u64>> = polynomials.iter().map(|p| extended(p, log_blowup as usize, shift)).collect();
            expect(&what, &batch.value_columns(|x| x).map_err(text)?, &wanted)?;
            if coefficients {
                expect(&what, &batch.coefficients(|x| x).map_err(text)?, &polynomials)?;
            }
        }
    }
    Ok(format!("2^1 to 2^{}, blow-up 1 to {}", device.identity().max_log, 1 << max_cosets.min(3)))
}

/// Extension and tree in one job; of more rows than the board keeps states of, it reads the values back.
fn commitments(device: &Device) -> Answer {
    let (longest, most) = (device.identity().max_log, device.identity().max_log_cosets);
    let largest = device.identity().commit_log;
    let shapes =
        [(1, 0, 3), (1, 2, 5), (4, 1, 4), (5, 1, 8), (6, 3, 17), (8, 1, 29), (longest.min(largest.max(9) - 1), 1, 9)];
    for (log_n, log_blowup, width) in shapes.map(|(log_n, log_blowup, width)| (log_n, most.min(log_blowup), width)) {
        let columns = columns(width, 1 << log_n);
        let shift = F::coset_shift();
        let request = LdeRequest {
            columns: &columns,
            input: Input::Coefficients,
            log_blowup,
            shift: shift.to_canonical_u64(),
            coefficients: false,
        };
        let levels = log_n + log_blowup;
        let commitment = device.commit(&request, &[], levels).map_err(text)?;
        let what = format!("a commitment to {width} columns of 2^{log_n}");
        let values: Vec<Vec<u64>> = columns.iter().map(|c| extended(c, log_blowup as usize, shift)).collect();
        expect(&what, &commitment.batch.value_columns(|x| x).map_err(text)?, &values)?;
        let rows = (0..1 << levels).map(|i| values.iter().map(|c| F::from_canonical_u64(c[i])).collect()).collect();
        let root = MerkleTree::<F, PoseidonHash>::new(rows, 0).cap.0[0].elements.map(|x| x.to_canonical_u64());
        expect(&what, &commitment.tree.cap().to_vec(), &vec![root])?;
    }
    Ok(format!("{} shapes, 3 to 29 columns; hashed on the way up to 2^{largest} rows", shapes.len()))
}

/// FRI's folding, against plonky2's `reduce_with_powers`.
fn folding(device: &Device) -> Answer {
    for log_arity in 1..=device.identity().fold_max_log {
        for folded in [1, 4, 9, 200] {
            let components = columns(2, folded << log_arity);
            let [a, b] = [elements(&components[0]), elements(&components[1])];
            let coefficients: Vec<FE> = a.iter().zip(&b).map(|(&a, &b)| FE::from_basefield_array([a, b])).collect();
            let beta = FE::rand();
            let chunks = coefficients.chunks(1 << log_arity);
            let wanted: Vec<[u64; 2]> =
                chunks.map(|c| reduce_with_powers(c, beta).0.map(|x| x.to_canonical_u64())).collect();
            let beta = beta.0.map(|x| x.to_canonical_u64());
            let found = device.fold([&components[0], &components[1]], beta, log_arity).map_err(text)?;
            expect(&format!("a polynomial folded by 2^{log_arity}"), &found, &wanted)?;
        }
    }
    Ok(format!("by 2 to {}, up to 200 coefficients left", 1 << device.identity().fold_max_log))
}

fn refusals(device: &Device) -> Answer {
    let board = device.board();
    let buffer = board.alloc(64 * 64).map_err(|e| e.to_string())?;
    let whole = buffer.window_at(0, 64).map_err(|e| e.to_string())?;
    let good = Descriptor::loopback(device.set(), whole, whole, 8);
    let shape = TransformShape {
        panels: 1,
        log_n: device.identity().max_log as u8 + 1,
        log_cosets: 0,
        log_inner: 0,
        flags: FLAG_FORWARD,
        src_stride: 1,
        dst_stride: 1,
    };
    let inner = TransformShape { log_n: 3, log_inner: 1, ..shape };
    let nothing_left = TransformShape { log_inner: 3, flags: FLAG_FORWARD | FLAG_ACROSS, ..inner };
    // A board without the engine does not know the opcode, whatever the shape.
    let of = |count: u32| if count > 0 { JobCode::BadShape } else { JobCode::BadOpcode };
    let (of_ntt, of_poseidon) = (of(device.identity().lanes), of(device.identity().poseidon_units));
    let odd_tree = HashShape { rows: 6, width: 8, levels: 2, src_stride: 8 };
    let short = Window { beats: 4, ..whole };
    let wrong = [
        ("an unknown opcode", Descriptor { opcode: 0xee, ..good }, JobCode::BadOpcode),
        ("an unknown set", Descriptor { set: 0xee, ..good }, JobCode::BadSet),
        ("no rows", Descriptor { rows: 0, ..good }, JobCode::BadShape),
        ("rows that no tree has", Descriptor::hash(device.set(), whole, whole, odd_tree), of_poseidon),
        ("too long a transform", Descriptor::transform(device.set(), whole, whole, whole.iova, shape), of_ntt),
        (
            "inner rows in a panel of its own",
            Descriptor::transform(device.set(), whole, whole, whole.iova, inner),
            of_ntt,
        ),
        (
            "transforms of one row across a panel",
            Descriptor::transform(device.set(), whole, whole, whole.iova, nothing_left),
            of_ntt,
        ),
        ("a misaligned source", Descriptor { src: whole.iova + 8, ..good }, JobCode::Misaligned),
        ("reads outside the window", Descriptor::loopback(device.set(), short, whole, 8), JobCode::OutOfWindow),
        ("writes outside the window", Descriptor::loopback(device.set(), whole, short, 8), JobCode::OutOfWindow),
        ("a source that is not mapped", Descriptor { src: 1 << 62, ..good }, JobCode::ReadError),
        ("a destination that is not mapped", Descriptor { dst: 1 << 62, ..good }, JobCode::WriteError),
    ];
    for (what, descriptor, code) in &wrong {
        match board.submit_unchecked(&[*descriptor], Duration::from_secs(20)) {
            Err(DriverError::Job(error)) if error.code == *code => {}
            Err(error) => return Err(format!("{what}: {error}, not {}", code.name())),
            Ok(_) => return Err(format!("{what}: accepted, not {}", code.name())),
        }
        board.submit_and_wait(&[good]).map_err(|e| format!("after {what}: {e}"))?;
    }
    Ok(format!("{} kinds, and the board goes on", wrong.len()))
}

fn counters(device: &Device) -> Answer {
    let read = || device.counters().map_err(text);
    let before = read()?;
    if device.identity().poseidon_units == 0 {
        device.loopback(&[[1; 8]; 10]).map_err(text)?;
        let after = read()?;
        // Ten beats there, ten back; a descriptor and a completion.
        let moved = (after.bytes_read - before.bytes_read, after.bytes_written - before.bytes_written);
        if moved != (704, 656) || after.jobs - before.jobs != 1 || after.cycles <= before.cycles {
            return Err(format!("ten beats in one job count as {} bytes read, {} written", moved.0, moved.1));
        }
        return Ok("jobs, bytes and cycles count".into());
    }
    let mut states = [[1; STATE_WORDS]; 10];
    device.permute(&mut states).map_err(text)?;
    let after = read()?;
    let moved = (after.permutations - before.permutations, after.jobs - before.jobs);
    if moved != (10, 1) {
        return Err(format!("10 permutations in one job count as {} in {}", moved.0, moved.1));
    }
    if after.cycles <= before.cycles || after.poseidon_cycles <= before.poseidon_cycles {
        return Err("cycle counters stand still".into());
    }
    Ok("jobs, permutations and cycles count".into())
}
