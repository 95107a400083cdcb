//! The accelerator's own buses, driven port by port: registers, loopback through the data movers, every error and
//! fault, resets in mid-flight. The rules of AXI are watched in every cycle.

mod host;

use hotloop_regs::{map, Error, Fault, Opcode, MAGIC, MAP_HASH};
use rand::{rngs::StdRng, Rng, SeedableRng};

use host::{Host, BASE, CQ, CQ_LOG, END, SQ, SQ_LOG};

const SRC: u64 = BASE + (1 << 16);
const DST: u64 = BASE + (2 << 20);
const PACES: [u32; 3] = [100, 60, 15];

fn loopback(src: u64, dst: u64, rows: u64, src_beats: u64, dst_beats: u64) -> [u64; 8] {
    [Opcode::Loopback.code().into(), src, dst, src_beats | dst_beats << 32, 0, 0, rows, 0]
}

fn job() -> [u64; 8] {
    loopback(SRC, DST, 100, 100, 100)
}

fn fill(host: &mut Host, address: u64, beats: u64, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    host.slice(address, beats).iter_mut().for_each(|beat| *beat = rng.gen());
}

#[test]
fn registers() {
    let mut host = Host::new();
    assert_eq!(host.read(map::MAGIC), MAGIC.into());
    assert_eq!(host.read(map::MAP_HASH_REG), MAP_HASH);
    host.write(map::MAGIC, 0);
    assert_eq!(host.read(map::MAGIC), MAGIC.into(), "constant");
    host.write(map::SCRATCH, 0x1122_3344);
    host.write32(map::SCRATCH.offset, 0xaabb_ccdd, 0b0100);
    assert_eq!(host.read(map::SCRATCH), 0x11bb_3344, "byte strobes");
    assert_eq!(host.read32(0x7ffc), (2, 0), "unmapped");
    assert_eq!(host.write32(0x7ffc, 1, 15), 2, "unmapped");
    assert_eq!(host.read32(map::SCRATCH.offset + 2).0, 2, "misaligned");
    host.start();
    host.write(map::SQ_BASE, 0x1000);
    assert_eq!(host.read(map::SQ_BASE), SQ, "rings do not move while they run");
    host.reset();
    assert_eq!(host.read(map::SCRATCH), 0x11bb_3344, "a reset leaves it");
}

#[test]
fn loopback_moves_every_byte_and_no_other() {
    let mut host = Host::new();
    let mut rng = StdRng::seed_from_u64(7);
    for pace in PACES {
        host.pace = pace;
        host.start();
        let mut total = 0;
        let mut lengths = vec![1, 2, 3, 63, 64, 65, 127, 200, 1000, 4096];
        lengths.extend((0..10).map(|_| rng.gen_range(1..300)));
        for rows in lengths {
            let (src, dst) = (SRC + 64 * rng.gen_range(0..200), DST + 64 * rng.gen_range(1..200));
            fill(&mut host, src, rows, rows);
            host.slice(dst - 64, rows + 2).fill([0x5a; 8]);
            let completion = host.run(loopback(src, dst, rows, rows, rows));
            assert_eq!(completion.status, 0);
            let moved = host.slice(src, rows).to_vec();
            assert_eq!(host.slice(dst, rows), moved, "{rows} beats");
            assert_eq!((host.slice(dst - 64, 1)[0], host.slice(dst + 64 * rows, 1)[0]), ([0x5a; 8], [0x5a; 8]));
            if pace == 100 {
                // A beat a cycle, and what a job costs at all, whatever its length: twice eight cycles in which descriptor
                // and plan settle, and sixteen to begin, judge a segment, and bring a beat through movers and memory.
                assert!(completion.cycles <= rows + 32, "{} cycles for {rows} beats", completion.cycles);
            }
            total += rows;
        }
        assert_eq!(host.read(map::JOBS), 20);
        assert_eq!(host.read(map::BYTES_READ), 64 * (total + 20));
        assert_eq!(host.read(map::BYTES_WRITTEN), 64 * total + 16 * 20);
        host.reset();
        assert_eq!(host.read(map::JOBS), 0);
    }
}

