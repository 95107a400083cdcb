//! What every [`PciFunction`] with a Hotloop board behind it must do, whichever way leads there.
//!
//! Every check opens the function anew, and leaves it usable.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hotloop_driver::{
    Board, BoardOptions, Descriptor, DmaBuf, DmaMemory, DriverError, FunctionError, JobError, PciFunction, PoolOptions,
    Window,
};
use hotloop_regs::{map, Error, Fault, ParameterSet, BAR0_BYTES, MSIX_VECTORS, PCI_DEVICE_ID, PCI_VENDOR_ID};

use crate::leaks::Held;

/// Opens the function under test.
pub type Open<'a> = &'a dyn Fn() -> Result<Arc<dyn PciFunction>, FunctionError>;
/// Why a check failed.
pub type Checked = Result<(), String>;
/// A check and its name.
pub type Check = (&'static str, fn(Open<'_>) -> Checked);

/// All checks.
pub const CHECKS: &[Check] = &[
    ("identity and capabilities", identity),
    ("registers", registers),
    ("accesses outside are refused", outside),
    ("memory disabled reads as ones", memory_disabled),
    ("mappings", mappings),
    ("a job with its interrupt", job),
    ("DMA outside the mapped memory", unmapped),
    ("DMA after unmap", after_unmap),
    ("no DMA without bus master", bus_master),
    ("a doorbell with garbage", garbage),
    ("reset during a job", reset_during_job),
    ("reset is power-up with mappings", reset),
    ("nothing is left behind", leaks),
];

/// Long enough never to pass where an answer comes.
const LONG: Duration = Duration::from_secs(120);

