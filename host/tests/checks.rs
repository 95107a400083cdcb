//! A board that lies is found out, and a board that fails is reset.

use std::{
    ops::RangeInclusive,
    sync::{
        atomic::{AtomicI64, AtomicU64, Ordering},
        Arc,
    },
};

use hotloop::{
    Check, Device, GrindRequest, HotloopError, Input, LdeRequest, Leaves, Options, Reference, TreeRequest, Zeros,
    STATE_WORDS,
};
use hotloop_driver::{Descriptor, DmaMemory, EventFd, FunctionError, PciFunction};
use hotloop_regs::map;
use hotloop_tests::model::{FunctionalBoard, Mischief};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        types::{Field, PrimeField64},
    },
    hash::poseidon::Poseidon,
};

struct Plonky2;

impl Reference for Plonky2 {
    fn permute(&self, state: &mut [u64; STATE_WORDS]) {
        *state = F::poseidon(state.map(F::from_noncanonical_u64)).map(|word| word.to_canonical_u64());
    }
}

fn options(check: Check) -> Options {
    Options { check, reference: Some(Arc::new(Plonky2)), ..Options::default() }
}

/// Changes one word of every result.
struct Liar {
    board: FunctionalBoard,
    ring: AtomicU64,
    taken: AtomicU64,
    /// Word of the output window to change; none below 0.
    word: AtomicI64,
}

impl Liar {
    fn lie(&self, tail: u64) {
        let word = self.word.load(Ordering::Relaxed);
        let first = self.taken.swap(tail, Ordering::Relaxed);
        let Ok(word) = u64::try_from(word) else { return };
        // The pool's first region begins with the rings, and all buffers of these tests are in it.
        let base = self.board.mappings()[0].0;
        let memory = self.board.memory_at(base).expect("mapped");
        for entry in first..tail {
            let mut words = [0; 8];
            let at = self.ring.load(Ordering::Relaxed) + entry % 256 * 64 - base;
            memory.read_words(at, &mut words).expect("in the ring");
            let at = Descriptor::from_words(words).dst - base + word * 8;
            let mut value = [0];
            memory.read_words(at, &mut value).expect("in the window");
            memory.write_words(at, &[value[0] ^ 1]).expect("in the window");
        }
    }
}

impl PciFunction for Liar {
    fn name(&self) -> String {
        "liar".into()
    }
    fn config_read(&self, offset: u16, data: &mut [u8]) -> Result<(), FunctionError> {
        self.board.config_read(offset, data)
    }
    fn config_write(&self, offset: u16, data: &[u8]) -> Result<(), FunctionError> {
        self.board.config_write(offset, data)
    }
    fn region_bytes(&self, bar: u8) -> u64 {
        self.board.region_bytes(bar)
    }
    fn region_read(&self, bar: u8, offset: u64, data: &mut [u8]) -> Result<(), FunctionError> {
        self.board.region_read(bar, offset, data)
    }
    fn region_write(&self, bar: u8, offset: u64, data: &[u8]) -> Result<(), FunctionError> {
        self.board.region_write(bar, offset, data)?;
        let value = data.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let base = u64::from(map::SQ_BASE.offset);
        if offset == base {
            self.ring.store(value, Ordering::Relaxed);
        } else if offset == base + 4 {
            self.ring.fetch_or(value << 32, Ordering::Relaxed);
        } else if offset == u64::from(map::SQ_TAIL.offset) {
            self.lie(value);
        }
        Ok(())
    }
    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        self.board.iova_ranges()
    }
    fn dma_map(&self, iova: u64, memory: &Arc<DmaMemory>) -> Result<(), FunctionError> {
        self.board.dma_map(iova, memory)
    }
    fn dma_unmap(&self, iova: u64, bytes: u64) -> Result<(), FunctionError> {
        self.board.dma_unmap(iova, bytes)
    }
    fn irq_enable(&self, vectors: u16) -> Result<Vec<EventFd>, FunctionError> {
        self.board.irq_enable(vectors)
    }
    fn reset(&self) -> Result<(), FunctionError> {
        self.board.reset()
    }
}