#[test]
fn jobs_in_error_complete_and_harm_nothing() {
    let mut host = Host::new();
    for pace in PACES {
        host.pace = pace;
        host.start();
        fill(&mut host, SRC, 300, 3);
        let with = |change: &dyn Fn(&mut [u64; 8])| {
            let mut descriptor = job();
            change(&mut descriptor);
            descriptor
        };
        for (error, descriptor) in [
            (Error::BadOpcode, with(&|d| d[0] = 0)),
            (Error::BadOpcode, with(&|d| d[0] = 8)),
            (Error::BadSet, with(&|d| d[0] |= 3 << 8)),
            (Error::BadShape, with(&|d| d[6] = 0)),
            (Error::BadShape, with(&|d| (d[0], d[6]) = (2, 1 << 31))),
            (Error::BadShape, with(&|d| d[0] = 3)),
            (Error::BadShape, with(&|d| (d[0], d[6]) = (3, 12 | 8 << 32 | 3 << 48))),
            (Error::BadShape, with(&|d| (d[0], d[6]) = (3, 12 | 8 << 32 | 32 << 48))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 2 << 16, 14))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 2 << 16, 0))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 2 << 16, 4 | 5 << 8))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 5 << 16, 4 | 1 << 8))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 1 << 16, 4))),
            // A fold without an arity, one beyond 16, more input than can be counted.
            (Error::BadShape, with(&|d| (d[0], d[5]) = (7, 0))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (7, 5))),
            (Error::BadShape, with(&|d| (d[0], d[5], d[6]) = (7, 1, 1 << 28))),
            // An inverse across that gives nothing, turning panels (one too few, too long, too many at once, on cosets),
            // and a flag that does not exist.
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 9 << 16, 4))),
            (Error::BadShape, with(&|d| (d[0], d[5], d[6]) = (5 | 21 << 16, 4 | 1 << 16, 3))),
            (Error::BadShape, with(&|d| (d[0], d[5], d[6]) = (5 | 21 << 16, 13 | 1 << 16, 2))),
            (Error::BadShape, with(&|d| (d[0], d[5], d[6]) = (5 | 21 << 16, 4 | 7 << 16, 128))),
            (Error::BadShape, with(&|d| (d[0], d[5], d[6]) = (5 | 21 << 16, 4 | 1 << 8, 2))),
            (Error::BadShape, with(&|d| (d[0], d[5]) = (5 | 34 << 16, 4))),
            (Error::Misaligned, with(&|d| d[1] += 8)),
            (Error::Misaligned, with(&|d| d[2] += 32)),
            (Error::Misaligned, with(&|d| d[4] = 1)),
            (Error::OutOfWindow, loopback(u64::MAX - 255, DST, 100, 100, 100)),
            (Error::OutOfWindow, loopback(SRC, u64::MAX - 255, 100, 100, 0xffff_ffff)),
            (Error::OutOfWindow, loopback(SRC, DST, 100, 100, 99)),
            (Error::WriteError, loopback(SRC, 0x1000, 100, 100, 100)),
        ] {
            host.slice(DST, 100).fill([0x77; 8]);
            assert_eq!(host.error_of(descriptor), Some(error), "{descriptor:x?}");
            let written = host.slice(DST, 100).iter().any(|&b| b != [0x77; 8] && b != [0; 8]);
            assert!(!written, "{descriptor:x?}");
        }
        assert_eq!(host.error_of(loopback(SRC, DST, 100, 99, 100)), Some(Error::OutOfWindow));
        assert_eq!(host.slice(DST, 100), [[0; 8]; 100], "a refused segment reads as zero");
        let tail = END - 64 * 10;
        assert_eq!(host.error_of(loopback(tail, DST, 100, 100, 100)), Some(Error::ReadError));
        let held = host.slice(tail, 10).to_vec();
        assert_eq!(host.slice(DST, 10), held);
        assert_eq!(host.slice(DST + 640, 90), [[0; 8]; 90], "an unreadable beat is zero");
        assert_eq!(host.error_of(loopback(SRC, tail, 100, 100, 100)), Some(Error::WriteError));
        assert_eq!(host.error_of(job()), None, "the board stays usable");
        host.reset();
    }
}

