//! Every job against plonky2's own results, on the functional board, with full checks.

use std::sync::{Arc, OnceLock};

use hotloop::{
    Check, Device, GrindRequest, HotloopError, Input, LdeRequest, Leaves, Options, Reference, Tree, TreeRequest, Zeros,
    STATE_WORDS,
};
use hotloop_regs::map;
use hotloop_tests::model::FunctionalBoard;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, PrimeField64},
    },
    hash::{
        hash_types::HashOut,
        poseidon::{Poseidon, PoseidonHash},
    },
    plonk::config::Hasher,
};
use proptest::{collection::vec, prelude::*};

struct Plonky2;

impl Reference for Plonky2 {
    fn permute(&self, state: &mut [u64; STATE_WORDS]) {
        *state = F::poseidon(state.map(F::from_noncanonical_u64)).map(|word| word.to_canonical_u64());
    }
}

fn options(check: Check) -> Options {
    Options { check, reference: Some(Arc::new(Plonky2)), ..Options::default() }
}

fn open(check: Check) -> Device {
    Device::from_function(Arc::new(FunctionalBoard::new()), options(check)).expect("the model opens")
}

fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| open(Check::Full))
}

fn elements(words: &[u64]) -> Vec<F> {
    words.iter().map(|&word| F::from_noncanonical_u64(word)).collect()
}

fn words(elements: &[F]) -> Vec<u64> {
    elements.iter().map(PrimeField64::to_canonical_u64).collect()
}

/// Any 64 bits, edges of the field often.
fn word() -> impl Strategy<Value = u64> {
    const P: u64 = 0xffff_ffff_0000_0001;
    prop_oneof![any::<u64>(), prop::sample::select(vec![0, 1, P - 1, P, P + 1, u64::MAX, 0xffff_ffff, 1 << 32])]
}

fn digest(hash: HashOut<F>) -> [u64; 4] {
    hash.elements.map(|word| word.to_canonical_u64())
}

fn same_tree(tree: &Tree, rows: &[Vec<u64>]) {
    let mut level: Vec<HashOut<F>> = rows.iter().map(|row| PoseidonHash::hash_or_noop(&elements(row))).collect();
    for l in 0..=tree.levels() {
        let wanted: Vec<[u64; 4]> = level.iter().map(|&hash| digest(hash)).collect();
        assert_eq!(tree.level(l), wanted, "level {l}");
        level = level.chunks_exact(2).map(|pair| PoseidonHash::two_to_one(pair[0], pair[1])).collect();
    }
}

fn transposed<T: Copy>(rows: &[Vec<T>]) -> Vec<Vec<T>> {
    (0..rows[0].len()).map(|c| rows.iter().map(|row| row[c]).collect()).collect()
}

