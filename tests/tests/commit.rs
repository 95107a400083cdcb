//! Commit jobs on Verilated accelerators: what plonky2 computes, and what a transform and a hash job write, beat by beat.

use std::{sync::Arc, time::Duration};

use hotloop::{Check, Device, Input, LdeRequest, Leaves, LinkOptions, SimFunction, SimOptions, TreeRequest};
use hotloop_driver::{
    Board, CommitShape, Descriptor, DmaBuf, DriverError, HashShape, PciFunction, TransformShape, Window,
};
use hotloop_regs::{
    descriptor::{FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE},
    scale_table_beats, Error, ParameterSet,
};
use hotloop_units as _;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, Field64, PrimeField64},
    },
    hash::{hash_types::HashOut, poseidon::PoseidonHash},
    plonk::config::Hasher,
    util::reverse_index_bits_in_place,
};

const SET: ParameterSet = ParameterSet::Plonky2V1;
const LONG: Duration = Duration::from_secs(300);
const KINDS: [u16; 3] = [FLAG_FORWARD, FLAG_INVERSE | FLAG_FORWARD, FLAG_INVERSE | FLAG_FORWARD | FLAG_COEFFICIENTS];

/// SplitMix64: the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn words(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next()).collect()
    }
}

fn function(model: &str, link: LinkOptions) -> Arc<dyn PciFunction> {
    Arc::new(SimFunction::open(&SimOptions { link, ..SimOptions::model(model) }).unwrap())
}

fn links() -> [LinkOptions; 3] {
    let link = |read_latency, stall_seed| LinkOptions { read_latency, stall_seed, ..LinkOptions::default() };
    [link(0, None), link(40, Some(5)), link(0, Some(6))]
}

fn filled(board: &Board, words: &[u64]) -> DmaBuf {
    let buffer = board.alloc(words.len() as u64 * 8).unwrap();
    buffer.write_words(0, words).unwrap();
    buffer
}

fn words(buffer: &DmaBuf) -> Vec<u64> {
    let mut words = vec![0; (buffer.len() / 8) as usize];
    buffer.read_words(0, &mut words).unwrap();
    words
}

/// Input, tables and room for a commitment; every word of the room is `UNTOUCHED`.
struct Case {
    shape: CommitShape,
    src: DmaBuf,
    param: DmaBuf,
    dst: DmaBuf,
    src_beats: u32,
}

const UNTOUCHED: u64 = 0x5a5a_1234_5a5a_4321;
/// Beats behind the output.
const GUARD: u64 = 3;

impl Case {
    /// Factors and values are any words: the two ways must agree on everything.
    fn new(board: &Board, shape: CommitShape, numbers: &mut Numbers) -> Case {
        let t = shape.transform;
        let src_beats = shape.input_beats() as u32;
        let tables = (scale_table_beats(t.log_n.into()) as usize) << t.log_cosets;
        let case = Case {
            shape,
            src: filled(board, &numbers.words(8 * src_beats as usize)),
            param: filled(board, &numbers.words(8 * tables)),
            dst: filled(board, &vec![UNTOUCHED; 8 * (shape.output_beats() + GUARD) as usize]),
            src_beats,
        };
        case.place_salts(&case.dst);
        case
    }

    /// Beats of the values in an output panel, from its start on.
    fn values(&self) -> std::ops::Range<usize> {
        let beats = self.shape.transform.panel_beats() as usize;
        beats - self.shape.leaves() as usize..beats
    }

    /// The salts that fill a panel of their own belong to the output from the beginning.
    fn place_salts(&self, dst: &DmaBuf) {
        let (t, rows) = (self.shape.transform, self.shape.leaves() as usize);
        if self.shape.leaf_panels() > t.panels.into() {
            let src = words(&self.src);
            let salts = &src[src.len() - 8 * rows..];
            let at = (t.panels * t.dst_stride) as usize + self.values().start;
            dst.write_words(at as u64 * 64, salts).unwrap();
        }
    }

    /// What a transform job leaves to do: salts behind the columns of the last panel.
    fn merge_salts(&self, dst: &DmaBuf) {
        if !self.shape.merges_salts() {
            return;
        }
        let t = self.shape.transform;
        let (src, columns) = (words(&self.src), usize::from(self.shape.width) % 8);
        let from = (t.panels * t.src_stride) as usize;
        let to = ((t.panels - 1) * t.dst_stride) as usize + self.values().start;
        for row in 0..self.shape.leaves() as usize {
            let mut beat = [0; 8];
            dst.read_words((to + row) as u64 * 64, &mut beat).unwrap();
            beat[columns..].copy_from_slice(&src[8 * (from + row)..][columns..8]);
            dst.write_words((to + row) as u64 * 64, &beat).unwrap();
        }
    }