fn liar(check: Check) -> (Arc<Liar>, Device) {
    let liar = Arc::new(Liar {
        board: FunctionalBoard::new(),
        ring: AtomicU64::new(0),
        taken: AtomicU64::new(0),
        word: AtomicI64::new(-1),
    });
    let device = Device::from_function(liar.clone(), options(check)).expect("the model opens");
    (liar, device)
}

/// Lies at each of the `words`, and each time `job` must be refused; then the truth, which must not.
fn found_out<T>(check: Check, words: impl IntoIterator<Item = i64>, job: impl Fn(&Device) -> hotloop::Result<T>) {
    let (liar, device) = liar(check);
    for word in words {
        liar.word.store(word, Ordering::Relaxed);
        match job(&device) {
            Err(HotloopError::CheckFailed { .. }) => {}
            Err(other) => panic!("word {word}: {other}"),
            Ok(_) => panic!("word {word}: not found"),
        }
    }
    liar.word.store(-1, Ordering::Relaxed);
    assert!(job(&device).is_ok(), "the truth is believed");
}

/// Columns of 16 rows: whichever value is wrong, every check finds it.
#[test]
fn wrong_evaluations_are_found() {
    let columns: Vec<Vec<u64>> = (0..8).map(|c| (0..16).map(|i| c * 1000 + i * i).collect()).collect();
    let request = |input, coefficients| LdeRequest { columns: &columns, input, log_blowup: 1, shift: 7, coefficients };
    for check in [Check::Spot, Check::Full] {
        found_out(check, 0..8 * 48, |device| device.lde(&request(Input::Values, true)));
        found_out(check, 0..8 * 32, |device| device.lde(&request(Input::Coefficients, false)));
        found_out(check, 0..8 * 16, |device| device.inverse(&columns, 7));
    }
}

#[test]
fn wrong_digests_states_and_nonces_are_found() {
    let rows: Vec<Vec<u64>> = (0..16).map(|i| vec![i; 9]).collect();
    let tree = |device: &Device| device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: 4 });
    found_out(Check::Full, 0..31 * 4, tree);
    // The root is on every path.
    found_out(Check::Spot, 30 * 4..31 * 4, tree);
    // Four leaves are all looked at.
    found_out(Check::Spot, 0..7 * 4, |device| device.tree(TreeRequest { leaves: Leaves::Rows(&rows[..4]), levels: 2 }));
    found_out(Check::Spot, 0..12, |device| device.permute(&mut [[5; STATE_WORDS]; 2]));
    found_out(Check::Spot, 0..8, |device| device.loopback(&[[1; 8]]));
    for zeros in [Zeros::Leading, Zeros::Trailing] {
        let (state, position, output_word) = ([3; 12], 2, 7);
        let request = GrindRequest { state, position, output_word, bits: 8, zeros, start: 0, tries: 1 << 20 };
        found_out(Check::Spot, [1], |device| device.grind(&request));
        found_out(Check::Full, [1], |device| device.grind(&request));
    }
}

#[test]
fn unchecked_lies_are_believed() {
    let (liar, device) = liar(Check::Off);
    liar.word.store(0, Ordering::Relaxed);
    device.forward(&[vec![1u64; 8]], 7).expect("nobody looked");
}

#[test]
fn a_board_that_fails_takes_the_next_job() {
    let board = FunctionalBoard::new();
    let device = Device::from_function(Arc::new(board.clone()), options(Check::Spot)).expect("the model opens");
    let columns = [vec![1u64; 8]];
    for mischief in [Mischief::Fault(18), Mischief::WrongTag, Mischief::Garbage(u64::MAX)] {
        board.inject(mischief);
        assert!(matches!(device.forward(&columns, 7), Err(HotloopError::Driver(_))), "{mischief:?}");
        device.forward(&columns, 7).expect("works again");
    }
    board.inject(Mischief::Garbage(1 << 33));
    device.forward(&columns, 7).expect_err("a job in error");
    device.forward(&columns, 7).expect("works again");
}