/// Runs all checks, and says how each went.
pub fn run(open: Open<'_>, mut say: impl FnMut(&str)) -> Result<(), String> {
    for (name, check) in CHECKS {
        let start = Instant::now();
        check(open).map_err(|reason| format!("{name}: {reason}"))?;
        say(&format!("{name}: ok ({:.1} ms)", start.elapsed().as_secs_f64() * 1e3));
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Checked {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:x?}, wanted {wanted:x?}"))
}

fn refused<T>(what: &str, result: Result<T, FunctionError>, kind: fn(&FunctionError) -> bool) -> Checked {
    match result {
        Err(error) if kind(&error) => Ok(()),
        Err(error) => Err(format!("{what} gives another error: {error}")),
        Ok(_) => Err(format!("{what} is not refused")),
    }
}

fn config(f: &dyn PciFunction, offset: u16, bytes: usize) -> Result<u32, String> {
    let mut data = [0; 4];
    f.config_read(offset, &mut data[..bytes]).map_err(text)?;
    Ok(u32::from_le_bytes(data))
}

fn read(f: &dyn PciFunction, offset: u32) -> Result<u32, String> {
    let mut data = [0; 4];
    f.region_read(0, offset.into(), &mut data).map_err(text)?;
    Ok(u32::from_le_bytes(data))
}

fn write(f: &dyn PciFunction, offset: u32, value: u32) -> Checked {
    f.region_write(0, offset.into(), &value.to_le_bytes()).map_err(text)
}

fn enable(f: &dyn PciFunction) -> Checked {
    f.config_write(4, &[6, 0]).map_err(text)
}

fn identity(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    expect("vendor", config(&*f, 0, 2)?, PCI_VENDOR_ID.into())?;
    expect("device", config(&*f, 2, 2)?, PCI_DEVICE_ID.into())?;
    expect("bytes of BAR0", f.region_bytes(0), BAR0_BYTES)?;
    expect("bytes of BAR2", f.region_bytes(2), 0)?;
    let (mut found, mut at) = (Vec::new(), config(&*f, 0x34, 1)? as u16);
    while at != 0 && found.len() < 48 {
        found.push(config(&*f, at, 1)?);
        at = config(&*f, at + 1, 1)? as u16;
    }
    let has = |capability: u32| found.contains(&capability);
    expect("MSI-X among the capabilities", has(0x11), true)
}

fn registers(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    enable(&*f)?;
    expect("MAGIC", read(&*f, map::MAGIC.offset)?, hotloop_regs::MAGIC)?;
    for value in [0xffff_ffff, 0, 0x1234_5678] {
        write(&*f, map::SCRATCH.offset, value)?;
        expect("SCRATCH", read(&*f, map::SCRATCH.offset)?, value)?;
    }
    write(&*f, map::MAGIC.offset, 7)?;
    expect("MAGIC after a write", read(&*f, map::MAGIC.offset)?, hotloop_regs::MAGIC)
}

fn outside(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    enable(&*f)?;
    let is = |e: &FunctionError| matches!(e, FunctionError::OutOfRange { .. });
    for (bar, offset, bytes) in [(0, 2, 4), (0, 4, 8), (0, 0, 3), (0, BAR0_BYTES, 4), (0, !3, 4), (2, 0, 4), (9, 0, 4)]
    {
        let mut data = vec![0; bytes];
        refused("a read outside", f.region_read(bar, offset, &mut data), is)?;
        refused("a write outside", f.region_write(bar, offset, &data), is)?;
    }
    refused("a read behind configuration space", f.config_read(4095, &mut [0; 4]), is)?;
    let asked = f.irq_enable(u16::MAX);
    refused("too many vectors", asked, |e| matches!(e, FunctionError::Interrupts { asked: u16::MAX, .. }))
}

fn memory_disabled(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    enable(&*f)?;
    write(&*f, map::SCRATCH.offset, 7)?;
    f.config_write(4, &[4]).map_err(text)?;
    expect("SCRATCH with memory disabled", read(&*f, map::SCRATCH.offset)?, u32::MAX)?;
    write(&*f, map::SCRATCH.offset, 8)?;
    enable(&*f)?;
    expect("SCRATCH with memory enabled again", read(&*f, map::SCRATCH.offset)?, 7)
}

fn mappings(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    let memory = Arc::new(DmaMemory::new(4 * 4096).map_err(text)?);
    let at = 0x40_0000;
    f.dma_map(at, &memory).map_err(text)?;
    let is = |e: &FunctionError| matches!(e, FunctionError::Mapping { .. });
    for (what, iova) in [
        ("an overlap in front", at - 4096),
        ("an overlap behind", at + 3 * 4096),
        ("the same again", at),
        ("a crooked address", at + 0x1_0800),
        ("the window of interrupts", 0xfee0_0000),
        ("the end of all addresses", u64::MAX - 4095),
    ] {
        refused(what, f.dma_map(iova, &memory), is)?;
    }
    refused("half of a mapping", f.dma_unmap(at, 2 * 4096), is)?;
    refused("no mapping", f.dma_unmap(at + 4096, 4096), is)?;
    f.dma_unmap(at, 4 * 4096).map_err(text)?;
    refused("a mapping that is gone", f.dma_unmap(at, 4 * 4096), is)?;
    f.dma_map(at, &memory).map_err(text)?;
    f.dma_unmap(at, 4 * 4096).map_err(text)
}

/// A board with small memory, so that a virtual IOMMU has little to map.
fn board(open: Open<'_>) -> Result<(Arc<dyn PciFunction>, Board), String> {
    let f = open().map_err(text)?;
    let pool = PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() };
    let options = BoardOptions { pool, ..BoardOptions::default() };
    let board = Board::open_with(Arc::clone(&f), options).map_err(text)?;
    Ok((f, board))
}

