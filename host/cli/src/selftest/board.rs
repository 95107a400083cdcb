//! What every board has: registers, loopback, refusals, counters.

use std::time::Duration;

use hotloop::{Device, STATE_WORDS};
use hotloop_driver::{Descriptor, DriverError, HashShape, TransformShape, Window};
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_FORWARD},
    map, Error as JobCode,
};

use super::{text, Answer};
use crate::random::words;

pub fn registers(device: &Device) -> Answer {
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

pub fn loopback(device: &Device) -> Answer {
    let words = words(8 * 1500);
    let beats: Vec<[u64; 8]> = words.chunks(8).map(|b| std::array::from_fn(|i| b[i])).collect();
    device.loopback(&beats).map_err(text)?;
    Ok(format!("{} beats", beats.len()))
}

pub fn refusals(device: &Device) -> Answer {
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

pub fn counters(device: &Device) -> Answer {
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
