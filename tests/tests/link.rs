//! Preset `link`: bus and rings without engines.

use std::{sync::Arc, time::Duration};

use hotloop::{Check, Device, GrindRequest, HotloopError, LinkOptions, SimFunction, SimOptions};
use hotloop_driver::{CommitShape, Descriptor, DriverError, HashShape, TransformShape, Window};
use hotloop_regs::{descriptor::FLAG_FORWARD, Error};

fn device(link: LinkOptions) -> Device {
    let mut options = hotloop_plonky2::options();
    options.check = Check::Off;
    let function = SimFunction::open(&SimOptions { link, ..SimOptions::preset("link") }).unwrap();
    Device::from_function(Arc::new(function), options).unwrap()
}

fn beats(count: u64) -> Vec<[u64; 8]> {
    (0..count).map(|i| std::array::from_fn(|k| (i << 8 | k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
}

#[test]
fn it_says_what_it_lacks() {
    let device = device(LinkOptions::default());
    let identity = device.identity();
    assert_eq!(identity.preset, "link");
    assert_eq!((identity.lanes, identity.max_log, identity.max_log_cosets, identity.ntt_multipliers), (0, 0, 0, 0));
    assert_eq!((identity.poseidon_units, identity.poseidon_full_sboxes, identity.poseidon_partial_sboxes), (0, 0, 0));
    assert_eq!((identity.poseidon_multipliers, identity.tile_rows, identity.commit_log), (0, 0, 0));
    assert_eq!((identity.fold_max_log, identity.fold_multipliers), (0, 0));
    let column = [vec![1u64; 8]];
    let grind = GrindRequest {
        state: [1; 12],
        position: 0,
        output_word: 7,
        bits: 1,
        zeros: hotloop::Zeros::Leading,
        start: 0,
        tries: 9,
    };
    let before = device.counters().unwrap().jobs;
    for (engine, result) in [
        ("transform", device.forward(&column, 7).map(drop)),
        ("Poseidon", device.hash_leaves(hotloop::Leaves::Columns(&column)).map(drop)),
        ("Poseidon", device.permute(&mut [[0; 12]])),
        ("Poseidon", device.grind(&grind).map(drop)),
        ("folding", device.fold([&column[0], &column[0]], [1, 0], 1).map(drop)),
    ] {
        match result {
            Err(error @ HotloopError::MissingEngine { engine: missing, .. }) => {
                assert_eq!(missing, engine);
                assert!(error.to_string().contains("preset `link`"), "{error}");
            }
            other => panic!("{engine}: {other:?}"),
        }
    }
    assert_eq!(device.counters().unwrap().jobs, before, "refused before the doorbell");
}

#[test]
fn opcodes_without_an_engine_are_refused_by_the_board_and_the_driver() {
    let device = device(LinkOptions { stall_seed: Some(3), ..LinkOptions::default() });
    let (board, set) = (device.board(), device.set());
    let buffer = board.alloc(64 * 64).unwrap();
    let whole = buffer.window_at(0, 64).unwrap();
    let good = Descriptor::loopback(set, whole, whole, 8);
    let transform = TransformShape {
        panels: 1,
        log_n: 2,
        log_cosets: 0,
        log_inner: 0,
        flags: FLAG_FORWARD,
        src_stride: 4,
        dst_stride: 4,
    };
    let jobs = [
        Descriptor::permute(set, whole, whole, 1),
        Descriptor::hash(set, whole, whole, HashShape { rows: 4, width: 8, levels: 1, src_stride: 4 }),
        Descriptor::grind(set, whole.iova, Window { beats: 1, ..whole }),
        Descriptor::transform(set, whole, whole, whole.iova, transform),
        Descriptor::fold(set, whole, whole, whole.iova, 1, 1),
        Descriptor::commit(set, whole, whole, whole.iova, CommitShape { transform, width: 8, levels: 1, salts: 0 }),
    ];
    for job in jobs {
        match board.submit_unchecked(&[job], Duration::from_secs(20)) {
            Err(DriverError::Job(error)) => assert_eq!(error.code, Error::BadOpcode, "{job:?}"),
            other => panic!("{job:?}: {other:?}"),
        }
        match board.submit_and_wait(&[job]) {
            Err(DriverError::Invalid(error)) => assert_eq!(error.field, "opcode", "{error}"),
            other => panic!("{job:?}: {other:?}"),
        }
        board.submit_and_wait(&[good]).unwrap();
    }
}

/// A beat a cycle each way, whatever the link's latency, as bursts enough are under way.
#[test]
fn loopback_moves_a_beat_a_cycle_each_way() {
    const BEATS: u64 = 1 << 14;
    let beats = beats(BEATS);
    for latency in [0, 100, 400] {
        let device = device(LinkOptions { read_latency: latency, ..LinkOptions::default() });
        let before = device.offload().cycles;
        assert_eq!(device.loopback(&beats).unwrap(), beats);
        let cycles = device.offload().cycles - before;
        let way = 64 + u64::from(latency);
        assert!((BEATS..=BEATS + way).contains(&cycles), "{cycles} cycles for {BEATS} beats at latency {latency}");
    }
    let device = device(LinkOptions { read_latency: 30, stall_seed: Some(9), ..LinkOptions::default() });
    for count in [1, 2, 63, 64, 65, 1000] {
        assert_eq!(device.loopback(&beats[..count]).unwrap(), beats[..count]);
    }
}
