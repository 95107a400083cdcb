//! The real accelerator behind the driver: that board, driver and bus fit together. What it computes is tested in
//! tests/.
#![cfg(verilated)]

use std::sync::Arc;

use hotloop_driver::{Board, CommitShape, Descriptor, TransformShape};
use hotloop_regs::ParameterSet;
use hotloop_sim::{presets, LinkOptions, PcieLink, SimFunction, SimOptions, TraceOptions};

const BEATS: u32 = 200;

/// Loopback jobs in one batch, then one alone; their cycle counts.
fn loopback(options: &SimOptions) -> Vec<u64> {
    let board = Board::open(Arc::new(SimFunction::open(options).unwrap())).unwrap();
    let bytes = u64::from(BEATS) * 64;
    let (source, target) = (board.alloc(3 * bytes).unwrap(), board.alloc(3 * bytes).unwrap());
    let pattern: Vec<u64> = (0..3 * bytes / 8).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    source.write_words(0, &pattern).unwrap();
    let job = |i: u64| {
        let from = source.window_at(i * bytes, BEATS).unwrap();
        Descriptor::loopback(ParameterSet::Plonky2V1, from, target.window_at(i * bytes, BEATS).unwrap(), BEATS)
    };
    let mut results = board.submit_and_wait(&[job(0), job(1)]).unwrap();
    results.extend(board.submit_and_wait(&[job(2)]).unwrap());
    let mut found = vec![0; pattern.len()];
    target.read_words(0, &mut found).unwrap();
    assert!(found == pattern);
    results.iter().map(|r| r.cycles).collect()
}

#[test]
fn loopback_under_every_link_and_the_same_cycles_each_time() {
    assert!(presets().contains(&"sim".to_owned()));
    let mut fastest = u64::MAX;
    let pcie: Option<PcieLink> = Some("gen3x8,latency=300".parse().unwrap());
    for (read_latency, stall_seed, pcie) in [
        (0, None, None),
        (100, None, None),
        (0, Some(1), None),
        (30, Some(2), None),
        (0, None, pcie),
        (9, Some(3), pcie),
    ] {
        let link = LinkOptions { read_latency, stall_seed, pcie, ..LinkOptions::default() };
        let options = SimOptions { link, ..SimOptions::preset("sim") };
        let cycles = loopback(&options);
        assert_eq!(loopback(&options), cycles);
        fastest = fastest.min(cycles[0]);
    }
    assert!(fastest < 3 * u64::from(BEATS), "{fastest} cycles for {BEATS} beats");
}

#[test]
fn a_waveform_of_a_job() {
    let path = std::env::temp_dir().join(format!("hotloop-accelerator-{}.vcd", std::process::id()));
    let trace = TraceOptions { path: path.clone(), from: 100, cycles: 20 };
    loopback(&SimOptions { trace: Some(trace), ..SimOptions::preset("sim") });
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with('#')).count(), 40);
}

/// A loopback of 1 MiB goes both ways at once: its own counters say how near the wire's limit it came.
#[test]
fn a_long_loopback_fills_the_link() {
    for name in ["gen3x8", "gen3x8,payload=512,request=4096", "gen3x4", "gen2x8", "gen3x8,latency=2000"] {
        let pcie: PcieLink = name.parse().unwrap();
        let link = LinkOptions { pcie: Some(pcie), ..LinkOptions::default() };
        let options = SimOptions { link, ..SimOptions::preset("sim") };
        let board = Board::open(Arc::new(SimFunction::open(&options).unwrap())).unwrap();
        let beats = 1 << 14;
        let (source, target) = (board.alloc(1 << 20).unwrap(), board.alloc(1 << 20).unwrap());
        let job = Descriptor::loopback(ParameterSet::Plonky2V1, source.window(), target.window(), beats);
        let before = board.counters().unwrap();
        let cycles = board.submit_and_wait(&[job]).unwrap()[0].cycles;
        let after = board.counters().unwrap();
        for (what, bytes) in
            [("read", after.bytes_read - before.bytes_read), ("written", after.bytes_written - before.bytes_written)]
        {
            let share = bytes as f64 / cycles as f64 / pcie.payload_limit();
            println!("{name}: {bytes} bytes {what} in {cycles} cycles, {share:.3} of the payload limit");
            assert!((0.9..1.01).contains(&share), "{name}: {share} of the limit");
        }
    }
}

/// The engine that a commitment takes its time for is kept busy over a link, too: 2^12 rows of 64 columns, twice as many
/// leaves, the tree to its root.
#[test]
fn a_commitment_over_a_link_keeps_poseidon_busy() {
    let pcie: PcieLink = "gen3x8,latency=1000,clock=250".parse().unwrap();
    let link = LinkOptions { pcie: Some(pcie), ..LinkOptions::default() };
    let board = SimFunction::open(&SimOptions { link, ..SimOptions::preset("sim") }).unwrap();
    let board = Board::open(Arc::new(board)).unwrap();
    let (rows, panels, leaves) = (1 << 12, 8u32, 1 << 13);
    let tables = 2 * hotloop_regs::scale_table_beats(12);
    let output = panels * (rows + leaves);
    let digests = leaves;
    let buffer = |beats: u32| board.alloc(u64::from(beats) * 64).unwrap();
    let (source, target, param) = (buffer(panels * rows), buffer(output + digests), buffer(tables));
    let shape = CommitShape {
        // Values in; coefficients and two cosets out.
        transform: TransformShape {
            panels,
            log_n: 12,
            log_cosets: 1,
            flags: 7,
            src_stride: rows,
            dst_stride: rows + leaves,
            log_inner: 0,
        },
        width: 64,
        levels: 13,
        salts: 0,
    };
    let job = Descriptor::commit(ParameterSet::Plonky2V1, source.window(), target.window(), param.iova(), shape);
    let cycles = board.submit_and_wait(&[job]).unwrap()[0].cycles;
    let permutations = board.counters().unwrap().permutations;
    assert_eq!(permutations, u64::from(leaves) * 8 + u64::from(leaves) - 1);
    let multipliers = u64::from(board.identity().poseidon_multipliers);
    let busy = (permutations * 472) as f64 / (cycles * multipliers) as f64;
    println!("{cycles} cycles over {pcie}: Poseidon busy {busy:.3}");
    assert!(busy >= 0.85, "{busy}");
}