    fn random(board: &Board, numbers: &mut Numbers, most_log: u64) -> Case {
        let log_n = 1 + numbers.below(most_log) as u8;
        let most_cosets = u64::from(board.identity().max_log_cosets).min(3);
        let log_cosets = numbers.below(most_cosets + 1) as u8;
        let log_rows = log_n + log_cosets;
        let width = if log_rows > 9 { 1 + numbers.below(12) } else { 1 + numbers.below(40) } as u16;
        let panels = u32::from(width).div_ceil(8);
        let flags = KINDS[numbers.below(3) as usize];
        let mut transform = TransformShape { panels, log_n, log_cosets, flags, ..TransformShape::default() };
        transform.src_stride = (1 << log_n) + numbers.below(3) as u32;
        transform.dst_stride = transform.panel_beats() as u32 + numbers.below(2) as u32 * 5;
        let levels = numbers.below(u64::from(log_rows) + 1) as u8;
        let salts = numbers.below(2) as u8 * numbers.below(9) as u8;
        // The panel of salts alone has its values where the others have theirs, so it is as far away.
        Case::new(board, CommitShape { transform, width, levels, salts }, numbers)
    }

    fn src(&self) -> Window {
        self.src.window_at(0, self.src_beats).unwrap()
    }

    fn commit(&self) -> Descriptor {
        let dst = self.dst.window_at(0, self.shape.output_beats() as u32).unwrap();
        Descriptor::commit(SET, self.src(), dst, self.param.iova(), self.shape)
    }

    /// The two jobs, to the same places in `dst`.
    fn two_jobs(&self, dst: &DmaBuf) -> [Descriptor; 2] {
        let (t, rows) = (self.shape.transform, self.shape.leaves());
        let start = self.shape.digest_start();
        let panels = dst.window_at(0, start as u32).unwrap();
        let coefficients = t.panel_beats() - u64::from(rows);
        let further = self.shape.leaf_panels() as u32 - 1;
        let leaves = dst.window_at(coefficients * 64, further * t.dst_stride + rows).unwrap();
        let digests = dst.window_at(start * 64, (self.shape.output_beats() - start) as u32).unwrap();
        let CommitShape { width, levels, salts, .. } = self.shape;
        let width = width + u16::from(salts);
        let hash = HashShape { rows, width, levels, src_stride: t.dst_stride };
        [
            Descriptor::transform(SET, self.src(), panels, self.param.iova(), t),
            Descriptor::hash(SET, leaves, digests, hash),
        ]
    }
}

/// One job and two write the same, byte by byte, and nothing else; jobs of other kinds come before and after.
fn equal_to_two_jobs(model: &str, link: LinkOptions, cases: usize, most_log: u64) {
    let board = Board::open(function(model, link)).unwrap();
    let mut numbers = Numbers(cases as u64);
    for _ in 0..cases {
        let [first, second] = [(); 2].map(|()| Case::random(&board, &mut numbers, most_log));
        let plain = [&first, &second].map(|case| filled(&board, &vec![UNTOUCHED; words(&case.dst).len()]));
        first.place_salts(&plain[0]);
        second.place_salts(&plain[1]);
        let [a, b] = first.two_jobs(&plain[0]);
        let [c, d] = second.two_jobs(&plain[1]);
        board.submit_and_wait_for(&[first.commit(), a, second.commit(), c], LONG).unwrap();
        first.merge_salts(&plain[0]);
        second.merge_salts(&plain[1]);
        board.submit_and_wait_for(&[d, b], LONG).unwrap();
        for (case, plain) in [first, second].iter().zip(&plain) {
            let (found, wanted) = (words(&case.dst), words(plain));
            let at = found.iter().zip(&wanted).position(|(a, b)| a != b);
            assert_eq!(at.map(|at| at / 8), None, "beat that differs; {:?} {link:?}", case.shape);
            assert!(found.iter().rev().take(8 * GUARD as usize).all(|&word| word == UNTOUCHED));
        }
    }
}

