//! The driver's way to a board's configuration flash, through the Verilated port, to a model of a flash.
#![cfg(verilated)]

use std::sync::{Arc, Mutex, PoisonError};

use hotloop_driver::flash::{BoardFlash, Doing, FlashError};
use hotloop_jtag::{SpiFlash, Wires};
use hotloop_sim::{open_sim, FlashChip, SimFunction, SimOptions};

const IDCODE: u32 = 0x1362_d093;
const SLOT: std::ops::Range<u64> = 0xa0_0000..0xa4_0000;

/// A chip that a test looks into, and the board with it.
struct Lab {
    chip: Arc<Mutex<SpiFlash>>,
    flash: BoardFlash,
}

impl Lab {
    fn new() -> Lab {
        let chip = Arc::new(Mutex::new(SpiFlash::new()));
        let options = SimOptions { part_idcode: IDCODE, ..SimOptions::preset("link") };
        let function = SimFunction::open_with(&options, Some(at_wires(&chip))).unwrap();
        Lab { chip, flash: BoardFlash::open(Arc::new(function)).unwrap() }
    }

    fn bytes(&self, at: u64, count: usize) -> Vec<u8> {
        self.chip.lock().unwrap().bytes()[at as usize..][..count].to_vec()
    }
}

fn at_wires(chip: &Arc<Mutex<SpiFlash>>) -> FlashChip {
    let chip = Arc::clone(chip);
    FlashChip(Box::new(move |pins| {
        let mut chip = chip.lock().unwrap_or_else(PoisonError::into_inner);
        chip.follow(Wires { select_n: pins.select_n, clock: pins.clock, input: pins.mosi })
    }))
}

/// Neither whole pages nor without pages of ones.
fn image(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| if (512..1024).contains(&i) { 0xff } else { (i * 31 + i / 256) as u8 }).collect()
}

#[test]
fn an_image_is_written_and_read_back() {
    let mut lab = Lab::new();
    assert_eq!((lab.flash.part_idcode(), lab.flash.chip().jedec), (IDCODE, [0xef, 0x40, 0x18]));
    assert_eq!(lab.flash.chip().bytes, 16 << 20);
    // What was in the slot, and what lies beside it.
    lab.chip.lock().unwrap().put(SLOT.start as usize, &[0x11; 70 << 10]);
    for beside in [SLOT.start - 300, SLOT.end] {
        lab.chip.lock().unwrap().put(beside as usize, &[0x22; 300]);
    }
    let image = image(5000);
    let mut told = Vec::new();
    let mut tell = |doing: Doing, done: u64, all: u64| {
        assert!(done <= all);
        told.push(doing);
        true
    };
    lab.flash.write_image(SLOT, &image, &mut tell).unwrap();
    assert!([Doing::Erase, Doing::Write, Doing::Read].iter().all(|doing| told.contains(doing)));
    assert_eq!(lab.bytes(SLOT.start, image.len()), image);
    assert!(lab.bytes(SLOT.start + 5000, 1000).iter().all(|&byte| byte == 0xff), "erased behind the image");
    for beside in [SLOT.start - 300, SLOT.end] {
        assert_eq!(lab.bytes(beside, 300), [0x22; 300]);
    }
    let read = lab.flash.read(SLOT.start + 3, 4500, &mut |_, _, _| true).unwrap();
    assert_eq!(read, image[3..4503]);
}

/// Wherever the work ends, the part finds no beginning of an image in the slot.
#[test]
fn an_interrupted_image_has_no_beginning() {
    let image = image(2000);
    for (doing, from) in [(Doing::Erase, 0), (Doing::Write, 0), (Doing::Write, 1024), (Doing::Read, 0)] {
        let mut lab = Lab::new();
        lab.chip.lock().unwrap().put(SLOT.start as usize, &[0x33; 4096]);
        let error = lab.flash.write_image(SLOT, &image, &mut |now, at, _| now != doing || at < from).unwrap_err();
        assert!(matches!(error, FlashError::Interrupted), "{error}");
        let first = lab.bytes(SLOT.start, 256);
        match doing {
            Doing::Erase => assert_eq!(first, [0x33; 256], "nothing was touched yet"),
            _ => assert_eq!(first, [0xff; 256], "{doing:?} from {from}"),
        }
        // And the next attempt makes it good.
        lab.flash.write_image(SLOT, &image, &mut |_, _, _| true).unwrap();
        assert_eq!(lab.bytes(SLOT.start, image.len()), image);
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_touched() {
    let mut lab = Lab::new();
    let before = lab.bytes(0, 16 << 20);
    let mut refused = |slot: std::ops::Range<u64>, bytes: usize| {
        let error = lab.flash.write_image(slot, &image(bytes), &mut |_, _, _| panic!("nothing is done")).unwrap_err();
        error.to_string()
    };
    assert!(refused(SLOT, 0x4_0001).contains("does not go into a slot"));
    assert!(refused(SLOT, 0).contains("0 bytes"));
    assert!(refused(0x1000..0x10000, 100).contains("shares blocks"));
    assert!(refused(0..0x11000, 100).contains("shares blocks"));
    assert!(refused(0xff_0000..0x101_0000, 100).contains("not all in the flash"));
    #[allow(clippy::reversed_empty_ranges)]
    let backwards = 0x2_0000..0x1_0000;
    assert!(refused(backwards, 100).contains("not all in the flash"));
    assert!(lab.flash.read(u64::MAX, 2, &mut |_, _, _| true).is_err());
    assert_eq!(lab.bytes(0, 16 << 20), before);
}

#[test]
fn a_protected_flash_is_not_written() {
    let mut lab = Lab::new();
    lab.chip.lock().unwrap().protect();
    let error = lab.flash.write_image(SLOT, &image(100), &mut |_, _, _| true).unwrap_err();
    assert!(matches!(error, FlashError::Protected { .. }), "{error}");
    assert!(lab.bytes(SLOT.start, 100).iter().all(|&byte| byte == 0xff));
}

/// A bit that cannot be cleared: found, and the slot left without a beginning.
#[test]
fn a_worn_flash_is_found_out() {
    let mut lab = Lab::new();
    lab.chip.lock().unwrap().wear(SLOT.start as usize + 700, 0xff);
    let error = lab.flash.write_image(SLOT, &vec![0x5a; 1000], &mut |_, _, _| true).unwrap_err();
    let at = SLOT.start + 700;
    assert!(matches!(error, FlashError::Differs { at: found, found: 0xff, wanted: 0x5a } if found == at), "{error}");
    assert_eq!(lab.bytes(SLOT.start, 256), [0xff; 256]);
}

#[test]
fn boards_without_a_port_or_a_chip_say_so() {
    let chip = at_wires(&Arc::new(Mutex::new(SpiFlash::new())));
    let error = SimFunction::open_with(&SimOptions::preset("sim"), Some(chip)).map(drop).unwrap_err();
    assert!(error.to_string().contains("preset `link` has one"), "{error}");
    let error = BoardFlash::open(open_sim("sim").unwrap()).map(drop).unwrap_err();
    assert!(matches!(error, FlashError::NoPort { .. }), "{error}");
    assert!(error.to_string().contains("use a JTAG cable"));
    let error = BoardFlash::open(open_sim("link").unwrap()).map(drop).unwrap_err();
    assert!(matches!(error, FlashError::NoChip { .. }), "{error}");
}