#[test]
fn a_full_completion_ring_holds_jobs_back() {
    let mut host = Host::new();
    for pace in PACES {
        host.pace = pace;
        host.start();
        for _ in 0..20 {
            for i in 0..1 << SQ_LOG {
                let mut descriptor = loopback(SRC + 64 * i, DST + 640 * i, i + 1, i + 1, i + 1);
                descriptor[0] |= i << 32;
                host.push(descriptor);
            }
            host.doorbell();
            let mut tags = Vec::new();
            while tags.len() < 1 << SQ_LOG {
                host.settle();
                let before = tags.len();
                tags.extend(std::iter::from_fn(|| host.poll()).map(|c| c.tag));
                assert!((1..=1 << CQ_LOG).contains(&(tags.len() - before)), "{tags:?}");
                host.release();
            }
            assert_eq!(tags, (0..1 << SQ_LOG).collect::<Vec<u32>>());
        }
        host.reset();
    }
}

#[test]
fn faults_stop_the_rings_until_a_reset() {
    let mut host = Host::new();
    let good = SQ_LOG | CQ_LOG << 8;
    let fault = |host: &mut Host, fault: Fault| {
        host.settle();
        assert_eq!(host.read(map::STATUS), map::STATUS_FAULT.into());
        assert_eq!(host.read(map::FAULT_CODE), fault.code().into());
        assert_eq!(std::mem::take(&mut host.interrupts), [0, 1]);
        host.reset();
    };
    for (sq, cq, log) in [(SQ + 64, CQ, good), (SQ, CQ + 2048, good), (SQ, CQ, 13 << 8 | 3), (SQ, CQ, 2 << 8)] {
        host.enable(sq, cq, log);
        fault(&mut host, Fault::BadRing);
    }
    host.start();
    host.write(map::SQ_TAIL, (1 << SQ_LOG) + 1);
    fault(&mut host, Fault::RingOverflow);
    host.start();
    host.write(map::CQ_HEAD, 1);
    fault(&mut host, Fault::RingOverflow);
    host.enable(END, CQ, good);
    host.write(map::SQ_TAIL, 1);
    fault(&mut host, Fault::RingRead);
    host.enable(SQ, 0x1000, good);
    host.push(job());
    host.doorbell();
    fault(&mut host, Fault::RingWrite);
    host.start();
    assert_eq!(host.error_of(job()), None);
    assert_eq!(host.interrupts, [1, 0]);
}

/// 2^4 rows of 12 columns, blow-up 2, with coefficients: two panels, 32 leaves, 63 digests.
fn commitment(dst: u64) -> [u64; 8] {
    let tables = SRC + (1 << 16);
    let beats = 2 * 48 + 32;
    let opcode = u64::from(Opcode::Commit.code());
    [opcode | 7 << 16, SRC, dst, 32 | beats << 32, tables, 4 | 1 << 8, 2 | 12 << 32 | 5 << 48, 16 | 48 << 32]
}

#[test]
fn a_reset_amid_a_commitment_leaves_nothing() {
    let mut host = Host::new();
    let mut rng = StdRng::seed_from_u64(11);
    fill(&mut host, SRC, 2048, 6);
    host.start();
    assert_eq!(host.error_of(commitment(DST)), None);
    let wanted = host.slice(DST, 128).to_vec();
    let full = host.run(commitment(DST)).cycles;
    host.reset();
    for round in 0..60 {
        host.pace = PACES[round % 3];
        host.start();
        host.push(commitment(DST));
        host.doorbell();
        (0..rng.gen_range(0..full * 100 / u64::from(host.pace))).for_each(|_| host.step());
        host.reset();
        host.start();
        host.slice(DST, 128).fill([0; 8]);
        assert_eq!(host.error_of(commitment(DST)), None);
        assert!(host.slice(DST, 128) == wanted, "after a reset at pace {}", host.pace);
        host.reset();
    }
}

