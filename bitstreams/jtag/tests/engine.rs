//! The configuration engine and the flash, command by command.

use hotloop_jtag::{Configuration, Crc16, Fault, Interpreter, Part, Progress, Source, SpiFlash};

fn part() -> Part {
    Part::by_name("LFE5U-25F").unwrap()
}

/// Writes bitstreams: checksums as the part computes them.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    crc: Crc16,
}

impl Writer {
    fn new() -> Writer {
        Writer { bytes: vec![0xff, 0xff, 0xbd, 0xb3, 0xff, 0xff], ..Writer::default() }
    }

    fn put(mut self, bytes: &[u8]) -> Writer {
        bytes.iter().for_each(|&byte| self.crc.update(byte));
        self.bytes.extend(bytes);
        self
    }

    fn check(mut self) -> Writer {
        let crc = std::mem::take(&mut self.crc).value();
        self.bytes.extend(crc.to_be_bytes());
        self
    }

    fn head(self) -> Writer {
        let mut writer = self.put(&[0x3b, 0, 0, 0]);
        writer.crc = Crc16::default();
        writer.put(&[0xe2, 0, 0, 0]).put(&part().idcode.to_be_bytes())
    }

    fn read(&self, source: Source) -> (Progress, Configuration) {
        let mut interpreter = Interpreter::new(part(), source);
        let mut held = Configuration::default();
        self.bytes.iter().for_each(|&byte| {
            interpreter.push_byte(byte, &mut held);
        });
        (interpreter.progress(), held)
    }
}

#[test]
fn frames_with_a_checksum_each_or_one_at_the_end() {
    let frame = |seed: u8| (0..74).map(|i| seed.wrapping_mul(i)).collect::<Vec<u8>>();
    let each = Writer::new().head().put(&[0x82, 0x81, 0, 2]).put(&frame(3)).check().put(&[0xff]);
    let each = each.put(&frame(5)).check().put(&[0xff]).put(&[0x5e, 0, 0, 0]);
    let once =
        Writer::new().head().put(&[0x82, 0xc0, 0, 2]).put(&frame(3)).put(&frame(5)).check().put(&[0x5e, 0, 0, 0]);
    for writer in [&each, &once] {
        let (progress, held) = writer.read(Source::Jtag);
        assert_eq!(progress, Progress::Done);
        assert_eq!(held.frames, [frame(3), frame(5)].concat());
    }
    // Each byte counts, but for the dummy behind the last frame, and DONE itself.
    for mut writer in [each, once] {
        for position in 10..writer.bytes.len() - 5 {
            writer.bytes[position] ^= 1;
            let (progress, _) = writer.read(Source::Jtag);
            assert!(progress != Progress::Done, "byte {position}");
            writer.bytes[position] ^= 1;
        }
    }
}

#[test]
fn a_preamble_at_any_bit() {
    let image = Writer::new().head().put(&[0xc2, 0x80, 0, 0, 1, 2, 3, 4]).check().put(&[0x5e, 0, 0, 0]);
    for offset in 0..8 {
        let mut interpreter = Interpreter::new(part(), Source::Jtag);
        let mut held = Configuration::default();
        (0..offset).for_each(|_| {
            interpreter.push(false, &mut held);
        });
        image.bytes.iter().for_each(|&byte| {
            interpreter.push_byte(byte, &mut held);
        });
        assert_eq!((interpreter.progress(), held.usercode), (Progress::Done, 0x0102_0304));
    }
}

#[test]
fn each_refusal() {
    let refused = |writer: Writer, source: Source| match writer.read(source).0 {
        Progress::Refused(fault) => Some(fault),
        _ => None,
    };
    let jtag = Source::Jtag;
    assert_eq!(refused(Writer::new().head().put(&[0xe2, 0, 0, 0, 0x41, 0x11, 0x20, 0x43]), jtag), Some(Fault::Id));
    assert_eq!(refused(Writer::new().put(&[0x11]), jtag), Some(Fault::Command));
    assert_eq!(refused(Writer::new().put(&[0xb8, 0x91, 0, 1]), jtag), Some(Fault::Command), "no dictionary");
    assert_eq!(refused(Writer::new().put(&[0xc2, 0x80, 0, 0, 1, 2, 3, 4, 0, 0]), jtag), Some(Fault::Crc));
    // What is for the flash: through JTAG the part gives up (openFPGALoader's issue tracker has its status).
    assert_eq!(refused(Writer::new().put(&[0x79, 0x49, 0, 0]), jtag), Some(Fault::Abort));
    assert_eq!(refused(Writer::new().put(&[0x79, 0x49, 0, 0]), Source::Flash), None);
    let mut long = Writer::new().put(&[0x82, 0, (7563u16 >> 8) as u8, 7563u16 as u8]);
    long = long.put(&vec![0; 7562 * 74]);
    assert_eq!(refused(Writer { bytes: long.bytes.clone(), crc: long.crc }, jtag), None);
    assert_eq!(refused(long.put(&[0; 74]), jtag), Some(Fault::Overflow));
}