/// Upstream's extension: a row for each point, bit-reversed.
fn extension(coefficients: &[Vec<F>], rate_bits: usize, shift: F) -> Vec<Vec<u64>> {
    let columns: Vec<Vec<u64>> = coefficients
        .iter()
        .map(|column| words(&PolynomialCoeffs::new(column.clone()).lde(rate_bits).coset_fft(shift).values))
        .collect();
    let mut rows = transposed(&columns);
    plonky2::util::reverse_index_bits_in_place(&mut rows);
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn states_are_permuted(states in vec(vec(word(), STATE_WORDS), 1..40)) {
        let mut states: Vec<[u64; STATE_WORDS]> = states.into_iter().map(|s| s.try_into().expect("12 words")).collect();
        let mut wanted = states.clone();
        wanted.iter_mut().for_each(|state| Plonky2.permute(state));
        device().permute(&mut states).expect("permuted");
        prop_assert_eq!(states, wanted);
    }

    #[test]
    fn beats_come_back(beats in vec(vec(any::<u64>(), 8), 1..200)) {
        let beats: Vec<[u64; 8]> = beats.into_iter().map(|b| b.try_into().expect("8 words")).collect();
        prop_assert_eq!(device().loopback(&beats).expect("back"), beats);
    }

    #[test]
    fn trees_are_plonky2s(
        (rows, levels) in (0u32..8, 1usize..4).prop_flat_map(|(levels, odd)| {
            (1usize..41).prop_flat_map(move |width| (vec(vec(word(), width), odd << levels), Just(levels)))
        }),
    ) {
        let tree = device().tree(TreeRequest { leaves: Leaves::Rows(&rows), levels }).expect("a tree");
        same_tree(&tree, &rows);
        let columns = transposed(&rows);
        prop_assert_eq!(device().tree(TreeRequest { leaves: Leaves::Columns(&columns), levels }).expect("a tree"), tree);
    }

    #[test]
    fn extensions_are_plonky2s(
        (columns, log_blowup, shift, keep) in (1u32..9, 1usize..20, 0u32..4, 1..u64::MAX >> 1, any::<bool>())
            .prop_flat_map(|(log_n, width, r, shift, keep)| (vec(vec(word(), 1 << log_n), width), Just(r), Just(shift), Just(keep))),
    ) {
        let coset = F::from_noncanonical_u64(shift);
        let polynomials: Vec<Vec<F>> = columns.iter().map(|c| PolynomialValues::new(elements(c)).ifft().coeffs).collect();
        let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup, shift, coefficients: keep };
        let batch = device().lde(&request).expect("extended");
        let wanted = extension(&polynomials, log_blowup as usize, coset);
        prop_assert_eq!(&batch.value_rows(|w| w).expect("rows"), &wanted);
        prop_assert_eq!(batch.value_columns(|w| w).expect("columns"), transposed(&wanted));
        let coefficients: Vec<Vec<u64>> = if keep { polynomials.iter().map(|p| words(p)).collect() } else { vec![] };
        prop_assert_eq!(batch.coefficients(|w| w).expect("coefficients"), coefficients);

        let from_coefficients = LdeRequest { input: Input::Coefficients, ..request };
        let wanted = extension(&columns.iter().map(|c| elements(c)).collect::<Vec<_>>(), log_blowup as usize, coset);
        prop_assert_eq!(device().lde(&from_coefficients).expect("extended").value_rows(|w| w).expect("rows"), wanted);
    }

    #[test]
    fn inverse_transforms_undo_a_coset(
        (columns, shift) in (1u32..9, 1usize..20, 1..u64::MAX >> 1)
            .prop_flat_map(|(log_n, width, shift)| (vec(vec(word(), 1 << log_n), width), Just(shift))),
    ) {
        let coset = F::from_noncanonical_u64(shift);
        let batch = device().inverse(&columns, shift).expect("inverted");
        let wanted: Vec<Vec<u64>> =
            columns.iter().map(|c| words(&PolynomialValues::new(elements(c)).coset_ifft(coset).coeffs)).collect();
        prop_assert_eq!(batch.coefficients(|w| w).expect("coefficients"), wanted);
        prop_assert_eq!(batch.rows(), 0);
        let forward = device().forward(&columns, shift).expect("transformed");
        let wanted = extension(&columns.iter().map(|c| elements(c)).collect::<Vec<_>>(), 0, coset);
        prop_assert_eq!(forward.value_rows(|w| w).expect("rows"), wanted);
    }

    #[test]
    fn commitments_hash_what_they_extend(
        (columns, salts, log_blowup, keep) in (1u32..6, 1usize..20, 0usize..6, 0u32..3, any::<bool>()).prop_flat_map(
            |(log_n, width, salts, r, keep)| {
                (vec(vec(word(), 1 << log_n), width), vec(vec(word(), 1 << (log_n + r)), salts), Just(r), Just(keep))
            },
        ),
    ) {
        let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup, shift: 7, coefficients: keep };
        let log_rows = columns[0].len().ilog2() + log_blowup;
        let commitment = device().commit(&request, &salts, log_rows).expect("committed");
        let polynomials: Vec<Vec<F>> = columns.iter().map(|c| PolynomialValues::new(elements(c)).ifft().coeffs).collect();
        let mut wanted = extension(&polynomials, log_blowup as usize, F::from_canonical_u64(7));
        for (i, row) in wanted.iter_mut().enumerate() {
            row.extend(salts.iter().map(|salt| F::from_noncanonical_u64(salt[i]).to_canonical_u64()));
        }
        let rows = commitment.batch.value_rows(hotloop::goldilocks::canonical).expect("rows");
        prop_assert_eq!(&rows, &wanted);
        same_tree(&commitment.tree, &wanted);
    }

    #[test]
    fn the_smallest_nonce_is_found(state in vec(word(), STATE_WORDS), position in 0u8..12, output_word in 0u8..12, bits in 0u32..9, trailing in any::<bool>(), start in 0u64..1 << 40) {
        let state: [u64; STATE_WORDS] = state.try_into().expect("12 words");
        let zeros = if trailing { Zeros::Trailing } else { Zeros::Leading };
        let request = GrindRequest { state, position, output_word, bits, zeros, start, tries: 1 << 20 };
        let fits = |nonce| {
            let mut state = state;
            state[usize::from(position)] = nonce;
            Plonky2.permute(&mut state);
            let word = state[usize::from(output_word)];
            bits == 0 || if trailing { word << (64 - bits) == 0 } else { word >> (64 - bits) == 0 }
        };
        let wanted = (start..).find(|&nonce| fits(nonce)).expect("there is one");
        prop_assert_eq!(device().grind(&request).expect("found"), wanted);
    }
}