#[test]
fn one_job_writes_what_two_write() {
    for link in links() {
        equal_to_two_jobs("accelerator_sim", link, 25, 8);
    }
    // Its chip keeps 2^8 rows: of more it reads the values back.
    equal_to_two_jobs("accelerator_small", links()[1], 60, 8);
}

fn device(model: &str) -> Device {
    let mut options = hotloop_plonky2::options();
    options.check = Check::Spot;
    Device::from_function(function(model, LinkOptions::default()), options).unwrap()
}

fn canonical(elements: &[F]) -> Vec<u64> {
    elements.iter().map(|x| x.to_canonical_u64()).collect()
}

fn digests(rows: &[Vec<F>], levels: u32) -> Vec<[u64; 4]> {
    let mut level: Vec<HashOut<F>> = rows.iter().map(|row| PoseidonHash::hash_or_noop(row)).collect();
    let mut all = level.clone();
    for _ in 0..levels {
        level = level.chunks_exact(2).map(|pair| PoseidonHash::two_to_one(pair[0], pair[1])).collect();
        all.extend(&level);
    }
    all.iter().map(|hash| hash.elements.map(|x| x.to_canonical_u64())).collect()
}

/// Commits, and compares with plonky2 and with the device's own extension and tree. Gives the number of jobs.
fn commit(device: &Device, numbers: &mut Numbers, shape: (u32, u32, usize), input: Input) -> u64 {
    commit_salted(device, numbers, shape, 0, input)
}

/// With so many columns of salts.
fn commit_salted(
    device: &Device,
    numbers: &mut Numbers,
    (log_n, log_blowup, width): (u32, u32, usize),
    salts: usize,
    input: Input,
) -> u64 {
    let shift = F::coset_shift();
    let columns: Vec<Vec<u64>> = (0..width).map(|_| numbers.words(1 << log_n)).collect();
    let polynomials: Vec<PolynomialCoeffs<F>> = columns
        .iter()
        .map(|column| column.iter().map(|&word| F::from_noncanonical_u64(word)).collect())
        .map(|column| if input == Input::Values { PolynomialValues::new(column).ifft() } else { column.into() })
        .collect();
    let extended: Vec<Vec<F>> =
        polynomials.iter().map(|p| p.lde(log_blowup as usize).coset_fft(shift).values).collect();
    let mut rows: Vec<Vec<F>> =
        (0..1 << (log_n + log_blowup)).map(|i| extended.iter().map(|column| column[i]).collect()).collect();
    reverse_index_bits_in_place(&mut rows);
    let salts: Vec<Vec<u64>> =
        (0..salts).map(|_| numbers.words(rows.len()).iter().map(|x| x % F::ORDER).collect()).collect();
    for (i, row) in rows.iter_mut().enumerate() {
        row.extend(salts.iter().map(|salt| F::from_canonical_u64(salt[i])));
    }
    let levels = log_n + log_blowup - (log_n / 3).min(4);

    let coefficients = input == Input::Values;
    let request = LdeRequest { columns: &columns, input, log_blowup, shift: shift.to_canonical_u64(), coefficients };
    let (before, counted) = (device.offload(), device.counters().unwrap());
    let done = device.commit(&request, &salts, levels).unwrap();
    let jobs = (device.offload() - before).jobs;
    if jobs == 1 {
        let after = device.counters().unwrap();
        let bytes = device.commit_bytes(&request, salts.len(), levels);
        let moved = (after.bytes_read - counted.bytes_read, after.bytes_written - counted.bytes_written);
        assert_eq!(moved, (bytes.to_device, bytes.from_device), "2^{log_n} × {width}, {} salts", salts.len());
    }
    let what = format!("2^{log_n} × {width}, blow-up 2^{log_blowup}");
    let wanted: Vec<Vec<u64>> = rows.iter().map(|row| canonical(row)).collect();
    assert!(done.batch.value_rows(|x| x).unwrap() == wanted, "{what}");
    assert!(done.tree.digests() == digests(&rows, levels), "{what}");
    if coefficients {
        let wanted: Vec<Vec<u64>> = polynomials.iter().map(|p| canonical(&p.coeffs)).collect();
        assert!(done.batch.coefficients(|x| x).unwrap() == wanted, "{what}");
    }
    let batch = device.lde(&request).unwrap();
    let values: Vec<&[u64]> = wanted.iter().map(|row| &row[..width]).collect();
    assert!(batch.value_rows(|x| x).unwrap() == values, "{what}");
    let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&wanted), levels }).unwrap();
    assert_eq!(tree, done.tree, "{what}");
    jobs
}