/// One command to the flash; the bytes that it answered.
fn spi(flash: &mut SpiFlash, bytes: &[u8]) -> Vec<u8> {
    let answer = bytes
        .iter()
        .map(|byte| {
            (0..8).rev().fold(0, |answer, bit| {
                let out = flash.output();
                flash.clock(byte >> bit & 1 != 0);
                answer << 1 | u8::from(out)
            })
        })
        .collect();
    flash.deselect();
    answer
}

fn settle(flash: &mut SpiFlash) {
    assert_eq!(spi(flash, &[0x05, 0])[1] & 1, 1, "busy at first");
    spi(flash, &[0x05; 100]);
    assert_eq!(spi(flash, &[0x05, 0])[1] & 3, 0, "then neither busy nor writable");
}

#[test]
fn the_flash_programs_erases_and_reads() {
    let mut flash = SpiFlash::new();
    assert_eq!(spi(&mut flash, &[0x9f, 0, 0, 0])[1..], [0xef, 0x40, 0x18]);
    // Without write enable, nothing.
    spi(&mut flash, &[0x02, 0, 0x10, 0, 1, 2, 3]);
    assert_eq!(spi(&mut flash, &[0x03, 0, 0x10, 0, 0, 0])[4..], [0xff, 0xff]);
    // Behind the end of a page it goes on at its start.
    spi(&mut flash, &[0x06]);
    assert_eq!(spi(&mut flash, &[0x05, 0])[1], 2);
    spi(&mut flash, &[0x02, 0, 0x10, 0xfe, 0xf1, 0xf2, 0xf3]);
    // Busy: no reads.
    assert_eq!(spi(&mut flash, &[0x03, 0, 0x10, 0xfe])[3], 0xff);
    spi(&mut flash, &[0x05; 20]);
    assert_eq!(spi(&mut flash, &[0x03, 0, 0x10, 0xfd, 0, 0, 0, 0])[4..], [0xff, 0xf1, 0xf2, 0xff]);
    assert_eq!(spi(&mut flash, &[0x13, 0, 0, 0x10, 0, 0])[5], 0xf3);
    assert_eq!(spi(&mut flash, &[0x0b, 0, 0x10, 0, 0, 0])[5], 0xf3);
    // Programming only clears bits.
    spi(&mut flash, &[0x06]);
    spi(&mut flash, &[0x02, 0, 0x10, 0, 0x0f]);
    settle(&mut flash);
    assert_eq!(flash.bytes()[0x1000], 0x03);
    // More than a page: the last 256 bytes.
    spi(&mut flash, &[0x06]);
    let mut long = vec![0x02, 0, 0x20, 0];
    long.extend((0..260u16).map(|i| i as u8));
    spi(&mut flash, &long);
    settle(&mut flash);
    assert_eq!(flash.bytes()[0x2000..0x2006], [0, 1, 2, 3, 4, 5]);
    assert_eq!(flash.bytes()[0x20ff], 255);
    // A sector, and nothing else.
    flash.put(0x3000, &[7]);
    spi(&mut flash, &[0x06]);
    spi(&mut flash, &[0x20, 0, 0x2f, 0xff]);
    settle(&mut flash);
    assert_eq!((flash.bytes()[0x2000], flash.bytes()[0x3000], flash.bytes()[0x1000]), (0xff, 7, 3));
    // A protected one stays.
    spi(&mut flash, &[0x06]);
    spi(&mut flash, &[0x01, 0x1c]);
    spi(&mut flash, &[0x05; 20]);
    spi(&mut flash, &[0x06]);
    spi(&mut flash, &[0xd8, 0, 0, 0]);
    spi(&mut flash, &[0x05; 100]);
    assert_eq!((spi(&mut flash, &[0x05, 0])[1], flash.bytes()[0x1000]), (0x1c, 3));
}

#[test]
fn a_flash_in_a_file_is_there_again() {
    let path = std::env::temp_dir().join(format!("hotloop-flash-{}", std::process::id()));
    let mut flash = SpiFlash::in_file(&path).unwrap();
    spi(&mut flash, &[0x06]);
    spi(&mut flash, &[0x02, 0, 0, 0, 0x55]);
    drop(flash);
    assert_eq!(SpiFlash::in_file(&path).unwrap().bytes()[..2], [0x55, 0xff]);
    std::fs::write(&path, [0; 5]).unwrap();
    let message = SpiFlash::in_file(&path).unwrap_err().to_string();
    assert!(message.contains("5 bytes") && message.contains("16777216"), "{message}");
    std::fs::remove_file(&path).unwrap();
}