fn buffer(board: &Board, beats: u32, seed: u64) -> Result<DmaBuf, String> {
    let buffer = board.alloc(u64::from(beats) * 64).map_err(text)?;
    let words: Vec<u64> = (0..u64::from(beats) * 8).map(|i| (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    buffer.write_words(0, &words).map_err(text)?;
    Ok(buffer)
}

fn words(buffer: &DmaBuf) -> Result<Vec<u64>, String> {
    let mut words = vec![0; (buffer.len() / 8) as usize];
    buffer.read_words(0, &mut words).map_err(text)?;
    Ok(words)
}

fn set(board: &Board) -> ParameterSet {
    board.identity().sets.first().copied().unwrap_or(ParameterSet::Plonky2V1)
}

/// A copy through the board; the contents are compared.
fn copy(board: &Board, beats: u32) -> Checked {
    let (src, dst) = (buffer(board, beats, 1)?, buffer(board, beats, 2)?);
    let job = Descriptor::loopback(set(board), src.window(), dst.window(), beats);
    board.submit_and_wait_for(&[job], LONG).map_err(text)?;
    expect("the copy is equal", words(&src)? == words(&dst)?, true)
}

fn job(open: Open<'_>) -> Checked {
    let (f, board) = board(open)?;
    for beats in [1, 64, 500] {
        copy(&board, beats)?;
    }
    expect("jobs counted", board.counters().map_err(text)?.jobs, 3)?;
    // Its own events in place of the board's: the interrupt of the next job comes here.
    let events = f.irq_enable(MSIX_VECTORS).map_err(text)?;
    copy(&board, 1)?;
    let came = events[0].wait(Duration::from_secs(20)).map_err(text)?;
    expect("an interrupt for completions", (came, events[0].try_take().map_err(text)?), (true, 1))?;
    expect("no interrupt for faults", events[1].try_take().map_err(text)?, 0)
}

fn unmapped(open: Open<'_>) -> Checked {
    let (_f, board) = board(open)?;
    let good = buffer(&board, 1, 1)?;
    let nowhere = Window { iova: 0x6000_0000, beats: 1 };
    for (from, to, wanted) in [(nowhere, good.window(), Error::ReadError), (good.window(), nowhere, Error::WriteError)]
    {
        let job = Descriptor::loopback(set(&board), from, to, 1);
        match board.submit_unchecked(&[job], LONG) {
            Err(DriverError::Job(JobError { index: 0, code })) if code == wanted => {}
            other => return Err(format!("{other:?}, not {}", wanted.name())),
        }
    }
    copy(&board, 4)
}

fn after_unmap(open: Open<'_>) -> Checked {
    let (f, board) = board(open)?;
    let memory = Arc::new(DmaMemory::new(4096).map_err(text)?);
    let at = Window { iova: 0x6000_0000, beats: 1 };
    let src = buffer(&board, 1, 1)?;
    let job = Descriptor::loopback(set(&board), src.window(), at, 1);
    f.dma_map(at.iova, &memory).map_err(text)?;
    board.submit_unchecked(&[job], LONG).map_err(text)?;
    let mut found = [0; 8];
    memory.read_words(0, &mut found).map_err(text)?;
    expect("what the board wrote", found.to_vec(), words(&src)?)?;
    f.dma_unmap(at.iova, 4096).map_err(text)?;
    memory.fill_zero(0, 4096).map_err(text)?;
    match board.submit_unchecked(&[job], LONG) {
        Err(DriverError::Job(JobError { code: Error::WriteError, .. })) => {}
        other => return Err(format!("{other:?} after the mapping was taken away")),
    }
    memory.read_words(0, &mut found).map_err(text)?;
    expect("memory after unmap", found, [0; 8])?;
    copy(&board, 4)
}

fn bus_master(open: Open<'_>) -> Checked {
    let (f, board) = board(open)?;
    let (src, dst) = (buffer(&board, 1, 1)?, buffer(&board, 1, 2)?);
    let before = words(&dst)?;
    f.config_write(4, &[2]).map_err(text)?;
    let job = Descriptor::loopback(set(&board), src.window(), dst.window(), 1);
    match board.submit_and_wait_for(&[job], Duration::from_millis(300)) {
        // The descriptor cannot be read: the board says so, or waits.
        Err(DriverError::Fault { .. } | DriverError::Timeout { .. }) => {}
        other => return Err(format!("{other:?} without bus master")),
    }
    expect("memory without bus master", words(&dst)?, before)?;
    board.reset().map_err(text)?;
    copy(&board, 4)
}

fn garbage(open: Open<'_>) -> Checked {
    let (_f, board) = board(open)?;
    // Two that no ring can be as full for; and one that makes all entries of the ring jobs, of which none was meant.
    for (tail, overflow) in [(0x7fff, true), (0x8000, true), (0x0101, false)] {
        board.bar().write(&map::SQ_TAIL, tail).map_err(text)?;
        let (src, dst) = (buffer(&board, 1, 1)?, buffer(&board, 1, 2)?);
        let job = Descriptor::loopback(set(&board), src.window(), dst.window(), 1);
        // A job that takes the place of one of these before the board has come to it is done; it cannot go on so.
        let mut jobs = (0..1000).map(|_| board.submit_and_wait_for(&[job], LONG));
        match jobs.find(|done| overflow || done.is_err()).unwrap_or(Ok(Vec::new())) {
            Err(error @ DriverError::Fault { .. }) if overflow && error.fault() == Some(Fault::RingOverflow) => {}
            Err(DriverError::Completion(_)) if !overflow => {}
            other => return Err(format!("{other:?} after {tail:#x} in SQ_TAIL")),
        }
        if !matches!(board.submit_and_wait_for(&[job], LONG), Err(DriverError::NeedsReset { .. })) {
            return Err("takes jobs after a fault".into());
        }
        board.reset().map_err(text)?;
        copy(&board, 4)?;
    }
    Ok(())
}

fn reset_during_job(open: Open<'_>) -> Checked {
    let (_f, board) = board(open)?;
    let (src, dst) = (buffer(&board, 4096, 1)?, buffer(&board, 4096, 2)?);
    let job = Descriptor::loopback(set(&board), src.window(), dst.window(), 4096);
    // More jobs than can be done by then, on any simulation.
    match board.submit_and_wait_for(&[job; 200], Duration::from_millis(1)) {
        Err(DriverError::Timeout { .. }) | Ok(_) => {}
        Err(other) => return Err(text(other)),
    }
    board.reset().map_err(text)?;
    expect("jobs after reset", board.counters().map_err(text)?.jobs, 0)?;
    copy(&board, 4)
}

fn reset(open: Open<'_>) -> Checked {
    let f = open().map_err(text)?;
    enable(&*f)?;
    let memory = Arc::new(DmaMemory::new(4096).map_err(text)?);
    f.dma_map(0x40_0000, &memory).map_err(text)?;
    write(&*f, map::SCRATCH.offset, 7)?;
    let events = f.irq_enable(MSIX_VECTORS).map_err(text)?;
    expect("events", events.len(), MSIX_VECTORS.into())?;
    f.reset().map_err(text)?;
    expect("the command register after reset", config(&*f, 4, 2)? & 6, 0)?;
    enable(&*f)?;
    expect("SCRATCH after reset", read(&*f, map::SCRATCH.offset)?, 0)?;
    refused("the mapping after reset", f.dma_map(0x40_0000, &memory), |e| matches!(e, FunctionError::Mapping { .. }))?;
    f.dma_unmap(0x40_0000, 4096).map_err(text)?;
    expect("interrupts after reset", events[0].try_take().map_err(text)?, 0)
}

fn leaks(open: Open<'_>) -> Checked {
    let once = || {
        let (_f, board) = board(open)?;
        copy(&board, 4)
    };
    once()?;
    // The other side may be in this process, and takes a moment to let go.
    std::thread::sleep(Duration::from_millis(300));
    let before = Held::now();
    for _ in 0..10 {
        once()?;
    }
    let start = Instant::now();
    while Held::now() != before && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    expect("what the process holds", Held::now(), before)
}