#[test]
fn commitments_are_plonky2s() {
    let device = device("accelerator_sim");
    let mut numbers = Numbers(77);
    for width in 1..=40 {
        let input = if width % 3 == 0 { Input::Coefficients } else { Input::Values };
        let shape = (1 + numbers.below(7) as u32, numbers.below(4) as u32, width);
        assert_eq!(commit(&device, &mut numbers, shape, input), 1, "one job");
    }
    for log_n in 8..=12 {
        assert_eq!(commit(&device, &mut numbers, (log_n, 1, 9), Input::Values), 1);
    }
    // As many rows as there is room for, and more.
    assert_eq!(commit(&device, &mut numbers, (13, 1, 3), Input::Coefficients), 1);
    assert_eq!(commit(&device, &mut numbers, (12, 3, 2), Input::Values), 1, "32768 rows are read back");
    // Longer than the chip: two passes of the transform for each coset and panel, and a hash.
    assert_eq!(commit(&device, &mut numbers, (14, 1, 3), Input::Coefficients), 2 * 2 + 1);
}

/// plonky2's blinding: four salts behind every width, and other numbers of them.
#[test]
fn salts_are_part_of_the_leaves() {
    let device = device("accelerator_sim");
    let mut numbers = Numbers(81);
    for width in 1..=17 {
        let input = if width % 3 == 0 { Input::Coefficients } else { Input::Values };
        for salts in [4, 1 + width % 8] {
            assert_eq!(commit_salted(&device, &mut numbers, (6, 2, width), salts, input), 1);
        }
    }
    assert_eq!(commit_salted(&device, &mut numbers, (12, 3, 2), 4, Input::Values), 1, "read back");
    assert_eq!(commit_salted(&device, &mut numbers, (12, 3, 8), 4, Input::Values), 1, "read back");
}

#[test]
fn a_small_board_keeps_small_tables_and_reads_others_back() {
    let device = device("accelerator_small");
    let mut numbers = Numbers(78);
    assert_eq!(device.identity().commit_log, 8);
    for width in [1, 4, 5, 8, 13, 24, 31] {
        assert_eq!(commit(&device, &mut numbers, (7, 1, width), Input::Values), 1);
        assert_eq!(commit(&device, &mut numbers, (7, 2, width), Input::Values), 1);
        assert_eq!(commit_salted(&device, &mut numbers, (7, 2, width), 4, Input::Values), 1);
    }
}

/// The smallest preset with both engines as it is emitted: its own multipliers, a shared one in the transform, butterflies
/// that stages share, units with one S-box. Commitments on chip, salted, read back, and each time extension and tree alone.
#[test]
fn the_smallest_preset_works_as_a_whole() {
    let device = device("accelerator_ecp5_85");
    let preset = device.identity();
    let kept = preset.commit_log;
    let mut numbers = Numbers(82);
    for (log_n, log_blowup, width, salts) in
        [(kept - 1, 1, 9, 0), (kept - 2, 1, 5, 4), (kept, 1, 3, 0), (preset.max_log, 0, 2, 0)]
    {
        let shape = (log_n, log_blowup, width);
        assert_eq!(commit_salted(&device, &mut numbers, shape, salts, Input::Values), 1);
    }
    drop(device);
    equal_to_two_jobs("accelerator_ecp5_85", links()[1], 6, 6);
}

/// The smallest part has no transform: it makes trees.
#[test]
fn a_board_that_only_hashes() {
    let device = device("accelerator_ecp5_45");
    let mut numbers = Numbers(83);
    for (log_rows, width) in [(0, 9), (3, 4), (5, 8), (7, 21)] {
        let rows: Vec<Vec<u64>> = (0..1 << log_rows).map(|_| numbers.words(width)).collect();
        let wanted: Vec<Vec<F>> =
            rows.iter().map(|row| row.iter().map(|&word| F::from_noncanonical_u64(word)).collect()).collect();
        let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: log_rows }).unwrap();
        assert!(tree.digests() == digests(&wanted, log_rows), "2^{log_rows} rows of {width}");
    }
}