/// Any commitment of at most 2^6 leaves of 20 columns.
fn some_commitment(rng: &mut StdRng, dst: u64) -> ([u64; 8], u64) {
    let (log_n, log_blowup) = (rng.gen_range(1..=4), rng.gen_range(0..=2));
    let columns: u64 = rng.gen_range(1..=20);
    let (panels, n, leaves) = (columns.div_ceil(8), 1 << log_n, 1u64 << (log_n + log_blowup));
    let beats = panels * (n + leaves) + leaves;
    let shape = panels | columns << 32 | (log_n + log_blowup) << 48;
    let job = [log_n | log_blowup << 8, shape, n | (n + leaves) << 32];
    let opcode = u64::from(Opcode::Commit.code()) | 7 << 16;
    let windows = (panels * n) | beats << 32;
    ([opcode, SRC, dst, windows, SRC + (1 << 16), job[0], job[1], job[2]], beats)
}

/// Whatever the memory's latency and each channel's stalls, the results are those of a memory that is always ready.
#[test]
fn stalls_on_every_channel_change_nothing() {
    let mut host = Host::new();
    let mut rng = StdRng::seed_from_u64(hotloop_units::seed(12));
    fill(&mut host, SRC, 2048, 8);
    host.start();
    for _ in 0..hotloop_units::rounds(20, 1000) {
        let (descriptor, beats) = some_commitment(&mut rng, DST);
        host.wild = false;
        // The last digest may leave half a beat as it was.
        host.slice(DST, beats + 1).fill([0x33; 8]);
        assert_eq!(host.error_of(descriptor), None, "{descriptor:x?}");
        let wanted = host.slice(DST, beats).to_vec();
        host.wild = true;
        host.slice(DST, beats + 1).fill([0x33; 8]);
        assert_eq!(host.error_of(descriptor), None);
        assert!(host.slice(DST, beats) == wanted, "{descriptor:x?}");
        assert_eq!(host.slice(DST, beats + 1)[beats as usize], [0x33; 8]);

        let rows = rng.gen_range(1..400);
        let (src, dst) = (SRC + 64 * rng.gen_range(0..200), DST + 64 * rng.gen_range(1..200));
        host.slice(dst - 64, rows + 2).fill([0x5a; 8]);
        assert_eq!(host.error_of(loopback(src, dst, rows, rows, rows)), None);
        let moved = host.slice(src, rows).to_vec();
        assert_eq!(host.slice(dst, rows), moved, "{rows} beats");
        assert_eq!((host.slice(dst - 64, 1)[0], host.slice(dst + 64 * rows, 1)[0]), ([0x5a; 8], [0x5a; 8]));
    }
}

#[test]
fn a_reset_in_mid_flight_breaks_no_burst() {
    let mut host = Host::new();
    let mut rng = StdRng::seed_from_u64(9);
    fill(&mut host, SRC, 3000, 5);
    for round in 0..120 {
        host.pace = PACES[round % 3];
        host.start();
        host.push(loopback(SRC, DST, 3000, 3000, 3000));
        host.doorbell();
        (0..rng.gen_range(0..900)).for_each(|_| host.step());
        if round % 4 == 0 {
            // Memory that does not answer: the reset waits for it.
            host.frozen = true;
            host.write(map::CONTROL, map::CONTROL_RESET.into());
            (0..300).for_each(|_| host.step());
            assert_eq!(host.read(map::STATUS) & 1, 1);
            host.frozen = false;
            host.settle();
        }
        host.reset();
        host.start();
        host.slice(DST, 70).fill([0; 8]);
        assert_eq!(host.error_of(loopback(SRC, DST, 70, 70, 70)), None);
        let moved = host.slice(SRC, 70).to_vec();
        assert_eq!(host.slice(DST, 70), moved);
        host.reset();
    }
}