#[test]
fn several_trees_share_a_doorbell() {
    let board = FunctionalBoard::new();
    let device = Device::from_function(Arc::new(board.clone()), options(Check::Spot)).expect("the model opens");
    let rows: Vec<Vec<Vec<u64>>> = (1..6).map(|width| vec![vec![width as u64; width]; 8]).collect();
    let requests: Vec<_> = rows.iter().map(|rows| TreeRequest { leaves: Leaves::Rows(rows), levels: 3 }).collect();
    let before = board.doorbells();
    let trees = device.trees(&requests).expect("trees");
    assert_eq!(board.doorbells() - before, 1);
    trees.iter().zip(&rows).for_each(|(tree, rows)| same_tree(tree, rows));

    let before = (board.doorbells(), device.offload());
    let columns = vec![vec![3u64; 16]; 9];
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 1, shift: 7, coefficients: true };
    device.commit(&request, &[], 5).expect("committed");
    assert_eq!(board.doorbells() - before.0, 1, "extension and tree go together");
    let did = device.offload() - before.1;
    assert_eq!((did.jobs, did.permutations, did.butterflies), (1, 32 * 2 + 31, 9 * 3 * 8 * 4));
    assert_eq!(did.bytes_from_device, 64 * 2 * (16 + 32) + 63 * 32 + 16);
    let tables = 2 * 64 * u64::from(hotloop_regs::scale_table_beats(4));
    assert_eq!(did.bytes_to_device, 64 * 2 * 16 + tables + 64, "values do not come back to be hashed");
}

/// More rows than are kept on chip, salts in every place of the last panel: one job all the same, and the bytes as told.
#[test]
fn commitments_are_one_job() {
    let columns: Vec<Vec<u64>> = (0..13).map(|c| (c..c + 16).collect()).collect();
    let salts: Vec<Vec<u64>> = (0..8).map(|c| (0..32).map(|i| c << 32 | i).collect()).collect();
    for width in [1, 4, 8, 9, 12, 13] {
        for count in [0, 1, 3, 4, 7, 8] {
            let request = LdeRequest {
                columns: &columns[..width],
                input: Input::Values,
                log_blowup: 1,
                shift: 7,
                coefficients: width % 2 == 1,
            };
            let commit = |commit_log: u64| {
                let board = FunctionalBoard::new();
                board.set_constant(&hotloop_regs::map::COMMIT_LOG, commit_log);
                let device = Device::from_function(Arc::new(board), options(Check::Full)).expect("the model opens");
                let commitment = device.commit(&request, &salts[..count], 5).expect("committed");
                let rows = commitment.batch.value_rows(|word| word).expect("rows");
                assert!(rows.iter().enumerate().all(|(i, row)| (0..count).all(|c| row[width + c] == salts[c][i])));
                same_tree(&commitment.tree, &rows);
                assert_eq!(device.offload().jobs, 1);
                let bytes = device.commit_bytes(&request, count, 5);
                assert_eq!(bytes.read_back, device.offload().bytes_read_back);
                (commitment.tree, bytes)
            };
            let (tree, bytes) = commit(5);
            assert_eq!(bytes.read_back, 0);
            for commit_log in [0, 4] {
                let (other, streamed) = commit(commit_log);
                assert_eq!(other, tree, "{width} columns, {count} salts");
                assert_eq!(streamed.read_back, 64 * 32 * (width + count).div_ceil(8) as u64);
                assert_eq!(streamed.from_device, bytes.from_device);
            }
        }
    }
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 1, shift: 7, coefficients: false };
    let nine = vec![salts[0].clone(); 9];
    let device = open(Check::Full);
    assert!(matches!(device.commit(&request, &nine, 5), Err(HotloopError::DeviceLimit { asked: 9, limit: 8, .. })));
}