#[test]
fn the_multipliers_are_kept_busy() {
    let device = device("accelerator_sim");
    let mut numbers = Numbers(79);
    let columns: Vec<Vec<u64>> = (0..64).map(|_| numbers.words(1 << 10)).collect();
    let request = LdeRequest { columns: &columns, input: Input::Values, log_blowup: 1, shift: 7, coefficients: true };
    for (levels, least) in [(0, 0.93), (7, 0.90)] {
        let before = device.offload();
        device.commit(&request, &[], levels).unwrap();
        let done = device.offload() - before;
        let multipliers = u64::from(device.identity().poseidon_multipliers);
        let share = (done.permutations * 472) as f64 / (done.cycles * multipliers) as f64;
        assert!(share > least, "{share} of the multipliers' cycles with {levels} levels");
    }
}

#[test]
fn refused_commitments_leave_the_board_usable() {
    refused("accelerator_small");
}

/// A word a cycle instead of a beat.
#[test]
fn refused_commitments_leave_a_narrow_board_usable() {
    refused("accelerator_ecp5_85");
}

fn refused(model: &str) {
    let board = Board::open(function(model, links()[1])).unwrap();
    let cosets = board.identity().max_log_cosets as u8;
    let mut numbers = Numbers(80);
    let transform =
        TransformShape { panels: 2, log_n: 5, log_cosets: 1, flags: 7, src_stride: 32, dst_stride: 96, log_inner: 0 };
    let shape = CommitShape { transform, width: 13, levels: 6, salts: 0 };
    let case = Case::new(&board, shape, &mut numbers);
    let good = case.commit();
    board.submit_and_wait_for(&[good], LONG).unwrap();
    let wanted = words(&case.dst);
    let panels = 2 * 96;
    for (what, job, code) in [
        ("too many salts", Descriptor { salts: 9, ..good }, Error::BadShape),
        ("no salts where they should be", Descriptor { salts: 3, ..good }, Error::OutOfWindow),
        ("too long a transform", Descriptor { log_n: 10, log_cosets: 0, ..good }, Error::BadShape),
        ("too many cosets", Descriptor { log_n: 1, log_cosets: cosets + 1, ..good }, Error::BadShape),
        ("no values", Descriptor { flags: 5, log_cosets: 0, ..good }, Error::BadShape),
        ("no flags", Descriptor { flags: 0, ..good }, Error::BadShape),
        ("unknown flags", Descriptor { flags: 15, ..good }, Error::BadShape),
        ("a pass across", Descriptor { flags: 10, log_cosets: 0, log_inner: 1, ..good }, Error::BadShape),
        ("tables of its own", Descriptor { flags: 18, ..good }, Error::BadShape),
        ("neighbouring rows", Descriptor { log_inner: 1, ..good }, Error::BadShape),
        ("no columns", Descriptor { width: 0, ..good }, Error::BadShape),
        ("too few panels", Descriptor { width: 17, ..good }, Error::BadShape),
        ("too many panels", Descriptor { width: 8, ..good }, Error::BadShape),
        ("no panels", Descriptor { rows: 0, ..good }, Error::BadShape),
        ("more levels than rows", Descriptor { levels: 7, ..good }, Error::BadShape),
        ("levels without end", Descriptor { levels: 255, ..good }, Error::BadShape),
        ("misaligned tables", Descriptor { param: good.param + 8, ..good }, Error::Misaligned),
        ("no room for the digests", Descriptor { dst_beats: panels, ..good }, Error::OutOfWindow),
        ("no room for the last digest", Descriptor { dst_beats: good.dst_beats - 1, ..good }, Error::OutOfWindow),
        ("no room for panels", Descriptor { dst_beats: 3, ..good }, Error::OutOfWindow),
        ("too little input", Descriptor { src_beats: 40, ..good }, Error::OutOfWindow),
        ("a source that is not mapped", Descriptor { src: 1 << 62, ..good }, Error::ReadError),
        ("tables that are not mapped", Descriptor { param: 1 << 62, ..good }, Error::ReadError),
        ("leaves that cannot be written", Descriptor { dst: 1 << 62, levels: 0, ..good }, Error::WriteError),
        // What is not written cannot be read back: the write is named.
        ("a tree that cannot be written", Descriptor { dst: 1 << 62, ..good }, Error::WriteError),
    ] {
        match board.submit_unchecked(&[job], LONG) {
            Err(DriverError::Job(error)) => assert_eq!(error.code, code, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        case.dst.write_words(0, &vec![UNTOUCHED; wanted.len()]).unwrap();
        board.submit_and_wait_for(&[good], LONG).unwrap();
        assert!(words(&case.dst) == wanted, "after {what}");
    }
}