/// The model multiplies as the job says; Horner's rule checks it.
#[test]
fn polynomials_are_folded() {
    let device = open(Check::Full);
    let part = |salt: u64| (0..96u64).map(|i| (i ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect::<Vec<u64>>();
    let (a, b) = (part(1), part(77));
    for log_arity in 1..=4 {
        let folded = device.fold([&a, &b], [u64::MAX, 5], log_arity).expect("folded");
        assert_eq!(folded.len(), 96 >> log_arity);
    }
    // With 1 for the number: sums.
    let folded = device.fold([&vec![3u64; 6], &vec![4; 6]], [1, 0], 1).expect("folded");
    assert_eq!(folded, [[6, 8]; 3]);
    assert_eq!(device.offload().folded, 4 * 96 + 6);
    assert!(matches!(device.fold([&a, &b], [1, 0], 5), Err(HotloopError::DeviceLimit { asked: 5, limit: 4, .. })));
    assert!(matches!(device.fold([&a, &b], [1, 0], 0), Err(HotloopError::BadShape { .. })));
    let odd = vec![1u64; 7];
    assert!(matches!(device.fold([&odd, &odd], [1, 0], 1), Err(HotloopError::BadShape { .. })));
    assert!(matches!(device.fold([&odd, &a], [1, 0], 1), Err(HotloopError::BadShape { .. })));
}

/// A board that holds 2^4 rows takes 2^8 in two passes, however many of its rows neighbour each other in the first.
#[test]
fn long_transforms_are_split() {
    let board = FunctionalBoard::new();
    board.set_constant(&map::NTT_MAX_LOG, 4);
    let device = Device::from_function(Arc::new(board), options(Check::Full)).expect("the model opens");
    for log_n in 4..=8 {
        let columns: Vec<Vec<u64>> =
            (0..9u64).map(|c| (0..1 << log_n).map(|i| (c + 1) * (i ^ 0x5a) + c).collect()).collect();
        let polynomials: Vec<Vec<F>> = columns.iter().map(|column| elements(column)).collect();
        let (before, shift) = (device.offload(), 7);
        for log_blowup in [0, 2] {
            let request =
                LdeRequest { columns: &columns, input: Input::Coefficients, log_blowup, shift, coefficients: false };
            let batch = device.lde(&request).expect("extended");
            let wanted = extension(&polynomials, log_blowup as usize, F::from_canonical_u64(shift));
            assert_eq!(batch.value_rows(|w| w).expect("rows"), wanted, "2^{log_n} by 2^{log_blowup}");
        }
        // One job, or two for each of two panels on one coset and on four.
        let did = device.offload() - before;
        assert_eq!(did.jobs, if log_n == 4 { 2 } else { 2 * 2 * (1 + 4) });
        assert_eq!(did.butterflies, 9 * 5 * (log_n << (log_n - 1)));

        // Inverse ones too, alone and in extensions of values.
        let before = device.offload();
        let values: Vec<Vec<u64>> = polynomials
            .iter()
            .map(|p| words(&PolynomialCoeffs::new(p.clone()).coset_fft(F::from_canonical_u64(shift)).values))
            .collect();
        let batch = device.inverse(&values, shift).expect("interpolated");
        assert_eq!(batch.coefficients(|w| w).expect("coefficients"), columns, "inverse, 2^{log_n}");
        let values: Vec<Vec<u64>> =
            polynomials.iter().map(|p| words(&PolynomialCoeffs::new(p.clone()).fft().values)).collect();
        for coefficients in [false, true] {
            let request = LdeRequest { columns: &values, input: Input::Values, log_blowup: 2, shift, coefficients };
            let batch = device.lde(&request).expect("extended");
            let wanted = extension(&polynomials, 2, F::from_canonical_u64(shift));
            assert_eq!(batch.value_rows(|w| w).expect("rows"), wanted, "2^{log_n} values");
            let kept = batch.coefficients(|w| w).expect("coefficients");
            assert_eq!(kept, if coefficients { columns.clone() } else { Vec::new() }, "2^{log_n} values");
        }
        let did = device.offload() - before;
        assert_eq!(did.jobs, if log_n == 4 { 3 } else { 2 * 2 * (1 + 2 * (1 + 4)) });
        assert_eq!(did.butterflies, 9 * 11 * (log_n << (log_n - 1)));
    }
    let rows: Vec<Vec<u64>> = vec![vec![3; 1 << 9]];
    assert!(matches!(device.forward(&rows, 7), Err(HotloopError::DeviceLimit { asked: 9, limit: 8, .. })));
}

#[test]
fn what_the_board_does_not_hold_is_refused_by_name() {
    let device = open(Check::Spot);
    let before = device.offload();
    let error = {
        let board = FunctionalBoard::new();
        board.set_constant(&map::NTT_MAX_LOG, 4);
        let device = Device::from_function(Arc::new(board), options(Check::Spot)).expect("the model opens");
        device.inverse(&[vec![1u64; 1 << 9]], 7).expect_err("too long")
    };
    assert!(matches!(&error, HotloopError::DeviceLimit { asked: 9, limit: 8, .. }), "{error}");
    assert!(error.to_string().contains("preset `model`"), "{error}");
    let column = [vec![1u64; 4]];
    let request = LdeRequest { columns: &column, input: Input::Values, log_blowup: 5, shift: 7, coefficients: false };
    assert!(matches!(device.lde(&request), Err(HotloopError::DeviceLimit { asked: 5, limit: 4, .. })));
    let wide = [vec![0u64; 65536]];
    assert!(matches!(device.hash_leaves(Leaves::Rows(&wide)), Err(HotloopError::DeviceLimit { asked: 65536, .. })));
    assert_eq!(device.offload(), before, "nothing was submitted");

    let shapes: [&[Vec<u64>]; 4] = [&[], &[vec![1; 3]], &[vec![1; 4], vec![1; 8]], &[vec![1]]];
    for columns in shapes {
        assert!(matches!(device.forward(columns, 7), Err(HotloopError::BadShape { .. })), "{columns:?}");
    }
    assert!(matches!(device.forward(&column, 0), Err(HotloopError::BadShape { .. })), "shift 0");
    let ragged = [vec![1u64; 3], vec![1; 4]];
    let rows: [&[Vec<u64>]; 3] = [&[], &[vec![]], &ragged];
    for rows in rows {
        assert!(matches!(device.hash_leaves(Leaves::Rows(rows)), Err(HotloopError::BadShape { .. })), "{rows:?}");
    }
    let three = vec![vec![1u64; 3]; 3];
    assert!(matches!(
        device.tree(TreeRequest { leaves: Leaves::Rows(&three), levels: 1 }),
        Err(HotloopError::BadShape { .. })
    ));
    let request = LdeRequest { log_blowup: 1, ..request };
    assert!(matches!(device.commit(&request, &[vec![1u64; 7]], 3), Err(HotloopError::BadShape { .. })), "short salt");
    device.forward(&column, 7).expect("the device takes what is right");
}

#[test]
fn buffers_are_limited() {
    let options = Options { memory_limit: 1 << 20, ..options(Check::Spot) };
    let device = Device::from_function(Arc::new(FunctionalBoard::new()), options).expect("the model opens");
    let columns = vec![vec![1u64; 1 << 13]; 8];
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 2, shift: 7, coefficients: true };
    assert!(matches!(device.lde(&request), Err(HotloopError::MemoryLimit { .. })));
    for _ in 0..20 {
        device.forward(&[vec![1u64; 1 << 12]], 7).expect("buffers are given back");
    }
}

/// What is told before the work is what happens: columns of values need room for their coefficients.
#[test]
fn memory_is_asked_for_before_the_work() {
    let columns = vec![vec![1u64; 1 << 13]; 8];
    let commit = |limit: u64, input| {
        let options = Options { memory_limit: limit, ..options(Check::Off) };
        let device = Device::from_function(Arc::new(FunctionalBoard::new()), options).expect("the model opens");
        let asked = device.check_commit_of(input, 8, 13, 1);
        let request = LdeRequest { columns: &columns, input, log_blowup: 1, shift: 7, coefficients: true };
        let done = device.commit(&request, &[], 4);
        assert!(asked.is_ok() || matches!(asked, Err(HotloopError::MemoryLimit { .. })));
        assert_eq!(asked.is_ok(), done.is_ok(), "{limit} bytes, {input:?}: {done:?}");
        done.is_ok()
    };
    // Input, coefficients, values and digests in units of 2^13 beats: 1 + 1 + 2 + 2, the rings besides.
    let unit = 64 << 13;
    for (input, units) in [(Input::Values, 6), (Input::Coefficients, 5)] {
        assert!(commit(units * unit + (1 << 17), input));
        assert!(!commit(units * unit - unit / 2, input));
    }
}

#[test]
fn grinding_has_an_end() {
    let device = open(Check::Full);
    let (zeros, tries) = (Zeros::Leading, 3000);
    let request = GrindRequest { state: [1; 12], position: 0, output_word: 7, bits: 60, zeros, start: 5, tries };
    let before = device.offload().permutations;
    let error = device.grind(&request).expect_err("none");
    assert!(
        matches!(error, HotloopError::NoNonce { bits: 60, zeros: Zeros::Leading, start: 5, tried: 3000 }),
        "{error}"
    );
    assert_eq!(device.offload().permutations - before, 3000);
    let outside = GrindRequest { position: 12, ..request };
    assert!(matches!(device.grind(&outside), Err(HotloopError::BadShape { .. })));
}

#[test]
fn devices_are_named() {
    for name in ["", "cpu", "simulator", "sim:", "vfio", "SIM"] {
        assert!(matches!(Device::open(name, Options::default()), Err(HotloopError::UnknownDevice { .. })), "{name}");
    }
    for name in ["vfio:ffff:ff:1f.7", "vfio-user:/nowhere/board.sock"] {
        assert!(matches!(Device::open(name, Options::default()), Err(HotloopError::Driver(_))), "{name}");
    }
    let other = Options { set: hotloop::ParameterSet::Miden, ..options(Check::Spot) };
    let missing = Device::from_function(Arc::new(FunctionalBoard::new()), other).expect_err("not on the board");
    assert!(matches!(missing, HotloopError::MissingSet { .. }), "{missing}");
    // `sim` is the board of the set that is asked for; this program links the one of plonky2-v1 alone.
    for (set, board) in
        [(hotloop::ParameterSet::Miden, "sim:sim-mid"), (hotloop::ParameterSet::Plonky2V0, "sim:sim-v0")]
    {
        match Device::open("sim", Options { set, ..options(Check::Spot) }).expect_err("not linked") {
            HotloopError::NotInThisBuild { name, next } if name == board => assert!(next.contains("hotloop_sim_sets")),
            error => panic!("{error}"),
        }
    }
}

#[test]
fn hashes_are_not_believed_without_a_reference() {
    let device = Device::from_function(Arc::new(FunctionalBoard::new()), Options::default()).expect("the model opens");
    let rows = [vec![1u64; 9]];
    assert!(matches!(device.hash_leaves(Leaves::Rows(&rows)), Err(HotloopError::NoReference { .. })));
    assert!(matches!(device.permute(&mut [[0; 12]]), Err(HotloopError::NoReference { .. })));
    device.forward(&[vec![1u64; 8]], 7).expect("transforms need none");
    let off = Options { check: Check::Off, ..Options::default() };
    let device = Device::from_function(Arc::new(FunctionalBoard::new()), off).expect("the model opens");
    device.hash_leaves(Leaves::Rows(&rows)).expect("asked for");
}
